/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Follow members that fork, exit or move to another cgroup.
 */
#ifndef VPOOL_FORK_H
#define VPOOL_FORK_H

struct task_struct;

int vpool_fork_start(void);
void vpool_fork_stop(void);
void vpool_fork_exit(struct task_struct *task);

#endif /* VPOOL_FORK_H */
