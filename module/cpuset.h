/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The CPUs that a task's cpuset allows.
 */
#ifndef VPOOL_CPUSET_H
#define VPOOL_CPUSET_H

struct cpumask;
struct task_struct;

void vpool_cpuset_start(void);
void vpool_cpuset_stop(void);

void vpool_cpuset_task_mask(struct task_struct *task, struct cpumask *mask);
void vpool_cpuset_allowed(struct task_struct *task, struct cpumask *mask);

#endif /* VPOOL_CPUSET_H */
