/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_SPARE_H
#define VPOOLCTL_SPARE_H

#include <libvpool.h>

struct invocation;

/**
 * struct spare_node - poolable CPUs and memory of one NUMA node
 * @node: number of the node
 * @cpus: poolable CPUs of the node
 * @bytes: poolable memory of the node, at most that of &struct spare
 */
struct spare_node {
	int node;
	struct vpool_cpus cpus;
	__u64 bytes;
};

/**
 * struct spare - the host's poolable CPUs and memory: those that one create can take
 * @free_cpus: online CPUs in no pool
 * @cpus: CPUs that a create takes without --boot-core and --split-cores
 * @bytes: memory that a create takes
 * @nr_nodes: length of @nodes
 * @nodes: by NUMA node, in the order of &struct vpool_host
 */
struct spare {
	struct vpool_cpus free_cpus;
	struct vpool_cpus cpus;
	__u64 bytes;
	size_t nr_nodes;
	struct spare_node *nodes;
};

/*
 * Compute what is poolable in addition to @pools. The floors are those of the loaded
 * module, or its defaults.
 */
void spare_read(struct spare *spare, const struct vpool_host *host,
		struct vpool_info *const *pools, size_t nr_pools);
void spare_free(struct spare *spare);

/* Return the bytes of available memory that the module leaves to the host. */
__u64 spare_mem_floor(void);

/* Return the poolable memory of @node, or of the host for VPOOL_ANY_NODE. */
__u64 spare_bytes_on(const struct spare *spare, int node);

/*
 * Read the host and the pools, and compute what is poolable. @vp is a handle to read
 * with. Return 0, or an exit status after a message.
 */
int spare_read_host(const struct invocation *inv, struct vpool *vp,
		    struct spare *spare);

#endif /* VPOOLCTL_SPARE_H */
