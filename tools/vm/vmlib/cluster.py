# SPDX-License-Identifier: GPL-2.0
"""Run several machines on a private network, and a command in the first of them."""

import copy
import os
import socket
import subprocess
import sys
import threading
import time

from . import HERE, VmError, console
from .initrd import make_initrd, write_start
from .machine import STARTS, Machine, module_to_load, qemu_args, up_timeout
from .network import Switch

# The network of the machines; the last number is that of the machine.
NETWORK = "192.168.77"
# Seconds in which a machine must end. It looks for leaks in that time.
END_TIMEOUT = 180
STATUS_OK = 0


class Host(threading.Thread):
    """A machine of the cluster. It starts again after a power cycle."""

    def __init__(self, cluster, nr):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.nr = nr
        self.name = f"host{nr}"
        self.where = f"{cluster.where}/{self.name}"
        # The cluster's condition guards what follows.
        self.power = True
        # The machine that runs, and whether it says that it is ready.
        self.machine = None
        self.ready = False
        self.life = None
        # Whether the power was switched off, and the timeout that expired.
        self.cut = False
        self.expired = None
        # Starts that failed before the machine was ready; the result, at the end.
        self.failed_starts = 0
        self.result = None

    def run(self):
        try:
            while self.wait_for_power():
                self.run_once()
        except (OSError, VmError) as e:
            self.finish(console.Result(console.STATUS_VM_FAILED, [(str(e), [])]))

    def wait_for_power(self):
        """Wait until the machine may start. Return False if it must not start again."""
        cluster = self.cluster
        with cluster.changed:
            cluster.changed.wait_for(
                lambda: self.power or self.result or cluster.ending)
            if cluster.ending and not self.result:
                self.result = console.Result(STATUS_OK, [])
                cluster.changed.notify_all()
            return not self.result

    def run_once(self):
        """Start the machine, wait for its end and decide what that means."""
        life, life_there = socket.socketpair()
        control, control_there = socket.socketpair()
        link = self.cluster.switch.connect(self.name)
        sockets = (link, life_there, control_there)
        with self.cluster.changed:
            if self.cluster.ending:
                return
            self.machine = Machine(
                self.cluster.qemu_args(self, link), self.console_file(),
                *self.streams(), self.port_args(life_there, control_there),
                [s.fileno() for s in sockets])
            self.ready = self.cut = False
            self.expired = None
            self.life = life
            begin = time.monotonic()
        for s in sockets:
            s.close()
        threading.Thread(target=self.serve, args=(control,), daemon=True).start()
        threading.Thread(target=self.wait_until_ready, args=(life,), daemon=True).start()
        self.wait_for_end(begin)
        with self.cluster.changed:
            was_ready = self.ready
            self.ready = False
            self.life = None
        life.close()
        self.judge(*self.machine.output(), was_ready)

    def streams(self):
        """Return the streams for what the machine prints: only the first has a command."""
        if self.nr == 1:
            return sys.stdout.buffer, sys.stderr.buffer
        return sys.stderr.buffer, sys.stderr.buffer

    def console_file(self):
        """Return the file for the console. The one of an earlier start is kept."""
        folder = self.cluster.args.consoles or self.where
        os.makedirs(folder, exist_ok=True)
        file = f"{folder}/{self.name}.console"
        if os.path.exists(file) and self.machine:
            os.rename(file, f"{file}.{int(time.time())}")
        return file

    @staticmethod
    def port_args(life, control):
        """Return the arguments of the two ports for the cluster."""
        cmd = []
        for name, sock in ("life", life), ("control", control):
            cmd += ["-chardev", f"socket,id={name},fd={sock.fileno()}",
                    "-device", f"virtserialport,chardev={name},name=vpool.{name}"]
        return cmd

    def wait_until_ready(self, life):
        """Read the machine's word that it is ready."""
        try:
            with life.makefile("r", encoding="ascii", errors="replace") as f:
                word = f.readline()
        except OSError:
            # The machine has ended.
            return
        if word.strip() == "ready":
            with self.cluster.changed:
                self.ready = True
                self.cluster.changed.notify_all()

    def serve(self, control):
        """Answer what tools/vm/host asks in this machine."""
        try:
            with control, control.makefile("rw", encoding="ascii", errors="replace") as f:
                for line in f:
                    f.write(self.cluster.command(line.split()) + "\n")
                    f.flush()
        except OSError:
            # The machine has ended.
            pass

    def wait_for_end(self, begin):
        """Wait until QEMU ends. End it if the machine does not come up."""
        limit = up_timeout(self.cluster.args) * len(self.cluster.names())
        while self.machine.qemu.poll() is None:
            try:
                self.machine.qemu.wait(1)
            except subprocess.TimeoutExpired:
                if not self.ready and time.monotonic() - begin > limit:
                    self.expire(console.Timeout(limit, up=self.machine.came_up()))

    def expire(self, timeout):
        """End the machine because of a timeout."""
        with self.cluster.changed:
            self.expired = self.expired or timeout
        self.end()

    def judge(self, text, status, was_ready):
        """Decide what the end of the machine means. Set the result unless it starts again."""
        load = not self.cluster.args.no_load
        restarts = not self.expired and (
            self.cut or self.nr > 1 and console.is_power_cycle(text, status))
        if restarts:
            status = str(STATUS_OK)
        result = console.find_result(text, status, self.expired, load)
        if restarts and result.status == STATUS_OK and self.nr > 1:
            console.say(f"{self.name}: power cycle")
            return
        if result.status == console.STATUS_RETRY and not was_ready:
            self.failed_starts += 1
            if self.failed_starts < STARTS:
                result.print(f"{self.name}: ")
                console.say(f"{self.name}: vpool has no part in this failure: "
                            "starting again")
                return
        self.finish(result)

    def finish(self, result):
        """Set the result of the machine, which does not start again."""
        with self.cluster.changed:
            self.result = result
            self.cluster.changed.notify_all()

    def say(self, word):
        """Send a word to the machine, which waits for one when it is ready."""
        with self.cluster.changed:
            if self.life:
                try:
                    self.life.sendall(f"{word}\n".encode())
                except OSError:
                    pass

    def switch_power(self, on):
        """Switch the machine on or off."""
        with self.cluster.changed:
            self.power = on
            self.cluster.changed.notify_all()
            if on or not self.machine or self.machine.qemu.poll() is not None:
                return
            self.cut = True
            self.ready = False
        self.machine.kill()

    def end(self):
        """End the machine at once."""
        if self.machine:
            self.machine.kill()


