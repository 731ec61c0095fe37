# SPDX-License-Identifier: LGPL-2.1-or-later
"""The structures and functions of libvpool, for ctypes.

The layouts follow <libvpool.h> and <linux/vpool.h>. A test compares them with the headers.
"""

import ctypes
from ctypes import (POINTER, c_bool, c_char, c_char_p, c_int, c_int32, c_size_t, c_uint,
                    c_uint32, c_uint64, c_ulong, c_void_p)

NAME_SIZE = 40
REASON_SIZE = 256
ANY_NODE = -1
ID_CALLER = 0xffffffff
SELF = -1

CREATE_DRY_RUN = 1 << 0
CREATE_EPHEMERAL = 1 << 1
CREATE_SPLIT_CORES = 1 << 2
CREATE_BOOT_CORE = 1 << 3
CREATE_ISOLATED = 1 << 4
RESIZE_DRY_RUN = 1 << 0
RESIZE_SPLIT_CORES = 1 << 1
RESIZE_BOOT_CORE = 1 << 2
RESIZE_USER_BYTES = 1 << 3
RESIZE_USER_REGIONS = 1 << 4
RESIZE_USER_MEMBERS = 1 << 5
DESTROY_FORCE = 1 << 0
COMMIT_POPULATE = 1 << 0
ATTACH_PROCESS = 1 << 0
ATTACH_DEDICATED = 1 << 1
FILE_CLOEXEC = 1 << 0


class Mem(ctypes.Structure):
    """struct vpool_mem"""
    _fields_ = [("bytes", c_uint64), ("node", c_int32), ("__reserved", c_uint32)]


class NodeInfo(ctypes.Structure):
    """struct vpool_node_info"""
    _fields_ = [("total_bytes", c_uint64), ("free_bytes", c_uint64),
                ("used_bytes", c_uint64), ("node", c_int32), ("__reserved", c_uint32)]


class ListEntry(ctypes.Structure):
    """struct vpool_list_entry"""
    _fields_ = [("id", c_uint32), ("state", c_uint32), ("name", c_char * NAME_SIZE)]


class RegionInfo(ctypes.Structure):
    """struct vpool_region_info"""
    _fields_ = [("id", c_uint64), ("bytes", c_uint64), ("pid", c_int32),
                ("uid", c_uint32), ("comm", c_char * 16)]


class MemberInfo(ctypes.Structure):
    """struct vpool_member_info"""
    _fields_ = [("tid", c_int32), ("pid", c_int32)]


class UserInfo(ctypes.Structure):
    """struct vpool_user_info"""
    _fields_ = [("bytes", c_uint64), ("uid", c_uint32), ("regions", c_uint32),
                ("members", c_uint32), ("_reserved", c_uint32)]


class Cpus(ctypes.Structure):
    """struct vpool_cpus"""
    _fields_ = [("bytes", c_size_t), ("bits", POINTER(c_ulong))]


class Request(ctypes.Structure):
    """struct vpool_request"""
    _fields_ = [("size", c_size_t), ("name", c_char_p), ("flags", c_uint32),
                ("page_size", c_uint64), ("uid", c_uint32), ("gid", c_uint32),
                ("mode", c_uint32), ("timeout_ms", c_uint32), ("nr_mem", c_size_t),
                ("mem", POINTER(Mem)), ("cpus", POINTER(Cpus)), ("nr_cpus", c_uint32),
                ("cpus_node", c_int), ("out_bytes", c_uint64), ("out_id", c_uint32),
                ("user_bytes", c_uint64), ("user_regions", c_uint32),
                ("user_members", c_uint32)]


class Change(ctypes.Structure):
    """struct vpool_change"""
    _fields_ = [("size", c_size_t), ("name", c_char_p), ("flags", c_uint32),
                ("timeout_ms", c_uint32), ("nr_mem", c_size_t), ("mem", POINTER(Mem)),
                ("cpus", POINTER(Cpus)), ("out_bytes", c_uint64), ("user_bytes", c_uint64),
                ("user_regions", c_uint32), ("user_members", c_uint32)]


class Info(ctypes.Structure):
    """struct vpool_info"""
    _fields_ = [("name", c_char * NAME_SIZE), ("state_name", c_char * 16),
                ("id", c_uint32), ("state", c_uint32), ("page_size", c_uint64),
                ("uid", c_uint32), ("gid", c_uint32), ("mode", c_uint32),
                ("regions", c_uint32), ("members", c_uint32), ("created_ns", c_uint64),
                ("total_bytes", c_uint64), ("free_bytes", c_uint64),
                ("used_bytes", c_uint64), ("peak_bytes", c_uint64),
                ("clean_bytes", c_uint64), ("scrubbing_bytes", c_uint64),
                ("poisoned_bytes", c_uint64), ("target_bytes", c_uint64),
                ("gathered_bytes", c_uint64), ("cpus", Cpus), ("nr_nodes", c_size_t),
                ("nodes", POINTER(NodeInfo)), ("create_flags", c_uint32),
                ("effective", Cpus), ("dedicated", Cpus), ("mounts", c_uint32),
                ("user_bytes", c_uint64), ("user_regions", c_uint32),
                ("user_members", c_uint32)]


