/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Taking memory from the host for a store.
 */
#ifndef VPOOL_RESERVE_H
#define VPOOL_RESERVE_H

#include <linux/list.h>
#include <linux/types.h>

#include "extack.h"

struct cpumask;
struct vpool_store;

/**
 * struct vpool_gather - memory on its way from the host into a store
 * @store: store that will get the memory
 * @folios: list of folios gathered so far, linked by their lru
 * @cpus: for memory of any node: take equal shares from the nodes of these CPUs, or
 *	from near them; with NULL or an empty mask, start with the node that can spare
 *	the most memory
 * @timeout: time allowed for the slow path, in jiffies; 0 for the fast path only.
 *	vpool_gather_memory() deducts the time that it has used
 * @cancelled: returns true if the caller must stop, or NULL
 */
struct vpool_gather {
	struct vpool_store *store;
	struct list_head folios;
	const struct cpumask *cpus;
	unsigned long timeout;
	bool (*cancelled)(struct vpool_store *store);
};

int vpool_gather_memory(struct vpool_gather *gather, int nid, u64 bytes,
			struct vpool_extack *extack);
void vpool_gather_publish(struct vpool_gather *gather);
void vpool_gather_discard(struct vpool_gather *gather);

#endif /* VPOOL_RESERVE_H */
