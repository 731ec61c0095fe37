# SPDX-License-Identifier: GPL-2.0
"""Make the command line of QEMU, run the machine and wait for its end."""

import os
import re
import shutil
import subprocess
import sys
import time

from . import CACHE, HERE, TOP, VmError
from . import console
from .initrd import make_initrd, write_start
from .ports import Button, Ports, Pump, persistent_slot

# Maximum number of starts of a machine, if vpool cannot have caused its failure.
STARTS = 3
# Seconds in which a machine must come up on a busy host, and further seconds for each
# CPU. An emulated CPU sometimes misses its timer interrupt, and the boot then hangs.
UP_TIMEOUT = 240
UP_TIMEOUT_PER_CPU = 15

# Size of the disk behind the IOMMU.
DISK_BYTES = 64 << 20

# Beyond this number of emulated CPUs, one host thread runs all of them in turn.
MAX_PARALLEL_CPUS = 16

# A CPU of the machine may have to wait for a host CPU for a long time.
KERNEL_TIMEOUTS = ("watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=240 "
                   "sysctl.kernel.panic_on_rcu_stall=1 "
                   "sysctl.kernel.hung_task_timeout_secs=240")


def qemu_command(arch):
    """Return the QEMU that tools/vm/qemu unpacked, else the installed one."""
    unpacked = f"{CACHE}/qemu/run"
    if arch == "x86_64":
        if not os.access(unpacked, os.X_OK):
            unpacked = shutil.which("qemu-system-x86_64")
    else:
        got = subprocess.run([f"{TOP}/tools/vm/qemu", arch], text=True,
                             stdout=subprocess.PIPE, check=False)
        unpacked = got.stdout.strip() or shutil.which(f"qemu-system-{arch}")
    if not unpacked:
        raise VmError(f"qemu-system-{arch} is not installed: run tools/setup")
    return unpacked


def machine_args(args, kernel, accel):
    """Return the arguments that choose the machine and its CPU, and its console."""
    if kernel.arch == "aarch64":
        # Without this option, an emulated CPU spends much of its time on the
        # signatures of pointers.
        cpu = "host" if accel == "kvm" else "max,pauth-impdef=on"
        return ["-machine", "virt,gic-version=3", "-cpu", cpu], "ttyAMA0"
    # With five-level page tables KASAN reports wild pointers if an interrupt arrives
    # while the kernel reads the boot CPU's features again.
    cpu = "host" if accel == "kvm" else "max,la57=off"
    # AMD CPU models report SMT threads only with this flag.
    if args.smt:
        cpu += ",topoext=on"
    # q35: the interrupt routing of the "pc" machine is a loop in AML, which takes the
    # debug kernel half a minute for each device.
    return ["-machine", "q35", "-cpu", cpu], "ttyS0"


def folder_args(kernel, layer=None):
    """Return the arguments for the folders of this host that the machine mounts.

    @layer is a folder to mount above the root, or None.
    """
    folders = [(1, "root", kernel.root())]
    if kernel.is_foreign():
        folders.append((3, "host", "/"))
    if layer:
        folders.append((4, "layer", layer))
    cmd = []
    for slot, tag, path in folders:
        cmd += ["-fsdev", f"local,id={tag},path={path},security_model=none,readonly=on,"
                          "multidevs=remap",
                *persistent_slot(slot, "virtio-9p-pci", f"fsdev={tag},mount_tag={tag}")]
    return cmd


def iommu_args(where):
    """Return the arguments for an IOMMU and the PCI devices behind it.

    tools/vm/run describes the devices. Functions of one device without ACS are in one
    IOMMU group. The file of the disk is in the folder @where.
    """
    disk = f"{where}/nvme"
    with open(disk, "wb") as f:
        f.truncate(DISK_BYTES)
    devices = ["intel-iommu,intremap=on,eim=off,caching-mode=on",
               "edu,addr=10.0", "edu,addr=11.0,multifunction=on",
               "e1000,addr=11.1,netdev=net,romfile=",
               "nvme,addr=12.0,drive=nvme,serial=vpool"]
    cmd = ["-drive", f"if=none,id=nvme,file={disk},format=raw",
           "-netdev", "user,id=net,restrict=on"]
    for device in devices:
        cmd += ["-device", device]
    return cmd


