/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keep the masks of all members of a pool correct.
 */
#ifndef VPOOL_ENFORCE_H
#define VPOOL_ENFORCE_H

#include <linux/types.h>

struct vpool_member_set;
struct work_struct;

void vpool_enforce(struct work_struct *work);
void vpool_members_sync(struct vpool_member_set *members);
void vpool_members_sync_now(struct vpool_member_set *members);

#endif /* VPOOL_ENFORCE_H */
