/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvpool: create, change, show and use pools of CPUs and memory.
 *
 * Link with -lvpool. The name for pkg-config is libvpool.
 */
#ifndef LIBVPOOL_H
#define LIBVPOOL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <linux/vpool.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: Conventions
 *
 * A &struct vpool is a handle. It has the control device open, or the device of a
 * pool and with it one region. A function returns -ENOTTY if it is called with the
 * wrong kind of handle.
 *
 * Functions return 0, or a negative errno with the meaning that linux/vpool.h gives
 * it. In addition, -ENOPKG means that the module is not loaded, and -EACCES that the
 * caller may not open the device. Every failure leaves a message and a code in the
 * handle, for vpool_reason() and vpool_reason_code(). Functions that open a handle
 * return one even when they fail: read the message from it, then close it::
 *
 *	struct vpool *vp;
 *	void *memory;
 *	int err;
 *
 *	err = vpool_open("web", &vp);
 *	if (!err)
 *		err = vpool_map(vp, 0, 1UL << 30, &memory);
 *	if (err)
 *		fprintf(stderr, "web: %s\n", vpool_reason(vp));
 *	vpool_close(vp);
 *
 * The library has no global state. Threads may share a handle, but then the message
 * can belong to the call of another thread: a thread that needs its own message opens
 * its own handle.
 *
 * The caller owns the arrays and structures that a function returns. It releases them
 * with free(3), or with the function that is named for it. A function that fails
 * returns nothing to release.
 */

/* errno for "the module is not loaded" */
#define VPOOL_NO_MODULE ENOPKG

/**
 * enum vpool_lib_code - kinds of failure that only the library reports
 * @VPOOL_LIB_NO_MODULE: the vpool module is not loaded
 * @VPOOL_LIB_NO_DEVICE: the module is loaded, or the pool exists, but the device file
 *	in /dev/vpool is missing
 * @VPOOL_LIB_CONTROL_DENIED: the caller may not open the control device, or the handle
 *	only reads sysfs
 * @VPOOL_LIB_POOL_DENIED: the caller may not open the device of the pool
 * @VPOOL_LIB_SECURITY_MODULE: a security module (AppArmor, SELinux) denies access to
 *	the device of the pool, though its owner and mode allow it
 * @VPOOL_LIB_MOUNTED_NODEV: the device file is on a file system mounted with nodev
 * @VPOOL_LIB_TOO_MANY_REGIONS: the pool has max_regions open regions
 * @VPOOL_LIB_CALL_UNKNOWN: the module does not know the call, or not on this device
 * @VPOOL_LIB_NO_MEMORY: the process is out of memory
 * @VPOOL_LIB_NO_NAME: the call needs the name of a pool
 * @VPOOL_LIB_NO_NODE: the call needs a NUMA node
 * @VPOOL_LIB_STRUCT_SIZE: the program was compiled for another size of the structure
 * @VPOOL_LIB_WRONG_HANDLE: the call needs the handle of a pool
 * @VPOOL_LIB_WRONG_DESCRIPTOR: the descriptor is not open on a vpool device or a file of
 *	a pool
 * @VPOOL_LIB_SYSTEM: a system call failed; the errno gives the kind of failure
 *
 * Values start at 1000, so that none equals an enum vpool_code. A value never changes
 * its meaning. New values are added at the end.
 */
enum vpool_lib_code {
	VPOOL_LIB_NO_MODULE = 1000,
	VPOOL_LIB_NO_DEVICE = 1001,
	VPOOL_LIB_CONTROL_DENIED = 1002,
	VPOOL_LIB_POOL_DENIED = 1003,
	VPOOL_LIB_SECURITY_MODULE = 1004,
	VPOOL_LIB_MOUNTED_NODEV = 1005,
	VPOOL_LIB_TOO_MANY_REGIONS = 1006,
	VPOOL_LIB_CALL_UNKNOWN = 1007,
	VPOOL_LIB_NO_MEMORY = 1008,
	VPOOL_LIB_NO_NAME = 1009,
	VPOOL_LIB_NO_NODE = 1010,
	VPOOL_LIB_STRUCT_SIZE = 1011,
	VPOOL_LIB_WRONG_HANDLE = 1012,
	VPOOL_LIB_WRONG_DESCRIPTOR = 1013,
	VPOOL_LIB_SYSTEM = 1014,
};

