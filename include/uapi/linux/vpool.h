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
 * Two kinds of character device take these calls: ``/dev/vpool/control``
 * makes, lists and removes pools; ``/dev/vpool/NAME``, one for each pool, gives
 * its memory and CPUs to whoever may open it. Each open of a pool's node is one
 * *region*, a private memory object, until its descriptor is shared.
 *
 * The argument of every ioctl points to a structure whose first member is its
 * own size in bytes, as the caller was compiled with. A larger structure than
 * the module knows is accepted as long as the part that the module does not
 * know is zero; a smaller one down to the first published size is taken as if
 * the rest were zero. Nothing but the fields named ``out_`` or described as
 * outputs is written back, and never beyond the caller's size. No structure is
 * larger than a page.
 *
 * The numbers of the calls have the size of their structure in them, for programs
 * that look at calls from outside (strace, valgrind). The module reads the first
 * member only: it takes a number with any size from the first published one on, and
 * the plain numbers of the first release, ``_IO(VPOOL_TYPE, VPOOL_CMD_...)``.
 *
 * All errnos have one meaning everywhere:
 *
 *  - ENOTTY: no such ioctl, or not on this kind of node.
 *  - E2BIG: the structure has a non-zero part that this module does not know, or
 *    is larger than a page.
 *  - EOPNOTSUPP: a known field asks for something this module or this kernel
 *    cannot do, an unknown flag among them.
 *  - EINVAL: a field has a value that is never right; a structure too small.
 *  - EFAULT: a pointer leads nowhere.
 *  - ENOENT: no pool has that name.
 *  - EEXIST: a pool of that name is there already.
 *  - ENOMEM: not enough memory, in the pool or on the host. Nothing was taken.
 *  - EBUSY: a CPU belongs to another pool or must stay with the host; a pool is
 *    still open, mapped or has members; a region has its size already.
 *  - ENODEV: a CPU or node does not exist or is offline.
 *  - ENXIO: the pool of this descriptor has been destroyed; beyond a region.
 *  - EPERM: the caller may not do that.
 *  - EBADF: a descriptor is not open, or no pidfd.
 *  - EINTR: a signal came; everything was given back.
 *  - ETIME: the time allowed ran out; everything was given back.
 *  - EMSGSIZE: an array is too small; the count needed was written back.
 *  - ESRCH: no such task, or not a member of this pool.
 *
 * Every failure leaves a sentence in the descriptor that says why, with names
 * and numbers; VPOOL_REASON reads it.
 */

#define VPOOL_TYPE 0xBB

/* Bumped when something is added that a program may want to ask for. */
#define VPOOL_ABI_VERSION 1

/* A name is [a-z0-9][a-z0-9._-]{0,31}, "control" excepted. */
#define VPOOL_NAME_MAX 32
/* Room for a name, its NUL, and enough to see that one is too long. */
#define VPOOL_NAME_SIZE 40
/* No reason is longer, its NUL included. */
#define VPOOL_REASON_SIZE 256

/* Any node, for struct vpool_mem.node and struct vpool_create.cpus_node. */
#define VPOOL_ANY_NODE (-1)
/* The caller's own uid or gid, for struct vpool_create. */
#define VPOOL_ID_CALLER 0xffffffffU
/* The caller itself, for struct vpool_attach.pidfd. */
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
};

/**
 * enum vpool_state - the life of a pool
 * @VPOOL_STATE_CREATING: memory is being reserved; it cannot be opened yet
 * @VPOOL_STATE_ACTIVE: in use, or ready to be
 * @VPOOL_STATE_DESTROYING: on its way out; it cannot be opened any more
 * @VPOOL_STATE_DEGRADED: as active, but some of its CPUs are offline
 */
enum vpool_state {
	VPOOL_STATE_CREATING = 0,
	VPOOL_STATE_ACTIVE = 1,
	VPOOL_STATE_DESTROYING = 2,
	VPOOL_STATE_DEGRADED = 3,
};