class Cluster:
    """One start of all machines."""

    def __init__(self, args, kernel, where, initrd, layer):
        self.args = args
        self.kernel = kernel
        self.where = where
        self.initrd = initrd
        self.layer = layer
        # Guards the state of all hosts, and is notified of each change.
        self.changed = threading.Condition(threading.RLock())
        self.ending = False
        self.switch = Switch()
        self.hosts = {f"host{nr}": Host(self, nr) for nr in range(1, args.hosts + 1)}

    def names(self):
        """Return the names of all hosts."""
        return list(self.hosts)

    def qemu_args(self, host, link):
        """Return the command line of QEMU for a host. @link is its network socket."""
        return qemu_args(self.args, self.kernel, host.where, self.initrd, self.layer) + [
            "-netdev", f"stream,id=net0,addr.type=fd,addr.str={link.fileno()}",
            "-device", "virtio-net-pci,netdev=net0,romfile=,"
                       f"mac=52:54:00:76:70:{host.nr:02x}",
            "-fsdev", f"local,id=shared,path={self.where}/shared,security_model=none,"
                      "multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=shared,mount_tag=shared"]

    def command(self, words):
        """Execute the command of a machine, and return the answer: "ok" or a reason."""
        verbs = {"cut": self.switch.cut, "mend": self.switch.mend}
        if not words:
            return "no command"
        verb, *names = words
        unknown = [name for name in names if name not in self.hosts]
        if unknown:
            return f"no such host: {' '.join(unknown)}"
        if verb in verbs and len(names) in (1, 2):
            verbs[verb](names[0], names[1:] or
                        [name for name in self.hosts if name != names[0]])
            return "ok"
        if verb in ("power-on", "power-off", "power-cycle") and len(names) == 1:
            return self.power(verb, self.hosts[names[0]])
        if verb == "up" and len(names) == 1:
            with self.changed:
                return "ok" if self.hosts[names[0]].ready else "not up"
        return f"unknown command: {' '.join(words)}"

    @staticmethod
    def power(verb, host):
        """Switch a host off, on, or both."""
        if host.nr == 1:
            return "host1 runs the command: its power stays on"
        if verb != "power-on":
            host.switch_power(False)
        if verb != "power-off":
            host.switch_power(True)
        return "ok"

    def wait(self, what, deadline):
        """Wait until what() is true or a host has a result. Return whether what() is."""
        with self.changed:
            self.changed.wait_for(
                lambda: what() or any(h.result for h in self.hosts.values()),
                max(deadline - time.monotonic(), 0))
            return what()

    def run(self):
        """Start all machines, run the command and return the console.Result of each."""
        deadline = time.monotonic() + self.args.timeout
        first = self.hosts["host1"]
        for host in self.hosts.values():
            host.start()
        try:
            if self.wait(lambda: all(h.ready for h in self.hosts.values()), deadline):
                first.say("start")
                self.wait(lambda: first.result, deadline)
            self.end_all(deadline)
        finally:
            with self.changed:
                self.ending = True
                self.changed.notify_all()
            for host in self.hosts.values():
                host.end()
        for host in self.hosts.values():
            host.join()
        return {host.name: host.result for host in self.hosts.values()}

    def end_all(self, deadline):
        """Let the machines end that still run, and end those that do not."""
        first = self.hosts["host1"]
        if not first.result:
            # A timeout, or another machine failed.
            if time.monotonic() >= deadline:
                first.expire(console.Timeout(self.args.timeout, up=first.ready))
            else:
                first.switch_power(False)
        with self.changed:
            self.ending = True
            self.changed.notify_all()
        others = list(self.hosts.values())[1:]
        for host in others:
            host.say("end")
        with self.changed:
            self.changed.wait_for(lambda: all(h.result for h in others), END_TIMEOUT)
        for host in others:
            if not host.result:
                host.expire(console.Timeout(END_TIMEOUT, up=True))