struct vpool;

/**
 * struct vpool_cpus - a set of CPUs
 * @bytes: length of @bits in bytes, a multiple of 8
 * @bits: the mask in the layout of sched_setaffinity(2), allocated with malloc(3); NULL
 *	if @bytes is 0
 *
 * A zeroed structure is the empty set. Release it with vpool_cpus_free().
 */
struct vpool_cpus {
	size_t bytes;
	unsigned long *bits;
};

/**
 * struct vpool_request - parameters of a new pool
 * @size: sizeof(struct vpool_request), set by VPOOL_REQUEST_INIT
 * @name: name of the pool, NUL-terminated; see vpool_name_is_valid()
 * @flags: mask of enum vpool_create_flags
 * @page_size: page size in bytes, one of vpool_page_sizes(); 0 selects the default
 * @uid: owner of the device, or VPOOL_ID_CALLER
 * @gid: group of the device, or VPOOL_ID_CALLER
 * @mode: permission bits of the device, within 0666
 * @timeout_ms: time limit for gathering the memory, in milliseconds
 * @nr_mem: length of @mem
 * @mem: amounts of memory and their NUMA nodes; NULL if @nr_mem is 0
 * @cpus: CPUs of the pool, or NULL
 * @nr_cpus: number of CPUs for the module to choose; 0 if @cpus lists them
 * @cpus_node: NUMA node to choose CPUs from, or VPOOL_ANY_NODE to choose near the memory
 * @out_bytes: out: memory of the pool in bytes, rounded up to its page size
 * @out_id: out: id of the pool
 * @user_bytes: memory that each user except root may have, in bytes; 0 for no limit
 * @user_regions: number of regions that each user may have; 0 for no limit
 * @user_members: number of members that attach calls may make of each user; 0 for no
 *	limit
 *
 * Initialize it with VPOOL_REQUEST_INIT. The caller keeps everything that it points to.
 */
struct vpool_request {
	size_t size;
	const char *name;
	__u32 flags;
	__u64 page_size;
	uid_t uid;
	gid_t gid;
	mode_t mode;
	__u32 timeout_ms;
	size_t nr_mem;
	const struct vpool_mem *mem;
	const struct vpool_cpus *cpus;
	__u32 nr_cpus;
	int cpus_node;
	__u64 out_bytes;
	__u32 out_id;
	__u64 user_bytes;
	__u32 user_regions;
	__u32 user_members;
};

#define VPOOL_REQUEST_INIT { \
	.size = sizeof(struct vpool_request), \
	.uid = VPOOL_ID_CALLER, \
	.gid = VPOOL_ID_CALLER, \
	.mode = 0660, \
	.timeout_ms = 10000, \
	.cpus_node = VPOOL_ANY_NODE, \
}

/**
 * struct vpool_change - change of the memory, the CPUs and the limits of a pool
 * @size: sizeof(struct vpool_change), set by VPOOL_CHANGE_INIT
 * @name: name of the pool, NUL-terminated
 * @flags: mask of enum vpool_resize_flags
 * @timeout_ms: time limit for gathering memory, in milliseconds
 * @nr_mem: length of @mem
 * @mem: new totals of NUMA nodes, or of the whole pool; NULL if @nr_mem is 0
 * @cpus: all CPUs of the pool after the change, or NULL to keep the current ones
 * @out_bytes: out: memory of the pool after the change, in bytes
 * @user_bytes: as in struct vpool_request; used if @flags has VPOOL_RESIZE_USER_BYTES
 * @user_regions: as in struct vpool_request; used if @flags has
 *	VPOOL_RESIZE_USER_REGIONS
 * @user_members: as in struct vpool_request; used if @flags has
 *	VPOOL_RESIZE_USER_MEMBERS
 *
 * Initialize it with VPOOL_CHANGE_INIT. The caller keeps everything that it points to.
 */
