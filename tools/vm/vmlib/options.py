# SPDX-License-Identifier: GPL-2.0
"""The options of tools/vm/run and tools/vm/cluster, and the folder of a run."""

import argparse
import glob
import os
import shutil
import signal
import sys
import tempfile

from . import VmError, console
from .kernel import KERNELS, Kernel


def parser(prog, doc, epilog):
    """Return a parser of the options that describe a machine."""
    p = argparse.ArgumentParser(
        prog=prog, description=doc, epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kernel", default="6.12", metavar="NAME|FILE",
                   help=f"the kernel: {', '.join(KERNELS)} (default 6.12), or an "
                        "image file that needs no modules")
    p.add_argument("--cpus", type=int, metavar="N",
                   help="number of CPUs (default 2, 1 with --icount)")
    p.add_argument("--mem", default="2G", metavar="SIZE",
                   help="memory (default 2G)")
    p.add_argument("--numa", type=int, default=1, metavar="N",
                   help="number of NUMA nodes, over which CPUs and memory are "
                        "spread evenly")
    p.add_argument("--smt", action="store_true",
                   help="two threads for each core")
    p.add_argument("--iommu", action="store_true",
                   help="an IOMMU, and PCI devices behind it")
    p.add_argument("--icount", action="store_true",
                   help="a clock that counts the instructions of all CPUs, which "
                        "run in turn")
    p.add_argument("--accel", choices=("kvm", "tcg"),
                   help="KVM or emulation (default: KVM where it works)")
    p.add_argument("--append", default="", metavar="STR",
                   help="additional parameters for the kernel's command line")
    p.add_argument("--timeout", type=int, default=900, metavar="S",
                   help="end the test VM after S seconds (default 900)")
    p.add_argument("--no-load", action="store_true",
                   help="do not load vpool")
    p.add_argument("--module", metavar="FILE",
                   help="load this vpool.ko instead of building one")
    p.add_argument("--no-kmemleak", action="store_true",
                   help="do not look for memory leaks at the end")
    return p


def parse(p):
    """Parse and check the command line."""
    args = p.parse_args()
    if args.cpus is None:
        args.cpus = 1 if args.icount else 2
    unit = args.numa * (2 if args.smt else 1)
    if args.cpus < 1 or args.numa < 1 or args.cpus % unit:
        p.error(f"--cpus must be a multiple of {unit}, the number of nodes, times "
                "two with --smt")
    return args


def remove_stale_folders():
    """Remove the folders of runs that were killed."""
    for pid in glob.glob("/tmp/vpool-vm.*/pid"):
        try:
            with open(pid, encoding="ascii") as f:
                if os.path.exists(f"/proc/{f.read()}"):
                    continue
        except FileNotFoundError:
            # The run ended after glob() found its file.
            continue
        shutil.rmtree(os.path.dirname(pid), ignore_errors=True)


def main(args, work):
    """Call work(args, kernel, folder) with an empty folder; return the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(console.STATUS_VM_FAILED))
    remove_stale_folders()
    where = tempfile.mkdtemp(prefix="vpool-vm.", dir="/tmp")
    try:
        with open(f"{where}/pid", "w", encoding="ascii") as f:
            f.write(str(os.getpid()))
        return work(args, Kernel(args.kernel), where)
    except VmError as e:
        console.say(e)
        return console.STATUS_VM_FAILED
    except KeyboardInterrupt:
        return console.STATUS_VM_FAILED
    finally:
        shutil.rmtree(where)
