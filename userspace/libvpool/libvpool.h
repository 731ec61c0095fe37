/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvpool: named pools of CPUs and memory, from a program.
 *
 * Link with -lvpool; pkg-config knows it as libvpool.
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
 * A &struct vpool is a handle: an open control node, or an open pool node and
 * with it one region. Functions that are given the wrong kind of handle return
 * -ENOTTY, as the kernel does.
 *
 * Functions return 0, or a negative errno with the meaning that linux/vpool.h
 * gives it. In addition -ENOPKG means that the module is not loaded, and -EACCES
 * that the caller may not open a node. Every failure leaves a sentence in
 * the handle, which vpool_reason() reads; the functions that open a handle give
 * one back even when they fail, so that it can be asked and then closed::
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
 * The library has no global state. Threads may share a handle; one that wants
 * to be sure that a reason belongs to its own call uses a handle of its own.
 * Arrays that are given back are released with free(3) unless a function for
 * that is named. On failure, nothing is given back.
 */

/* The module is not loaded. */
#define VPOOL_NO_MODULE ENOPKG

/**
 * enum vpool_lib_code - kinds of failure that the library finds itself
 * @VPOOL_LIB_NO_MODULE: the vpool module is not loaded
 * @VPOOL_LIB_NO_DEVICE: the module is loaded, or the pool exists, but its device file
 *	in /dev/vpool is missing
 * @VPOOL_LIB_CONTROL_DENIED: the caller may not open the control device, or the handle
 *	only reads sysfs
 * @VPOOL_LIB_POOL_DENIED: the caller may not open the pool's device
 * @VPOOL_LIB_SECURITY_MODULE: a security module (AppArmor, SELinux) denies access to
 *	the pool's device, though its owner and mode allow it
 * @VPOOL_LIB_MOUNTED_NODEV: the device file is on a file system mounted with nodev
 * @VPOOL_LIB_TOO_MANY_REGIONS: the pool has max_regions open regions
 * @VPOOL_LIB_CALL_UNKNOWN: the module does not know the call, or not on this device
 * @VPOOL_LIB_NO_MEMORY: the process is out of memory
 * @VPOOL_LIB_NO_NAME: the call needs the name of a pool
 * @VPOOL_LIB_NO_NODE: the call needs a NUMA node
 * @VPOOL_LIB_STRUCT_SIZE: the program was compiled for another size of a structure of
 *	the library
 * @VPOOL_LIB_WRONG_HANDLE: only the handle of a pool can do this
 * @VPOOL_LIB_WRONG_DESCRIPTOR: the descriptor is not open on a device of vpool
 * @VPOOL_LIB_SYSTEM: a system call failed; the errno tells how
 *
 * Values start at 1000, so that none is an enum vpool_code. A value is never given
 * another meaning; new values are added at the end.
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
 * @bits: the mask, laid out as for sched_setaffinity(2)
 *
 * All zeroes is the empty set. Release with vpool_cpus_free().
 */
struct vpool_cpus {
	size_t bytes;
	unsigned long *bits;
};

