/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The task or process that an attach or detach call names.
 */
#ifndef VPOOL_TARGET_H
#define VPOOL_TARGET_H

#include <linux/types.h>

struct task_struct;
struct vpool_extack;
struct vpool_member_set;

struct task_struct *vpool_target_get(int pidfd, pid_t tid, bool process,
				     struct vpool_extack *extack);
int vpool_target_check(struct task_struct *task, struct vpool_extack *extack);
struct task_struct *vpool_target_next(struct vpool_member_set *members,
				      struct task_struct *of,
				      struct task_struct *last, bool member);
bool vpool_target_is_live(struct task_struct *of);

#endif /* VPOOL_TARGET_H */