class HostNode(ctypes.Structure):
    """struct vpool_host_node"""
    _fields_ = [("node", c_int), ("cores", c_uint), ("cpus", Cpus),
                ("total_bytes", c_uint64), ("free_bytes", c_uint64),
                ("available_bytes", c_uint64)]


class Host(ctypes.Structure):
    """struct vpool_host"""
    _fields_ = [("cpus", Cpus), ("cores", c_uint), ("total_bytes", c_uint64),
                ("available_bytes", c_uint64), ("nr_nodes", c_size_t),
                ("nodes", POINTER(HostNode)), ("mapping_bytes", c_uint64)]


class Counter(ctypes.Structure):
    """struct vpool_counter"""
    _fields_ = [("name", c_char * 32), ("value", c_uint64)]


# Every structure by its name in C, for the test of the layouts.
STRUCTURES = {
    "vpool_mem": Mem, "vpool_node_info": NodeInfo, "vpool_list_entry": ListEntry,
    "vpool_region_info": RegionInfo, "vpool_member_info": MemberInfo,
    "vpool_user_info": UserInfo, "vpool_cpus": Cpus, "vpool_request": Request,
    "vpool_change": Change, "vpool_info": Info, "vpool_host_node": HostNode, "vpool_host": Host,
    "vpool_counter": Counter,
}

_HANDLE = c_void_p
_OUT = POINTER(c_void_p)
_NR = POINTER(c_size_t)

# Result and arguments of each function.
_FUNCTIONS = {
    "vpool_abi_version": (c_int, _HANDLE, POINTER(c_uint)),
    "vpool_adopt": (c_int, c_int, _OUT),
    "vpool_attach_task": (c_int, _HANDLE, c_int, c_int, c_uint, POINTER(c_int)),
    "vpool_attach": (c_int, _HANDLE, c_int, c_uint),
    "vpool_close": (None, _HANDLE),
    "vpool_commit_node": (c_int, _HANDLE, POINTER(c_uint64), c_uint, c_int),
    "vpool_counters": (c_int, _HANDLE, c_char_p, POINTER(POINTER(Counter)), _NR),
    "vpool_cpus_add": (c_int, POINTER(Cpus), c_uint),
    "vpool_cpus_format": (c_void_p, POINTER(Cpus)),
    "vpool_cpus_free": (None, POINTER(Cpus)),
    "vpool_cpus_parse": (c_int, c_char_p, POINTER(Cpus), POINTER(c_char), c_size_t),
    "vpool_create": (c_int, _HANDLE, POINTER(Request)),
    "vpool_default_page_size": (c_uint64,),
    "vpool_destroy": (c_int, _HANDLE, c_char_p, c_uint),
    "vpool_detach_task": (c_int, _HANDLE, c_int, c_int, c_uint),
    "vpool_detach": (c_int, _HANDLE, c_int, c_uint),
    "vpool_fd": (c_int, _HANDLE),
    "vpool_file_create": (c_int, _HANDLE, c_uint, POINTER(c_int)),
    "vpool_host_free": (None, POINTER(Host)),
    "vpool_host_read": (c_int, POINTER(POINTER(Host))),
    "vpool_info_free": (None, POINTER(Info)),
    "vpool_list": (c_int, _HANDLE, POINTER(POINTER(ListEntry)), _NR),
    "vpool_map": (c_int, _HANDLE, c_uint64, c_size_t, POINTER(c_void_p)),
    "vpool_members": (c_int, _HANDLE, c_char_p, POINTER(POINTER(MemberInfo)), _NR),
    "vpool_name_is_valid": (c_bool, c_char_p),
    "vpool_open": (c_int, c_char_p, _OUT),
    "vpool_open_control": (c_int, _OUT),
    "vpool_open_reader": (c_int, _OUT),
    "vpool_open_sysfs": (c_int, _OUT),
    "vpool_page_sizes": (c_int, _HANDLE, POINTER(POINTER(c_uint64)), _NR),
    "vpool_query": (c_int, _HANDLE, c_char_p, POINTER(POINTER(Info))),
    "vpool_reason_code": (c_int, _HANDLE),
    "vpool_reason_copy": (None, _HANDLE, POINTER(c_char), c_size_t),
    "vpool_regions": (c_int, _HANDLE, c_char_p, POINTER(POINTER(RegionInfo)), _NR),
    "vpool_resize": (c_int, _HANDLE, POINTER(Change)),
    "vpool_users": (c_int, _HANDLE, c_char_p, POINTER(POINTER(UserInfo)), _NR),
    "vpool_version": (c_char_p,),
}


def _load() -> ctypes.CDLL:
    library = ctypes.CDLL("libvpool.so.0", use_errno=True)
    for name, (result, *arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


lib = _load()
libc = ctypes.CDLL(None, use_errno=True)
libc.free.argtypes = [c_void_p]
libc.free.restype = None
libc.munmap.argtypes = [c_void_p, c_size_t]
libc.munmap.restype = c_int