struct vpool_change {
	size_t size;
	const char *name;
	__u32 flags;
	__u32 timeout_ms;
	size_t nr_mem;
	const struct vpool_mem *mem;
	const struct vpool_cpus *cpus;
	__u64 out_bytes;
	__u64 user_bytes;
	__u32 user_regions;
	__u32 user_members;
};

#define VPOOL_CHANGE_INIT { \
	.size = sizeof(struct vpool_change), \
	.timeout_ms = 10000, \
}

/**
 * struct vpool_info - properties and state of a pool
 * @name: name of the pool
 * @state_name: name of @state, as in sysfs
 * @id: id of the pool
 * @state: enum vpool_state
 * @page_size: page size in bytes
 * @uid: owner of the device
 * @gid: group of the device
 * @mode: permission bits of the device
 * @regions: number of open regions
 * @members: number of attached tasks
 * @created_ns: time of creation, in nanoseconds of CLOCK_REALTIME
 * @total_bytes: all memory of the pool: free + used + poisoned
 * @free_bytes: memory in no region: clean + scrubbing
 * @used_bytes: memory in regions, and released memory that is still pinned
 * @peak_bytes: maximum of @used_bytes since creation
 * @clean_bytes: free memory that is zeroed
 * @scrubbing_bytes: free memory that the scrubber has yet to zero
 * @poisoned_bytes: memory with a hardware error
 * @target_bytes: memory that the pool has or is being resized to
 * @gathered_bytes: part of @target_bytes that the pool has taken from the host but does
 *	not count in @total_bytes yet
 * @cpus: CPUs of the pool
 * @nr_nodes: length of @nodes
 * @nodes: memory on each NUMA node where the pool has some
 * @create_flags: mask of enum vpool_create_flags; a handle that reads sysfs sees no flag
 *	but VPOOL_CREATE_ISOLATED
 * @effective: online CPUs of the pool; empty if sysfs cannot be read
 * @dedicated: CPUs dedicated to one member each; empty if sysfs cannot be read
 * @mounts: number of mounted filesystems of the pool; 0 if sysfs cannot be read
 * @user_bytes: memory that each user except root may have, in bytes; 0 for no limit
 * @user_regions: number of regions that each user may have; 0 for no limit
 * @user_members: number of members that attach calls may make of each user; 0 for no
 *	limit
 *
 * Only the library allocates it, so members can be added at the end.
 */
struct vpool_info {
	char name[VPOOL_NAME_SIZE];
	char state_name[16];
	__u32 id;
	__u32 state;
	__u64 page_size;
	uid_t uid;
	gid_t gid;
	mode_t mode;
	__u32 regions;
	__u32 members;
	__u64 created_ns;
	__u64 total_bytes;
	__u64 free_bytes;
	__u64 used_bytes;
	__u64 peak_bytes;
	__u64 clean_bytes;
	__u64 scrubbing_bytes;
	__u64 poisoned_bytes;
	__u64 target_bytes;
	__u64 gathered_bytes;
	struct vpool_cpus cpus;
	size_t nr_nodes;
	struct vpool_node_info *nodes;
	__u32 create_flags;
	struct vpool_cpus effective;
	struct vpool_cpus dedicated;
	__u32 mounts;
	__u64 user_bytes;
	__u32 user_regions;
	__u32 user_members;
};

/**
 * struct vpool_host_node - one NUMA node of the host
 * @node: number of the node
 * @cores: number of cores with an online CPU
 * @cpus: online CPUs of the node
 * @total_bytes: memory of the node, in bytes
 * @free_bytes: unused memory, in bytes
 * @available_bytes: memory that is available without swapping, in bytes; computed like
 *	the kernel's MemAvailable
 */
