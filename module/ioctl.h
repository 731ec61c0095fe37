/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ioctls of both kinds of device.
 */
#ifndef VPOOL_IOCTL_H
#define VPOOL_IOCTL_H

struct vpool_handle;

long vpool_handle_ioctl(struct vpool_handle *handle, unsigned int num,
			unsigned long arg);

#endif /* VPOOL_IOCTL_H */
