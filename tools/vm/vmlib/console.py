# SPDX-License-Identifier: GPL-2.0
"""Read the console of a test VM, find the kernel's reports and decide the result."""

import os
import re
import sys
from typing import NamedTuple

# Exit statuses of tools/vm/run, in addition to those of the command.
STATUS_AGAIN = 123
STATUS_TIMEOUT = 124
STATUS_REPORT = 125
STATUS_VM_FAILED = 126
# Start the machine again, because vpool cannot have caused the failure: a report before
# vpool was loaded, a machine that did not come up, or a fault of an emulated CPU.
STATUS_RETRY = -1

# tools/vm/guest prints this on the console when it starts.
UP = "vpool test VM: up"
# The kernel prints this when it loads vpool.ko.
LOADED = "vpool: loading out-of-tree"

# The lines that begin a report of a bug, a warning or a leak.
REPORTS = re.compile(
    r"BUG: |BUG at |WARNING: |Oops|general protection fault|KASAN: |UBSAN: |"
    r"KCSAN: |KFENCE: |possible circular locking|possible recursive locking|"
    r"inconsistent lock state|suspicious RCU usage|bad unlock balance|"
    r"possible irq lock inversion|INVALID wait context|"
    r"sleeping function called|scheduling while atomic|Bad page state|"
    r"Bad rss-counter|refcount_t: |ODEBUG: |INFO: task .* blocked|"
    r"rcu.*detected stalls|Kernel panic|kernel BUG|"
    r"unreferenced object|list_(add|del) corruption|Call Trace")
# Number of lines to print before and after such a line, and maximum number of lines.
LINES_BEFORE = 2
LINES_AFTER = 40
MAX_LINES = 200

# The kernel reports a lack of memory with a stack trace; that is not a bug.
HARMLESS_TRACE = re.compile(r"invoked oom-killer|vmalloc error: ")
# The heading of such a trace is at most this number of lines above "Call Trace".
HEADING_LINES = 9

# Linux 6.12 counts the deadline server as a task of its run queue. When a CPU goes
# offline it therefore warns of "2 tasks", although only the migration thread is left.
DYING_CPU = re.compile(
    r"[^\n]*Dying CPU not properly vacated!\n.*?-\[ end trace [^\n]*\n"
    r"[^\n]* enqueued tasks \(2 total\):\n[^\n]*\tpid: \d+, name: migration/\d+\n"
    r"(?![^\n]*\tpid: )", re.DOTALL)

# Tracing warns if it cannot allocate memory for the events of a module.
NO_EVENT_MEMORY = re.compile(
    r"[^\n]*WARNING: [^\n]* at kernel/trace/trace_events\.c:\d+ "
    r"(?:event_define_fields|event_file_put)\+.*?-\[ end trace [^\n]*\n", re.DOTALL)

# A report of KCSAN: two accesses to one address, with a stack trace for each.
RACE = re.compile(r"BUG: KCSAN: ")
RACE_ACCESS = re.compile(r"BUG: KCSAN: | on cpu \d+:$")
RACE_END = re.compile(r"={60}")
# Functions of the kernel whose own rules allow the race, as the first function of an
# access: the sum of a counter per CPU is an estimate; struct page has the link of a list
# where a tail page has the address of its head, which is odd, as a link never is; the
# number of a page's node is in one word with its lock, but never changes; and a fault reads
# the times of an inode without its lock.
HARMLESS_ACCESS = re.compile(r"(percpu_counter_add_batch|free_pages_and_swap_cache|"
                             r"__lruvec_stat_mod_folio|inode_update_timestamps)\+")

# The kernel suspects that a CPU missed its timer interrupt, and waits for it.
TIMER_STALL = re.compile(r"rcu: \tPossible timer handling issue on cpu=\d")
# The kernel changes its code by means of a breakpoint, and all CPUs know the new code before
# it forgets the breakpoint. An emulated CPU sometimes executes it later. The function is
# the one that the CPU executed.
LATE_BREAKPOINT = re.compile(
    r"Oops: int3: (?:.*\n){1,8}?.*\bRIP: \S+:[\w.]+\+\S+(?: \[(?!vpool\])\w+\])?\n")

# The kernel prints one of these when a program restarts the machine.
RESTART = re.compile(r"sysrq: Resetting|reboot: Restarting system")


