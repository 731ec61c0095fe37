/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_PROC_H
#define VPOOLCTL_PROC_H

#include <linux/types.h>
#include <stdbool.h>

struct stat;

/**
 * struct task - a thread
 * @cpu: CPU that the thread runs on or ran on last
 * @seconds: consumed CPU time, in seconds
 * @mask: affinity as a CPU list, for free(3)
 * @comm: name of the thread
 */
struct task {
	unsigned int cpu;
	__u64 seconds;
	char *mask;
	char comm[64];
};

/* Parse the content of /proc/TID/stat. Return 0 or -EINVAL. */
int parse_stat(const char *line, long ticks_per_second, struct task *task);

/* Read a thread. Return 0, or -ESRCH if it has exited. */
int read_task(int tid, struct task *task);

/* Return the name of a process for free(3): "?" if it has exited. */
char *process_name(int pid);

/*
 * Return the number behind a key of /proc/ID/status, such as "Tgid". Return 0 if there is no
 * such key, or if the process or thread has exited.
 */
int status_number(int id, const char *key);

/* Tell whether a process has a file open. */
bool process_has_open(int pid, const struct stat *file);

#endif /* VPOOLCTL_PROC_H */