/**
 * enum vpool_code - what kind of failure a reason tells of
 * @VPOOL_CODE_NONE: no call on this descriptor has failed
 * @VPOOL_CODE_NOT_PERMITTED: the caller lacks CAP_SYS_ADMIN in the initial user
 *	namespace
 * @VPOOL_CODE_NO_POOL: no pool has this name
 * @VPOOL_CODE_POOL_EXISTS: a pool has this name already
 * @VPOOL_CODE_TOO_MANY_POOLS: the host has as many pools as it can have
 * @VPOOL_CODE_NAME_INVALID: the name is empty, too long, or has characters that a name
 *	cannot have
 * @VPOOL_CODE_NAME_UNEXPECTED: a name was given on a pool's own device, where it must
 *	stay empty
 * @VPOOL_CODE_POOL_DESTROYED: the pool has been destroyed
 * @VPOOL_CODE_POOL_TRANSIENT: the pool is being created or destroyed
 * @VPOOL_CODE_POOL_EMPTY: a pool needs memory or CPUs, and neither was asked for
 * @VPOOL_CODE_OWNER_UNKNOWN: the owner's uid or gid is not mapped in the caller's user
 *	namespace
 * @VPOOL_CODE_MODE_INVALID: the mode has bits outside 0666
 * @VPOOL_CODE_CALL_UNKNOWN: this device has no ioctl of this number
 * @VPOOL_CODE_STRUCT_UNREADABLE: the structure cannot be read from user memory
 * @VPOOL_CODE_BUFFER_UNWRITABLE: a structure or an array in user memory cannot be
 *	written
 * @VPOOL_CODE_STRUCT_SIZE: the size of the structure is below the minimum or above
 *	what this kernel knows, and the rest is not zero
 * @VPOOL_CODE_BUFFER_TOO_SMALL: the array has too little room; its length field has
 *	the number needed
 * @VPOOL_CODE_FLAGS_UNKNOWN: a flag is not known to this kernel
 * @VPOOL_CODE_RESERVED_FIELD: a reserved field is not zero
 * @VPOOL_CODE_MEM_REQUESTS_MANY: there are more memory requests than a call can take
 * @VPOOL_CODE_MEM_REQUESTS_UNREADABLE: the memory requests cannot be read from user
 *	memory
 * @VPOOL_CODE_CPU_MASK_UNREADABLE: the CPU mask cannot be read from user memory
 * @VPOOL_CODE_CPU_MASK_SIZE: the CPU mask has a length that no kernel can have
 * @VPOOL_CODE_NO_KERNEL_MEMORY: the kernel has no memory left for its own bookkeeping
 * @VPOOL_CODE_CPU_MISSING: the CPU does not exist
 * @VPOOL_CODE_CPU_OFFLINE: the CPU is offline or not present
 * @VPOOL_CODE_CPU_TAKEN: the CPU belongs to another pool
 * @VPOOL_CODE_CPU_BOOT_CORE: the CPU is of the core that the host booted on
 * @VPOOL_CODE_CPU_SPLITS_CORE: another CPU of the same core was not asked for
 * @VPOOL_CODE_CPUS_SHORT: fewer CPUs are available than were asked for
 * @VPOOL_CODE_CPUS_FLOOR: the host would keep fewer CPUs than host_cpus_floor
 * @VPOOL_CODE_CPU_LIST_EMPTY: the list of CPUs is empty
 * @VPOOL_CODE_CPU_LIST_AND_NUMBER: CPUs were asked for by list and by number
 * @VPOOL_CODE_ISOLATED_WITHOUT_CPUS: a pool without CPUs cannot be isolated
 * @VPOOL_CODE_NODE_MISSING: the NUMA node does not exist
 * @VPOOL_CODE_NODE_WITHOUT_MEMORY: the NUMA node has no memory
 * @VPOOL_CODE_NODE_TWICE: two requests name the same NUMA node
 * @VPOOL_CODE_NODE_TOTAL_MIXED: a total over all NUMA nodes came with requests for
 *	single ones
 * @VPOOL_CODE_PAGE_SIZE_NEEDS_KERNEL: pages of this size need a newer kernel
 * @VPOOL_CODE_PAGE_SIZE_UNSUPPORTED: pages of this size are not supported
 * @VPOOL_CODE_MEM_ZERO: a request asks for no memory
 * @VPOOL_CODE_MEM_OVERFLOW: the requests add up to more than any host can have
 * @VPOOL_CODE_MEM_NODE_FLOOR: the NUMA node would keep less than its part of
 *	host_mem_floor
 * @VPOOL_CODE_MEM_FLOOR: the host would keep less memory than host_mem_floor
 * @VPOOL_CODE_MEM_HOST_SHORT: the host has less memory than was asked for
 * @VPOOL_CODE_MEM_NODE_SHORT: the NUMA node has less memory than was asked for
 * @VPOOL_CODE_MEM_FRAGMENTED: the host cannot free enough contiguous blocks
 * @VPOOL_CODE_POOL_POLICY_SHORT: the pool has too little free on the nodes that the
 *	memory policy or the cpuset allows
 * @VPOOL_CODE_POOL_NODE_SHORT: the pool has too little free on the NUMA node asked for
 * @VPOOL_CODE_POOL_SHORT: the pool has too little free
 * @VPOOL_CODE_CPUSET_NODE: the caller's cpuset does not allow the NUMA node
 * @VPOOL_CODE_MEM_IN_USE: the memory to be given back is in use
 * @VPOOL_CODE_POOL_NEEDS_MEMORY: the pool has no CPUs and would have no memory either
 * @VPOOL_CODE_NOTHING_TO_CHANGE: a resize asks for no change
 * @VPOOL_CODE_INTERRUPTED: a signal interrupted the call
 * @VPOOL_CODE_MAP_PRIVATE: pool memory can only be mapped MAP_SHARED
 * @VPOOL_CODE_REGION_HAS_SIZE: the region has a size already
 * @VPOOL_CODE_REGION_SIZE_INVALID: the size is zero or too large for a region
 * @VPOOL_CODE_MAP_RANGE: the mapping does not lie within the region
 * @VPOOL_CODE_MAPPED_SMALL: not an error: the mapping succeeded, but has small pages
 * @VPOOL_CODE_POPULATE_FAILED: the mapping cannot be populated
 * @VPOOL_CODE_POOL_WITHOUT_CPUS: the pool has no CPUs
 * @VPOOL_CODE_POOL_CPUS_OFFLINE: no CPU of the pool is online
 * @VPOOL_CODE_TASK_EXITED: the task or process has exited
 * @VPOOL_CODE_TASK_OTHER_POOL: the task is a member of another pool
 * @VPOOL_CODE_TASK_NOT_MEMBER: the task is not a member of the pool
 * @VPOOL_CODE_TOO_MANY_MEMBERS: the pool has as many members as max_members allows to
 *	attach
 * @VPOOL_CODE_TASK_DEADLINE: the task is SCHED_DEADLINE and would lose a CPU
 * @VPOOL_CODE_TASK_CPUSET: the task's cpuset has no CPU of the pool
 * @VPOOL_CODE_NO_TRACEPOINTS: the kernel's fork and exit tracepoints cannot be used
 * @VPOOL_CODE_TASK_KTHREAD: the task is a kernel thread
 * @VPOOL_CODE_TASK_BOUND: the kernel has bound the task to its CPUs
 * @VPOOL_CODE_TASK_FOREIGN: the task belongs to another user
 * @VPOOL_CODE_TID_INVALID: the process has no such thread, or the number is not a
 *	thread id
 * @VPOOL_CODE_PIDFD_INVALID: the descriptor is not a pidfd of the kind needed
 * @VPOOL_CODE_DEDICATED_PROCESS: a CPU can be dedicated to a thread only, not to a
 *	process
 * @VPOOL_CODE_CPU_NUMBER_INVALID: the CPU number is negative, but not -1
 * @VPOOL_CODE_CPU_DEDICATED: the CPU is dedicated to a member
 * @VPOOL_CODE_CPUS_ALL_DEDICATED: all CPUs of the pool are dedicated
 * @VPOOL_CODE_CPU_NOT_IN_POOL: the CPU does not belong to the pool, or is offline
 * @VPOOL_CODE_CPU_LAST_SHARED: the other members need the last CPU that is not
 *	dedicated
 * @VPOOL_CODE_POOL_HAS_REGIONS: regions of the pool are open or mapped
 * @VPOOL_CODE_POOL_PINNED: memory of the pool is still pinned
 * @VPOOL_CODE_POOL_HAS_MEMBERS: tasks are members of the pool
 *
 * One value for each kind of failure, so that a program can act on it and the sentence
 * can be reworded. A value is never used for another kind; a newer kernel may have
 * values that are not here.
 */
