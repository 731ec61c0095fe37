/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_SPARE_H
#define VPOOLCTL_SPARE_H

#include "vpoolctl.h"

/**
 * struct spare_node - what pools can take from one NUMA node
 * @node: its number
 * @cpus: its part of the CPUs of &struct spare
 * @bytes: memory, at most that of &struct spare
 */
struct spare_node {
	int node;
	struct vpool_cpus cpus;
	__u64 bytes;
};

/**
 * struct spare - what pools can take from the host: what is free, less what the
 *	module leaves to the host
 * @free_cpus: online CPUs in no pool
 * @cpus: CPUs that one create takes without --boot-core and --split-cores
 * @bytes: memory that one create takes
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
 * Work out what pools can take, given the pools that exist. Floors are those of
 * the module that is loaded, else its defaults.
 */
void spare_read(struct spare *spare, const struct vpool_host *host,
		struct vpool_info *const *pools, size_t nr_pools);
void spare_free(struct spare *spare);

/* Memory that pools can take from @node, or from all for VPOOL_ANY_NODE. */
__u64 spare_bytes_on(const struct spare *spare, int node);

/*
 * Read host, pools and what pools can take in one go. With an error: an exit status,
 * and a message has been printed. A vp of NULL means that the module is not loaded.
 */
int spare_read_host(const struct invocation *inv, struct vpool *vp,
		    struct spare *spare);

#endif /* VPOOLCTL_SPARE_H */