/**
 * struct vpool_request - what a new pool shall be
 * @size: sizeof(struct vpool_request); VPOOL_REQUEST_INIT sets it
 * @name: its name
 * @flags: any of enum vpool_create_flags
 * @page_size: in bytes; 0 is the default, 2 MiB
 * @uid: owner of its node, or VPOOL_ID_CALLER
 * @gid: group of its node, or VPOOL_ID_CALLER
 * @mode: permission bits of its node, within 0666
 * @timeout_ms: how long to go on gathering memory, in milliseconds
 * @nr_mem: length of @mem
 * @mem: how much memory from where, or NULL
 * @cpus: its CPUs, or NULL
 * @nr_cpus: how many CPUs, for the module to choose; 0 if not so
 * @cpus_node: the node to choose them from, or VPOOL_ANY_NODE for near the memory
 * @out_bytes: out: its memory in bytes, after rounding
 * @out_id: out: its id
 *
 * Start from VPOOL_REQUEST_INIT.
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
 * struct vpool_change - what a pool shall have from now on
 * @size: sizeof(struct vpool_change); VPOOL_CHANGE_INIT sets it
 * @name: the pool
 * @flags: any of enum vpool_resize_flags
 * @timeout_ms: how long to go on gathering memory, in milliseconds
 * @nr_mem: length of @mem
 * @mem: new totals, of some nodes or of the pool, or NULL
 * @cpus: all the CPUs it shall have, or NULL to leave them as they are
 * @out_bytes: out: its memory in bytes after that
 *
 * Start from VPOOL_CHANGE_INIT.
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
};

#define VPOOL_CHANGE_INIT { \
	.size = sizeof(struct vpool_change), \
	.timeout_ms = 10000, \
}

/**
 * struct vpool_info - all that is known about a pool
 * @name: its name
 * @state_name: its state in a word, as in sysfs
 * @id: its id
 * @state: one of enum vpool_state
 * @page_size: in bytes
 * @uid: owner of its node
 * @gid: group of its node
 * @mode: permission bits of its node
 * @regions: open regions
 * @members: tasks attached
 * @created_ns: CLOCK_REALTIME when it was created, in nanoseconds
 * @total_bytes: all of its memory; free + used + poisoned
 * @free_bytes: in no region; clean + scrubbing
 * @used_bytes: in regions, or released but still pinned by something
 * @peak_bytes: the most that was ever in use
 * @clean_bytes: free and zeroed
 * @scrubbing_bytes: free and waiting to be zeroed
 * @poisoned_bytes: set aside for a hardware memory error
 * @target_bytes: what total is, or is about to be
 * @gathered_bytes: of that, what is on its way: not the host's any more, not
 *	yet in total
 * @cpus: its CPUs
 * @nr_nodes: length of @nodes
 * @nodes: what it has on each NUMA node where it has memory
 * @create_flags: of enum vpool_create_flags; from a handle that may only read,
 *	VPOOL_CREATE_ISOLATED or nothing
 * @effective: those of its CPUs that are online; empty where sysfs cannot be read
 * @dedicated: those that one member has for its own; likewise
 *
 * Made by the library only, so that it can grow at its end.
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
};

/**
 * struct vpool_host_node - one NUMA node of the host
 * @node: its number
 * @cores: cores with a CPU online
 * @cpus: its CPUs that are online
 * @total_bytes: its memory
 * @free_bytes: memory that nothing uses
 * @available_bytes: memory that could be had without swapping, counted as the
 *	kernel counts MemAvailable
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
 * struct vpool_host - what the host has
 * @cpus: its CPUs that are online
 * @cores: cores with a CPU online
 * @total_bytes: its memory
 * @available_bytes: what could be had without swapping, as the kernel
 *	estimates it
 * @nr_nodes: length of @nodes
 * @nodes: its NUMA nodes; a host without NUMA has one
 */
struct vpool_host {
	struct vpool_cpus cpus;
	unsigned int cores;
	__u64 total_bytes;
	__u64 available_bytes;
	size_t nr_nodes;
	struct vpool_host_node *nodes;
};

/**
 * vpool_version() - version of the library
 *
 * Return: "MAJOR.MINOR.PATCH"
 */
const char *vpool_version(void);

/* Handles */

/**
 * vpool_open_control() - open the control node
 * @ret: the handle; also set on failure, unless memory ran out
 *
 * Needed to create and destroy pools. Close it in any case.
 *
 * Return: 0; -ENOPKG without the module; -EACCES when not allowed
 */
int vpool_open_control(struct vpool **ret);

/**
 * vpool_open_reader() - get ready to read about pools
 * @ret: the handle; also set on failure, unless memory ran out
 *
 * The control node for those who may open it. For all others a handle that
 * reads the same from sysfs, where figures that are read together may be from
 * different moments. With such a handle vpool_regions() and vpool_members() open
 * the pool's node for a moment, which needs permission to do that.
 *
 * Return: 0; -ENOPKG without the module
 */
int vpool_open_reader(struct vpool **ret);

/**
 * vpool_open() - open a pool's node, and with it a new region
 * @name: the pool
 * @ret: the handle; also set on failure, unless memory ran out
 *
 * Return: 0; -ENOENT if there is no such pool; -EACCES when not allowed;
 * -ENOPKG without the module
 */
int vpool_open(const char *name, struct vpool **ret);