class Timeout(NamedTuple):
    """The timeout because of which tools/vm/run ended the machine."""

    seconds: int
    # False if the machine had not come up.
    up: bool

    def __str__(self):
        what = "no end" if self.up else "not up"
        return f"{what} after {self.seconds} seconds"


class Result(NamedTuple):
    """The result of one start of the machine."""

    # The exit status of the command, or one of STATUS_*.
    status: int
    # A list of tuples: a message for the user, and the lines of the console to print
    # below the message.
    messages: list

    def print(self, prefix=""):
        """Print all messages on standard error, each after @prefix."""
        for message, lines in self.messages:
            say(prefix + message)
            for line in lines:
                print(f"  {line}", file=sys.stderr)


def say(message):
    """Print a message of tools/vm/run or tools/vm/cluster on standard error."""
    print(f"tools/vm/{os.path.basename(sys.argv[0])}: {message}", file=sys.stderr)


def without_foreign_races(lines):
    """Remove the KCSAN reports in which vpool made neither access.

    vpool made an access if it is in one of the first functions of the stack trace: a
    list or tree function of the kernel may have made the access for it.
    """
    kept = []
    report = None
    for line in lines:
        if report is None and RACE.search(line):
            report = [line]
        elif report is None:
            if not RACE_END.search(line):
                kept.append(line)
        elif RACE_END.search(line):
            kept += race_of_vpool(report)
            report = None
        else:
            report.append(line)
    return kept + race_of_vpool(report or [])


def race_of_vpool(report):
    """Return the report if vpool made one of its accesses, else no lines."""
    heads = [i for i, line in enumerate(report) if RACE_ACCESS.search(line)]
    if any(HARMLESS_ACCESS.search(line) for i in heads for line in report[i + 1:i + 2]):
        return []
    if any("[vpool]" in line for i in heads for line in report[i:i + 3]):
        return report
    return []


def find_reports(console):
    """Return the first line of the first report, and the lines around all reports.

    The first line is None if there is no report.
    """
    for harmless in DYING_CPU, NO_EVENT_MEMORY:
        console = harmless.sub("", console)
    lines = without_foreign_races(console.splitlines())
    headline = None
    wanted = set()
    for i, line in enumerate(lines):
        if "Call Trace" in line and \
                any(HARMLESS_TRACE.search(near)
                    for near in lines[max(0, i - HEADING_LINES):i]):
            continue
        if REPORTS.search(line):
            headline = headline or line
            wanted.update(range(max(0, i - LINES_BEFORE),
                                min(len(lines), i + LINES_AFTER)))
    return headline, [lines[i] for i in sorted(wanted)]


def is_power_cycle(console, status):
    """Return whether a program restarted the machine, and not tools/vm/guest at its end."""
    return UP in console and not status.strip() and bool(RESTART.search(console))


def find_result(console, status, expired=None, load=True):
    """Decide the Result of one start of the machine.

    @console is the text of the console, without carriage returns. @status is what
    tools/vm/guest wrote to the status port: the command's exit status, or nothing.
    @expired is the Timeout that ended the machine, or None. @load is False
    with --no-load.
    """
    messages = []
    last_words = ("the last lines of the console:", console.splitlines()[-20:])
    headline, reports = find_reports(console)
    if reports:
        messages.append((f"the kernel reported: {headline}", reports[:MAX_LINES]))
    if TIMER_STALL.search(console):
        messages.append(("a CPU of the machine missed its timer interrupt", []))
        return Result(STATUS_RETRY, messages)
    if LATE_BREAKPOINT.search(console):
        messages.append(("a CPU of the machine executed a breakpoint that the kernel had "
                         "removed", []))
        return Result(STATUS_RETRY, messages)
    if expired:
        messages += [last_words, (str(expired), [])]
        return Result(STATUS_TIMEOUT if expired.up else STATUS_RETRY, messages)
    if reports:
        counts = LOADED in console or not load
        return Result(STATUS_REPORT if counts else STATUS_RETRY, messages)
    if not status.strip().isdigit():
        messages += [last_words,
                     ("the machine went down before the command ended", [])]
        return Result(STATUS_VM_FAILED if UP in console else STATUS_RETRY, messages)
    return Result(int(status), messages)
