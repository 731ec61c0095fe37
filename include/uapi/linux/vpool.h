/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * vpool: named pools of CPUs and physical memory.
 *
 * The one header that the kernel module and userspace share.
 */
#ifndef _UAPI_LINUX_VPOOL_H
#define _UAPI_LINUX_VPOOL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: General ioctl format
 *
 * Two kinds of character device take these calls. ``/dev/vpool/control`` creates,
 * lists, resizes and destroys pools. ``/dev/vpool/NAME``, one for each pool, gives
 * access to its memory and its CPUs. Each open of a pool's device creates a *region*,
 * a private memory object that lasts as long as the descriptor and its mappings.
 *
 * The argument of every ioctl points to a structure. Its first member is the size of
 * the structure in bytes, as the caller was compiled. A structure that is larger than
 * the module knows is accepted if the unknown part is zero. A structure that is
 * smaller, down to the first published size, is treated as if the rest were zero. The
 * module writes back only fields that are named ``out_`` or described as outputs, and
 * never writes beyond the caller's size. No structure is larger than a page.
 *
 * The number of a call contains the size of its structure, for programs that observe
 * calls (strace, valgrind). The module itself uses the first member only: it accepts
 * a number with any size from the first published one upwards, and the numbers of the
 * first release, ``_IO(VPOOL_TYPE, VPOOL_CMD_...)``.
 *
 * Each errno has one meaning in all calls:
 *
 *  - ENOTTY: the ioctl does not exist, or does not work on this kind of device.
 *  - E2BIG: the structure has a non-zero part that this module does not know, or
 *    is larger than a page.
 *  - EOPNOTSUPP: a known field requests something that this module or this kernel
 *    cannot do, such as an unknown flag.
 *  - EINVAL: a field has an invalid value, or the structure is too small.
 *  - EFAULT: a pointer is invalid.
 *  - ENOENT: no pool has this name.
 *  - EEXIST: a pool already has this name.
 *  - ENOMEM: the pool or the host has too little memory. Nothing was taken.
 *  - EBUSY: a CPU belongs to another pool or must stay with the host; a pool is
 *    open, mapped or has members; or a region already has its size.
 *  - ENODEV: a CPU or a NUMA node does not exist or is offline.
 *  - ENXIO: the pool of this descriptor has been destroyed, or a mapping extends
 *    beyond its region.
 *  - EPERM: the caller lacks the required permission.
 *  - EBADF: a descriptor is not open, or is not a pidfd.
 *  - EINTR: a signal interrupted the call. The call has given everything back.
 *  - ENOSPC: the host has as many pools as it can have, or the pool has max_regions
 *    regions or max_members members.
 *  - EDQUOT: the user has as much of the pool as each user may have.
 *  - ETIME: the time allowed has run out. The call has given everything back.
 *  - EMSGSIZE: an array is too small. The count needed was written back.
 *  - ESRCH: the task does not exist, or is not a member of this pool.
 *
 * A failed call leaves a sentence with names and numbers, and a code, in its
 * descriptor. VPOOL_REASON reads them.
 */

#define VPOOL_TYPE 0xBB

/* Increased when a feature is added that a program may want to test for. */
#define VPOOL_ABI_VERSION 3

/* Length of the longest name: [a-z0-9][a-z0-9._-]{0,31}, but not "control". */
#define VPOOL_NAME_MAX 32
/* Size of a name field: the name, its NUL, and room to detect a longer one. */
#define VPOOL_NAME_SIZE 40
/* Size of the longest reason, with its NUL. */
#define VPOOL_REASON_SIZE 256

/* Any NUMA node, for struct vpool_mem.node and struct vpool_create.cpus_node. */
#define VPOOL_ANY_NODE (-1)
/* The uid or gid of the caller, for struct vpool_create. */
#define VPOOL_ID_CALLER 0xffffffffU
/* The calling process, for struct vpool_attach.pidfd. */
#define VPOOL_SELF (-1)

enum {
	VPOOL_CMD_BASE = 0x00,
	VPOOL_CMD_REASON = VPOOL_CMD_BASE,
	VPOOL_CMD_CREATE = 0x01,
	VPOOL_CMD_DESTROY = 0x02,
	VPOOL_CMD_LIST = 0x03,
	VPOOL_CMD_QUERY = 0x04,
	VPOOL_CMD_REGIONS = 0x05,
	VPOOL_CMD_MEMBERS = 0x06,
	VPOOL_CMD_COMMIT = 0x07,
	VPOOL_CMD_ATTACH = 0x08,
	VPOOL_CMD_DETACH = 0x09,
	VPOOL_CMD_RESIZE = 0x0a,
	VPOOL_CMD_FILE = 0x0b,
	VPOOL_CMD_USERS = 0x0c,
};

/**
 * enum vpool_state - state of a pool
 * @VPOOL_STATE_CREATING: memory is being gathered; the pool cannot be opened yet
 * @VPOOL_STATE_ACTIVE: the pool can be opened
 * @VPOOL_STATE_DESTROYING: the pool is being destroyed and cannot be opened
 * @VPOOL_STATE_DEGRADED: the pool is active, but some of its CPUs are offline
 */
enum vpool_state {
	VPOOL_STATE_CREATING = 0,
	VPOOL_STATE_ACTIVE = 1,
	VPOOL_STATE_DESTROYING = 2,
	VPOOL_STATE_DEGRADED = 3,
};