def qemu_args(args, kernel, where, initrd, layer=None):
    """Return the command line of QEMU.

    The machine starts with the script in the folder @where; @layer is as for folder_args().
    """
    accel = choose_accel(args, kernel)
    threads = 2 if args.smt else 1
    # One socket for each node: CPUs that share a cache are on one node.
    smp = (f"{args.cpus},sockets={args.numa},threads={threads},"
           f"cores={args.cpus // args.numa // threads}")
    machine, tty = machine_args(args, kernel, accel)
    # no_timer_check: on a busy host the kernel counts too few ticks in its check of the
    # timer, and panics.
    cmd = [qemu_command(kernel.arch), *machine, "-nodefaults", "-no-reboot",
           "-nographic", "-smp", smp, "-m", args.mem,
           # QEMU adds devices in this order, and only those after the IOMMU use it.
           *(iommu_args(where) if args.iommu else []),
           "-kernel", kernel.image, "-initrd", initrd, *folder_args(kernel, layer),
           "-append", f"console={tty} loglevel=5 panic=-1 oops=panic "
                      f"{KERNEL_TIMEOUTS} no_timer_check vm_dir={where} "
                      f"{'intel_iommu=on ' if args.iommu else ''}{args.append}"]
    return cmd + accel_args(args, accel) + numa_args(args)


def accel_args(args, accel):
    """Return the arguments that choose KVM or emulation."""
    if args.icount:
        return ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"]
    if accel == "kvm":
        # An IOMMU can remap the interrupts of an interrupt controller in QEMU only.
        return ["-accel", "kvm,kernel-irqchip=split" if args.iommu else "kvm"]
    # With many more threads than host CPUs, a thread often waits for a lock whose
    # holder does not run.
    thread = "single" if args.cpus > MAX_PARALLEL_CPUS else "multi"
    return ["-accel", f"tcg,thread={thread}"]


def mem_bytes(text):
    """Parse a size as QEMU does: MiB without a suffix."""
    m = re.fullmatch(r"(\d+)([KMGT]?)B?", text.upper())
    if not m:
        raise VmError(f"{text!r} is not a size")
    return int(m[1]) << {"K": 10, "": 20, "M": 20, "G": 30, "T": 40}[m[2]]


def numa_args(args):
    """Return the arguments that spread memory and CPUs evenly over the nodes."""
    if args.numa == 1:
        return []
    size = mem_bytes(args.mem) // args.numa >> 20
    cmd = ["-m", f"{size * args.numa}M"]
    for node in range(args.numa):
        first = node * args.cpus // args.numa
        last = (node + 1) * args.cpus // args.numa - 1
        cmd += ["-object", f"memory-backend-ram,id=mem{node},size={size}M",
                "-numa", f"node,nodeid={node},memdev=mem{node},"
                         f"cpus={first}-{last}"]
    return cmd


def kvm_works():
    """Return whether a kernel boots under KVM here; try it once per host boot."""
    answer = f"{CACHE}/kvm-boots"
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
        boot_id = f.read().strip()
    if os.path.exists(answer):
        with open(answer, encoding="ascii") as f:
            known = f.read().split()
        if known[:1] == [boot_id]:
            return known[1:] == ["yes"]
    probe = [f"{HERE}/run", "--accel", "kvm", "--no-load", "--timeout", "30",
             "--", "true"]
    done = subprocess.run(probe, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False)
    works = done.returncode == 0
    with open(answer, "w", encoding="ascii") as f:
        f.write(f"{boot_id} {'yes' if works else 'no'}\n")
    return works