struct vpool_host_node {
	int node;
	unsigned int cores;
	struct vpool_cpus cpus;
	__u64 total_bytes;
	__u64 free_bytes;
	__u64 available_bytes;
};

/**
 * struct vpool_host - CPUs and memory of the host
 * @cpus: online CPUs
 * @cores: number of cores with an online CPU
 * @total_bytes: memory of the host and of its pools, in bytes
 * @available_bytes: memory that is available without swapping, in bytes: MemAvailable
 *	of the kernel
 * @nr_nodes: length of @nodes
 * @nodes: the NUMA nodes in ascending order; one on a host without NUMA
 * @mapping_bytes: size of the largest page table entry with which the kernel maps the
 *	memory of pools, in bytes; 0 if the module is not loaded
 */
struct vpool_host {
	struct vpool_cpus cpus;
	unsigned int cores;
	__u64 total_bytes;
	__u64 available_bytes;
	size_t nr_nodes;
	struct vpool_host_node *nodes;
	__u64 mapping_bytes;
};

/**
 * vpool_version() - get the version of the library
 *
 * Return: "MAJOR.MINOR.PATCH", a static string
 */
const char *vpool_version(void);

/* Handles */

/**
 * vpool_open_control() - open the control device
 * @ret: out: the handle; close it even after a failure. NULL if memory ran out
 *
 * Creating, resizing and destroying pools needs this handle.
 *
 * Return: 0; -ENOPKG if the module is not loaded; -EACCES if the caller may not open
 * the device
 */
int vpool_open_control(struct vpool **ret);

/**
 * vpool_open_reader() - open a handle for reading about pools
 * @ret: out: the handle; close it even after a failure. NULL if memory ran out
 *
 * Open the control device if the caller may. If not, return a handle that reads the
 * same from sysfs, where values that are read together can be from different moments.
 * On such a handle, vpool_regions(), vpool_members() and vpool_users() open the device of
 * the pool for the duration of the call, which the caller must be permitted to do.
 *
 * Return: 0; -ENOPKG if the module is not loaded
 */
int vpool_open_reader(struct vpool **ret);

/**
 * vpool_open_sysfs() - open a handle that reads sysfs only
 * @ret: out: the handle; close it even after a failure. NULL if memory ran out
 *
 * The handle is like one of vpool_open_reader() for a caller who may not open the
 * control device. It keeps no device open, so the module can be unloaded and replaced
 * while a program watches the pools.
 *
 * Return: 0; -ENOPKG if the module is not loaded
 */
int vpool_open_sysfs(struct vpool **ret);

/**
 * vpool_open() - open the device of a pool, and with it a new region
 * @name: name of the pool, NUL-terminated
 * @ret: out: the handle; close it even after a failure. NULL if memory ran out
 *
 * Return: 0; -ENOENT if there is no such pool; -EACCES if the caller may not open the
 * device; -ENOPKG if the module is not loaded
 */
int vpool_open(const char *name, struct vpool **ret);

/**
 * vpool_adopt() - make a handle from an open descriptor
 * @fd: descriptor of the control device, of a pool's device or of a file of a pool, as
 *	a parent process, systemd or SCM_RIGHTS passes it on
 * @ret: out: the handle; close it even after a failure. NULL if memory ran out
 *
 * On success, the handle owns @fd and sets its close-on-exec flag. On failure, @fd stays
 * the caller's. The handle of a pool has the region that the descriptor was opened with,
 * which may already have its size and memory. The handle of a file answers vpool_query(),
 * and vpool_map() maps the file; every other call needs a device.
 *
 * Return: 0; -ENOTTY if @fd is not open on a vpool device or a file of a pool; -EBADF if
 * it is not open; -ENODEV if the pool has been destroyed
 */
int vpool_adopt(int fd, struct vpool **ret);

/**
 * vpool_close() - close a handle
 * @vp: the handle, or NULL
 *
 * Mappings stay, and attached tasks stay attached.
 */
