# SPDX-License-Identifier: LGPL-2.1-or-later
"""Create, change, show and use pools of CPUs and memory.

The module calls libvpool, which has the same functions in C; see libvpool(3). Handles are
context managers. A call that fails raises Error, an OSError with the reason and a code::

    import vpool

    with vpool.open_reader() as reader:
        for name in reader.pools():
            info = reader.info(name)
            print(name, info.free_bytes, sorted(info.cpus))

    with vpool.open_control() as control:
        control.create("web", mem=1 << 30, cpus="2-3")

    with vpool.open_pool("web") as pool:
        pool.attach()
        with pool.map(2 << 20) as memory:
            memory[:5] = b"hello"

Sizes are in bytes, and sets of CPUs are frozensets of their numbers. Where a function takes
CPUs, it takes such a set, any iterable of numbers, or a list in the format of the kernel
such as "2-3,8".
"""

import ctypes
import datetime
import mmap
import os
import threading
from ctypes import POINTER, byref, c_int, c_size_t, c_uint, c_uint64, c_void_p
from dataclasses import dataclass
from types import TracebackType
from typing import (Any, Callable, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple,
                    Type, TypeVar, Union)

from . import _abi
from ._abi import lib, libc
from ._codes import Code

__all__ = [
    "Code", "Control", "CpuSet", "Created", "Error", "Host", "HostNode", "Member",
    "NodeInfo", "Pool", "PoolInfo", "Reader", "Region", "adopt",
    "default_page_size", "format_cpus", "host", "name_is_valid", "open_control",
    "open_pool", "open_reader", "open_sysfs", "parse_cpus", "version",
]

CpuSet = Union[str, Iterable[int]]
Memory = Union[int, Mapping[int, int]]
_Self = TypeVar("_Self", bound="_Handle")


class Error(OSError):
    """A call of libvpool that failed.

    errno is that of the call, and strerror the reason, one sentence for people. code is a
    Code, or a number that this version of the module does not know; programs can act on it.
    """

    code: int

    def __init__(self, errno: int, reason: str, code: int) -> None:
        super().__init__(errno, reason or os.strerror(errno))
        try:
            self.code = Code(code)
        except ValueError:
            self.code = code


@dataclass(frozen=True)
class NodeInfo:
    """Memory of a pool on one NUMA node."""

    node: int
    total_bytes: int
    free_bytes: int
    used_bytes: int


@dataclass(frozen=True)
class PoolInfo:
    """Properties and state of a pool; see struct vpool_info in libvpool(3)."""

    name: str
    state: str
    id: int
    page_size: int
    uid: int
    gid: int
    mode: int
    regions: int
    members: int
    created: datetime.datetime
    total_bytes: int
    free_bytes: int
    used_bytes: int
    peak_bytes: int
    clean_bytes: int
    scrubbing_bytes: int
    poisoned_bytes: int
    target_bytes: int
    gathered_bytes: int
    cpus: FrozenSet[int]
    effective: FrozenSet[int]
    dedicated: FrozenSet[int]
    nodes: Tuple[NodeInfo, ...]
    isolated: bool
    mounts: int
    user_bytes: int
    user_regions: int
    user_members: int


@dataclass(frozen=True)
class Region:
    """An open region of a pool, with the process that opened it."""

    id: int
    bytes: int
    pid: int
    uid: int
    comm: str


@dataclass(frozen=True)
class Member:
    """A thread that is attached to a pool. Outside this pid namespace, both are 0."""

    tid: int
    pid: int


@dataclass(frozen=True)
class User:
    """What a user has of a pool, as its limits count."""

    uid: int
    bytes: int
    regions: int
    members: int


@dataclass(frozen=True)
class Created:
    """A new pool: its id and its memory, rounded up to its page size."""

    id: int
    bytes: int


@dataclass(frozen=True)
class HostNode:
    """A NUMA node of the host."""

    node: int
    cores: int
    cpus: FrozenSet[int]
    total_bytes: int
    free_bytes: int
    available_bytes: int


@dataclass(frozen=True)
class Host:
    """CPUs and memory of the host. mapping_bytes is 0 without the module."""

    cpus: FrozenSet[int]
    cores: int
    total_bytes: int
    available_bytes: int
    nodes: Tuple[HostNode, ...]
    mapping_bytes: int


# Sets of CPUs

def _cpus_of(cpus: _abi.Cpus) -> FrozenSet[int]:
    bits = 8 * ctypes.sizeof(ctypes.c_ulong)
    words = cpus.bytes // ctypes.sizeof(ctypes.c_ulong)
    return frozenset(word * bits + bit for word in range(words) for bit in range(bits)
                     if cpus.bits[word] >> bit & 1)