/**
 * enum vpool_code - kind of a failure, for struct vpool_reason.code
 * @VPOOL_CODE_NONE: no call on this descriptor has failed
 * @VPOOL_CODE_NOT_PERMITTED: the caller lacks CAP_SYS_ADMIN in the initial
 *	user namespace
 * @VPOOL_CODE_CALL_UNKNOWN: this device has no ioctl with this number
 * @VPOOL_CODE_STRUCT_UNREADABLE: the structure cannot be read from user memory
 * @VPOOL_CODE_STRUCT_SIZE: the structure is too small, larger than a page, or
 *	has a non-zero part that this module does not know
 * @VPOOL_CODE_FLAGS_UNKNOWN: this module does not know one of the flags
 * @VPOOL_CODE_RESERVED_FIELD: a reserved field is not zero
 * @VPOOL_CODE_BUFFER_UNWRITABLE: a structure or an array in user memory cannot
 *	be written
 * @VPOOL_CODE_BUFFER_TOO_SMALL: an array is too small; its length field holds
 *	the number needed
 * @VPOOL_CODE_NO_KERNEL_MEMORY: the kernel has no memory left for its own data
 * @VPOOL_CODE_INTERRUPTED: a signal interrupted the call
 * @VPOOL_CODE_NAME_INVALID: the name is empty, too long, reserved, or has a
 *	character that names cannot have
 * @VPOOL_CODE_NAME_UNEXPECTED: a name was given on the device of a pool, where
 *	it must be empty
 * @VPOOL_CODE_NO_POOL: no pool has this name
 * @VPOOL_CODE_POOL_EXISTS: a pool already has this name
 * @VPOOL_CODE_TOO_MANY_POOLS: the host has as many pools as it can have
 * @VPOOL_CODE_OWNER_UNKNOWN: the owner's uid or gid is not mapped in the
 *	caller's user namespace
 * @VPOOL_CODE_MODE_INVALID: the mode has bits outside 0666
 * @VPOOL_CODE_PAGE_SIZE_NEEDS_KERNEL: pages of this size need a newer kernel
 * @VPOOL_CODE_PAGE_SIZE_UNSUPPORTED: pages of this size are not supported
 * @VPOOL_CODE_POOL_EMPTY: a create requests neither memory nor CPUs
 * @VPOOL_CODE_POOL_NEEDS_MEMORY: a resize would leave the pool with neither
 *	memory nor CPUs
 * @VPOOL_CODE_NOTHING_TO_CHANGE: a resize requests no change
 * @VPOOL_CODE_ISOLATED_WITHOUT_CPUS: a pool without CPUs cannot be isolated
 * @VPOOL_CODE_POOL_TRANSIENT: the pool is being created or destroyed
 * @VPOOL_CODE_POOL_DESTROYED: the pool has been destroyed
 * @VPOOL_CODE_POOL_HAS_REGIONS: regions of the pool are open or mapped
 * @VPOOL_CODE_POOL_PINNED: memory of the pool is still pinned
 * @VPOOL_CODE_POOL_HAS_MEMBERS: tasks are members of the pool
 * @VPOOL_CODE_CPU_MASK_UNREADABLE: the CPU mask cannot be read from user
 *	memory
 * @VPOOL_CODE_CPU_MASK_SIZE: the CPU mask is too long, or its length is not a
 *	multiple of 8
 * @VPOOL_CODE_CPU_LIST_EMPTY: the CPU mask is empty
 * @VPOOL_CODE_CPU_LIST_AND_NUMBER: the call has both a CPU mask and a number of
 *	CPUs
 * @VPOOL_CODE_CPU_MISSING: the CPU does not exist
 * @VPOOL_CODE_CPU_OFFLINE: the CPU is offline or not present
 * @VPOOL_CODE_CPU_TAKEN: the CPU belongs to another pool
 * @VPOOL_CODE_CPU_BOOT_CORE: the CPU belongs to the core that the host booted
 *	on
 * @VPOOL_CODE_CPU_SPLITS_CORE: another CPU of the same core was not requested
 * @VPOOL_CODE_CPUS_SHORT: fewer CPUs are available than were requested
 * @VPOOL_CODE_CPUS_FLOOR: the host would keep fewer CPUs than host_cpus_floor
 * @VPOOL_CODE_MEM_REQUESTS_MANY: the call has too many memory requests
 * @VPOOL_CODE_MEM_REQUESTS_UNREADABLE: the memory requests cannot be read from
 *	user memory
 * @VPOOL_CODE_MEM_ZERO: a memory request is for 0 bytes
 * @VPOOL_CODE_MEM_OVERFLOW: the memory requests add up to more than any host
 *	can have
 * @VPOOL_CODE_NODE_MISSING: the NUMA node does not exist
 * @VPOOL_CODE_NODE_WITHOUT_MEMORY: the NUMA node has no memory
 * @VPOOL_CODE_NODE_TWICE: two requests name the same NUMA node
 * @VPOOL_CODE_NODE_TOTAL_MIXED: a total over all NUMA nodes is mixed with
 *	requests for single nodes
 * @VPOOL_CODE_MEM_HOST_SHORT: the request exceeds the memory of the host
 * @VPOOL_CODE_MEM_NODE_SHORT: the request exceeds the memory of the NUMA node
 * @VPOOL_CODE_MEM_FLOOR: the host would keep less memory than host_mem_floor
 * @VPOOL_CODE_MEM_NODE_FLOOR: the NUMA node would keep less than its part of
 *	host_mem_floor
 * @VPOOL_CODE_MEM_FRAGMENTED: the host cannot free enough contiguous blocks in
 *	the time allowed
 * @VPOOL_CODE_MEM_IN_USE: memory that the pool must give back is in use
 * @VPOOL_CODE_REGION_HAS_SIZE: the region already has a size
 * @VPOOL_CODE_REGION_SIZE_INVALID: the size is zero, or too large for a region
 * @VPOOL_CODE_POOL_SHORT: the pool has too little free memory
 * @VPOOL_CODE_POOL_NODE_SHORT: the pool has too little free memory on the
 *	requested NUMA node
 * @VPOOL_CODE_POOL_POLICY_SHORT: the pool has too little free memory on the
 *	NUMA nodes that the memory policy and the cpuset allow
 * @VPOOL_CODE_CPUSET_NODE: the caller's cpuset does not allow the NUMA node
 * @VPOOL_CODE_MAP_PRIVATE: pool memory can be mapped with MAP_SHARED only
 * @VPOOL_CODE_MAP_RANGE: the mapping extends beyond the region
 * @VPOOL_CODE_MAPPED_SMALL: no failure: the mapping succeeded, but with small
 *	pages
 * @VPOOL_CODE_POPULATE_FAILED: the page tables of the mapping cannot be filled
 * @VPOOL_CODE_PIDFD_INVALID: the descriptor is not a pidfd, or not one of the
 *	required kind
 * @VPOOL_CODE_TID_INVALID: the thread id is negative, must be 0 here, or does
 *	not belong to a thread of the process
 * @VPOOL_CODE_TASK_EXITED: the task or the process has exited
 * @VPOOL_CODE_TASK_KTHREAD: the task is a kernel thread
 * @VPOOL_CODE_TASK_BOUND: the kernel has bound the task to its CPUs
 * @VPOOL_CODE_TASK_FOREIGN: the task belongs to another user
 * @VPOOL_CODE_TASK_OTHER_POOL: the task is a member of another pool
 * @VPOOL_CODE_TASK_NOT_MEMBER: the task is not a member of the pool
 * @VPOOL_CODE_TASK_DEADLINE: the task is SCHED_DEADLINE and would lose a CPU
 * @VPOOL_CODE_TASK_CPUSET: the task's cpuset has no CPU of the pool
 * @VPOOL_CODE_TOO_MANY_MEMBERS: the pool has max_members members
 * @VPOOL_CODE_NO_TRACEPOINTS: the kernel's fork and exit tracepoints cannot be
 *	used
 * @VPOOL_CODE_POOL_WITHOUT_CPUS: the pool has no CPUs
 * @VPOOL_CODE_POOL_CPUS_OFFLINE: all CPUs of the pool are offline
 * @VPOOL_CODE_DEDICATED_PROCESS: a CPU can be dedicated to a thread, not to a
 *	process
 * @VPOOL_CODE_CPU_NUMBER_INVALID: the CPU number is less than -1
 * @VPOOL_CODE_CPU_NOT_IN_POOL: the CPU does not belong to the pool, or is
 *	offline
 * @VPOOL_CODE_CPU_DEDICATED: the CPU is dedicated to another member
 * @VPOOL_CODE_CPUS_ALL_DEDICATED: all CPUs of the pool are dedicated
 * @VPOOL_CODE_CPU_LAST_SHARED: the CPU is the last one for the members without
 *	a dedicated CPU
 *
 * A program can act on the code while the wording of the sentence changes. A value keeps
 * its meaning. A newer kernel may return values that are not in this list.
 * @VPOOL_CODE_TOO_MANY_REGIONS: the pool has max_regions regions
 * @VPOOL_CODE_FILE_TOO_LARGE: a file of a pool cannot be this large
 * @VPOOL_CODE_POOL_WITHOUT_MEMORY: the pool has no memory, so it can have no files
 * @VPOOL_CODE_POOL_MOUNTED: a filesystem of the pool is mounted
 * @VPOOL_CODE_USER_BYTES: the user would have more memory of the pool than user_bytes
 * @VPOOL_CODE_USER_REGIONS: the user has as many regions as user_regions allows
 * @VPOOL_CODE_USER_MEMBERS: the user of the task has as many members as user_members
 *	allows
 * @VPOOL_CODE_LIMIT_INVALID: a limit of memory for each user is less than a page
 */