enum vpool_code {
	VPOOL_CODE_NONE = 0,
	VPOOL_CODE_NOT_PERMITTED = 1,
	VPOOL_CODE_NO_POOL = 2,
	VPOOL_CODE_POOL_EXISTS = 3,
	VPOOL_CODE_TOO_MANY_POOLS = 4,
	VPOOL_CODE_NAME_INVALID = 5,
	VPOOL_CODE_NAME_UNEXPECTED = 6,
	VPOOL_CODE_POOL_DESTROYED = 7,
	VPOOL_CODE_POOL_TRANSIENT = 8,
	VPOOL_CODE_POOL_EMPTY = 9,
	VPOOL_CODE_OWNER_UNKNOWN = 10,
	VPOOL_CODE_MODE_INVALID = 11,
	VPOOL_CODE_CALL_UNKNOWN = 12,
	VPOOL_CODE_STRUCT_UNREADABLE = 13,
	VPOOL_CODE_BUFFER_UNWRITABLE = 14,
	VPOOL_CODE_STRUCT_SIZE = 15,
	VPOOL_CODE_BUFFER_TOO_SMALL = 16,
	VPOOL_CODE_FLAGS_UNKNOWN = 17,
	VPOOL_CODE_RESERVED_FIELD = 18,
	VPOOL_CODE_MEM_REQUESTS_MANY = 19,
	VPOOL_CODE_MEM_REQUESTS_UNREADABLE = 20,
	VPOOL_CODE_CPU_MASK_UNREADABLE = 21,
	VPOOL_CODE_CPU_MASK_SIZE = 22,
	VPOOL_CODE_NO_KERNEL_MEMORY = 23,
	VPOOL_CODE_CPU_MISSING = 24,
	VPOOL_CODE_CPU_OFFLINE = 25,
	VPOOL_CODE_CPU_TAKEN = 26,
	VPOOL_CODE_CPU_BOOT_CORE = 27,
	VPOOL_CODE_CPU_SPLITS_CORE = 28,
	VPOOL_CODE_CPUS_SHORT = 29,
	VPOOL_CODE_CPUS_FLOOR = 30,
	VPOOL_CODE_CPU_LIST_EMPTY = 31,
	VPOOL_CODE_CPU_LIST_AND_NUMBER = 32,
	VPOOL_CODE_ISOLATED_WITHOUT_CPUS = 33,
	VPOOL_CODE_NODE_MISSING = 34,
	VPOOL_CODE_NODE_WITHOUT_MEMORY = 35,
	VPOOL_CODE_NODE_TWICE = 36,
	VPOOL_CODE_NODE_TOTAL_MIXED = 37,
	VPOOL_CODE_PAGE_SIZE_NEEDS_KERNEL = 38,
	VPOOL_CODE_PAGE_SIZE_UNSUPPORTED = 39,
	VPOOL_CODE_MEM_ZERO = 40,
	VPOOL_CODE_MEM_OVERFLOW = 41,
	VPOOL_CODE_MEM_NODE_FLOOR = 42,
	VPOOL_CODE_MEM_FLOOR = 43,
	VPOOL_CODE_MEM_HOST_SHORT = 44,
	VPOOL_CODE_MEM_NODE_SHORT = 45,
	VPOOL_CODE_MEM_FRAGMENTED = 46,
	VPOOL_CODE_POOL_POLICY_SHORT = 47,
	VPOOL_CODE_POOL_NODE_SHORT = 48,
	VPOOL_CODE_POOL_SHORT = 49,
	VPOOL_CODE_CPUSET_NODE = 50,
	VPOOL_CODE_MEM_IN_USE = 51,
	VPOOL_CODE_POOL_NEEDS_MEMORY = 52,
	VPOOL_CODE_NOTHING_TO_CHANGE = 53,
	VPOOL_CODE_INTERRUPTED = 54,
	VPOOL_CODE_MAP_PRIVATE = 55,
	VPOOL_CODE_REGION_HAS_SIZE = 56,
	VPOOL_CODE_REGION_SIZE_INVALID = 57,
	VPOOL_CODE_MAP_RANGE = 58,
	VPOOL_CODE_MAPPED_SMALL = 59,
	VPOOL_CODE_POPULATE_FAILED = 60,
	VPOOL_CODE_POOL_WITHOUT_CPUS = 61,
	VPOOL_CODE_POOL_CPUS_OFFLINE = 62,
	VPOOL_CODE_TASK_EXITED = 63,
	VPOOL_CODE_TASK_OTHER_POOL = 64,
	VPOOL_CODE_TASK_NOT_MEMBER = 65,
	VPOOL_CODE_TOO_MANY_MEMBERS = 66,
	VPOOL_CODE_TASK_DEADLINE = 67,
	VPOOL_CODE_TASK_CPUSET = 68,
	VPOOL_CODE_NO_TRACEPOINTS = 69,
	VPOOL_CODE_TASK_KTHREAD = 70,
	VPOOL_CODE_TASK_BOUND = 71,
	VPOOL_CODE_TASK_FOREIGN = 72,
	VPOOL_CODE_TID_INVALID = 73,
	VPOOL_CODE_PIDFD_INVALID = 74,
	VPOOL_CODE_DEDICATED_PROCESS = 75,
	VPOOL_CODE_CPU_NUMBER_INVALID = 76,
	VPOOL_CODE_CPU_DEDICATED = 77,
	VPOOL_CODE_CPUS_ALL_DEDICATED = 78,
	VPOOL_CODE_CPU_NOT_IN_POOL = 79,
	VPOOL_CODE_CPU_LAST_SHARED = 80,
	VPOOL_CODE_POOL_HAS_REGIONS = 81,
	VPOOL_CODE_POOL_PINNED = 82,
	VPOOL_CODE_POOL_HAS_MEMBERS = 83,
};

