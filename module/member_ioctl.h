/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Calls that attach, detach and list members.
 */
#ifndef VPOOL_MEMBER_IOCTL_H
#define VPOOL_MEMBER_IOCTL_H

struct vpool_call;

int vpool_ioctl_attach(struct vpool_call *call);
int vpool_ioctl_detach(struct vpool_call *call);
int vpool_ioctl_members(struct vpool_call *call);

#endif /* VPOOL_MEMBER_IOCTL_H */