enum vpool_code {
	/* Calls */
	VPOOL_CODE_NONE = 0,
	VPOOL_CODE_NOT_PERMITTED = 1,
	VPOOL_CODE_CALL_UNKNOWN = 2,
	VPOOL_CODE_STRUCT_UNREADABLE = 3,
	VPOOL_CODE_STRUCT_SIZE = 4,
	VPOOL_CODE_FLAGS_UNKNOWN = 5,
	VPOOL_CODE_RESERVED_FIELD = 6,
	VPOOL_CODE_BUFFER_UNWRITABLE = 7,
	VPOOL_CODE_BUFFER_TOO_SMALL = 8,
	VPOOL_CODE_NO_KERNEL_MEMORY = 9,
	VPOOL_CODE_INTERRUPTED = 10,

	/* Pools */
	VPOOL_CODE_NAME_INVALID = 11,
	VPOOL_CODE_NAME_UNEXPECTED = 12,
	VPOOL_CODE_NO_POOL = 13,
	VPOOL_CODE_POOL_EXISTS = 14,
	VPOOL_CODE_TOO_MANY_POOLS = 15,
	VPOOL_CODE_OWNER_UNKNOWN = 16,
	VPOOL_CODE_MODE_INVALID = 17,
	VPOOL_CODE_PAGE_SIZE_NEEDS_KERNEL = 18,
	VPOOL_CODE_PAGE_SIZE_UNSUPPORTED = 19,
	VPOOL_CODE_POOL_EMPTY = 20,
	VPOOL_CODE_POOL_NEEDS_MEMORY = 21,
	VPOOL_CODE_NOTHING_TO_CHANGE = 22,
	VPOOL_CODE_ISOLATED_WITHOUT_CPUS = 23,
	VPOOL_CODE_POOL_TRANSIENT = 24,
	VPOOL_CODE_POOL_DESTROYED = 25,
	VPOOL_CODE_POOL_HAS_REGIONS = 26,
	VPOOL_CODE_POOL_PINNED = 27,
	VPOOL_CODE_POOL_HAS_MEMBERS = 28,

	/* CPUs */
	VPOOL_CODE_CPU_MASK_UNREADABLE = 29,
	VPOOL_CODE_CPU_MASK_SIZE = 30,
	VPOOL_CODE_CPU_LIST_EMPTY = 31,
	VPOOL_CODE_CPU_LIST_AND_NUMBER = 32,
	VPOOL_CODE_CPU_MISSING = 33,
	VPOOL_CODE_CPU_OFFLINE = 34,
	VPOOL_CODE_CPU_TAKEN = 35,
	VPOOL_CODE_CPU_BOOT_CORE = 36,
	VPOOL_CODE_CPU_SPLITS_CORE = 37,
	VPOOL_CODE_CPUS_SHORT = 38,
	VPOOL_CODE_CPUS_FLOOR = 39,

	/* Memory */
	VPOOL_CODE_MEM_REQUESTS_MANY = 40,
	VPOOL_CODE_MEM_REQUESTS_UNREADABLE = 41,
	VPOOL_CODE_MEM_ZERO = 42,
	VPOOL_CODE_MEM_OVERFLOW = 43,
	VPOOL_CODE_NODE_MISSING = 44,
	VPOOL_CODE_NODE_WITHOUT_MEMORY = 45,
	VPOOL_CODE_NODE_TWICE = 46,
	VPOOL_CODE_NODE_TOTAL_MIXED = 47,
	VPOOL_CODE_MEM_HOST_SHORT = 48,
	VPOOL_CODE_MEM_NODE_SHORT = 49,
	VPOOL_CODE_MEM_FLOOR = 50,
	VPOOL_CODE_MEM_NODE_FLOOR = 51,
	VPOOL_CODE_MEM_FRAGMENTED = 52,
	VPOOL_CODE_MEM_IN_USE = 53,

