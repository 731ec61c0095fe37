/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOSTMAP_H
#define VPOOLCTL_HOSTMAP_H

#include <hwloc.h>

#include <libvpool.h>

/**
 * struct hostmap - topology of the host and its pools
 * @topology: topology of hwloc
 * @host: CPUs and memory of the host
 * @pools: array of the pools
 * @nr: length of @pools
 */
struct hostmap {
	hwloc_topology_t topology;
	struct vpool_host *host;
	struct vpool_info **pools;
	size_t nr;
};

struct rgb {
	unsigned char r, g, b;
};

/* Return the colour of a pool. Colours repeat after the last one. */
struct rgb pool_colour(size_t pool);
/* Return the letter of a pool, for output without colours. */
char pool_letter(size_t pool);

/* Return the index of the pool of a CPU, or -1. */
int pool_of_cpu(const struct hostmap *map, unsigned int cpu);
/* Return the memory of a pool on a node, in bytes. */
__u64 pool_on_node(const struct vpool_info *pool, int node);

#endif /* VPOOLCTL_HOSTMAP_H */