def write_ssh(where, names):
    """Make keys for the run: one for root, and one for each machine."""
    os.makedirs(f"{where}/ssh")
    for name in ["id_ed25519", *names]:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name,
                        "-f", f"{where}/ssh/{name}"], check=True)
    with open(f"{where}/ssh/known_hosts", "w", encoding="ascii") as f:
        for nr, name in enumerate(names, 1):
            with open(f"{where}/ssh/{name}.pub", encoding="ascii") as key:
                f.write(f"{name},{NETWORK}.{nr} {key.read()}")


def write_hosts(where, names):
    """Write /etc/hosts of the machines."""
    with open(f"{where}/hosts", "w", encoding="ascii") as f:
        f.write("127.0.0.1 localhost\n::1 localhost\n")
        for nr, name in enumerate(names, 1):
            f.write(f"{NETWORK}.{nr} {name}\n")


def write_starts(args, kernel, where, names):
    """Write the script that starts each machine."""
    module = module_to_load(args, kernel)
    for nr, name in enumerate(names, 1):
        one = copy.copy(args)
        one.command = [f"{HERE}/member", *(args.command if nr == 1 else [])]
        os.makedirs(f"{where}/{name}")
        write_start(one, kernel, module, f"{where}/{name}", {
            "VPOOL_HOSTS": " ".join(names), "VPOOL_HOST": name,
            "TESTVM_CLUSTER": where, "TESTVM_ADDRESS": f"{NETWORK}.{nr}"})


def worst(results):
    """Return the exit status for the results of all machines.

    The need for another start comes first, then a failure of any machine, then the status of
    the command.
    """
    statuses = [result.status for result in results.values()]
    for status in (console.STATUS_RETRY, console.STATUS_REPORT, console.STATUS_VM_FAILED,
                   console.STATUS_TIMEOUT):
        if status in statuses:
            return status
    return results["host1"].status


def packages(kernel):
    """Return the folder of programs that the machines have above this host's root."""
    if kernel.is_foreign():
        raise VmError(f"a cluster of {kernel.name} machines is not supported")
    got = subprocess.run([f"{HERE}/layer"], text=True, stdout=subprocess.PIPE,
                         check=False)
    if got.returncode:
        raise VmError("tools/vm/layer cannot provide the programs of a cluster")
    return got.stdout.strip()


def run(args, kernel, where):
    """Run the command in the first of several machines; return the exit status."""
    names = [f"host{nr}" for nr in range(1, args.hosts + 1)]
    layer = packages(kernel)
    write_ssh(where, names)
    write_hosts(where, names)
    write_starts(args, kernel, where, names)
    initrd = make_initrd(kernel, where, layer)
    for start in range(STARTS):
        if start:
            console.say("vpool has no part in this failure: starting again")
        os.makedirs(f"{where}/shared")
        results = Cluster(args, kernel, where, initrd, layer).run()
        for name, result in results.items():
            result.print(f"{name}: ")
        status = worst(results)
        if status != console.STATUS_RETRY:
            return status
        subprocess.run(["rm", "-rf", f"{where}/shared"], check=True)
    return console.STATUS_VM_FAILED
