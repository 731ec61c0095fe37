# SPDX-License-Identifier: GPL-2.0
"""Run suites in a test VM: the stages of tools/check/all that boot one."""

import os
import subprocess

from . import TOP, suites
from .count import GuestReader, stream

# Exit status of tools/kernel/get if this Debian release lacks the kernel.
STATUS_NO_PACKAGE = 3
# Exit status of tools/vm/run --once if the VM failed, but vpool had no part in it.
STATUS_AGAIN = 123
# Maximum number of VMs for the suites of a kernel, if the VMs fail so.
STARTS = 4
# Exit status of tools/vm/run and tools/vm/cluster if a kernel reported a bug.
STATUS_REPORT = 125
# Seconds in which several machines come up and end, on a busy host.
HOSTS_UP_SECONDS = 600
VM = ["--cpus", "4", "--mem", "3G", "--numa", "2", "--timeout", "14400"]


def cached(kernel):
    """Return the folder of a kernel in the cache, and its release."""
    folder = subprocess.run([f"{TOP}/tools/kernel/get", kernel], text=True,
                            stdout=subprocess.PIPE, check=True).stdout.strip()
    with open(f"{folder}/release", encoding="ascii") as f:
        return folder, f.read().strip()


def make(folder, target, *variables):
    """Build a target for a kernel of the cache."""
    subprocess.run(["make", "-s", "-j2", "-C", TOP, target, f"KDIR={folder}/headers",
                    *variables], check=True, stdout=subprocess.DEVNULL)


def make_module(folder, *kinds):
    """Build vpool.ko for a kernel of the cache, plain or with KUNIT or KCOV."""
    make(folder, "module", *(f"{kind}=1" for kind in kinds))


def prepared(count, kernel, work, *args):
    """Return what @work returns, which builds what a kernel needs.

    Return None if that fails, which is counted.
    """
    try:
        return work(kernel, *args)
    except subprocess.CalledProcessError as e:
        if e.returncode == STATUS_NO_PACKAGE:
            count.skip(f"{kernel}: this Debian has no such kernel")
        else:
            count.fail(f"{kernel}: {' '.join(e.cmd)}: status {e.returncode}")
        return None


def prepare(kernel, kinds, names):
    """Build modules of the given kinds, and the livepatch if @names has its suite.

    Return the variables that name the modules. tools/vm/run builds the plain module.
    """
    env = {}
    folder, release = cached(kernel)
    if "livepatch" in names:
        make(folder, "livepatch", "FIX=tools/livepatch/example.c")
    for kind in kinds:
        make_module(folder, kind)
        env[f"VPOOL_{kind}_KO"] = \
            f"{TOP}/build/{release}+{kind.lower()}/vpool.ko"
    return env


def sign(kernel):
    """Build vpool.ko for a kernel that requires a signature.

    Return the paths of the signed and of the unsigned module.
    """
    folder, release = cached(kernel)
    make_module(folder)
    plain = f"{TOP}/build/{release}/vpool.ko"
    # modinfo and insmod tests expect the name vpool.ko.
    signed = f"{TOP}/build/{release}+signed/vpool.ko"
    os.makedirs(os.path.dirname(signed), exist_ok=True)
    key = f"{folder}/headers/certs/signing_key"
    subprocess.run([f"{folder}/headers/scripts/sign-file", "sha256",
                    f"{key}.pem", f"{key}.x509", plain, signed],
                   check=True)
    return signed, plain


def run_suites(count, kernel, names, args, env):
    """Boot a test VM, run tools/check/guest in it and return the reader of its output."""
    return run_guest(count, kernel, names, ["run", *VM, *args], env)


def run_guest(count, kernel, names, tool, env):
    """Run tools/check/guest in one test VM, or in the first of several.

    @tool is the name of a program of tools/vm, and its options.
    """
    reader = GuestReader(count, kernel)
    reader.end(names, read_guest(reader, kernel, names, tool, env))
    return reader


def read_guest(reader, kernel, names, tool, env):
    """Run tools/check/guest as run_guest() does, and return the exit status of the tool."""
    cmd = [f"{TOP}/tools/vm/{tool[0]}", "--kernel", kernel, *tool[1:], "--",
           "tools/check/guest", *names]
    status = 0
    for line in stream(reader.count, cmd, env):
        if isinstance(line, int):
            status = line
        else:
            reader.line(line)
    return status


