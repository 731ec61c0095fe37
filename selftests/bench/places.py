# SPDX-License-Identifier: GPL-2.0
"""Places in which a program gets a CPU of a test VM, and the load that disturbs it there.

A place is a context manager of a CPU. It yields the words to put before a command, which
then runs in that place.
"""

import argparse
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
CGROUPS = "/sys/fs/cgroup"
PARTITION = f"{CGROUPS}/bench-cpuset"
POOL = "bench-pool"
STRESS = ["stress-ng", "--quiet", "--cpu", "0", "--fork", "4", "--mmap", "2",
          "--mmap-bytes", "16M", "--switch", "2", "--temp-path", "/tmp"]
# Moves the shell to the cgroup, and executes the command.
ENTER = f'echo $$ >{PARTITION}/cgroup.procs && exec "$@"'


def write(path, text):
    """Write a text to a file of the kernel."""
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def read(path):
    """Return the text of a file of the kernel."""
    with open(path, encoding="utf-8") as f:
        return f.read().strip()


@contextlib.contextmanager
def taskset(cpu):
    """Give the program the CPU by its affinity alone."""
    yield ["taskset", "-c", str(cpu)]


@contextlib.contextmanager
def cpuset(cpu):
    """Give the program an isolated partition of cpusets that is made by hand."""
    write(f"{CGROUPS}/cgroup.subtree_control", "+cpuset")
    os.mkdir(PARTITION)
    try:
        write(f"{PARTITION}/cpuset.cpus", str(cpu))
        write(f"{PARTITION}/cpuset.cpus.partition", "isolated")
        state = read(f"{PARTITION}/cpuset.cpus.partition")
        if state != "isolated":
            sys.exit(f"the partition is not isolated, but {state}")
        yield ["sh", "-c", ENTER, "sh"]
    finally:
        os.rmdir(PARTITION)


@contextlib.contextmanager
def pool(cpu):
    """Give the program an isolated pool."""
    subprocess.run(["vpoolctl", "--quiet", "create", POOL, "--cpus", str(cpu),
                    "--split-cores", "--isolate"], check=True)
    try:
        yield ["vpoolctl", "run", POOL, "--"]
    finally:
        subprocess.run(["vpoolctl", "destroy", "--force", POOL], check=True)


# In the order in which they take turns.
PLACES = (taskset, cpuset, pool)


@contextlib.contextmanager
def load():
    """Load all CPUs. Yield the process group of the load."""
    with subprocess.Popen(STRESS, start_new_session=True) as stress:
        time.sleep(2)
        try:
            yield stress.pid
        finally:
            stress.terminate()


@contextlib.contextmanager
def paused(group):
    """Stop the load, which would slow down what is not measured."""
    os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


def compare(rounds, cpu, measure, evaluate):
    """Call evaluate(measure(prefix)) in each place in turn, and measure() under load.

    evaluate() returns the same figures, numbers, in each call. Return for each place a list
    with those of each round.
    """
    figures = {place.__name__: [] for place in PLACES}
    with load() as group:
        for i in range(rounds):
            for place in PLACES:
                with place(cpu) as prefix:
                    # The tasks of the load have left an isolated CPU; let it become idle.
                    time.sleep(1)
                    result = measure(prefix)
                with paused(group):
                    got = evaluate(result)
                figures[place.__name__].append(got)
                print(f"# round {i + 1}: {place.__name__}: "
                      f"{', '.join(f'{x:.0f}' for x in got)}", flush=True)
    return figures


def report(unit, names, figures):
    """Print the medians of the rounds, and their ratios to those of the pool.

    compare() returns the @figures; @names has the name of each.
    """
    others = [place.__name__ for place in PLACES[:-1]]
    print(f"{unit:24}" + "".join(f"{place.__name__:>10}" for place in PLACES) +
          "".join(f"{other + ' / pool':>16}" for other in others))
    for i, name in enumerate(names):
        medians = {place: statistics.median(row[i] for row in rows)
                   for place, rows in figures.items()}
        print(f"{name:24}" + "".join(f"{median:10.0f}" for median in medians.values()) +
              "".join(f"{ratio(medians[other], medians['pool']):>16}" for other in others))


def ratio(other, ours):
    """Return a ratio as text. A pool without any noise has none."""
    return f"{other / ours:.2f}" if ours else "-"


def parser(prog, doc, cpus, seconds):
    """Return a parser of the options of a benchmark, with some defaults."""
    p = argparse.ArgumentParser(
        prog=f"selftests/bench/{prog}", description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kernel", default="6.12-rt",
                   help="kernel of tools/vm/run (default 6.12-rt)")
    p.add_argument("--cpus", type=int, default=cpus,
                   help=f"CPUs of the test VM (default {cpus})")
    p.add_argument("--rounds", type=int, default=5,
                   help="measurements of each kind (default 5)")
    p.add_argument("--seconds", type=int, default=seconds,
                   help=f"duration of one measurement (default {seconds})")
    p.add_argument("--icount", action="store_true",
                   help="a clock that counts instructions")
    p.add_argument("--in-vm", action="store_true", help=argparse.SUPPRESS)
    return p


def start_vm(prog, args, append=""):
    """Replace this process by a test VM that runs the same program with --in-vm."""
    os.chdir(TOP)
    subprocess.run(["make", "-s", "selftests"], check=True)
    os.execv("tools/vm/run", [
        "tools/vm/run", "--kernel", args.kernel, "--cpus", str(args.cpus), "--mem", "2G",
        "--timeout", "3600", f"--append={append}", *["--icount"] * args.icount, "--",
        f"selftests/bench/{prog}", "--in-vm", "--rounds", str(args.rounds),
        "--seconds", str(args.seconds), *["--icount"] * args.icount])