void vpool_close(struct vpool *vp);

/**
 * vpool_fd() - get the descriptor of a handle
 * @vp: the handle
 *
 * For poll(2), SCM_RIGHTS and the like. The handle keeps the descriptor, which is closed
 * by vpool_close() and on exec(2).
 *
 * Return: the descriptor, or -1 if the handle has none
 */
int vpool_fd(const struct vpool *vp);

/**
 * vpool_reason() - get the message of the last failed call on a handle
 * @vp: the handle, or NULL
 *
 * Return: one sentence, valid until the next call on the handle; empty if no call has
 * failed
 */
const char *vpool_reason(const struct vpool *vp);

/**
 * vpool_reason_copy() - copy the message of a handle that threads share
 * @vp: the handle, or NULL
 * @buf: out: the message that vpool_reason() returns, truncated to @size, NUL-terminated
 * @size: length of @buf in bytes; VPOOL_REASON_SIZE suffices for every message
 */
void vpool_reason_copy(struct vpool *vp, char *buf, size_t size);

/**
 * vpool_reason_code() - get the kind of the last failure on a handle
 * @vp: the handle, or NULL
 *
 * Programs can act on the code. The message of vpool_reason() is for people and may be
 * reworded.
 *
 * Return: enum vpool_code for a kind of failure that the module reports, also if the
 * library finds it first; enum vpool_lib_code for a kind that only the library reports;
 * VPOOL_CODE_NONE if no call has failed, or if the module is too old to have codes;
 * VPOOL_LIB_NO_MEMORY if @vp is NULL
 */
int vpool_reason_code(const struct vpool *vp);

/* Control */

/**
 * vpool_name_is_valid() - check whether a name can be the name of a pool
 * @name: NUL-terminated string, or NULL
 *
 * A valid name has 1 to VPOOL_NAME_MAX characters of a-z, 0-9, ".", "_" and "-", starts
 * with a letter or a digit, and is not "control".
 *
 * Return: true if the name is valid, false for NULL
 */
bool vpool_name_is_valid(const char *name);

/**
 * vpool_create() - create a pool
 * @vp: control handle
 * @req: parameters of the pool; the call sets its out_bytes and out_id
 *
 * Return: 0, or the errno that linux/vpool.h gives for VPOOL_CREATE
 */
int vpool_create(struct vpool *vp, struct vpool_request *req);

/**
 * vpool_resize() - change the memory and CPUs of a pool
 * @vp: control handle
 * @chg: the change; the call sets its out_bytes
 *
 * Return: 0, or the errno that linux/vpool.h gives for VPOOL_RESIZE
 */
int vpool_resize(struct vpool *vp, struct vpool_change *chg);

/**
 * vpool_destroy() - destroy a pool
 * @vp: control handle
 * @name: name of the pool, NUL-terminated
 * @flags: mask of enum vpool_destroy_flags
 *
 * Return: 0, or the errno that linux/vpool.h gives for VPOOL_DESTROY
 */
int vpool_destroy(struct vpool *vp, const char *name, unsigned int flags);

/* Reading */

/**
 * vpool_abi_version() - get the ABI version of the loaded module
 * @vp: any handle
 * @version: out: VPOOL_ABI_VERSION of the module
 *
 * Return: 0; -ENOPKG if the module is not loaded
 */
int vpool_abi_version(struct vpool *vp, unsigned int *version);

/**
 * vpool_list() - list all pools
 * @vp: handle of vpool_open_control() or vpool_open_reader()
 * @entries: out: array with one entry per pool, in the order of ids; for free(3)
 * @nr: out: length of @entries
 *
 * Return: 0 or a negative errno
 */
int vpool_list(struct vpool *vp, struct vpool_list_entry **entries,
	       size_t *nr);