def run_independent(count, kernel, names, env):
    """Run suites that do not need each other, and return the reader of their output.

    If the VM fails and vpool has no part in it, the suites that are not complete run in
    another VM.
    """
    reader = GuestReader(count, kernel)
    for _ in range(STARTS):
        left = [name for name in names if name not in reader.suites]
        if reader.kunit:
            env.pop("VPOOL_KUNIT_KO", None)
        status = read_guest(reader, kernel, left, ["run", *VM, "--once"], env)
        if status != STATUS_AGAIN:
            break
        reader.go_on()
        count.say(f"# vpool has no part in this failure: going on after "
                  f"{len(reader.suites)} of {len(names)} suites")
    reader.end(names, status)
    return reader


def run_kernel(count, kernel, kunit, names):
    """Run suites on a kernel, after the KUnit tests if @kunit."""
    env = prepared(count, kernel, prepare,
                   ["KUNIT"] * kunit + ["KCOV"] * ("fuzz" in names), names)
    if env is None:
        return
    reader = run_independent(count, kernel, names, env)
    if kunit:
        count.short_plan("kunit", suites.declared_kunit(), reader.kunit)


def prepare_arm64(kernel):
    """Build the module of the other kernel for arm64, which a suite loads.

    Return the variable that names it. Both kernels are then in the cache.
    """
    env = {}
    for other in suites.ARM64:
        folder, release = cached(other)
        if other != kernel:
            make(folder, "arm64-module")
            env["VPOOL_OTHER_KO"] = f"{TOP}/build/{release}/vpool.ko"
    return env


def run_arm64(count, kernel, names):
    """Run suites on a kernel for arm64."""
    env = prepared(count, kernel, prepare_arm64)
    if env is not None:
        run_suites(count, kernel, names, [], env)


def run_guarded(count, guard):
    """Run suites on a host with a security module."""
    kernel, append = suites.GUARDS[guard]
    sbin = f"{os.environ['VPOOL_TOOLS']}/../../sbin"
    if guard == "hardened" and not os.path.exists(f"{sbin}/apparmor_parser"):
        count.skip(f"{guard}: tools/setup could not unpack apparmor")
        return
    args = ["--append", append]
    env = {"VPOOL_GUARD": guard}
    if guard == "selinux":
        env["VPOOL_POLICY"] = subprocess.run(
            [f"{TOP}/tools/check/selinux"], text=True, check=True,
            stdout=subprocess.PIPE).stdout.strip()
    if guard == "lockdown":
        signed, env["VPOOL_UNSIGNED_KO"] = sign(kernel)
        # kmemleak reports through debugfs, which lockdown forbids.
        args += ["--module", signed, "--no-kmemleak"]
    run_suites(count, kernel, suites.guarded(guard), args, env)
    count.cases["of a test with a guard on"] += count.passed + count.failed


def run_wider(count, names):
    """Run the suites that need more nodes, two threads per core or an IOMMU."""
    run_suites(count, suites.WIDER_KERNEL, names, suites.WIDER_VM, {"VPOOL_SMT": "1"})


def run_hosts(count, names, seconds, nr, mem, cpus, env):
    """Run suites that need several hosts: @nr machines with @mem and @cpus each.

    @seconds is how long the suites may take after the machines are up.
    """
    if subprocess.run([f"{TOP}/tools/vm/layer"], stdout=subprocess.DEVNULL,
                      check=False).returncode:
        count.fail("tools/vm/layer cannot provide the programs of several hosts")
        return
    timeout = seconds + HOSTS_UP_SECONDS
    run_guest(count, suites.HOSTS_KERNEL, names,
              ["cluster", "--mem", mem, "--cpus", str(cpus), "--timeout", str(timeout),
               str(nr)], env)


def run_report(count):
    """Check that a report of the second machine's kernel fails the run."""
    cmd = [f"{TOP}/tools/vm/cluster", "--kernel", suites.HOSTS_KERNEL, "--no-load",
           "--mem", "512M", "--timeout", str(HOSTS_UP_SECONDS), "2", "--",
           "ssh", "host2", "echo 'WARNING: a test' > /dev/kmsg"]
    *_, status = stream(count, cmd)
    if status == STATUS_REPORT:
        count.passed += 1
    else:
        count.fail(f"a report of the second host: exit status {status}")