/**
 * struct vpool_reason - ioctl(VPOOL_REASON)
 * @size: sizeof(struct vpool_reason)
 * @len: in: room at @buf_uptr in bytes; out: bytes of the text, its NUL
 *       included, 0 if no call on this descriptor has failed
 * @buf_uptr: address of the buffer for the text
 * @code: out: one of enum vpool_code
 * @__reserved: must be 0
 *
 * Read why the last failed call on this descriptor (ioctl or mmap) failed: one
 * sentence without a newline, at most VPOOL_REASON_SIZE bytes, and its kind. An mmap(2)
 * that succeeds leaves one, too, if the kernel denies the process huge mappings.
 * Reading it does not clear it, and a call that succeeds does not either. EMSGSIZE
 * if the text does not fit, with @len and @code set. Works on both kinds of device.
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
 * struct vpool_mem - one request for memory
 * @bytes: how much; rounded up to the pool's page size
 * @node: the NUMA node it must come from, or VPOOL_ANY_NODE: near the pool's CPUs, or
 *	without CPUs from the node that has most to spare
 * @__reserved: must be 0
 */
struct vpool_mem {
	__aligned_u64 bytes;
	__s32 node;
	__u32 __reserved;
};

/**
 * enum vpool_create_flags - for struct vpool_create.flags
 * @VPOOL_CREATE_DRY_RUN: check everything, change nothing
 * @VPOOL_CREATE_EPHEMERAL: when this control descriptor is closed for the last
 *	time, the pool is destroyed as soon as nobody uses it
 * @VPOOL_CREATE_SPLIT_CORES: allow taking some but not all threads of a core
 * @VPOOL_CREATE_BOOT_CORE: allow taking the core that the host booted on
 * @VPOOL_CREATE_ISOLATED: put members back that leave the pool's CPUs, by
 *	sched_setaffinity(2) or otherwise; needs CPUs. Keeping others off them is
 *	done with a cgroup
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
 * @flags: any of enum vpool_create_flags
 * @name: the pool's name, NUL-terminated
 * @page_size: in bytes; 0 is 2 MiB. What is not supported is EOPNOTSUPP
 * @uid: owner of the pool's node, or VPOOL_ID_CALLER
 * @gid: group of the pool's node, or VPOOL_ID_CALLER
 * @mode: permission bits of the pool's node, within 0666
 * @timeout_ms: how long to go on once memory is short, in milliseconds; 0 takes
 *	what is at hand and fails when that is not enough
 * @mem_uptr: array of struct vpool_mem
 * @nr_mem: its length; 0 for a pool without memory
 * @cpus_bytes: length of the mask at @cpus_uptr in bytes; 0 for a pool
 *	without CPUs, or with @nr_cpus
 * @cpus_uptr: CPU mask in the layout of sched_setaffinity(2)
 * @out_id: the new pool's id; ids are not used again soon
 * @__reserved: must be 0
 * @out_bytes: memory of the new pool in bytes, after rounding
 * @nr_cpus: how many CPUs, for the module to choose; not together with
 *	@cpus_bytes
 * @cpus_node: with @nr_cpus: the node to choose them from, or VPOOL_ANY_NODE:
 *	from where the pool's memory is, the nearest first
 *
 * CPUs that the module chooses are whole cores; EBUSY if there are no such that add
 * up to the number, unless VPOOL_CREATE_SPLIT_CORES lets it take part of a core.
 *
 * Create a pool, with all that was asked for or not at all. Needs CAP_SYS_ADMIN
 * in the initial user namespace. When the call returns, the node
 * ``/dev/vpool/NAME`` and the directory ``/sys/kernel/vpool/pools/NAME`` are
 * there. Its memory may still be scrubbing. Control node only.
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
};

#define VPOOL_CREATE _IOWR(VPOOL_TYPE, VPOOL_CMD_CREATE, struct vpool_create)

/**
 * enum vpool_resize_flags - for struct vpool_resize.flags
 * @VPOOL_RESIZE_DRY_RUN: check everything, change nothing
 * @VPOOL_RESIZE_SPLIT_CORES: allow having some but not all threads of a core
 * @VPOOL_RESIZE_BOOT_CORE: allow taking the core that the host booted on
 */