	/* Regions */
	VPOOL_CODE_REGION_HAS_SIZE = 54,
	VPOOL_CODE_REGION_SIZE_INVALID = 55,
	VPOOL_CODE_POOL_SHORT = 56,
	VPOOL_CODE_POOL_NODE_SHORT = 57,
	VPOOL_CODE_POOL_POLICY_SHORT = 58,
	VPOOL_CODE_CPUSET_NODE = 59,
	VPOOL_CODE_MAP_PRIVATE = 60,
	VPOOL_CODE_MAP_RANGE = 61,
	VPOOL_CODE_MAPPED_SMALL = 62,
	VPOOL_CODE_POPULATE_FAILED = 63,

	/* Members */
	VPOOL_CODE_PIDFD_INVALID = 64,
	VPOOL_CODE_TID_INVALID = 65,
	VPOOL_CODE_TASK_EXITED = 66,
	VPOOL_CODE_TASK_KTHREAD = 67,
	VPOOL_CODE_TASK_BOUND = 68,
	VPOOL_CODE_TASK_FOREIGN = 69,
	VPOOL_CODE_TASK_OTHER_POOL = 70,
	VPOOL_CODE_TASK_NOT_MEMBER = 71,
	VPOOL_CODE_TASK_DEADLINE = 72,
	VPOOL_CODE_TASK_CPUSET = 73,
	VPOOL_CODE_TOO_MANY_MEMBERS = 74,
	VPOOL_CODE_NO_TRACEPOINTS = 75,
	VPOOL_CODE_POOL_WITHOUT_CPUS = 76,
	VPOOL_CODE_POOL_CPUS_OFFLINE = 77,
	VPOOL_CODE_DEDICATED_PROCESS = 78,
	VPOOL_CODE_CPU_NUMBER_INVALID = 79,
	VPOOL_CODE_CPU_NOT_IN_POOL = 80,
	VPOOL_CODE_CPU_DEDICATED = 81,
	VPOOL_CODE_CPUS_ALL_DEDICATED = 82,
	VPOOL_CODE_CPU_LAST_SHARED = 83,

	/* Files */
	VPOOL_CODE_TOO_MANY_REGIONS = 84,
	VPOOL_CODE_FILE_TOO_LARGE = 85,
	VPOOL_CODE_POOL_WITHOUT_MEMORY = 86,
	VPOOL_CODE_POOL_MOUNTED = 87,

	/* Limits of users */
	VPOOL_CODE_USER_BYTES = 88,
	VPOOL_CODE_USER_REGIONS = 89,
	VPOOL_CODE_USER_MEMBERS = 90,
	VPOOL_CODE_LIMIT_INVALID = 91,
};

/**
 * struct vpool_reason - ioctl(VPOOL_REASON)
 * @size: sizeof(struct vpool_reason)
 * @len: in: room at @buf_uptr in bytes; out: length of the sentence in bytes with its
 *	NUL, 0 if no call on this descriptor has failed
 * @buf_uptr: address of the buffer for the sentence
 * @code: out: one of enum vpool_code
 * @__reserved: must be 0
 *
 * Read the reason of the last failed call (ioctl or mmap) on this descriptor: one
 * sentence without a newline, at most VPOOL_REASON_SIZE bytes, and its code. An
 * mmap(2) that succeeds leaves a reason, too, if the kernel denies the process huge
 * mappings. Neither reading the reason nor a successful call clears it. Fails with
 * EMSGSIZE, with @len and @code set, if the sentence does not fit. Works on both kinds
 * of device.
 */
struct vpool_reason {
	__u32 size;
	__u32 len;
	__aligned_u64 buf_uptr;
	__u32 code;
	__u32 __reserved;
};

#define VPOOL_REASON _IOWR(VPOOL_TYPE, VPOOL_CMD_REASON, struct vpool_reason)

/**
 * struct vpool_mem - request for memory
 * @bytes: size in bytes; rounded up to the page size of the pool
 * @node: NUMA node that the memory must come from. With VPOOL_ANY_NODE it comes from
 *	near the pool's CPUs or, for a pool without CPUs, from the node that can spare
 *	the most
 * @__reserved: must be 0
 */
struct vpool_mem {
	__aligned_u64 bytes;
	__s32 node;
	__u32 __reserved;
};

/**
 * enum vpool_create_flags - flags of struct vpool_create
 * @VPOOL_CREATE_DRY_RUN: check the whole request, change nothing
 * @VPOOL_CREATE_EPHEMERAL: once this control descriptor has been closed for the last
 *	time, destroy the pool as soon as it has no users
 * @VPOOL_CREATE_SPLIT_CORES: allow the pool to take only some threads of a core
 * @VPOOL_CREATE_BOOT_CORE: allow the pool to take the core that the host booted on
 * @VPOOL_CREATE_ISOLATED: move members that leave the pool's CPUs, by
 *	sched_setaffinity(2) or otherwise, back to them. The pool must have CPUs. The
 *	module does not keep other tasks off these CPUs; a cgroup can
 */
enum vpool_create_flags {
	VPOOL_CREATE_DRY_RUN = 1 << 0,
	VPOOL_CREATE_EPHEMERAL = 1 << 1,
	VPOOL_CREATE_SPLIT_CORES = 1 << 2,
	VPOOL_CREATE_BOOT_CORE = 1 << 3,
	VPOOL_CREATE_ISOLATED = 1 << 4,
};

