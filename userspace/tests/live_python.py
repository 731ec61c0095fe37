#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The Python module with the kernel module; python.sh sets its paths."""

import datetime
import errno
import mmap
import os
import signal
import subprocess
import sys
import time

import vpool
from checks import equal, raises, run

NAME = "python-a"
PAGE = vpool.default_page_size()
CPU = max(vpool.host().cpus)


def creation(control):
    """A pool is created, read and resized"""
    created = control.create(NAME, mem=4 * PAGE, cpus={CPU}, split_cores=True, mode=0o600)
    equal(created.bytes, 4 * PAGE)
    assert NAME in control.pools()
    for info in control.info(NAME), vpool.open_sysfs().info(NAME):
        equal((info.id, info.state, info.mode, info.page_size),
              (created.id, "active", 0o600, PAGE))
        equal((info.cpus, info.effective), (frozenset({CPU}), frozenset({CPU})))
        equal(sum(node.total_bytes for node in info.nodes), 4 * PAGE)
        age = datetime.datetime.now(datetime.timezone.utc) - info.created
        assert datetime.timedelta(0) <= age < datetime.timedelta(minutes=10), age
    equal(control.resize(NAME, mem=6 * PAGE), 6 * PAGE)
    equal(control.info(NAME).total_bytes, 6 * PAGE)
    equal(control.resize(NAME, mem=2 * PAGE, dry_run=True), 2 * PAGE)
    equal(control.info(NAME).total_bytes, 6 * PAGE)


def refusals(control):
    """A refused call has the reason and the code of the kernel module"""
    error = raises(vpool.Error, control.create, NAME, mem=PAGE)
    equal((error.errno, error.code), (errno.EEXIST, vpool.Code.POOL_EXISTS))
    equal(error.strerror, f"pool '{NAME}' already exists")
    error = raises(vpool.Error, control.create, "python-b", cpus=[CPU], split_cores=True)
    equal(error.code, vpool.Code.CPU_TAKEN)
    assert NAME in error.strerror, error.strerror
    equal(control.create("python-b", mem={0: PAGE}, dry_run=True).id, 0)
    equal(raises(vpool.Error, control.info, "python-b").code, vpool.Code.NO_POOL)


def memory(control):
    """Memory is mapped, written, shared by a descriptor, and given back"""
    with vpool.open_pool(NAME) as pool:
        with pool.map(2 * PAGE) as first:
            assert isinstance(first, mmap.mmap)
            first[:5] = b"hello"
            equal(len(first), 2 * PAGE)
            with vpool.adopt(os.dup(pool.fileno())) as again:
                with again.map(PAGE) as second:
                    equal(second[:5], b"hello")
                # What a memoryview uses stays mapped.
                view = memoryview(first)[:5]
                raises(BufferError, first.close)
                view.release()
        regions = pool.regions()
        equal([(r.bytes, r.pid, r.comm) for r in regions],
              [(2 * PAGE, os.getpid(), "python3")])
        equal(pool.info().used_bytes, 2 * PAGE)
    equal(control.info(NAME).used_bytes, 0)
    equal(control.counters(NAME)["allocs"], 1)


def too_much_memory(_):
    """A map and a commit that cannot have their memory tell why"""
    with vpool.open_pool(NAME) as pool:
        for call in pool.map, pool.commit:
            error = raises(vpool.Error, call, 64 * PAGE)
            equal((error.errno, error.code), (errno.ENOMEM, vpool.Code.POOL_SHORT))
        equal(pool.commit(PAGE - 1), PAGE)
        equal(raises(vpool.Error, pool.commit, PAGE).errno, errno.EBUSY)


def files(_):
    """A file of the pool is created, and adopted"""
    with vpool.open_pool(NAME) as pool:
        fd = pool.create_file()
        equal(os.get_inheritable(fd), False)
        os.ftruncate(fd, PAGE)
        os.pwrite(fd, b"file", 0)
        with vpool.adopt(fd) as file:
            equal(file.info().name, NAME)
            with file.map(PAGE) as mapping:
                equal(mapping[:4], b"file")
        raises(OSError, os.fstat, fd)


def tasks(_):
    """The calling thread and other processes are attached and detached"""
    with vpool.open_pool(NAME) as pool:
        before = os.sched_getaffinity(0)
        equal(pool.attach(), None)
        equal(os.sched_getaffinity(0), {CPU})
        equal(pool.members(), [vpool.Member(os.getpid(), os.getpid())])
        pool.detach()
        equal(os.sched_getaffinity(0), before)
        equal(pool.attach(cpu=CPU), CPU)
        equal(pool.info().dedicated, frozenset({CPU}))
        pool.detach()
        with subprocess.Popen(["sleep", "60"]) as sleep:
            pidfd = os.pidfd_open(sleep.pid)
            pool.attach(pidfd, process=True)
            equal([m.pid for m in pool.members()], [sleep.pid])
            pool.detach(pidfd, process=True)
            equal(pool.members(), [])
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            os.close(pidfd)
        equal(raises(vpool.Error, pool.detach).errno, errno.ESRCH)


def other_user(_):
    """A user reads about pools, and may open only what the mode allows"""
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            with vpool.open_reader() as reader:
                assert NAME in reader.pools()
                equal(reader.info(NAME).cpus, frozenset({CPU}))
            equal(raises(vpool.Error, vpool.open_control).errno, errno.EACCES)
            equal(raises(vpool.Error, vpool.open_pool, NAME).code,
                  vpool.Code.LIB_POOL_DENIED)
            os._exit(0)
        except BaseException:               # pylint: disable=broad-except
            traceback.print_exc()
            os._exit(1)
    equal(os.waitpid(child, 0)[1], 0)


def example(control):
    """The example program lets a pool grow that runs out of memory"""
    control.resize(NAME, mem=2 * PAGE)
    program = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                           "../examples/pools.py")
    with subprocess.Popen([sys.executable, program, NAME], stdout=subprocess.PIPE,
                          text=True) as running:
        # It may not watch yet when the first map fails.
        for _ in range(20):
            with vpool.open_pool(NAME) as pool:
                raises(vpool.Error, pool.map, 3 * PAGE)
            time.sleep(3)
            if control.info(NAME).total_bytes > 2 * PAGE:
                break
        running.send_signal(signal.SIGINT)
        out = running.communicate()[0]
    equal(out.splitlines()[0], f"{NAME}: {2 * PAGE >> 20} MiB, now {3 * PAGE >> 20} MiB")
    with vpool.open_pool(NAME) as pool:
        pool.map(3 * PAGE).close()


def the_end(control):
    """Pools are destroyed; an ephemeral one ends with its handle"""
    with vpool.open_pool(NAME):
        equal(raises(vpool.Error, control.destroy, NAME).code,
              vpool.Code.POOL_HAS_REGIONS)
    control.destroy(NAME)
    assert NAME not in control.pools()
    with vpool.open_control() as other:
        other.create(NAME, mem=PAGE, ephemeral=True)
        assert NAME in control.pools()
    for _ in range(100):
        if NAME not in control.pools():
            break
        time.sleep(0.1)
    assert NAME not in control.pools()


TESTS = [creation, refusals, memory, too_much_memory, files, tasks, other_user, example,
         the_end]


def main():
    """Run the tests, and print TAP."""
    with vpool.open_control() as control:
        passed = run(TESTS, control)
        for name in NAME, "python-b":
            if name in control.pools():
                control.destroy(name, force=True)
    sys.exit(not passed)


if __name__ == "__main__":
    main()