enum vpool_resize_flags {
	VPOOL_RESIZE_DRY_RUN = 1 << 0,
	VPOOL_RESIZE_SPLIT_CORES = 1 << 1,
	VPOOL_RESIZE_BOOT_CORE = 1 << 2,
};

/**
 * struct vpool_resize - ioctl(VPOOL_RESIZE)
 * @size: sizeof(struct vpool_resize)
 * @flags: any of enum vpool_resize_flags
 * @name: which pool
 * @timeout_ms: as in struct vpool_create
 * @nr_mem: length of the array at @mem_uptr
 * @mem_uptr: array of struct vpool_mem, each the new total on that node, which
 *	may be 0; nodes that are not named stay as they are. Or one entry with
 *	VPOOL_ANY_NODE: the new total of the pool
 * @out_bytes: memory of the pool after that, in bytes, after rounding
 * @cpus_uptr: CPU mask in the layout of sched_setaffinity(2): all CPUs that the pool
 *	is to have
 * @cpus_bytes: its length in bytes; 0 leaves the CPUs as they are
 * @__reserved: must be 0
 *
 * Change how much memory and which CPUs a pool has, while it is in use: all of it
 * or nothing. When the call returns, the members run on the new CPUs only. A pool
 * cannot lose all its CPUs (EINVAL), nor one that is dedicated (EBUSY).
 *
 * Only what is free can be taken from a pool: EBUSY, with how much that is in
 * the reason, if it is less than asked. What goes back to the host is zeroed.
 * EINVAL for a pool that would have neither memory nor CPUs, for a node named
 * twice, or if VPOOL_ANY_NODE is not alone. Needs CAP_SYS_ADMIN in the initial
 * user namespace. Control node only.
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
};

#define VPOOL_RESIZE _IOWR(VPOOL_TYPE, VPOOL_CMD_RESIZE, struct vpool_resize)

/**
 * enum vpool_destroy_flags - for struct vpool_destroy.flags
 * @VPOOL_DESTROY_FORCE: revoke what is open, mapped or attached: later touches
 *	of its mappings get SIGBUS, its members go back to the CPUs they came
 *	with, later calls on its descriptors get ENXIO
 */
