/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_PROC_H
#define VPOOLCTL_PROC_H

#include <linux/types.h>

/**
 * struct task - a thread, as /proc shows it
 * @cpu: the CPU it runs on, or ran on last
 * @seconds: CPU time it has used
 * @mask: the CPUs it may run on, for free(3)
 * @comm: its name
 */
struct task {
	unsigned int cpu;
	__u64 seconds;
	char *mask;
	char comm[64];
};

/* Fill in a task from its line in /proc/TID/stat; 0 or -EINVAL. */
int parse_stat(const char *line, long ticks_per_second, struct task *task);

/* 0, or -ESRCH if it is gone. */
int read_task(int tid, struct task *task);

#endif /* VPOOLCTL_PROC_H */