/**
 * vpool_adopt() - make a handle from a descriptor that is open already
 * @fd: open on the control node or on a pool's node, as a parent, systemd or
 *	SCM_RIGHTS passes it on
 * @ret: the handle; also set on failure, unless memory ran out
 *
 * On success the handle owns @fd: it is closed on exec(2) and by vpool_close(). On
 * failure it stays the caller's. The region of a pool's node is the one that the
 * descriptor was opened with: it may have its size and memory already.
 *
 * Return: 0; -ENOTTY if @fd is open on something else; -EBADF if it is not open;
 * -ENODEV if the pool has been destroyed
 */
int vpool_adopt(int fd, struct vpool **ret);

/**
 * vpool_close() - close a handle
 * @vp: the handle, or NULL
 *
 * What is mapped stays mapped and attached tasks stay attached.
 */
void vpool_close(struct vpool *vp);

/**
 * vpool_fd() - a handle's file descriptor
 * @vp: the handle
 *
 * Closed on exec(2), and by vpool_close(). For poll(2), SCM_RIGHTS and such.
 *
 * Return: the descriptor, or -1 if the handle has none
 */
int vpool_fd(const struct vpool *vp);

/**
 * vpool_reason() - why the last failed call on a handle failed
 * @vp: the handle, or NULL
 *
 * Return: one sentence, valid until the next call on the handle; empty if
 * nothing has failed
 */
const char *vpool_reason(const struct vpool *vp);

/**
 * vpool_reason_copy() - vpool_reason() for handles that threads share
 * @vp: the handle, or NULL
 * @buf: where the text goes, with its NUL
 * @size: room there; VPOOL_REASON_SIZE is always enough
 */
void vpool_reason_copy(struct vpool *vp, char *buf, size_t size);

/**
 * vpool_reason_code() - get the kind of the last failure on a handle
 * @vp: the handle, or NULL; the caller keeps it
 *
 * A program can act on the code; the message of vpool_reason() is for people and can
 * change. A handle that several threads share has the code of whichever call failed
 * last.
 *
 * Return: enum vpool_code if the module refused the call, or if the library found the
 * same kind of failure first; enum vpool_lib_code for any other failure in the
 * library; 0 if no call has failed, or if the module is too old to give a code;
 * VPOOL_LIB_NO_MEMORY for NULL
 */
int vpool_reason_code(const struct vpool *vp);

/* Control */

/**
 * vpool_name_is_valid() - check whether a pool can have a name
 * @name: NUL-terminated string, or NULL; the caller keeps it
 *
 * A valid name has 1 to VPOOL_NAME_MAX characters of a-z, 0-9, ".", "_" and "-",
 * starts with a letter or a digit, and is not "control".
 *
 * Return: true if the name is valid; false if not, and for NULL
 */
bool vpool_name_is_valid(const char *name);

/**
 * vpool_create() - create a pool
 * @vp: a control handle
 * @req: what it shall be; @out_bytes and @out_id are set
 *
 * Return: 0, or what linux/vpool.h says about VPOOL_CREATE
 */
int vpool_create(struct vpool *vp, struct vpool_request *req);

/**
 * vpool_resize() - change how much memory and which CPUs a pool has
 * @vp: a control handle
 * @chg: the change; out_bytes is set
 *
 * Return: 0, or what linux/vpool.h says about VPOOL_RESIZE
 */
int vpool_resize(struct vpool *vp, struct vpool_change *chg);

/**
 * vpool_destroy() - destroy a pool
 * @vp: a control handle
 * @name: the pool
 * @flags: any of enum vpool_destroy_flags
 *
 * Return: 0, or what linux/vpool.h says about VPOOL_DESTROY
 */
int vpool_destroy(struct vpool *vp, const char *name, unsigned int flags);

/* Reading */

/**
 * vpool_abi_version() - the ABI version of the module that is loaded
 * @vp: any handle
 * @version: VPOOL_ABI_VERSION as the module was built with
 *
 * Return: 0; -ENOPKG without the module
 */
int vpool_abi_version(struct vpool *vp, unsigned int *version);

/**
 * vpool_list() - list all pools
 * @vp: a control handle, or one of vpool_open_reader()
 * @entries: one entry for each, in the order of ids; for free(3)
 * @nr: how many
 *
 * Return: 0 or a negative errno
 */
int vpool_list(struct vpool *vp, struct vpool_list_entry **entries,
	       size_t *nr);

/**
 * vpool_query() - read all about a pool
 * @vp: any handle
 * @name: the pool; NULL for that of a pool handle
 * @info: what was read; for vpool_info_free()
 *
 * Return: 0 or a negative errno
 */
