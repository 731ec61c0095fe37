/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Set and restore the affinity of one member.
 */
#ifndef VPOOL_AFFINITY_H
#define VPOOL_AFFINITY_H

#include <linux/types.h>

struct task_struct;
struct vpool_member;

void vpool_affinity_save(struct task_struct *task, struct vpool_member *member);
int vpool_affinity_apply(struct vpool_member *member, bool force);
void vpool_affinity_restore(struct task_struct *task,
			    struct vpool_member *member);
bool vpool_affinity_is_outside(struct vpool_member *member);

#endif /* VPOOL_AFFINITY_H */
