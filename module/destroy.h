/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Destruction of a pool: by a call, by the reaper, and on unload.
 */
#ifndef VPOOL_DESTROY_H
#define VPOOL_DESTROY_H

#include <linux/types.h>

struct vpool_extack;
struct vpool_pool;

int vpool_reaper_start(void);
void vpool_reaper_stop(void);

int vpool_pool_destroy(const char *name, bool force,
		       struct vpool_extack *extack);
void vpool_pools_destroy_all(void);

void vpool_pool_init_reap(struct vpool_pool *pool);
void vpool_pool_maybe_reap(struct vpool_pool *pool);
void vpool_pools_orphan(const void *creator);

#endif /* VPOOL_DESTROY_H */