int vpool_query(struct vpool *vp, const char *name, struct vpool_info **info);

/**
 * vpool_info_free() - release what vpool_query() gave
 * @info: that, or NULL
 */
void vpool_info_free(struct vpool_info *info);

/**
 * struct vpool_counter - something that a pool counts since it was created
 * @name: what, as the file in the pool's stat/ in sysfs is called
 * @value: how often, or how much
 */
struct vpool_counter {
	char name[32];
	__u64 value;
};

/**
 * vpool_counters() - read all that a pool counts
 * @vp: any handle
 * @name: the pool; NULL for that of a pool handle
 * @counters: one entry for each counter, sorted by name; for free(3)
 * @nr: how many
 *
 * Newer modules count more.
 *
 * Return: 0; -ENOENT if there is no such pool
 */
int vpool_counters(struct vpool *vp, const char *name,
		   struct vpool_counter **counters, size_t *nr);

/**
 * vpool_regions() - list a pool's open regions
 * @vp: any handle
 * @name: the pool; NULL for that of a pool handle
 * @regions: one entry for each, oldest first; for free(3)
 * @nr: how many
 *
 * Return: 0 or a negative errno
 */
int vpool_regions(struct vpool *vp, const char *name,
		  struct vpool_region_info **regions, size_t *nr);

/**
 * vpool_members() - list the tasks that are attached to a pool
 * @vp: any handle
 * @name: the pool; NULL for that of a pool handle
 * @members: one entry for each thread, in no order; for free(3)
 * @nr: how many
 *
 * Return: 0 or a negative errno
 */
int vpool_members(struct vpool *vp, const char *name,
		  struct vpool_member_info **members, size_t *nr);

/**
 * vpool_state_name() - a state in a word
 * @state: one of enum vpool_state
 *
 * Return: the word that sysfs has for it; "unknown" for one that the library
 * does not know
 */
const char *vpool_state_name(unsigned int state);

/* Using a pool */

/**
 * vpool_commit() - give a handle's region its size and memory
 * @vp: a pool handle
 * @bytes: the size; rounded up to the pool's page size on return
 * @flags: any of enum vpool_commit_flags, but VPOOL_COMMIT_NODE
 *
 * The memory comes from the nodes that VPOOL_COMMIT chooses without
 * VPOOL_COMMIT_NODE. See vpool_commit_node() for one node.
 *
 * Return: 0; -ENOMEM if the pool has too little; -EBUSY if the region has a
 * size already; -EINVAL for VPOOL_COMMIT_NODE
 */
int vpool_commit(struct vpool *vp, __u64 *bytes, unsigned int flags);

/**
 * vpool_commit_node() - give a handle's region its size, and memory of one node
 * @vp: a pool handle
 * @bytes: the size; rounded up to the pool's page size on return
 * @flags: any of enum vpool_commit_flags; VPOOL_COMMIT_NODE is implied
 * @node: a NUMA node; VPOOL_ANY_NODE does what vpool_commit() does
 *
 * Return: 0; -ENOMEM if the pool has too little there; -EBUSY if the region has a
 * size already; -ENODEV if the host has no such node
 */
int vpool_commit_node(struct vpool *vp, __u64 *bytes, unsigned int flags,
		      int node);

/**
 * vpool_map() - map a handle's region
 * @vp: a pool handle
 * @offset: where in the region to start, a multiple of the pool's page size
 * @bytes: how much
 * @addr: where it is
 *
 * Shared, readable and writable. If the region has no size yet, offset + bytes
 * becomes its size. Undone with munmap(2).
 *
 * Return: 0; -ENOMEM if the pool has too little
 */
int vpool_map(struct vpool *vp, __u64 offset, size_t bytes, void **addr);

/**
 * vpool_attach() - make a task a member of the pool
 * @vp: a pool handle
 * @pidfd: the task, or VPOOL_SELF for the calling thread or its process
 * @flags: any of enum vpool_attach_flags; VPOOL_ATTACH_DEDICATED gives it any CPU of
 *	the pool that is free for that, vpool_attach_task() a certain one
 *
 * Return: 0; -EINVAL if the pool has no CPUs; -EBUSY if the task belongs to
 * another pool
 */
int vpool_attach(struct vpool *vp, int pidfd, unsigned int flags);