enum vpool_destroy_flags {
	VPOOL_DESTROY_FORCE = 1 << 0,
};

/**
 * struct vpool_destroy - ioctl(VPOOL_DESTROY)
 * @size: sizeof(struct vpool_destroy)
 * @flags: any of enum vpool_destroy_flags
 * @name: which pool
 *
 * Give a pool's memory and CPUs back to the host. EBUSY while it is open, mapped
 * or has members, unless forced. Needs CAP_SYS_ADMIN in the initial user
 * namespace. Control node only.
 */
struct vpool_destroy {
	__u32 size;
	__u32 flags;
	char name[VPOOL_NAME_SIZE];
};

#define VPOOL_DESTROY _IOWR(VPOOL_TYPE, VPOOL_CMD_DESTROY, struct vpool_destroy)

/**
 * struct vpool_list_entry - one pool in VPOOL_LIST
 * @id: its id
 * @state: one of enum vpool_state
 * @name: its name
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
 * @nr: in: room at @entries_uptr in entries; out: how many pools there are
 * @__reserved: must be 0
 * @entries_uptr: array of struct vpool_list_entry, filled in the order of ids
 *
 * List all pools. EMSGSIZE, with @nr set and nothing else written, if they do
 * not fit. Control node only.
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
 * struct vpool_node_info - what a pool has on one NUMA node
 * @total_bytes: all of the pool's memory there
 * @free_bytes: clean or being scrubbed, in no region
 * @used_bytes: in regions, or released but still pinned by something
 * @node: the node
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
 * @name: in: which pool, on the control node; empty for the descriptor's own,
 *	on a pool's node; out: its name
 * @id: out: its id
 * @state: out: one of enum vpool_state
 * @page_size: out: in bytes
 * @uid: out: owner of its node, in the caller's user namespace
 * @gid: out: group of its node, in the caller's user namespace
 * @mode: out: permission bits of its node
 * @regions: out: open regions, the caller's among them
 * @members: out: tasks attached
 * @nr_nodes: in: room at @nodes_uptr in entries; out: nodes with memory
 * @created_ns: out: CLOCK_REALTIME when it was created, in nanoseconds
 * @total_bytes: out: all of its memory; always free + used + poisoned
 * @free_bytes: out: in no region; always clean + scrubbing
 * @used_bytes: out: in regions, or released but still pinned by something
 * @peak_bytes: out: the most that was ever in use
 * @clean_bytes: out: free and zeroed
 * @scrubbing_bytes: out: free and waiting to be zeroed
 * @poisoned_bytes: out: set aside for a hardware memory error
 * @nodes_uptr: array of struct vpool_node_info, or 0 to leave that out
 * @cpus_uptr: room for the assigned CPUs, laid out as in sched_getaffinity(2),
 *	or 0 to leave that out
 * @cpus_bytes: in: room at @cpus_uptr in bytes, a multiple of 8; out: bytes
 *	written, or needed
 * @__reserved: must be 0
 * @target_bytes: out: what total is, or is about to be, while it is created or
 *	resized
 * @gathered_bytes: out: of that, what has been taken from the host but is not
 *	yet in total
 * @create_flags: out: of enum vpool_create_flags, as it was created
 * @__reserved_2: must be 0
 *
 * Read all figures of a pool, its memory's from one moment. EMSGSIZE, with
 * @nr_nodes and @cpus_bytes set and nothing else written, if an array is too
 * small. Both kinds of node.
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
};

#define VPOOL_QUERY _IOWR(VPOOL_TYPE, VPOOL_CMD_QUERY, struct vpool_query)

/**
 * struct vpool_region_info - one region in VPOOL_REGIONS
 * @id: its id, unique within the pool
 * @bytes: its size; 0 while it has none
 * @pid: the process that opened it, in the caller's pid namespace; 0 if it is
 *	not visible there or has gone
 * @uid: the user who opened it, in the caller's user namespace
 * @comm: the name that process had then
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
 * @nr: in: room at @regions_uptr in entries; out: how many there are
 * @__reserved: must be 0
 * @regions_uptr: array of struct vpool_region_info, oldest first
 *
 * List a pool's open regions. EMSGSIZE, with @nr set and nothing else written,
 * if they do not fit. Both kinds of node.
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
 * struct vpool_member_info - one task in VPOOL_MEMBERS
 * @tid: the thread, in the caller's pid namespace; 0 if not visible there
 * @pid: its process, in the caller's pid namespace; 0 if not visible there
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
 * @nr: in: room at @members_uptr in entries; out: how many there are
 * @__reserved: must be 0
 * @members_uptr: array of struct vpool_member_info, in no order
 *
 * List a pool's members. EMSGSIZE, with @nr set and nothing else written, if
 * they do not fit. Both kinds of node.
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
 * enum vpool_commit_flags - for struct vpool_commit.flags
 * @VPOOL_COMMIT_POPULATE: every later mmap(2) of the region fills the page tables
 *	of the whole mapping before it returns, so that no touch faults
 * @VPOOL_COMMIT_NODE: all of it comes from struct vpool_commit.node
 */