/**
 * vpool_query() - read the properties and state of a pool
 * @vp: any handle
 * @name: name of the pool; NULL for the pool of a pool handle
 * @info: out: properties and state; for vpool_info_free()
 *
 * Return: 0 or a negative errno
 */
int vpool_query(struct vpool *vp, const char *name, struct vpool_info **info);

/**
 * vpool_info_free() - release the result of vpool_query()
 * @info: the result, or NULL
 */
void vpool_info_free(struct vpool_info *info);

/**
 * struct vpool_counter - one counter of a pool
 * @name: name of its file in the stat directory of the pool in sysfs
 * @value: value since the pool was created
 */
struct vpool_counter {
	char name[32];
	__u64 value;
};

/**
 * vpool_counters() - read the counters of a pool
 * @vp: any handle
 * @name: name of the pool; NULL for the pool of a pool handle
 * @counters: out: array with one entry per counter, sorted by name; for free(3)
 * @nr: out: length of @counters
 *
 * Newer modules can have more counters.
 *
 * Return: 0; -ENOENT if there is no such pool
 */
int vpool_counters(struct vpool *vp, const char *name,
		   struct vpool_counter **counters, size_t *nr);

/**
 * vpool_regions() - list the open regions of a pool
 * @vp: any handle
 * @name: name of the pool; NULL for the pool of a pool handle
 * @regions: out: array with one entry per region, oldest first; for free(3)
 * @nr: out: length of @regions
 *
 * Return: 0 or a negative errno
 */
int vpool_regions(struct vpool *vp, const char *name,
		  struct vpool_region_info **regions, size_t *nr);

/**
 * vpool_members() - list the tasks attached to a pool
 * @vp: any handle
 * @name: name of the pool; NULL for the pool of a pool handle
 * @members: out: array with one entry per thread, unsorted; for free(3)
 * @nr: out: length of @members
 *
 * Return: 0 or a negative errno
 */
int vpool_members(struct vpool *vp, const char *name,
		  struct vpool_member_info **members, size_t *nr);

/**
 * vpool_users() - list what each user has of a pool
 * @vp: any handle
 * @name: name of the pool; NULL for the pool of a pool handle
 * @users: out: array with one entry per user, in the order of uids; for free(3)
 * @nr: out: length of @users
 *
 * A user is the one whose limits count: see struct vpool_create of <linux/vpool.h>.
 *
 * Return: 0, or a negative errno: -ENOTTY if the module is too old
 */
int vpool_users(struct vpool *vp, const char *name,
		struct vpool_user_info **users, size_t *nr);

/**
 * vpool_state_name() - get the name of a state
 * @state: enum vpool_state
 *
 * Return: the name as in sysfs, or "unknown" for a state that the library does not know;
 * a static string
 */
const char *vpool_state_name(unsigned int state);

/* Using a pool */

/**
 * vpool_commit() - give the region of a handle its size and memory
 * @vp: pool handle
 * @bytes: in: size in bytes; out: size rounded up to the page size of the pool
 * @flags: mask of enum vpool_commit_flags without VPOOL_COMMIT_NODE
 *
 * The memory comes from the NUMA nodes that VPOOL_COMMIT chooses. To choose one node,
 * call vpool_commit_node().
 *
 * Return: 0; -ENOMEM if the pool has too little free memory; -EBUSY if the region
 * already has a size; -EINVAL for VPOOL_COMMIT_NODE
 */
int vpool_commit(struct vpool *vp, __u64 *bytes, unsigned int flags);

/**
 * vpool_commit_node() - give the region of a handle its size, and memory of one node
 * @vp: pool handle
 * @bytes: in: size in bytes; out: size rounded up to the page size of the pool
 * @flags: mask of enum vpool_commit_flags; VPOOL_COMMIT_NODE is implied
 * @node: NUMA node; with VPOOL_ANY_NODE the call is vpool_commit()
 *
 * Return: 0; -ENOMEM if the pool has too little free memory on the node; -EBUSY if the
 * region already has a size; -ENODEV if the host has no such node
 */
