/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /sys/kernel/vpool
 */
#ifndef VPOOL_SYSFS_H
#define VPOOL_SYSFS_H

struct vpool_pool;

int vpool_sysfs_start(void);
void vpool_sysfs_stop(void);

int vpool_dir_add(struct vpool_pool *pool);
void vpool_dir_del(struct vpool_pool *pool);
void vpool_dir_changed(struct vpool_pool *pool);

#endif /* VPOOL_SYSFS_H */
