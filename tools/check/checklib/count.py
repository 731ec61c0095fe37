# SPDX-License-Identifier: GPL-2.0
"""Read TAP and count the tests that passed, failed or were skipped."""

import collections
import os
import re
import subprocess
import threading

from . import TOP

RESULT = re.compile(r"( *)(not )?ok (\d+) ?-? ?(.*)")
PLAN = re.compile(r"1\.\.(\d+)")
# A test prints the number of cases that it tried.
CASES = re.compile(r"#.*\bcases: (\d+) (of .+)")
# selftests/run.sh prints this after each suite.
TRAILER = re.compile(r"# suite: (\S+): planned (\d+) ran (\d+) passed (\d+) "
                     r"failed (\d+) skipped (\d+) seconds (\d+)")


class Count:
    """The results of one stage, or of all stages."""

    def __init__(self, name=""):
        self.name = name
        self.passed = self.failed = self.skipped = 0
        # The names of failed tests, and other failures.
        self.failures = []
        self.cases = collections.Counter()
        # The messages of tools/vm/run and tools/vm/cluster.
        self.vm_messages = []

    def state(self):
        """Return all results, for restore()."""
        return (self.passed, self.failed, self.skipped, self.failures.copy(),
                self.cases.copy())

    def restore(self, state):
        """Forget the results that came after state() was called."""
        self.passed, self.failed, self.skipped = state[:3]
        self.failures, self.cases = state[3].copy(), state[4].copy()

    def add(self, other):
        """Add the results of another Count."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        self.cases += other.cases

    def say(self, line):
        """Print a line, after the name of the stage."""
        print(f"{self.name:9} | {line}", flush=True)

    def fail(self, what, times=1):
        """Count a failure, or @times tests that did not run."""
        self.failed += times
        self.failures.append(what)

    def skip(self, reason):
        """Count a skip, and print its reason."""
        self.skipped += 1
        self.say(f"# SKIP {reason}")

    def result(self, what, line):
        """Count one line of TAP. Return True if it is the result of a test."""
        m = RESULT.fullmatch(line)
        if not m:
            return False
        if "# SKIP" in m[4]:
            self.skipped += 1
        elif m[2]:
            self.fail(f"{what}: {m[4]}")
        else:
            self.passed += 1
        return True

    def short_plan(self, what, planned, ran):
        """Count the tests that were planned but did not run, at least one if none
        was planned. Return True if there are such tests."""
        if ran >= planned and planned:
            return False
        self.fail(f"{what}: {ran} tests ran, {planned} were planned",
                  max(planned - ran, 1))
        return True


def print_errors(count, pipe):
    """Print the lines of a command's standard error, and keep those of the test VM."""
    for line in pipe:
        count.say(line.rstrip("\n"))
        if line.startswith(("tools/vm/run: ", "tools/vm/cluster: ")):
            count.vm_messages.append(line.strip())


def stream(count, cmd, env=None):
    """Run a command. Print and yield its lines, then yield its exit status (int)."""
    with subprocess.Popen(cmd, cwd=TOP, text=True, errors="replace",
                          env=dict(os.environ, **(env or {})),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        errors = threading.Thread(target=print_errors, args=(count, p.stderr))
        errors.start()
        for line in p.stdout:
            count.say(line.rstrip("\n"))
            if m := CASES.match(line):
                count.cases[m[2]] += int(m[1])
            yield line.rstrip("\n")
        errors.join()
    yield p.returncode


def count_tap(count, lines):
    """Count the TAP of a command. @lines are its lines, then its exit status."""
    name = count.name
    ran = planned = status = 0
    for line in lines:
        if isinstance(line, int):
            status = line
        elif m := PLAN.fullmatch(line):
            planned += int(m[1])
        elif count.result(name, line):
            ran += 1
    if not count.short_plan(name, planned, ran) and status and not count.failed:
        count.fail(f"{name}: exit status {status}")


class GuestReader:
    """Counts the output of tools/check/guest, which runs in a test VM."""

    def __init__(self, count, kernel):
        self.count = count
        self.kernel = kernel
        # The suite that is running, and the suites that ran to their end.
        self.suite = None
        self.suites = set()
        self.kunit = 0
        # What was counted before the first line of the VM, and before the last suite began.
        self.before_boot = self.before_suite = self.state()

    def state(self):
        """Return what was counted, for restore()."""
        return self.count.state(), self.suites.copy(), self.kunit

    def restore(self, state):
        """Forget what was counted after state() was called."""
        self.count.restore(state[0])
        self.suites, self.kunit = state[1].copy(), state[2]
        self.suite = None

    def go_on(self):
        """Keep what is complete: the other suites run in another VM."""
        self.before_boot = self.before_suite
        self.restore(self.before_boot)

    def line(self, line):
        """Count one line."""
        if line == "# boot":
            # tools/vm/run may have started the VM again.
            self.restore(self.before_boot)
            self.before_suite = self.before_boot
        elif m := TRAILER.fullmatch(line):
            self.suites.add(m[1])
            self.suite = None
            self.count.short_plan(f"{self.kernel}: {m[1]}", int(m[2]), int(m[3]))
            self.before_suite = self.state()
        elif m := re.fullmatch(r"# suite: (\S+)", line):
            self.before_suite = self.state()
            self.suite = m[1]
        elif self.suite:
            self.count.result(f"{self.kernel}: {self.suite}", line)
        elif line.startswith("    ") and "ok" in line:
            self.kunit += self.count.result("kunit", line)

    def end(self, suites, status):
        """Count the suites that did not run. @suites are the requested suites, @status is
        the exit status of tools/vm/run."""
        count = self.count
        missing = [name for name in suites if name not in self.suites]
        if missing:
            count.fail(f"{count.name}: did not complete: "
                       f"{' '.join(missing)}", len(missing))
        if status and not count.failed or status in (123, 124, 125, 126):
            count.fail(f"{count.name}: the test VM ended with status {status}, in "
                       f"{self.suite or 'no suite'}")
            count.failures += count.vm_messages