int vpool_commit_node(struct vpool *vp, __u64 *bytes, unsigned int flags,
		      int node);

/**
 * vpool_map() - map the region of a handle
 * @vp: pool handle
 * @offset: start in the region in bytes, a multiple of the page size of the pool
 * @bytes: length in bytes
 * @addr: out: address of the mapping; unmap it with munmap(2)
 *
 * The mapping is shared, readable and writable. A region without a size gets the size
 * @offset + @bytes.
 *
 * Return: 0; -ENOMEM if the pool has too little free memory
 */
int vpool_map(struct vpool *vp, __u64 offset, size_t bytes, void **addr);

/**
 * vpool_file_create() - create a file whose memory comes from the pool
 * @vp: pool handle
 * @flags: mask of enum vpool_file_flags
 * @fd: out: descriptor of the file, owned by the caller, who closes it with close(2)
 *
 * The file is regular and has no name and the size 0, like a file of memfd_create(2).
 * ftruncate(2) and fallocate(2) commit its memory. The file is a region of its own: it
 * outlasts the handle. vpool_adopt() makes a handle from the descriptor.
 *
 * Return: 0; -ENOSPC if the pool has max_regions regions; -EINVAL if the pool has no
 * memory; -ENOTTY if the module has no files
 */
int vpool_file_create(struct vpool *vp, unsigned int flags, int *fd);

/**
 * vpool_attach() - attach a task to the pool
 * @vp: pool handle
 * @pidfd: pidfd of the task, or VPOOL_SELF for the calling thread or its process
 * @flags: mask of enum vpool_attach_flags; VPOOL_ATTACH_DEDICATED dedicates any free CPU
 *	of the pool to the task; to choose the CPU, call vpool_attach_task()
 *
 * Return: 0; -EINVAL if the pool has no CPUs; -EBUSY if the task is attached to another
 * pool
 */
int vpool_attach(struct vpool *vp, int pidfd, unsigned int flags);

/**
 * vpool_detach() - detach a task from the pool
 * @vp: pool handle
 * @pidfd: pidfd of the task, or VPOOL_SELF for the calling thread or its process
 * @flags: mask of enum vpool_attach_flags
 *
 * Return: 0; -ESRCH if the task is not attached
 */
int vpool_detach(struct vpool *vp, int pidfd, unsigned int flags);

/**
 * vpool_attach_task() - attach one thread, and optionally dedicate a CPU to it
 * @vp: pool handle
 * @pidfd: pidfd of the process, or VPOOL_SELF for the caller's
 * @tid: id of the thread; 0 for the first thread of @pidfd, or for the calling thread
 *	with VPOOL_SELF
 * @flags: mask of enum vpool_attach_flags
 * @cpu: in: CPU to dedicate to the thread, or -1 for any; out: the dedicated CPU. A
 *	pointer implies VPOOL_ATTACH_DEDICATED. NULL: any CPU is dedicated if @flags
 *	has VPOOL_ATTACH_DEDICATED, and none otherwise
 *
 * Return: 0, or the errno that linux/vpool.h gives for VPOOL_ATTACH
 */
int vpool_attach_task(struct vpool *vp, int pidfd, pid_t tid,
		      unsigned int flags, int *cpu);

/**
 * vpool_detach_task() - detach one thread
 * @vp: pool handle
 * @pidfd: pidfd of the process, or VPOOL_SELF for the caller's
 * @tid: id of the thread; 0 for the first thread of @pidfd, or for the calling thread
 *	with VPOOL_SELF
 * @flags: mask of enum vpool_attach_flags that VPOOL_DETACH takes
 *
 * Return: 0, or the errno that linux/vpool.h gives for VPOOL_DETACH
 */
int vpool_detach_task(struct vpool *vp, int pidfd, pid_t tid,
		      unsigned int flags);

/* The host */

/**
 * vpool_host_read() - read the CPUs and memory of the host
 * @host: out: CPUs and memory; for vpool_host_free()
 *
 * The call needs neither the module nor privilege.
 *
 * Return: 0 or a negative errno
 */