enum vpool_commit_flags {
	VPOOL_COMMIT_POPULATE = 1 << 0,
	VPOOL_COMMIT_NODE = 1 << 1,
};

/**
 * struct vpool_commit - ioctl(VPOOL_COMMIT)
 * @size: sizeof(struct vpool_commit)
 * @flags: any of enum vpool_commit_flags
 * @bytes: in: the region's size; out: the same, rounded up to the page size
 * @node: with VPOOL_COMMIT_NODE: a NUMA node. Without, the memory policy of the
 *	calling task decides; without a policy, the nodes nearest to it come first
 * @__reserved: must be 0
 *
 * Give this region its size, and with it its memory: success means that no later
 * touch fails for want of memory. Without this call the first mmap(2) does it,
 * with the end of that mapping as the size. A region's size is for life: EBUSY
 * if it has one. ENOMEM, with nothing taken, if the pool has too little on the
 * nodes that the policy and the task's cpuset allow; EPERM for a @node that the
 * cpuset does not allow; EINTR if a signal kills the task. Pool nodes only.
 *
 * The first mmap(2) applies the policy in the same way. mbind(2) on a mapping moves
 * the pages that no task has touched, and fails with ENOMEM where the pool has too
 * little on the nodes of MPOL_BIND.
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
 * enum vpool_attach_flags - for struct vpool_attach.flags
 * @VPOOL_ATTACH_PROCESS: the process with all its threads, not one thread
 * @VPOOL_ATTACH_DEDICATED: give the thread one CPU of the pool for its own; not
 *	together with VPOOL_ATTACH_PROCESS, nor for VPOOL_DETACH
 */