class _CpusArgument:
    """A set of CPUs as an argument of the library, released at the end of a block."""

    def __init__(self, cpus: CpuSet) -> None:
        self.set = _abi.Cpus()
        if isinstance(cpus, str):
            reason = ctypes.create_string_buffer(_abi.REASON_SIZE)
            err = lib.vpool_cpus_parse(cpus.encode(), byref(self.set), reason,
                                       len(reason))
            if err:
                raise Error(-err, reason.value.decode(errors="replace"),
                            Code.NONE)
            return
        for cpu in cpus:
            # ctypes would wrap a number that does not fit.
            err = -22 if not 0 <= cpu < 1 << 31 else lib.vpool_cpus_add(
                byref(self.set), cpu)
            if err:
                lib.vpool_cpus_free(byref(self.set))
                raise Error(-err, f"{cpu} is not the number of a CPU", Code.NONE)

    def __enter__(self) -> "_CpusArgument":
        return self

    def __exit__(self, *_: object) -> None:
        lib.vpool_cpus_free(byref(self.set))


def parse_cpus(text: str) -> FrozenSet[int]:
    """Parse a list of CPUs as vpoolctl does: "0-3,8", "all,^0", "2-N"."""
    with _CpusArgument(text) as cpus:
        return _cpus_of(cpus.set)


def format_cpus(cpus: CpuSet) -> str:
    """Format a set of CPUs as a list, such as "0-3,8"."""
    with _CpusArgument(cpus) as argument:
        text = lib.vpool_cpus_format(byref(argument.set))
        if not text:
            raise MemoryError
        try:
            return ctypes.string_at(text).decode()
        finally:
            libc.free(text)


# Handles

class _Handle:
    """An open handle. It is closed at the end of a with block, by close(), or when it is
    no longer used. Threads can share it: calls on it run one after the other, so that each
    Error has the reason of its own call."""

    def __init__(self, open_it: Callable[[Any], int]) -> None:
        handle = c_void_p()
        self._lock = threading.RLock()
        self._handle: Optional[c_void_p] = None
        err = open_it(byref(handle))
        if not err:
            self._handle = handle
            return
        try:
            raise self._error(handle, err)
        finally:
            lib.vpool_close(handle)

    @staticmethod
    def _error(handle: c_void_p, err: int) -> Error:
        reason = ctypes.create_string_buffer(_abi.REASON_SIZE)
        lib.vpool_reason_copy(handle, reason, len(reason))
        return Error(-err, reason.value.decode(errors="replace"),
                     lib.vpool_reason_code(handle))

    def _call(self, function: Callable[..., int], *arguments: Any) -> None:
        with self._lock:
            if self._handle is None:
                raise ValueError("the handle is closed")
            err = function(self._handle, *arguments)
            if err:
                raise self._error(self._handle, err)

    def _array(self, entry: Type[Any], make: Callable[[Any], Any],
               function: Callable[..., int], *arguments: Any) -> List[Any]:
        """Call a function that returns an array, and make an object of each entry."""
        array = POINTER(entry)()
        nr = c_size_t()
        self._call(function, *arguments, byref(array), byref(nr))
        try:
            return [make(array[i]) for i in range(nr.value)]
        finally:
            libc.free(array)

    def close(self) -> None:
        """Close the handle. Mappings stay, and attached tasks stay attached."""
        with self._lock:
            handle, self._handle = self._handle, None
        if handle is not None:
            lib.vpool_close(handle)

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]],
                 error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def __del__(self) -> None:
        # The handle has no attributes if its constructor failed early.
        if getattr(self, "_handle", None) is not None:
            self.close()

    def fileno(self) -> int:
        """Return the descriptor of the device, which the handle keeps."""
        with self._lock:
            fd = -1 if self._handle is None else lib.vpool_fd(self._handle)
        if fd < 0:
            raise ValueError("the handle has no descriptor")
        return int(fd)

    def abi_version(self) -> int:
        """Return VPOOL_ABI_VERSION of the loaded module."""
        found = c_uint()
        self._call(lib.vpool_abi_version, byref(found))
        return found.value

    def _info(self, name: Optional[str]) -> PoolInfo:
        pointer = POINTER(_abi.Info)()
        self._call(lib.vpool_query, _name(name), byref(pointer))
        try:
            return _info_of(pointer.contents)
        finally:
            lib.vpool_info_free(pointer)

    def _counters(self, name: Optional[str]) -> Dict[str, int]:
        return dict(self._array(_abi.Counter, lambda c: (c.name.decode(), c.value),
                                lib.vpool_counters, _name(name)))

    def _regions(self, name: Optional[str]) -> List[Region]:
        return self._array(
            _abi.RegionInfo,
            lambda r: Region(r.id, r.bytes, r.pid, r.uid,
                             r.comm.decode(errors="replace")),
            lib.vpool_regions, _name(name))

    def _members(self, name: Optional[str]) -> List[Member]:
        return self._array(_abi.MemberInfo, lambda m: Member(m.tid, m.pid),
                           lib.vpool_members, _name(name))

    def _users(self, name: Optional[str]) -> List[User]:
        return self._array(_abi.UserInfo,
                           lambda u: User(u.uid, u.bytes, u.regions, u.members),
                           lib.vpool_users, _name(name))


