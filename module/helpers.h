/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helpers: kernel threads that do a part of a task's work.
 */
#ifndef VPOOL_HELPERS_H
#define VPOOL_HELPERS_H

#include <linux/list.h>
#include <linux/types.h>

struct vpool_cpus;

/**
 * struct vpool_helpers - work that a task shares with helpers
 * @cpus: CPUs of the pool that the work is for, or NULL
 * @step: do one piece of the work, of memory of NUMA node @nid if there is one. Returns
 *	false if no piece is left. The task and the helpers call it at the same time
 * @jobs: list of the parts of the helpers
 */
struct vpool_helpers {
	const struct vpool_cpus *cpus;
	bool (*step)(struct vpool_helpers *helpers, int nid);
	struct list_head jobs;
};

void vpool_helpers_init(struct vpool_helpers *helpers,
			const struct vpool_cpus *cpus,
			bool (*step)(struct vpool_helpers *helpers, int nid));
void vpool_helpers_queue(struct vpool_helpers *helpers, int nid, u64 nr);
void vpool_helpers_finish(struct vpool_helpers *helpers);

int vpool_helpers_start(void);
void vpool_helpers_stop(void);

#endif /* VPOOL_HELPERS_H */
