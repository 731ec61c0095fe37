/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_BASELINE_H
#define VPOOLCTL_BASELINE_H

#include <libvpool.h>

/**
 * struct figure - something that only grows
 * @key: "irq 24 3", "steal 3" (both with a CPU), "task TID START"
 * @value: interrupts, clock ticks, or switches away from the task
 */
struct figure {
	char *key;
	__u64 value;
};

/**
 * struct figures - all of them at one moment
 * @all: sorted by key
 * @nr: how many
 * @created_ns: of which pool, or 0: since boot
 */
struct figures {
	struct figure *all;
	size_t nr;
	__u64 created_ns;
};

/* Read the host's. */
void figures_read(struct figures *figures);
/* One of them; false if it is not there. */
bool figures_find(const struct figures *figures, const char *key, __u64 *value);
void figures_free(struct figures *figures);

/* Keep what the host has now as what a new pool began with. */
void baseline_save(struct vpool *vp, const char *name);
/* What it began with; created_ns is 0, and there are none, if that is lost. */
void baseline_load(const char *name, __u64 created_ns, struct figures *figures);
void baseline_forget(const char *name);

/* How often a thread was switched away from and when it began; false if gone. */
bool task_switches(int pid, int tid, __u64 *start, __u64 *switches);

#endif /* VPOOLCTL_BASELINE_H */
