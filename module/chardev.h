/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The character devices: /dev/vpool/control, and one for each pool.
 */
#ifndef VPOOL_CHARDEV_H
#define VPOOL_CHARDEV_H

struct vpool_pool;

int vpool_dev_start(void);
void vpool_dev_stop(void);
int vpool_dev_add(struct vpool_pool *pool);
void vpool_dev_del(struct vpool_pool *pool);

int vpool_control_start(void);
void vpool_control_stop(void);

#endif /* VPOOL_CHARDEV_H */