def choose_accel(args, kernel):
    """Return "kvm" or "tcg": what the caller asked for, else KVM if it works."""
    if args.icount or kernel.is_foreign():
        return "tcg"
    return args.accel or ("kvm" if kvm_works() else "tcg")


def up_timeout(args):
    """Return the seconds in which the machine must come up."""
    return UP_TIMEOUT + UP_TIMEOUT_PER_CPU * args.cpus


class Machine:
    """One start of a machine: QEMU, its ports and the file of its console.

    @cmd is the command line of QEMU, and @more further arguments, which can use the ports'
    bus. QEMU inherits the descriptors @fds. @console_file is overwritten, and a person can
    follow it. The machine's standard output and error go to the binary streams @stdout and
    @stderr.
    """

    def __init__(self, cmd, console_file, stdout, stderr, more=(), fds=()):
        ports = Ports()
        cmd = cmd + ["-chardev", "stdio,id=monitor,signal=off",
                     "-mon", "chardev=monitor,mode=readline"] + ports.qemu_args()
        cmd += more
        self.qemu = subprocess.Popen(cmd, pass_fds=[*ports.fds(), *fds],
                                     stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        ports.close_write_ends()
        self.console_file = console_file
        streams = {"stdout": stdout, "stderr": stderr,
                   "console": open(console_file, "wb")}
        Button(ports.pipes.pop("button")[0], self.qemu.stdin)
        self.pumps = {name: Pump(r, streams.get(name))
                      for name, (r, _) in ports.pipes.items()}

    def came_up(self):
        """Return whether the console shows that tools/vm/guest has started."""
        with open(self.console_file, "rb") as f:
            return console.UP.encode() in f.read()

    def wait_for_end(self, args):
        """Wait until QEMU ends. Return the timeout that expired, or None."""
        begin = time.monotonic()
        try:
            self.qemu.wait(min(up_timeout(args), args.timeout))
            return None
        except subprocess.TimeoutExpired:
            if up_timeout(args) < args.timeout and not self.came_up():
                return console.Timeout(up_timeout(args), up=False)
        try:
            self.qemu.wait(max(args.timeout - (time.monotonic() - begin), 0))
            return None
        except subprocess.TimeoutExpired:
            return console.Timeout(args.timeout, up=True)

    def kill(self):
        """End QEMU, if it still runs."""
        if self.qemu.poll() is None:
            self.qemu.kill()
            self.qemu.wait()

    def output(self):
        """Return the text of the console and of the status port of a machine that ended."""
        for pump in self.pumps.values():
            pump.join()
        with open(self.console_file, encoding="utf-8", errors="replace") as f:
            return f.read().replace("\r", ""), self.pumps["status"].text()


def run_once(args, kernel, where, initrd):
    """Start QEMU, wait for its end and return the console.Result."""
    cmd = qemu_args(args, kernel, where, initrd)
    machine = Machine(cmd, args.console or f"{where}/console", sys.stdout.buffer,
                      sys.stderr.buffer)
    try:
        expired = machine.wait_for_end(args)
    finally:
        machine.kill()
    return console.find_result(*machine.output(), expired, load=not args.no_load)


def module_to_load(args, kernel):
    """Build vpool.ko unless the user named one; return its path, or None for no module."""
    if args.no_load:
        return None
    return os.path.realpath(args.module or kernel.build_module())


def run(args, kernel, where):
    """Run the command in a test VM and return the exit status of tools/vm/run.

    @where is an empty folder, which the caller removes.
    """
    write_start(args, kernel, module_to_load(args, kernel), where)
    initrd = make_initrd(kernel, where)
    for start in range(STARTS):
        if start:
            console.say("vpool has no part in this failure: starting again")
        result = run_once(args, kernel, where, initrd)
        result.print()
        if result.status != console.STATUS_RETRY:
            return result.status
        if args.once:
            return console.STATUS_AGAIN
    return console.STATUS_VM_FAILED