int vpool_host_read(struct vpool_host **host);

/**
 * vpool_host_free() - release the result of vpool_host_read()
 * @host: the result, or NULL
 */
void vpool_host_free(struct vpool_host *host);

/**
 * vpool_page_sizes() - list the page sizes that pools can have
 * @vp: a handle, which keeps the reason of a failure
 * @sizes: out: sizes in bytes, in ascending order, for free(3). The first is the base
 *	page of the kernel
 * @nr: out: length of @sizes
 *
 * The call needs no privilege.
 *
 * Return: 0, -VPOOL_NO_MODULE, or another negative errno
 */
int vpool_page_sizes(struct vpool *vp, __u64 **sizes, size_t *nr);

/**
 * vpool_default_page_size() - get the page size of a pool that is created without one
 *
 * The call needs neither the module nor privilege: without the module, it computes the
 * kernel's smallest huge page from the base page.
 *
 * Return: the size in bytes
 */
__u64 vpool_default_page_size(void);

/* Sets of CPUs */

/**
 * vpool_cpus_parse() - parse a list of CPUs
 * @text: list in the format of the kernel, such as "0-3,8" or "0-30:2/4". In addition,
 *	"all" stands for all online CPUs and "N" for the highest of them, as in "2-N".
 *	"^" in front of an item removes its CPUs from the result
 * @cpus: out: the set; for vpool_cpus_free()
 * @reason: out: message of a failed call, or NULL
 * @size: length of @reason in bytes
 *
 * Return: 0; -EINVAL if @text is not such a list; -ENOMEM
 */
int vpool_cpus_parse(const char *text, struct vpool_cpus *cpus, char *reason,
		     size_t size);

/**
 * vpool_cpus_format() - format a set of CPUs
 * @cpus: the set
 *
 * Return: list in the format of the kernel, empty for the empty set; for free(3). NULL
 * if memory ran out
 */
char *vpool_cpus_format(const struct vpool_cpus *cpus);

/**
 * vpool_cpus_add() - add a CPU to a set
 * @cpus: the set
 * @cpu: number of the CPU, below 524288
 *
 * Return: 0; -EINVAL if the number is too large; -ENOMEM
 */
int vpool_cpus_add(struct vpool_cpus *cpus, unsigned int cpu);

/**
 * vpool_cpus_subtract() - remove the CPUs of another set from a set
 * @cpus: the set
 * @removed: CPUs to remove
 */
void vpool_cpus_subtract(struct vpool_cpus *cpus,
			 const struct vpool_cpus *removed);

/**
 * vpool_cpus_and() - keep only those CPUs in a set that another set also has
 * @cpus: the set
 * @kept: CPUs to keep
 */
void vpool_cpus_and(struct vpool_cpus *cpus, const struct vpool_cpus *kept);

/**
 * vpool_cpus_copy() - copy a set of CPUs
 * @to: out: the copy, for vpool_cpus_free(); its old value is not released
 * @from: the set
 *
 * Return: 0 or -ENOMEM
 */
int vpool_cpus_copy(struct vpool_cpus *to, const struct vpool_cpus *from);

/**
 * vpool_cpus_test() - test whether a CPU is in a set
 * @cpus: the set
 * @cpu: number of the CPU
 *
 * Return: true if the CPU is in the set
 */
bool vpool_cpus_test(const struct vpool_cpus *cpus, unsigned int cpu);

/**
 * vpool_cpus_count() - count the CPUs of a set
 * @cpus: the set
 *
 * Return: the number of CPUs
 */
unsigned int vpool_cpus_count(const struct vpool_cpus *cpus);

/**
 * vpool_cpus_free() - empty a set and release its memory
 * @cpus: the set
 */
void vpool_cpus_free(struct vpool_cpus *cpus);

#ifdef __cplusplus
}
#endif

#endif /* LIBVPOOL_H */
