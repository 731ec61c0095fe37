/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ioctls of both kinds of device.
 */
#ifndef VPOOL_IOCTL_H
#define VPOOL_IOCTL_H

struct vpool_file;

long vpool_file_ioctl(struct vpool_file *file, unsigned int num,
		      unsigned long arg);

#endif /* VPOOL_IOCTL_H */
