/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Detach tasks from their pool.
 */
#ifndef VPOOL_DETACH_H
#define VPOOL_DETACH_H

#include <linux/types.h>

struct task_struct;
struct vpool_extack;
struct vpool_member;
struct vpool_member_set;

void vpool_detach(struct vpool_member_set *members,
		  struct vpool_member *member);
int vpool_member_detach(struct vpool_member_set *members,
			struct task_struct *task, bool process,
			struct vpool_extack *extack);
bool vpool_members_close(struct vpool_member_set *members, bool force);

#endif /* VPOOL_DETACH_H */
