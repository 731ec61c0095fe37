/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_PLACE_H
#define VPOOLCTL_VM_PLACE_H

#include <libvpool.h>

struct invocation;
struct qemu;
struct qmp;

#define PLAN_NODES 64

/**
 * struct vm_plan - where a machine's parts go
 * @nr: how many NUMA nodes the guest has
 * @node: those
 * @node.host: the host's node that it is to be on, or -1
 * @node.bytes: its memory
 * @node.vcpus: how many CPUs it has
 */
struct vm_plan {
	size_t nr;
	struct {
		int host;
		__u64 bytes;
		unsigned int vcpus;
	} node[PLAN_NODES];
};

/**
 * struct vm_placed - what came of it
 * @memory_ms: how long the memory took
 * @devices_ms: how long the devices took
 * @cpus: the CPUs that belong to one vCPU each; for vpool_cpus_free()
 * @sharing: how many vCPUs share CPUs with QEMU's other threads
 */
struct vm_placed {
	double memory_ms;
	double devices_ms;
	struct vpool_cpus cpus;
	unsigned int sharing;
};

/* Can a pool take that? 0, or -1 with a message. 0 bytes is any. */
int vm_check_pool(const struct invocation *inv, const struct vpool_info *pool,
		  __u64 bytes, unsigned int vcpus);

/* Spread memory and vCPUs over the nodes that a pool has memory on. */
void vm_plan(const struct vpool_info *pool, __u64 bytes, unsigned int vcpus,
	     struct vm_plan *plan);

/* What a running machine has, to be placed on another pool. */
int vm_plan_of(struct qmp *from, const struct vpool_info *to,
	       struct vm_plan *plan);

/*
 * Give a QEMU that was just launched its memory and devices, and its vCPUs
 * their CPUs; 0 or -1 with a message.
 */
int vm_build(const struct invocation *inv, const char *name,
	     struct qemu *qemu, struct vpool *pool, const char *pool_name,
	     const struct vm_plan *plan, struct vm_placed *placed);

#endif /* VPOOLCTL_VM_PLACE_H */
