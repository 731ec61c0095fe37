/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The regions of a pool.
 */
#ifndef VPOOL_POOL_REGION_H
#define VPOOL_POOL_REGION_H

#include <linux/types.h>
#include <linux/vpool.h>

struct vpool_pool;
struct vpool_region;

int vpool_pool_add_region(struct vpool_pool *pool, struct vpool_region *region);
void vpool_pool_remove_region(struct vpool_pool *pool,
			      struct vpool_region *region);
u32 vpool_pool_list_regions(struct vpool_pool *pool,
			    struct vpool_region_info *info, u32 max);
bool vpool_pools_poisoned(unsigned long pfn, bool has_ref);

#endif /* VPOOL_POOL_REGION_H */
