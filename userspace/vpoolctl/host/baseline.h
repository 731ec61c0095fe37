/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_BASELINE_H
#define VPOOLCTL_BASELINE_H

#include <libvpool.h>

/**
 * struct figure - a counter of the host
 * @key: "irq IRQ CPU", "steal CPU" or "task TID START", NUL-terminated; owned
 * @value: number of interrupts, of clock ticks, or of context switches of the task
 */
struct figure {
	char *key;
	__u64 value;
};

/**
 * struct figures - all counters at one moment
 * @all: array sorted by key; owned
 * @nr: length of @all
 * @created_ns: creation time of the pool that they are the baseline of; 0 if none,
 *	so that counting starts at boot
 */
struct figures {
	struct figure *all;
	size_t nr;
	__u64 created_ns;
};

/* Read the current counters of the host. */
void figures_read(struct figures *figures);
/* Find a counter by its key. Return false if there is none. */
bool figures_find(const struct figures *figures, const char *key, __u64 *value);
void figures_free(struct figures *figures);

/* Save the current counters as the baseline of the new pool @name. */
void baseline_save(struct vpool *vp, const char *name);
/* Load the baseline of a pool. If it is lost, @figures is empty and its created_ns 0. */
void baseline_load(const char *name, __u64 created_ns, struct figures *figures);
void baseline_forget(const char *name);

/* Read the context switches and the start time of a thread. Return false if it exited. */
bool task_switches(int pid, int tid, __u64 *start, __u64 *switches);

#endif /* VPOOLCTL_BASELINE_H */
