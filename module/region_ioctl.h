/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Calls that commit and list regions.
 */
#ifndef VPOOL_REGION_IOCTL_H
#define VPOOL_REGION_IOCTL_H

struct vpool_call;

int vpool_ioctl_commit(struct vpool_call *call);
int vpool_ioctl_file(struct vpool_call *call);
int vpool_ioctl_regions(struct vpool_call *call);

#endif /* VPOOL_REGION_IOCTL_H */
