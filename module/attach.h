/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Attach tasks to a pool.
 */
#ifndef VPOOL_ATTACH_H
#define VPOOL_ATTACH_H

#include <linux/types.h>

struct task_struct;
struct vpool_extack;
struct vpool_member_set;

int vpool_member_attach(struct vpool_member_set *members,
			struct task_struct *task, bool process, int *cpu,
			struct vpool_extack *extack);

#endif /* VPOOL_ATTACH_H */