def _name(name: Optional[str]) -> Optional[bytes]:
    if name is not None and "\0" in name:
        raise ValueError("embedded null character")
    return None if name is None else name.encode()


def _info_of(info: _abi.Info) -> PoolInfo:
    plain = ("id", "page_size", "uid", "gid", "mode", "regions", "members",
             "total_bytes", "free_bytes", "used_bytes", "peak_bytes", "clean_bytes",
             "scrubbing_bytes", "poisoned_bytes", "target_bytes", "gathered_bytes",
             "mounts", "user_bytes", "user_regions", "user_members")
    created = datetime.datetime.fromtimestamp(info.created_ns // 10 ** 9,
                                              datetime.timezone.utc)
    return PoolInfo(
        name=info.name.decode(), state=info.state_name.decode(),
        created=created.replace(microsecond=info.created_ns % 10 ** 9 // 1000),
        cpus=_cpus_of(info.cpus), effective=_cpus_of(info.effective),
        dedicated=_cpus_of(info.dedicated),
        nodes=tuple(NodeInfo(n.node, n.total_bytes, n.free_bytes, n.used_bytes)
                    for n in info.nodes[:info.nr_nodes]),
        isolated=bool(info.create_flags & _abi.CREATE_ISOLATED),
        **{key: getattr(info, key) for key in plain})


class Reader(_Handle):
    """A handle that reads about all pools. open_reader() and open_sysfs() return one."""

    def pools(self) -> List[str]:
        """Return the names of all pools, in the order of their ids."""
        return self._array(_abi.ListEntry, lambda entry: entry.name.decode(),
                           lib.vpool_list)

    def info(self, name: str) -> PoolInfo:
        """Return the properties and state of a pool."""
        return self._info(name)

    def counters(self, name: str) -> Dict[str, int]:
        """Return the counters of a pool by their names in its stat directory."""
        return self._counters(name)

    def regions(self, name: str) -> List[Region]:
        """Return the open regions of a pool, oldest first."""
        return self._regions(name)

    def members(self, name: str) -> List[Member]:
        """Return the threads that are attached to a pool."""
        return self._members(name)

    def users(self, name: str) -> List[User]:
        """Return what each user has of a pool."""
        return self._users(name)

    def page_sizes(self) -> List[int]:
        """Return the page sizes that pools can have, in ascending order."""
        return self._array(c_uint64, int, lib.vpool_page_sizes)


def _mem_of(mem: Optional[Memory]) -> Any:
    """Return the array of struct vpool_mem for a size, or for sizes by node."""
    if mem is None:
        return (_abi.Mem * 0)()
    amounts = {_abi.ANY_NODE: mem} if isinstance(mem, int) else mem
    for size in amounts.values():
        if not 0 <= size < 1 << 64:
            raise ValueError(f"{size} is not a size in bytes")
    return (_abi.Mem * len(amounts))(
        *(_abi.Mem(bytes=size, node=node) for node, size in amounts.items()))


def _milliseconds(seconds: float) -> int:
    ms = round(seconds * 1000)
    if not 0 <= ms < 1 << 32:
        raise ValueError(f"{seconds} is not a time limit in seconds")
    return ms


def _flags(**wanted: bool) -> int:
    """Return the mask of the flags that are true, named as in _abi."""
    mask = 0
    for name, value in wanted.items():
        mask |= getattr(_abi, name) if value else 0
    return mask


class Control(Reader):
    """A handle that also creates, changes and destroys pools, which is for root."""

    def create(self, name: str, *, mem: Optional[Memory] = None,
               cpus: Optional[CpuSet] = None, ncpus: int = 0,
               cpus_node: Optional[int] = None, page_size: int = 0,
               uid: Optional[int] = None, gid: Optional[int] = None, mode: int = 0o660,
               timeout: float = 10, dry_run: bool = False, ephemeral: bool = False,
               split_cores: bool = False, boot_core: bool = False,
               isolated: bool = False, user_bytes: int = 0, user_regions: int = 0,
               user_members: int = 0) -> Created:
        """Create a pool.

        mem is a size, or sizes by NUMA node. cpus are its CPUs; instead, ncpus lets the
        module choose that many, from the node cpus_node or near the memory. uid and gid
        are those of the caller by default. An ephemeral pool ends with this handle.
        isolated makes the module return members to the pool's CPUs; only vpoolctl also
        makes a cpuset. user_bytes, user_regions and user_members limit what each user but
        root may have; 0 is no limit. A dry run creates nothing, and the id is 0.
        """
        amounts = _mem_of(mem)
        with _CpusArgument(() if cpus is None else cpus) as argument:
            request = _abi.Request(
                size=ctypes.sizeof(_abi.Request), name=_name(name),
                flags=_flags(CREATE_DRY_RUN=dry_run, CREATE_EPHEMERAL=ephemeral,
                             CREATE_SPLIT_CORES=split_cores,
                             CREATE_BOOT_CORE=boot_core, CREATE_ISOLATED=isolated),
                page_size=page_size,
                uid=_abi.ID_CALLER if uid is None else uid,
                gid=_abi.ID_CALLER if gid is None else gid,
                mode=mode, timeout_ms=_milliseconds(timeout), nr_mem=len(amounts),
                mem=amounts if len(amounts) else None, nr_cpus=ncpus,
                cpus_node=_abi.ANY_NODE if cpus_node is None else cpus_node,
                user_bytes=user_bytes, user_regions=user_regions,
                user_members=user_members)
            if cpus is not None:
                request.cpus = ctypes.pointer(argument.set)
            self._call(lib.vpool_create, byref(request))
        return Created(request.out_id, request.out_bytes)

    def resize(self, name: str, *, mem: Optional[Memory] = None,
               cpus: Optional[CpuSet] = None, timeout: float = 10,
               dry_run: bool = False, split_cores: bool = False,
               boot_core: bool = False, user_bytes: Optional[int] = None,
               user_regions: Optional[int] = None,
               user_members: Optional[int] = None) -> int:
        """Change the memory, CPUs and limits of a pool, and return its memory in bytes.

        mem is the new total, or new totals by node. cpus are all CPUs of the pool after the
        change. The limits are those of create(). What is not given stays.
        """
        amounts = _mem_of(mem)
        with _CpusArgument(() if cpus is None else cpus) as argument:
            change = _abi.Change(
                size=ctypes.sizeof(_abi.Change), name=_name(name),
                flags=_flags(RESIZE_DRY_RUN=dry_run, RESIZE_SPLIT_CORES=split_cores,
                             RESIZE_BOOT_CORE=boot_core,
                             RESIZE_USER_BYTES=user_bytes is not None,
                             RESIZE_USER_REGIONS=user_regions is not None,
                             RESIZE_USER_MEMBERS=user_members is not None),
                timeout_ms=_milliseconds(timeout), nr_mem=len(amounts),
                mem=amounts if len(amounts) else None, user_bytes=user_bytes or 0,
                user_regions=user_regions or 0, user_members=user_members or 0)
            if cpus is not None:
                change.cpus = ctypes.pointer(argument.set)
            self._call(lib.vpool_resize, byref(change))
        return int(change.out_bytes)

    def destroy(self, name: str, *, force: bool = False) -> None:
        """Destroy a pool; with force, also one that is in use."""
        self._call(lib.vpool_destroy, _name(name), _flags(DESTROY_FORCE=force))


class Pool(_Handle):
    """The device of a pool, open with one region. open_pool() and adopt() return one."""

    def info(self) -> PoolInfo:
        """Return the properties and state of the pool."""
        return self._info(None)

    def counters(self) -> Dict[str, int]:
        """Return the counters of the pool by their names in its stat directory."""
        return self._counters(None)

    def regions(self) -> List[Region]:
        """Return the open regions of the pool, oldest first."""
        return self._regions(None)

    def members(self) -> List[Member]:
        """Return the threads that are attached to the pool."""
        return self._members(None)

    def users(self) -> List[User]:
        """Return what each user has of the pool."""
        return self._users(None)

    def commit(self, size: int, *, node: Optional[int] = None,
               populate: bool = False) -> int:
        """Give the region its size and memory, and return the size, rounded up.

        The memory comes from node, or from the nodes that the memory policy chooses.
        populate makes every later mapping fault its memory in at once.
        """
        if not 0 <= size < 1 << 64:
            raise ValueError(f"{size} is not a size in bytes")
        out = c_uint64(size)
        self._call(lib.vpool_commit_node, byref(out), _flags(COMMIT_POPULATE=populate),
                   _abi.ANY_NODE if node is None else node)
        return int(out.value)

    def map(self, size: int, offset: int = 0) -> mmap.mmap:
        """Map the region: shared, readable and writable. One without a size gets
        offset + size. The mapping is unmapped by its close(), and outlasts the handle."""
        if size <= 0 or size >= 1 << 63 or not 0 <= offset < 1 << 63:
            raise ValueError("the size must be positive, and the offset not negative")
        with self._lock:
            try:
                return mmap.mmap(self.fileno(), size, offset=offset)
            except OSError:
                # The library gets the reason. It may also succeed, on a second try.
                address = c_void_p()
                self._call(lib.vpool_map, offset, size, byref(address))
                libc.munmap(address, size)
                return mmap.mmap(self.fileno(), size, offset=offset)

    def create_file(self, *, cloexec: bool = True) -> int:
        """Create a file without a name whose memory comes from the pool. Return its
        descriptor, which the caller closes."""
        fd = c_int()
        self._call(lib.vpool_file_create, _flags(FILE_CLOEXEC=cloexec), byref(fd))
        return int(fd.value)

    def attach(self, pidfd: Optional[int] = None, *, tid: Optional[int] = None,
               process: bool = False, cpu: Optional[int] = None,
               dedicated: bool = False) -> Optional[int]:
        """Attach a task to the pool, and return the CPU that is dedicated to it, or None.

        The task is the calling thread, the first thread of the process of pidfd, or the
        thread tid of that process; with process, all threads of the process. dedicated
        dedicates any free CPU of the pool to the thread, and cpu this one.
        """
        flags = _flags(ATTACH_PROCESS=process)
        fd = _abi.SELF if pidfd is None else pidfd
        if not (dedicated or cpu is not None):
            self._call(lib.vpool_attach_task, fd, tid or 0, flags, None)
            return None
        chosen = c_int(-1 if cpu is None else cpu)
        self._call(lib.vpool_attach_task, fd, tid or 0, flags | _abi.ATTACH_DEDICATED,
                   byref(chosen))
        return int(chosen.value)

    def detach(self, pidfd: Optional[int] = None, *, tid: Optional[int] = None,
               process: bool = False) -> None:
        """Detach a task, named as for attach(), from the pool."""
        self._call(lib.vpool_detach_task, _abi.SELF if pidfd is None else pidfd,
                   tid or 0, _flags(ATTACH_PROCESS=process))


# Functions of the module

def open_control() -> Control:
    """Open the control device, which is for root."""
    return Control(lib.vpool_open_control)


def open_reader() -> Reader:
    """Open a handle that reads about pools: through the control device if the caller may
    open it, else from sysfs."""
    return Reader(lib.vpool_open_reader)


def open_sysfs() -> Reader:
    """Open a handle that reads sysfs only, and does not keep the module loaded."""
    return Reader(lib.vpool_open_sysfs)


def open_pool(name: str) -> Pool:
    """Open the device of a pool, and with it a new region."""
    return Pool(lambda out: int(lib.vpool_open(_name(name), out)))


def adopt(fd: int) -> Pool:
    """Make a handle from an open descriptor of a pool's device or of a file of a pool. The
    handle owns the descriptor."""
    return Pool(lambda out: int(lib.vpool_adopt(fd, out)))


def host() -> Host:
    """Read the CPUs and memory of the host. The module need not be loaded."""
    pointer = POINTER(_abi.Host)()
    err = lib.vpool_host_read(byref(pointer))
    if err:
        raise Error(-err, "", Code.NONE)
    try:
        found = pointer.contents
        return Host(
            cpus=_cpus_of(found.cpus), cores=found.cores,
            total_bytes=found.total_bytes, available_bytes=found.available_bytes,
            nodes=tuple(HostNode(n.node, n.cores, _cpus_of(n.cpus), n.total_bytes,
                                 n.free_bytes, n.available_bytes)
                        for n in found.nodes[:found.nr_nodes]),
            mapping_bytes=found.mapping_bytes)
    finally:
        lib.vpool_host_free(pointer)


def default_page_size() -> int:
    """Return the page size of a pool that is created without one."""
    return int(lib.vpool_default_page_size())


def name_is_valid(name: str) -> bool:
    """Check whether a name can be the name of a pool."""
    return "\0" not in name and bool(lib.vpool_name_is_valid(name.encode()))


def version() -> str:
    """Return the version of the library."""
    return str(lib.vpool_version().decode())
