/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Calls that only read: the pools, one pool, the message of a failed call.
 */
#ifndef VPOOL_QUERY_H
#define VPOOL_QUERY_H

struct vpool_call;

int vpool_ioctl_list(struct vpool_call *call);
int vpool_ioctl_query(struct vpool_call *call);
int vpool_ioctl_users(struct vpool_call *call);
int vpool_ioctl_reason(struct vpool_call *call);

#endif /* VPOOL_QUERY_H */
