/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Calls that create, destroy and resize pools.
 */
#ifndef VPOOL_POOL_IOCTL_H
#define VPOOL_POOL_IOCTL_H

struct vpool_call;

int vpool_ioctl_create(struct vpool_call *call);
int vpool_ioctl_destroy(struct vpool_call *call);
int vpool_ioctl_resize(struct vpool_call *call);

#endif /* VPOOL_POOL_IOCTL_H */