/**
 * vpool_detach() - end a membership
 * @vp: a pool handle
 * @pidfd: the task, or VPOOL_SELF for the calling thread or its process
 * @flags: any of enum vpool_attach_flags
 *
 * Return: 0; -ESRCH if the task is no member
 */
int vpool_detach(struct vpool *vp, int pidfd, unsigned int flags);

/**
 * vpool_attach_task() - make any thread a member, and maybe give it a CPU
 * @vp: a pool handle
 * @pidfd: its process, or VPOOL_SELF for the caller's
 * @tid: the thread; 0 for the first, or the calling one for VPOOL_SELF
 * @flags: any of enum vpool_attach_flags
 * @cpu: in: the CPU of the pool to dedicate to the thread, or -1 for any; out: the
 *	CPU that it has. Implies VPOOL_ATTACH_DEDICATED. NULL dedicates any CPU with
 *	that flag, and none without it
 *
 * Return: 0, or what linux/vpool.h says about VPOOL_ATTACH
 */
int vpool_attach_task(struct vpool *vp, int pidfd, pid_t tid,
		      unsigned int flags, int *cpu);

/**
 * vpool_detach_task() - end the membership of any thread
 * @vp: a pool handle
 * @pidfd: its process, or VPOOL_SELF for the caller's
 * @tid: the thread; 0 for the first, or the calling one for VPOOL_SELF
 * @flags: any of enum vpool_attach_flags that VPOOL_DETACH takes
 *
 * Return: 0, or what linux/vpool.h says about VPOOL_DETACH
 */
int vpool_detach_task(struct vpool *vp, int pidfd, pid_t tid,
		      unsigned int flags);

/* The host */

/**
 * vpool_host_read() - read what the host has
 * @host: what was read; for vpool_host_free()
 *
 * Needs no module and no privilege.
 *
 * Return: 0 or a negative errno
 */
int vpool_host_read(struct vpool_host **host);

/**
 * vpool_host_free() - release what vpool_host_read() gave
 * @host: that, or NULL
 */
void vpool_host_free(struct vpool_host *host);

/* Sets of CPUs */

/**
 * vpool_cpus_parse() - read a list of CPUs
 * @text: a list as the kernel writes it: "0-3,8", "0-30:2/4"; besides, "all" is
 *	all online CPUs, "N" the highest of them as in "2-N", and "^" in front of
 *	an item leaves its CPUs out of the result, wherever it stands
 * @cpus: the set, made by the call
 * @why: what is wrong with @text, one sentence, or NULL
 * @size: room there
 *
 * Return: 0, -EINVAL for what is no such list, -ENOMEM
 */
int vpool_cpus_parse(const char *text, struct vpool_cpus *cpus, char *why,
		     size_t size);

/**
 * vpool_cpus_format() - write a list of CPUs
 * @cpus: the set
 *
 * Return: a list as the kernel writes it, for free(3), empty for the empty set;
 * NULL if memory ran out
 */
char *vpool_cpus_format(const struct vpool_cpus *cpus);

/**
 * vpool_cpus_add() - add a CPU
 * @cpus: the set
 * @cpu: the CPU
 *
 * Return: 0, -EINVAL for a number that no host has, -ENOMEM
 */
int vpool_cpus_add(struct vpool_cpus *cpus, unsigned int cpu);

/**
 * vpool_cpus_subtract() - take CPUs out
 * @cpus: the set
 * @others: what to take out
 */
void vpool_cpus_subtract(struct vpool_cpus *cpus,
			 const struct vpool_cpus *others);

/**
 * vpool_cpus_and() - keep only CPUs that another set has, too
 * @cpus: the set
 * @others: the other set
 */
void vpool_cpus_and(struct vpool_cpus *cpus, const struct vpool_cpus *others);

/**
 * vpool_cpus_copy() - copy a set
 * @to: the copy, made by the call
 * @from: the set
 *
 * Return: 0 or -ENOMEM
 */
int vpool_cpus_copy(struct vpool_cpus *to, const struct vpool_cpus *from);

/**
 * vpool_cpus_test() - is a CPU in a set?
 * @cpus: the set
 * @cpu: the CPU
 *
 * Return: true if it is
 */
bool vpool_cpus_test(const struct vpool_cpus *cpus, unsigned int cpu);

/**
 * vpool_cpus_count() - how many CPUs a set has
 * @cpus: the set
 *
 * Return: the number
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