/**
 * struct vpool_create - ioctl(VPOOL_CREATE)
 * @size: sizeof(struct vpool_create)
 * @flags: bits of enum vpool_create_flags
 * @name: name of the pool, NUL-terminated
 * @page_size: page size in bytes; 0 selects the kernel's smallest huge page, which is
 *	2 MiB with base pages of 4 KiB. Fails with EOPNOTSUPP if the size is not in
 *	/sys/kernel/vpool/page_sizes
 * @uid: owner of the pool's device, or VPOOL_ID_CALLER
 * @gid: group of the pool's device, or VPOOL_ID_CALLER
 * @mode: permission bits of the pool's device, within 0666
 * @timeout_ms: time to wait if memory is short, in milliseconds; with 0 the call takes
 *	free memory only, and fails if that is not enough
 * @mem_uptr: array of struct vpool_mem
 * @nr_mem: length of that array; 0 for a pool without memory
 * @cpus_bytes: length of the mask at @cpus_uptr in bytes; 0 for a pool without CPUs, or
 *	if @nr_cpus is not 0
 * @cpus_uptr: CPU mask in the layout of sched_setaffinity(2)
 * @out_id: id of the new pool; ids are not reused soon
 * @__reserved: must be 0
 * @out_bytes: memory of the new pool in bytes, after rounding
 * @nr_cpus: number of CPUs for the module to choose; 0 if @cpus_bytes is not 0
 * @cpus_node: with @nr_cpus: NUMA node to choose the CPUs from. With VPOOL_ANY_NODE
 *	they come from near the pool's memory
 * @user_bytes: memory that each user may have in regions, in bytes; 0 for no limit
 * @user_regions: number of regions that each user may have; 0 for no limit
 * @user_members: number of members that attach calls may make of each user; 0 for no
 *	limit
 *
 * Create a pool with everything that was requested, or fail and change nothing. The
 * caller needs CAP_SYS_ADMIN in the initial user namespace. When the call returns, the
 * device ``/dev/vpool/NAME`` and the directory ``/sys/kernel/vpool/pools/NAME`` exist.
 * The pool may still be scrubbing its memory. Works on the control device only.
 *
 * The CPUs that the module chooses are whole cores. The call fails with EBUSY if no
 * whole cores add up to @nr_cpus, unless VPOOL_CREATE_SPLIT_CORES allows the pool to
 * take a part of a core.
 *
 * The limits hold for each user except root. The user of a region is the real uid of the
 * task that opened it, and that of a member the real uid of the task when it was attached;
 * in a user namespace it is the owner of the outermost namespace that root does not own.
 * Setting another uid, or passing the descriptor on, changes nothing. Memory that is
 * released but still pinned counts. A call that would exceed a limit fails with EDQUOT,
 * and a fault on a hole raises SIGBUS. Forks can exceed @user_members. The call fails with
 * EINVAL if @user_bytes is less than a page.
 */
struct vpool_create {
	__u32 size;
	__u32 flags;
	char name[VPOOL_NAME_SIZE];
	__aligned_u64 page_size;
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 timeout_ms;
	__aligned_u64 mem_uptr;
	__u32 nr_mem;
	__u32 cpus_bytes;
	__aligned_u64 cpus_uptr;
	__u32 out_id;
	__u32 __reserved;
	__aligned_u64 out_bytes;
	__u32 nr_cpus;
	__s32 cpus_node;
	__aligned_u64 user_bytes;
	__u32 user_regions;
	__u32 user_members;
};

#define VPOOL_CREATE _IOWR(VPOOL_TYPE, VPOOL_CMD_CREATE, struct vpool_create)

/**
 * enum vpool_resize_flags - flags of struct vpool_resize
 * @VPOOL_RESIZE_DRY_RUN: check the whole request, change nothing
 * @VPOOL_RESIZE_SPLIT_CORES: allow the pool to have only some threads of a core
 * @VPOOL_RESIZE_BOOT_CORE: allow the pool to take the core that the host booted on
 * @VPOOL_RESIZE_USER_BYTES: set struct vpool_resize.user_bytes
 * @VPOOL_RESIZE_USER_REGIONS: set struct vpool_resize.user_regions
 * @VPOOL_RESIZE_USER_MEMBERS: set struct vpool_resize.user_members
 */
enum vpool_resize_flags {
	VPOOL_RESIZE_DRY_RUN = 1 << 0,
	VPOOL_RESIZE_SPLIT_CORES = 1 << 1,
	VPOOL_RESIZE_BOOT_CORE = 1 << 2,
	VPOOL_RESIZE_USER_BYTES = 1 << 3,
	VPOOL_RESIZE_USER_REGIONS = 1 << 4,
	VPOOL_RESIZE_USER_MEMBERS = 1 << 5,
};

/**
 * struct vpool_resize - ioctl(VPOOL_RESIZE)
 * @size: sizeof(struct vpool_resize)
 * @flags: bits of enum vpool_resize_flags
 * @name: name of the pool
 * @timeout_ms: as in struct vpool_create
 * @nr_mem: length of the array at @mem_uptr
 * @mem_uptr: array of struct vpool_mem. Each entry is the new total on its node, which
 *	may be 0; nodes without an entry stay as they are. A single entry with
 *	VPOOL_ANY_NODE is the new total of the pool instead
 * @out_bytes: memory of the pool after the resize in bytes, after rounding
 * @cpus_uptr: mask of all CPUs of the pool after the resize, in the layout of
 *	sched_setaffinity(2)
 * @cpus_bytes: length of that mask in bytes; with 0 the CPUs stay as they are
 * @__reserved: must be 0
 * @user_bytes: as in struct vpool_create; ignored without VPOOL_RESIZE_USER_BYTES
 * @user_regions: as in struct vpool_create; ignored without VPOOL_RESIZE_USER_REGIONS
 * @user_members: as in struct vpool_create; ignored without VPOOL_RESIZE_USER_MEMBERS
 *
 * Change the memory, the CPUs and the limits of a pool while it is in use, or fail and
 * change nothing. A user who has more than a new limit keeps it, and gets no more. When
 * the call returns, the members run on the new CPUs only. A pool can lose neither all its
 * CPUs (EINVAL) nor a dedicated one (EBUSY).
 *
 * A pool can give back free memory only. The call fails with EBUSY if less than the
 * requested amount is free; the reason says how much is. The module zeroes memory
 * before it gives it back to the host. The call fails with EINVAL if the pool would
 * have neither memory nor CPUs, if two entries name the same node, or if an entry with
 * VPOOL_ANY_NODE is not the only one. The caller needs CAP_SYS_ADMIN in the initial
 * user namespace. Works on the control device only.
 */
