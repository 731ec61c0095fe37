/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOSTMAP_H
#define VPOOLCTL_HOSTMAP_H

#include <hwloc.h>

#include <libvpool.h>

/**
 * struct hostmap - the host's topology and the pools on it
 * @topology: as hwloc has it
 * @host: what the host has
 * @pools: the pools
 * @nr: how many
 */
struct hostmap {
	hwloc_topology_t topology;
	struct vpool_host *host;
	struct vpool_info **pools;
	size_t nr;
};

/* Colours that can be told from each other; they repeat. */
struct rgb {
	unsigned char r, g, b;
};

struct rgb pool_colour(size_t pool);
/* A letter for a pool, where there are no colours. */
char pool_letter(size_t pool);

/* Which pool a CPU is in; -1 for none. */
int pool_of_cpu(const struct hostmap *map, unsigned int cpu);
/* What a pool has on a node. */
__u64 pool_on_node(const struct vpool_info *pool, int node);

#endif /* VPOOLCTL_HOSTMAP_H */