enum vpool_attach_flags {
	VPOOL_ATTACH_PROCESS = 1 << 0,
	VPOOL_ATTACH_DEDICATED = 1 << 1,
};

/**
 * struct vpool_attach - ioctl(VPOOL_ATTACH), ioctl(VPOOL_DETACH)
 * @size: sizeof(struct vpool_attach)
 * @flags: any of enum vpool_attach_flags
 * @pidfd: a process by its pidfd, or VPOOL_SELF for the caller's. Without
 *	VPOOL_ATTACH_PROCESS: its first thread, the calling thread for VPOOL_SELF,
 *	or the thread that a pidfd of one (PIDFD_THREAD) names
 * @tid: another thread of that process, in the caller's pid namespace, or 0; not
 *	with VPOOL_ATTACH_PROCESS
 * @cpu: with VPOOL_ATTACH_DEDICATED, in: the CPU wanted, or -1 for any; out: the
 *	CPU given. Otherwise left alone
 * @__reserved: must be 0
 *
 * VPOOL_ATTACH makes a task a member of this descriptor's pool: it runs on the
 * pool's CPUs only, and so does every thread and child it makes from then on,
 * until it is detached, exits, or the pool goes. EBUSY if it belongs to another
 * pool; attaching a member again changes nothing, unless it is to have a CPU of
 * its own. EINVAL if the pool has no CPUs, ENODEV if none of them is online. A
 * membership does not keep the descriptor needed: it may be closed.
 *
 * A member runs on those of the pool's CPUs that its cpuset allows; EINVAL if it
 * allows none. A SCHED_DEADLINE task is refused with EBUSY if it would lose a CPU, as
 * by sched_setaffinity(2).
 *
 * The caller may attach and detach whom it may give an affinity by
 * sched_setaffinity(2): its user's tasks, and with CAP_SYS_NICE in the user
 * namespace of the task any other; EPERM for those of other users, EINVAL for
 * kernel threads, ESRCH for who has exited. Of a process all threads are attached
 * or none.
 *
 * A dedicated CPU is one thread's: the other members of the pool keep off it until
 * that thread is detached or exits. A child of its owner starts there and is moved
 * off within moments. EBUSY
 * if it is dedicated already, or if it is the last that members without one could
 * run on; EINVAL if it is not the pool's. Where all CPUs but dedicated ones go
 * offline the other members run on those. Asking again moves a thread to another
 * CPU, or with -1 tells which it has.
 *
 * VPOOL_DETACH ends the membership and gives the task back the affinity it had
 * before, within the cpuset that it is in now. An affinity that was set with
 * sched_setaffinity(2) meanwhile stays. ESRCH if it is no member of this pool. Pool
 * nodes only.
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

#endif /* _UAPI_LINUX_VPOOL_H */
