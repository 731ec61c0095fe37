/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The directories of pools in /sys/kernel/vpool.
 */
#ifndef VPOOL_SYSFS_H
#define VPOOL_SYSFS_H

struct vpool_pool;

int vpool_sysfs_start(void);
void vpool_sysfs_stop(void);

int vpool_sysfs_add(struct vpool_pool *pool);
void vpool_sysfs_del(struct vpool_pool *pool);
void vpool_sysfs_changed(struct vpool_pool *pool);

#endif /* VPOOL_SYSFS_H */
