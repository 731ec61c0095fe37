# SPDX-License-Identifier: GPL-2.0
"""Select the suites and the static checks to run, and the machines to run them on."""

import fnmatch
import glob
import os
import re

from . import TOP

# The tests that were asked for: globs, separated by blanks.
TESTS = os.environ.get("TESTS", "").split()

# The suites of the quick tier: the calls and objects that most changes touch.
QUICK = """abi invalid_input pool region file hole mount populate resize member cpus
attach dedicated limits permissions""".split()

# The suites that make check runs on a kernel; make check-long runs all. The debug kernel, which
# is four times as slow, gets those that find most there: of locks, lifetimes and failures. Its
# version is 6.12, so 6.12 gets the suites that are not in that list, except those of
# ELSEWHERE. The other kernels get the code that depends on the kernel most.
CORE = {
    "debug": """pool region file_race resize poison pin member fork attach dedicated hotplug
             limits fault fuzz sigkill concurrency unload stress""".split(),
    "6.1": """pool region fragment resize poison populate huge pin member cpus attach
           tool_users""".split(),
    "6.12-rt": "pool region poison pin member cpus".split(),
    "7.3": """pool region file_race fragment resize poison populate huge pin member sigkill
           vm tool_live""".split(),
}

# Suites that need not run on 6.12, too: they run on 7.3, and numa on the wider machine.
ELSEWHERE = "fragment numa tool_live".split()

# A machine with more nodes, two threads per core, and an IOMMU with devices behind it, and
# the suites that need it. check-long runs vfio on more kernels.
WIDER_KERNEL = "6.12"
WIDER_VM = ["--cpus", "8", "--smt", "--numa", "4", "--iommu"]
WIDER_SUITES = "numa cores vfio".split()

# The kernel of tests of several hosts, and the suites of which make check runs the short form.
# They share these machines: their number, and the memory and the CPUs of each.
HOSTS_KERNEL = "6.12"
HOSTS_VMS = (2, "1200M", 2)
HOSTS_QUICK = "hosts_network hosts_slurm".split()
# Those that run only in check-long, or if they were asked for. make check runs most of
# hosts_network.
HOSTS_LONG = "hosts_guide hosts_network".split()

# Hosts with a security module: the kernel, and its command line.
GUARDS = {
    "hardened": ("6.12", "lsm=landlock,lockdown,yama,apparmor audit=1 "
                 "init_on_alloc=1 init_on_free=1 slub_debug=FZPU "
                 "panic_on_warn=1"),
    # The kernel poisons freed memory instead of clearing it only with init_on_free.
    "selinux": ("6.12", "lsm=landlock,lockdown,yama,selinux enforcing=0 audit=1 "
                "page_poison=1 init_on_free=1 panic_on_warn=1"),
    # Only in check-long, or if it is asked for: its kernel takes a minute to boot.
    "lockdown": ("debug", "lsm=lockdown lockdown=integrity panic_on_warn=1"),
}
# The suites that run under each guard, and those that need one guard, or find most there: a
# hardened kernel checks the memory of regions.
GUARDED = "guard_on pool limits permissions guard_end".split()
GUARDED_ONLY = {"hardened": ["region"], "selinux": ["region"]}
# The suites that run only in check-long, or if the guard was asked for.
GUARDED_LONG = {"hardened": ["vm_confine"], "selinux": ["vm_context"]}

# The kernels of check-arm64, and the suites that run on each. Base pages of 16 KiB make
# the huge pages 32 MiB large.
ARM64 = ("6.12-arm64", "6.12-arm64-16k")
ARM64_SUITES = """region file hole pin member pool sigkill dedicated resize cpus
tool_live other_kernel""".split()


def wanted(name):
    """Return whether the test @name was asked for."""
    return not TESTS or any(fnmatch.fnmatchcase(name, test) for test in TESTS)


def wanted_row(row):
    """Return whether the static check @row was asked for, possibly by a prefix."""
    return wanted("lint") or wanted(row) or \
        any(fnmatch.fnmatchcase(row, f"{test}-*") for test in TESTS)


def is_debug(kernel):
    """Return whether @kernel is a debug kernel, which is slow."""
    return kernel.split("-", maxsplit=1)[0] == "debug"


def runs_on(kernel, where):
    """Return whether a suite runs on a kernel. @where is the third field of its line."""
    places = set(where.split(",")) - {""}
    if "long" in places:
        places.remove("long")
        if not TESTS:
            return False
    return not places or bool({"debug" if is_debug(kernel) else "fast", kernel} & places)


def is_core(kernel, name):
    """Return whether make check runs the suite @name on a kernel, unless it was asked
    for."""
    if TESTS:
        return True
    if kernel == "6.12":
        return name not in CORE["debug"] + ELSEWHERE
    return name in CORE.get(kernel, [name])


def lines():
    """Return the fields of each line of tools/check/suites."""
    with open(f"{TOP}/tools/check/suites", encoding="utf-8") as f:
        return [line.split() for line in f
                if line.strip() and not line.startswith("#")]


def declared(kernel):
    """Return the wanted suites of tools/check/suites that run on a kernel."""
    return [line[0] for line in lines() if wanted(line[0]) and
            is_core(kernel, line[0]) and runs_on(kernel, "".join(line[2:3]))]


def wider():
    """Return the wanted suites that need the wider machine."""
    return [name for name in WIDER_SUITES if wanted(name) or wanted("wider")]


def of_hosts():
    """Return the suites that need several hosts.

    Each is a tuple: name, time limit in seconds, number of machines, memory and CPUs of
    each.
    """
    return [(line[0], int(line[1]), line[3], line[4], int((line[5:] or "2")[0]))
            for line in lines() if line[2:3] == ["hosts"]]


def wanted_of_hosts():
    """Return the suites that make check-hosts runs, as of_hosts() does."""
    return [line for line in of_hosts()
            if wanted(line[0]) and (TESTS or line[0] not in HOSTS_LONG)]


def quick_hosts():
    """Return the wanted suites of HOSTS_QUICK, each with its time limit."""
    return {name: seconds for name, seconds, *_ in of_hosts()
            if name in HOSTS_QUICK and (wanted(name) or wanted("hosts"))}


def wanted_guards():
    """Return the guards that were asked for."""
    return [guard for guard in GUARDS
            if (wanted("guards") or wanted(guard)) and (TESTS or guard != "lockdown")]


def guarded(guard):
    """Return the suites that run under a guard."""
    return GUARDED + GUARDED_ONLY.get(guard, []) + (GUARDED_LONG.get(guard, []) if TESTS else [])


def declared_kunit():
    """Return how many KUnit tests the sources declare."""
    nr = 0
    for file in glob.glob(f"{TOP}/kunit/*.c"):
        with open(file, encoding="utf-8") as f:
            nr += len(re.findall(r"^\tKUNIT_CASE", f.read(), re.M))
    return nr
