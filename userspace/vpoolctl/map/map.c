// SPDX-License-Identifier: GPL-2.0-only
/*
 * Colours, letters, CPUs and memory of the pools on the map.
 */
#include <stddef.h>

#include <libvpool.h>

#include "base/macros.h"
#include "map/map.h"

struct rgb pool_colour(size_t pool)
{
	/* The palette of Okabe and Ito for colour-blind readers, and lighter colours. */
	static const struct rgb colours[] = {
		{ 0xe6, 0x9f, 0x00 }, { 0x56, 0xb4, 0xe9 },
		{ 0x00, 0x9e, 0x73 }, { 0xf0, 0xe4, 0x42 },
		{ 0xd5, 0x5e, 0x00 }, { 0xcc, 0x79, 0xa7 },
		{ 0x33, 0x8b, 0xd2 }, { 0xff, 0xc4, 0x73 },
		{ 0x8f, 0xd9, 0xc1 }, { 0xe8, 0xb8, 0xd0 },
	};

	return colours[pool % ARRAY_SIZE(colours)];
}

char pool_letter(size_t pool)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return letters[pool % (ARRAY_SIZE(letters) - 1)];
}

int pool_of_cpu(const struct hostmap *map, unsigned int cpu)
{
	size_t i;

	for (i = 0; i < map->nr; i++)
		if (vpool_cpus_test(&map->pools[i]->cpus, cpu))
			return i;
	return -1;
}

__u64 pool_on_node(const struct vpool_info *pool, int node)
{
	size_t i;

	for (i = 0; i < pool->nr_nodes; i++)
		if (pool->nodes[i].node == node)
			return pool->nodes[i].total_bytes;
	return 0;
}
