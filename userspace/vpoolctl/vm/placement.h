/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_PLACEMENT_H
#define VPOOLCTL_VM_PLACEMENT_H

#include <libvpool.h>
#include <stdbool.h>

struct backing;
struct invocation;
struct qemu;
struct qmp;

#define PLAN_NODES 64

/**
 * struct vm_plan - placement of a machine on host nodes
 * @in_files: the memory of the nodes is in files, because the guest can return it, or
 *	because QEMU cannot open the device of the pool
 * @reclaims: the guest can return it
 * @elastic: memory that vm resize can add, in bytes
 * @plugged: part of @elastic that the guest of a running machine has, in bytes
 * @block: unit in which vm resize can change the size of a running machine, in bytes
 * @nr: number of NUMA nodes of the guest
 * @node: the NUMA nodes of the guest
 * @node.host: host node to place it on, or -1 for any
 * @node.bytes: memory of the node, in bytes
 * @node.vcpus: number of vCPUs of the node
 */
struct vm_plan {
	bool in_files;
	bool reclaims;
	__u64 elastic;
	__u64 plugged;
	__u64 block;
	size_t nr;
	struct {
		int host;
		__u64 bytes;
		unsigned int vcpus;
	} node[PLAN_NODES];
};

/**
 * struct vm_placed - result of placing a machine
 * @memory_ms: time for adding the memory, in milliseconds
 * @devices_ms: time for adding the devices, in milliseconds
 * @cpus: CPUs dedicated to one vCPU each; for vpool_cpus_free()
 * @sharing: number of vCPUs that share CPUs with QEMU's other threads
 */
struct vm_placed {
	double memory_ms;
	double devices_ms;
	struct vpool_cpus cpus;
	unsigned int sharing;
};

/*
 * Check that a pool has the CPUs and, unless @bytes is 0, the memory. Return 0, or -1
 * with a message.
 */
int vm_check_pool(const struct invocation *inv, const struct vpool_info *pool,
		  __u64 bytes, unsigned int vcpus);

/* Distribute memory and vCPUs over the nodes on which a pool has memory. */
void vm_plan(const struct vpool_info *pool, __u64 bytes, unsigned int vcpus,
	     struct vm_plan *plan);

/* Read the plan of a running machine. The caller places it by vm_plan_fit(). */
int vm_plan_of(struct qmp *from, struct vm_plan *plan);

/*
 * Place the plan of a running machine on another pool, with the same nodes. Return 0, or
 * -1 with a message if the pool does not have the memory or the CPUs.
 */
int vm_plan_fit(const struct invocation *inv, const char *name,
		struct vpool *pool, struct vm_plan *plan);

/*
 * Create the files of a plan, for backing_close(). Return 0, or -1 with a message.
 */
int vm_plan_back(const struct invocation *inv, const char *name,
		 struct vpool *pool, const struct vm_plan *plan,
		 struct backing *backing);

/*
 * Add the memory and devices to a QEMU that was just launched, and dedicate CPUs to its
 * vCPUs. Return 0, or -1 with a message.
 */
int vm_build(const struct invocation *inv, const char *name,
	     struct qemu *qemu, struct vpool *pool, const char *pool_name,
	     const struct vm_plan *plan, struct vm_placed *placed);

#endif /* VPOOLCTL_VM_PLACEMENT_H */