struct vpool_resize {
	__u32 size;
	__u32 flags;
	char name[VPOOL_NAME_SIZE];
	__u32 timeout_ms;
	__u32 nr_mem;
	__aligned_u64 mem_uptr;
	__aligned_u64 out_bytes;
	__aligned_u64 cpus_uptr;
	__u32 cpus_bytes;
	__u32 __reserved;
	__aligned_u64 user_bytes;
	__u32 user_regions;
	__u32 user_members;
};

#define VPOOL_RESIZE _IOWR(VPOOL_TYPE, VPOOL_CMD_RESIZE, struct vpool_resize)

/**
 * enum vpool_destroy_flags - flags of struct vpool_destroy
 * @VPOOL_DESTROY_FORCE: revoke all regions and memberships of the pool. Later accesses
 *	to its mappings raise SIGBUS, its members get back the affinity that they had
 *	before, and later calls on its descriptors fail with ENXIO
 */
enum vpool_destroy_flags {
	VPOOL_DESTROY_FORCE = 1 << 0,
};

/**
 * struct vpool_destroy - ioctl(VPOOL_DESTROY)
 * @size: sizeof(struct vpool_destroy)
 * @flags: bits of enum vpool_destroy_flags
 * @name: name of the pool
 *
 * Give the memory and the CPUs of a pool back to the host. Without
 * VPOOL_DESTROY_FORCE the call fails with EBUSY while the pool is open, mapped, pinned
 * or has members. The caller needs CAP_SYS_ADMIN in the initial user namespace. Works
 * on the control device only.
 */
struct vpool_destroy {
	__u32 size;
	__u32 flags;
	char name[VPOOL_NAME_SIZE];
};

#define VPOOL_DESTROY _IOWR(VPOOL_TYPE, VPOOL_CMD_DESTROY, struct vpool_destroy)

/**
 * struct vpool_list_entry - a pool in VPOOL_LIST
 * @id: id of the pool
 * @state: one of enum vpool_state
 * @name: name of the pool
 */
struct vpool_list_entry {
	__u32 id;
	__u32 state;
	char name[VPOOL_NAME_SIZE];
};

/**
 * struct vpool_list - ioctl(VPOOL_LIST)
 * @size: sizeof(struct vpool_list)
 * @flags: must be 0
 * @nr: in: room at @entries_uptr in entries; out: number of pools
 * @__reserved: must be 0
 * @entries_uptr: array of struct vpool_list_entry, in the order of ids
 *
 * List all pools. Fails with EMSGSIZE, with @nr set and nothing else written, if the
 * array is too small. Works on the control device only.
 */
struct vpool_list {
	__u32 size;
	__u32 flags;
	__u32 nr;
	__u32 __reserved;
	__aligned_u64 entries_uptr;
};

#define VPOOL_LIST _IOWR(VPOOL_TYPE, VPOOL_CMD_LIST, struct vpool_list)

/**
 * struct vpool_node_info - memory of a pool on a NUMA node
 * @total_bytes: all memory of the pool on the node
 * @free_bytes: memory in no region, clean or scrubbing
 * @used_bytes: memory in regions, and released memory that is still pinned
 * @node: number of the node
 * @__reserved: 0
 */
struct vpool_node_info {
	__aligned_u64 total_bytes;
	__aligned_u64 free_bytes;
	__aligned_u64 used_bytes;
	__s32 node;
	__u32 __reserved;
};

/**
 * struct vpool_query - ioctl(VPOOL_QUERY)
 * @size: sizeof(struct vpool_query)
 * @flags: must be 0
 * @name: in: name of the pool on the control device, empty on the device of a pool;
 *	out: name of the pool
 * @id: out: id of the pool
 * @state: out: one of enum vpool_state
 * @page_size: out: page size in bytes
 * @uid: out: owner of the pool's device, in the caller's user namespace
 * @gid: out: group of the pool's device, in the caller's user namespace
 * @mode: out: permission bits of the pool's device
 * @regions: out: number of open regions, including the caller's
 * @members: out: number of member tasks
 * @nr_nodes: in: room at @nodes_uptr in entries; out: number of nodes with memory
 * @created_ns: out: CLOCK_REALTIME of the creation, in nanoseconds
 * @total_bytes: out: all memory; always free + used + poisoned
 * @free_bytes: out: memory in no region; always clean + scrubbing
 * @used_bytes: out: memory in regions, and released memory that is still pinned
 * @peak_bytes: out: maximum of @used_bytes since the creation
 * @clean_bytes: out: free memory that is zeroed
 * @scrubbing_bytes: out: free memory that waits to be zeroed
 * @poisoned_bytes: out: memory set aside after a hardware memory error
 * @nodes_uptr: array of struct vpool_node_info, or 0 to omit it
 * @cpus_uptr: mask of the assigned CPUs in the layout of sched_getaffinity(2), or 0 to
 *	omit it
 * @cpus_bytes: in: room at @cpus_uptr in bytes, a multiple of 8; out: length of the
 *	mask in bytes
 * @__reserved: must be 0
 * @target_bytes: out: value that @total_bytes has, or will have at the end of a create
 *	or a resize
 * @gathered_bytes: out: memory taken from the host that is not yet in @total_bytes
 * @create_flags: out: bits of enum vpool_create_flags given at the creation
 * @__reserved_2: must be 0
 * @user_bytes: out: memory that each user may have in regions, in bytes; 0 if there is no
 *	limit
 * @user_regions: out: number of regions that each user may have; 0 if there is no limit
 * @user_members: out: number of members that attach calls may make of each user; 0 if
 *	there is no limit
 *
 * Read all figures of a pool. The memory figures of the whole pool are a consistent
 * snapshot; those of each node are read separately.
 * Fails with EMSGSIZE, with @nr_nodes and @cpus_bytes set and nothing else written, if
 * an array is too small. Works on both kinds of device.
 */
