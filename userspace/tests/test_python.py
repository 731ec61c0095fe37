#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The Python module without a kernel module: layouts, errors, and a simulated sysfs.

BUILD and SOURCE name the directories of the build and of the sources.
"""

import ctypes
import dataclasses
import datetime
import errno
import gc
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

SOURCE = os.environ["SOURCE"]
BUILD = os.environ["BUILD"]
DIR = tempfile.TemporaryDirectory()
SYS = os.path.join(DIR.name, "sys")

sys.path.insert(0, os.path.join(BUILD, "python"))
sys.dont_write_bytecode = True

import vpool                                # noqa: E402
from vpool import _abi                      # noqa: E402
from checks import equal, raises, run       # noqa: E402


def write(path, text):
    """Write a file of the simulated sysfs."""
    path = os.path.join(SYS, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as f:
        f.write(f"{text}\n")


def simulate():
    """Make a sysfs with two pools, and no devices."""
    os.environ["VPOOL_SYSFS_DIR"] = SYS
    os.environ["VPOOL_DEV_DIR"] = os.path.join(DIR.name, "dev")
    write("abi_version", 2)
    write("page_sizes", "4096 2097152")
    write("default_page_size", 2097152)
    files = {
        "id": 5, "state": "degraded", "page_size": 2097152, "uid": 10, "gid": 20,
        "mode": "0640", "created_ns": 1700000000123456789, "isolated": 1, "mounts": 2,
        "cpus/assigned": "2-3,70", "cpus/effective": "2", "cpus/dedicated": "3",
        "cpus/members": 7, "memory/total_bytes": 8 << 20, "memory/free_bytes": 6 << 20,
        "memory/used_bytes": 2 << 20, "memory/regions": 1,
        "memory/node1/total_bytes": 8 << 20, "memory/node1/free_bytes": 6 << 20,
        "memory/node1/used_bytes": 2 << 20, "stat/allocs": 3, "stat/escapes": 4,
    }
    for name, value in files.items():
        write(f"pools/web/{name}", value)
    write("pools/db/id", 2)
    write("pools/db/state", "active")


def layouts():
    """The structures of ctypes have the layout of the headers"""
    fields = [(name, field) for name, structure in _abi.STRUCTURES.items()
              for field, _ in structure._fields_ if not field.startswith("_")]
    lines = [f'printf("%zu\\n", sizeof(struct {name}));' for name in _abi.STRUCTURES]
    lines += [f'printf("%zu %zu\\n", offsetof(struct {name}, {field}), '
              f"sizeof(((struct {name} *)0)->{field}));" for name, field in fields]
    program = os.path.join(DIR.name, "layouts")
    code = ("#include <stdio.h>\n#include <stddef.h>\n#include <libvpool.h>\n"
            "int main(void)\n{\n" + "\n".join(lines) + "\n}\n")
    subprocess.run(["cc", f"-I{SOURCE}/userspace/libvpool",
                    f"-I{SOURCE}/include/uapi", "-x", "c", "-", "-o", program],
                   input=code, text=True, check=True)
    out = subprocess.run([program], text=True, check=True,
                         stdout=subprocess.PIPE).stdout.splitlines()
    wanted = [str(ctypes.sizeof(s)) for s in _abi.STRUCTURES.values()]
    for name, field in fields:
        descriptor = getattr(_abi.STRUCTURES[name], field)
        wanted.append(f"{descriptor.offset} {descriptor.size}")
    equal(out, wanted)


def constants():
    """Constants and codes are those of the headers"""
    text = ""
    for header in "include/uapi/linux/vpool.h", "userspace/libvpool/libvpool.h":
        with open(os.path.join(SOURCE, header), encoding="utf-8") as f:
            text += f.read()
    found = 0
    for name, shift in re.findall(r"^\tVPOOL_(\w+) = 1 << (\d+),$", text, re.M):
        if hasattr(_abi, name):
            equal(getattr(_abi, name), 1 << int(shift))
            found += 1
    assert found >= 13, f"only {found} flags were found"
    for name, value in re.findall(r"^\tVPOOL_CODE_(\w+) = (\d+),$", text, re.M):
        equal(vpool.Code[name], int(value))
    for name, value in re.findall(r"^\tVPOOL_(LIB_\w+) = (\d+),$", text, re.M):
        equal(vpool.Code[name], int(value))
    equal(vpool.Code.NO_POOL, 13)
    equal(vpool.version(), open(f"{SOURCE}/VERSION", encoding="ascii").read().strip())


def every_function():
    """Each function that the library exports is bound, or has a reason not to be"""
    with open(f"{SOURCE}/userspace/libvpool/libvpool.map", encoding="ascii") as f:
        exported = set(re.findall(r"^\t(vpool_\w+);$", f.read(), re.M))
    # Operations on sets, which Python has, and what other functions include.
    unused = {"vpool_commit", "vpool_cpus_and", "vpool_cpus_copy", "vpool_cpus_count",
              "vpool_cpus_subtract", "vpool_cpus_test", "vpool_reason",
              "vpool_state_name"}
    equal(set(_abi._FUNCTIONS) | unused, exported)
    equal(set(_abi._FUNCTIONS) & unused, set())


def reading():
    """Pools are read from sysfs"""
    with vpool.open_reader() as reader:
        equal(reader.pools(), ["db", "web"])
        equal(reader.abi_version(), 2)
        equal(reader.page_sizes(), [4096, 2097152])
        equal(reader.counters("web"), {"allocs": 3, "escapes": 4})
        info = reader.info("web")
    equal((info.name, info.state, info.id, info.uid, info.gid, info.mode),
          ("web", "degraded", 5, 10, 20, 0o640))
    equal(info.cpus, frozenset({2, 3, 70}))
    equal(info.effective, frozenset({2}))
    equal(info.dedicated, frozenset({3}))
    equal((info.total_bytes, info.free_bytes, info.used_bytes), (8 << 20, 6 << 20, 2 << 20))
    equal(info.nodes, (vpool.NodeInfo(1, 8 << 20, 6 << 20, 2 << 20),))
    equal((info.isolated, info.mounts, info.members, info.regions), (True, 2, 7, 1))
    equal(info.created, datetime.datetime(2023, 11, 14, 22, 13, 20, 123456,
                                          tzinfo=datetime.timezone.utc))
    raises(dataclasses.FrozenInstanceError, setattr, info, "name", "x")
    with vpool.open_sysfs() as reader:
        equal(reader.info("db").isolated, False)


def errors():
    """A failure has errno, reason and code"""
    with vpool.open_reader() as reader:
        error = raises(vpool.Error, reader.info, "nope")
        equal(error.errno, errno.ENOENT)
        equal(error.strerror, "there is no pool 'nope'")
        equal(error.code, vpool.Code.NO_POOL)
        assert isinstance(error, OSError)
        equal(raises(vpool.Error, reader.info, "Web").code, vpool.Code.NAME_INVALID)
        equal(raises(vpool.Error, reader.regions, "web").code, vpool.Code.LIB_NO_DEVICE)
        raises(ValueError, reader.info, "a\0b")
    error = raises(vpool.Error, vpool.open_pool, "web")
    equal(error.code, vpool.Code.LIB_NO_DEVICE)
    equal(raises(vpool.Error, vpool.open_control).code, vpool.Code.LIB_NO_DEVICE)
    equal(raises(vpool.Error, vpool.adopt, 0).code, vpool.Code.LIB_WRONG_DESCRIPTOR)
    equal(raises(vpool.Error, vpool.adopt, -1).errno, errno.EBADF)
    # A code of a newer library.
    error = vpool.Error(1, "x", 99999)
    equal((error.code, type(error.code)), (99999, int))
    equal(vpool.Error(errno.ENOENT, "", 0).strerror, os.strerror(errno.ENOENT))


def no_module():
    """Without the kernel module, the code says so"""
    os.environ["VPOOL_SYSFS_DIR"] = os.path.join(DIR.name, "nowhere")
    try:
        for function in (vpool.open_reader, vpool.open_sysfs, vpool.open_control,
                         lambda: vpool.open_pool("web")):
            error = raises(vpool.Error, function)
            equal((error.errno, error.code), (errno.ENOPKG, vpool.Code.LIB_NO_MODULE))
        assert vpool.host().cpus
        assert vpool.default_page_size() >= 4096
    finally:
        os.environ["VPOOL_SYSFS_DIR"] = SYS


def closed():
    """A closed handle refuses calls, and can be closed again"""
    reader = vpool.open_reader()
    reader.close()
    reader.close()
    raises(ValueError, reader.pools)
    raises(ValueError, reader.fileno)
    with vpool.open_sysfs() as reader:
        raises(ValueError, reader.fileno)


def leaks():
    """Handles that are dropped leave no descriptor, in whatever way they end"""
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        vpool.open_reader().pools()
        raises(vpool.Error, vpool.open_pool, "web")
        raises(vpool.Error, vpool.open_reader().info, "nope")
    gc.collect()
    equal(len(os.listdir("/proc/self/fd")), before)


def sets_of_cpus():
    """Sets of CPUs are parsed and formatted"""
    equal(vpool.parse_cpus("0-3,8,^2"), frozenset({0, 1, 3, 8}))
    equal(vpool.parse_cpus("0-30:2/8"), frozenset({0, 1, 8, 9, 16, 17, 24, 25}))
    equal(vpool.format_cpus({8, 0, 1, 2}), "0-2,8")
    equal(vpool.format_cpus(range(64, 70)), "64-69")
    equal(vpool.format_cpus("3,1"), "1,3")
    equal(vpool.format_cpus(()), "")
    assert "x" in raises(vpool.Error, vpool.parse_cpus, "x").strerror
    for cpu in -1, 524288, 1 << 32, 1 << 70:
        equal(raises(vpool.Error, vpool.format_cpus, [cpu]).errno, errno.EINVAL)
    assert vpool.name_is_valid("web") and not vpool.name_is_valid("Web")
    assert not vpool.name_is_valid("we\0b") and not vpool.name_is_valid("control")


def arguments():
    """What does not fit into C is refused, not wrapped"""
    with vpool.open_reader() as reader:
        control = vpool.Control(lambda out: _abi.lib.vpool_open_reader(out))
        for wrong in -1, 1 << 64, {0: -5}:
            raises(ValueError, control.create, "x", mem=wrong)
            raises(ValueError, control.resize, "x", mem=wrong)
        raises(ValueError, control.create, "x", mem=1, timeout=-1)
        raises(ValueError, control.create, "x", mem=1, timeout=1e10)
        raises(vpool.Error, control.create, "x", cpus="no")
        raises(vpool.Error, control.create, "x", cpus=[-1])
        # A handle that only reads refuses changes, with the library's reason.
        equal(raises(vpool.Error, control.create, "x", mem=4096).code,
              vpool.Code.LIB_CONTROL_DENIED)
        equal(raises(vpool.Error, control.resize, "x", mem={0: 4096}, cpus={1}).errno,
              errno.EACCES)
        equal(raises(vpool.Error, control.destroy, "x", force=True).errno, errno.EACCES)
        assert reader.pools()


def threads():
    """Threads that share a handle get the reason of their own calls"""
    wrong = []
    with vpool.open_reader() as reader:
        def ask(name):
            for _ in range(300):
                error = raises(vpool.Error, reader.info, name)
                if f"'{name}'" not in error.strerror:
                    wrong.append(error.strerror)
        all_threads = [threading.Thread(target=ask, args=[f"none-{i}"]) for i in range(4)]
        for thread in all_threads:
            thread.start()
        for thread in all_threads:
            thread.join()
    equal(wrong, [])


def typed():
    """mypy --strict finds no mistake"""
    if not shutil.which("mypy"):
        return "SKIP mypy is not installed"
    ran = subprocess.run(["mypy", "--strict", "--cache-dir", os.path.join(DIR.name, "mypy"),
                          "vpool"], cwd=os.path.join(BUILD, "python"), text=True,
                         check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert not ran.returncode, ran.stdout
    return None


def documented():
    """Everything public has a docstring, and pydoc shows it"""
    for name in vpool.__all__:
        thing = getattr(vpool, name)
        if name == "CpuSet":
            continue
        assert thing.__doc__, name
        for key, value in vars(thing).items() if isinstance(thing, type) else ():
            if callable(value) and not key.startswith("_"):
                assert value.__doc__, f"{name}.{key}"


TESTS = [layouts, constants, every_function, reading, errors, no_module, closed, leaks,
         sets_of_cpus, arguments, threads, typed, documented]


def main():
    """Run the tests, and print TAP."""
    simulate()
    sys.exit(not run(TESTS))


if __name__ == "__main__":
    main()
