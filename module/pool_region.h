/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The regions of a pool.
 */
#ifndef VPOOL_POOL_REGION_H
#define VPOOL_POOL_REGION_H

#include <linux/types.h>
#include <linux/vpool.h>

struct vpool_extack;
struct vpool_pool;
struct vpool_region;

u32 vpool_pool_max_regions(void);
int vpool_pool_check_memory(struct vpool_pool *pool, struct vpool_extack *extack);
int vpool_pool_mount(struct vpool_pool *pool, struct vpool_extack *extack);
void vpool_pool_unmount(struct vpool_pool *pool);
int vpool_pool_add_region(struct vpool_pool *pool, struct vpool_region *region);
void vpool_pool_remove_region(struct vpool_pool *pool,
			      struct vpool_region *region);
u32 vpool_pool_list_regions(struct vpool_pool *pool,
			    struct vpool_region_info *info, u32 max);
bool vpool_pools_poisoned(unsigned long pfn, bool has_ref);

#endif /* VPOOL_POOL_REGION_H */