struct vpool_query {
	__u32 size;
	__u32 flags;
	char name[VPOOL_NAME_SIZE];
	__u32 id;
	__u32 state;
	__aligned_u64 page_size;
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 regions;
	__u32 members;
	__u32 nr_nodes;
	__aligned_u64 created_ns;
	__aligned_u64 total_bytes;
	__aligned_u64 free_bytes;
	__aligned_u64 used_bytes;
	__aligned_u64 peak_bytes;
	__aligned_u64 clean_bytes;
	__aligned_u64 scrubbing_bytes;
	__aligned_u64 poisoned_bytes;
	__aligned_u64 nodes_uptr;
	__aligned_u64 cpus_uptr;
	__u32 cpus_bytes;
	__u32 __reserved;
	__aligned_u64 target_bytes;
	__aligned_u64 gathered_bytes;
	__u32 create_flags;
	__u32 __reserved_2;
	__aligned_u64 user_bytes;
	__u32 user_regions;
	__u32 user_members;
};

#define VPOOL_QUERY _IOWR(VPOOL_TYPE, VPOOL_CMD_QUERY, struct vpool_query)

/**
 * struct vpool_region_info - a region in VPOOL_REGIONS
 * @id: id of the region, unique within its pool
 * @bytes: size of the region; 0 before it is committed
 * @pid: process that opened the region, in the caller's pid namespace; 0 if it has
 *	exited or is not visible there
 * @uid: user who opened the region, in the caller's user namespace
 * @comm: name of that process when it opened the region
 */
struct vpool_region_info {
	__aligned_u64 id;
	__aligned_u64 bytes;
	__s32 pid;
	__u32 uid;
	char comm[16];
};

/**
 * struct vpool_regions - ioctl(VPOOL_REGIONS)
 * @size: sizeof(struct vpool_regions)
 * @flags: must be 0
 * @name: as in struct vpool_query
 * @nr: in: room at @regions_uptr in entries; out: number of regions
 * @__reserved: must be 0
 * @regions_uptr: array of struct vpool_region_info, oldest first
 *
 * List the open regions of a pool. Fails with EMSGSIZE, with @nr set and nothing else
 * written, if the array is too small. Works on both kinds of device.
 */
struct vpool_regions {
	__u32 size;
	__u32 flags;
	char name[VPOOL_NAME_SIZE];
	__u32 nr;
	__u32 __reserved;
	__aligned_u64 regions_uptr;
};

#define VPOOL_REGIONS _IOWR(VPOOL_TYPE, VPOOL_CMD_REGIONS, struct vpool_regions)

/**
 * struct vpool_member_info - a task in VPOOL_MEMBERS
 * @tid: thread id in the caller's pid namespace; 0 if not visible there
 * @pid: process id in the caller's pid namespace; 0 if not visible there
 */
struct vpool_member_info {
	__s32 tid;
	__s32 pid;
};

/**
 * struct vpool_members - ioctl(VPOOL_MEMBERS)
 * @size: sizeof(struct vpool_members)
 * @flags: must be 0
 * @name: as in struct vpool_query
 * @nr: in: room at @members_uptr in entries; out: number of members
 * @__reserved: must be 0
 * @members_uptr: array of struct vpool_member_info, in no particular order
 *
 * List the members of a pool. Fails with EMSGSIZE, with @nr set and nothing else
 * written, if the array is too small. Works on both kinds of device.
 */
struct vpool_members {
	__u32 size;
	__u32 flags;
	char name[VPOOL_NAME_SIZE];
	__u32 nr;
	__u32 __reserved;
	__aligned_u64 members_uptr;
};

#define VPOOL_MEMBERS _IOWR(VPOOL_TYPE, VPOOL_CMD_MEMBERS, struct vpool_members)

/**
 * struct vpool_user_info - a user in VPOOL_USERS
 * @bytes: memory in the user's regions, and released memory that is still pinned
 * @uid: the user, in the caller's user namespace
 * @regions: number of regions, and of directories in mounted filesystems
 * @members: number of members
 * @__reserved: 0
 */
struct vpool_user_info {
	__aligned_u64 bytes;
	__u32 uid;
	__u32 regions;
	__u32 members;
	__u32 __reserved;
};

/**
 * struct vpool_users - ioctl(VPOOL_USERS)
 * @size: sizeof(struct vpool_users)
 * @flags: must be 0
 * @name: as in struct vpool_query
 * @nr: in: room at @users_uptr in entries; out: number of users
 * @__reserved: must be 0
 * @users_uptr: array of struct vpool_user_info, in the order of uids
 *
 * List the users that have memory, regions or members of a pool, as its limits count them:
 * see struct vpool_create. Fails with EMSGSIZE, with @nr set and nothing else written, if
 * the array is too small. Works on both kinds of device.
 */
struct vpool_users {
	__u32 size;
	__u32 flags;
	char name[VPOOL_NAME_SIZE];
	__u32 nr;
	__u32 __reserved;
	__aligned_u64 users_uptr;
};

#define VPOOL_USERS _IOWR(VPOOL_TYPE, VPOOL_CMD_USERS, struct vpool_users)

/**
 * enum vpool_commit_flags - flags of struct vpool_commit
 * @VPOOL_COMMIT_POPULATE: let every later mmap(2) of the region fill the page tables of
 *	the whole mapping before it returns, so that no access faults
 * @VPOOL_COMMIT_NODE: take all memory from struct vpool_commit.node
 */
enum vpool_commit_flags {
	VPOOL_COMMIT_POPULATE = 1 << 0,
	VPOOL_COMMIT_NODE = 1 << 1,
};

/**
 * struct vpool_commit - ioctl(VPOOL_COMMIT)
 * @size: sizeof(struct vpool_commit)
 * @flags: bits of enum vpool_commit_flags
 * @bytes: in: size of the region in bytes; out: the same, rounded up to the page size
 * @node: with VPOOL_COMMIT_NODE: NUMA node of the memory. Without that flag the memory
 *	policy of the calling task decides; without a policy, the nodes nearest to the
 *	task come first
 * @__reserved: must be 0
 *
 * Give this region its size and its memory. After this call no access to the region
 * fails because memory is short. Without this call, the first mmap(2) commits the
 * region, and the end of that mapping becomes its size. A region keeps its size: the
 * call fails with EBUSY if the region already has one. It fails with ENOMEM, with
 * nothing taken, if the pool has too little memory on the nodes that the policy and
 * the task's cpuset allow; with EPERM if the cpuset does not allow @node; and with
 * EINTR if a signal kills the task. Works on the device of a pool only.
 *
 * The first mmap(2) applies the policy in the same way. mbind(2) on a mapping moves
 * the pages that no task has touched, and fails with ENOMEM if the pool has too little
 * memory on the nodes of MPOL_BIND.
 */
