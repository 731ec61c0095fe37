/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables of all pools, by name and by id.
 */
#ifndef VPOOL_REGISTRY_H
#define VPOOL_REGISTRY_H

#include <linux/types.h>
#include <linux/vpool.h>

#include "extack.h"

struct vpool_pool;

int vpool_registry_start(void);
void vpool_registry_stop(void);

int vpool_registry_check_free(const char *name, struct vpool_extack *extack);
int vpool_registry_insert(struct vpool_pool *pool, struct vpool_extack *extack);
void vpool_registry_remove(struct vpool_pool *pool);

struct vpool_pool *vpool_pool_find(const char *name,
				   struct vpool_extack *extack);
struct vpool_pool *vpool_pool_next(u32 *id);
u32 vpool_pools_list(struct vpool_list_entry *entries, u32 max);

#endif /* VPOOL_REGISTRY_H */