struct vpool_commit {
	__u32 size;
	__u32 flags;
	__aligned_u64 bytes;
	__s32 node;
	__u32 __reserved;
};

#define VPOOL_COMMIT _IOWR(VPOOL_TYPE, VPOOL_CMD_COMMIT, struct vpool_commit)

/**
 * enum vpool_attach_flags - flags of struct vpool_attach
 * @VPOOL_ATTACH_PROCESS: attach or detach all threads of the process, not one thread
 * @VPOOL_ATTACH_DEDICATED: dedicate a CPU of the pool to the thread. Excludes
 *	VPOOL_ATTACH_PROCESS, and is invalid for VPOOL_DETACH
 */
enum vpool_attach_flags {
	VPOOL_ATTACH_PROCESS = 1 << 0,
	VPOOL_ATTACH_DEDICATED = 1 << 1,
};

/**
 * struct vpool_attach - ioctl(VPOOL_ATTACH), ioctl(VPOOL_DETACH)
 * @size: sizeof(struct vpool_attach)
 * @flags: bits of enum vpool_attach_flags
 * @pidfd: pidfd of a process, or VPOOL_SELF for the calling process. Without
 *	VPOOL_ATTACH_PROCESS the call is about one thread: the calling thread for
 *	VPOOL_SELF, the thread of a pidfd made with PIDFD_THREAD, or else the first
 *	thread of the process
 * @tid: another thread of that process, in the caller's pid namespace, or 0; must be 0
 *	with VPOOL_ATTACH_PROCESS
 * @cpu: with VPOOL_ATTACH_DEDICATED: in: number of the CPU, or -1 for any; out: number
 *	of the dedicated CPU. Without that flag the field is ignored
 * @__reserved: must be 0
 *
 * VPOOL_ATTACH makes a task a member of this descriptor's pool. The task, and every
 * thread and child that it creates from then on, runs on the pool's CPUs only, until
 * it is detached, exits, or the pool is destroyed. The call fails with EBUSY if the
 * task belongs to another pool. Attaching a member again has no effect, unless the
 * call dedicates a CPU. The call fails with EINVAL if the pool has no CPUs, and with
 * ENODEV if all of them are offline. A membership does not depend on the descriptor,
 * which may be closed.
 *
 * A member runs on those CPUs of the pool that its cpuset allows. The call fails with
 * EINVAL if the cpuset allows none of them. As with sched_setaffinity(2), it fails
 * with EBUSY if a SCHED_DEADLINE task would lose a CPU.
 *
 * The caller may attach and detach the tasks whose affinity it may set with
 * sched_setaffinity(2): tasks of its own user and, with CAP_SYS_NICE in the user
 * namespace of the task, all others. The call fails with EPERM for a task of another
 * user, with EINVAL for a kernel thread, and with ESRCH for a task that has exited. A
 * call for a process attaches all its threads or none.
 *
 * The other members of the pool do not run on a dedicated CPU until its thread is
 * detached or exits. A child of that thread starts there and is moved off within
 * moments. The call fails with EBUSY if the CPU is already dedicated, or if it is the
 * last one for the members without a dedicated CPU, and with EINVAL if it does not
 * belong to the pool. If all CPUs except dedicated ones go offline, the other members
 * run on the dedicated ones. Another call moves the thread to another CPU or, with -1,
 * returns the CPU that it has.
 *
 * VPOOL_DETACH ends the membership and restores the affinity that the task had before,
 * within its present cpuset. An affinity that sched_setaffinity(2) has set since then
 * is kept. The call fails with ESRCH if the task is not a member of this pool. Works on
 * the device of a pool only.
 */
struct vpool_attach {
	__u32 size;
	__u32 flags;
	__s32 pidfd;
	__s32 tid;
	__s32 cpu;
	__u32 __reserved;
};

#define VPOOL_ATTACH _IOWR(VPOOL_TYPE, VPOOL_CMD_ATTACH, struct vpool_attach)
#define VPOOL_DETACH _IOWR(VPOOL_TYPE, VPOOL_CMD_DETACH, struct vpool_attach)

/**
 * enum vpool_file_flags - flags of struct vpool_file
 * @VPOOL_FILE_CLOEXEC: set the close-on-exec flag of the new descriptor
 */
enum vpool_file_flags {
	VPOOL_FILE_CLOEXEC = 1 << 0,
};

/**
 * struct vpool_file - ioctl(VPOOL_FILE)
 * @size: sizeof(struct vpool_file)
 * @flags: bits of enum vpool_file_flags
 * @out_fd: out: descriptor of the new file, open for reading and writing
 * @__reserved: must be 0
 *
 * Create a regular file without a name whose memory comes from the pool, as
 * memfd_create(2) does with memory of the host. Its size is 0. Its owner is the caller,
 * and its mode is 0600. The file lasts until its last descriptor and its last mapping are
 * closed. It is a region of the pool, and does not depend on the descriptor of this call.
 *
 * A file takes memory in whole pages of the pool's page size. ftruncate(2) to a larger
 * size commits the memory of the part that it adds, and fallocate(2) that of its range,
 * before they return. They fail with ENOSPC, with nothing taken, if the pool has too
 * little, and with EFBIG if the file would be larger than 16 times the pool's memory.
 * write(2) commits what it writes. A smaller size, and FALLOC_FL_PUNCH_HOLE, give whole
 * pages back, and zero the part of a page. A range that has never been written or
 * allocated, behind which the file has data, is a hole, as is a punched range. Reading a
 * hole returns zeros. A fault on a hole commits a page, and raises SIGBUS if the pool has
 * none. A mapping of a file without holes never fails because memory is short.
 *
 * Fails with ENOSPC if the pool has max_regions regions, and with EINVAL if it has no
 * memory. Works on the device of a pool only. VPOOL_REASON and VPOOL_QUERY work on the
 * new descriptor, too.
 */
struct vpool_file {
	__u32 size;
	__u32 flags;
	__s32 out_fd;
	__u32 __reserved;
};

#define VPOOL_FILE _IOWR(VPOOL_TYPE, VPOOL_CMD_FILE, struct vpool_file)

#endif /* _UAPI_LINUX_VPOOL_H */
