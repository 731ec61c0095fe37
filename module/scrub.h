/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scrubbers: the kernel threads that zero free folios.
 */
#ifndef VPOOL_SCRUB_H
#define VPOOL_SCRUB_H

#include <linux/kthread.h>
#include <linux/types.h>

struct vpool_cpus;
struct vpool_scrub;

/* Threads of one NUMA node that may work for one pool at the same time. */
#define VPOOL_SCRUBBERS 4

/**
 * struct vpool_scrub_job - work item of one thread
 * @work: zeroes batches until none is left
 * @scrub: owner of this job
 */
struct vpool_scrub_job {
	struct kthread_work work;
	struct vpool_scrub *scrub;
};

/**
 * struct vpool_scrub_ops - callbacks of the owner of a struct vpool_scrub
 * @batch: zero some folios; returns the number of bytes zeroed, 0 if none is left.
 *	Several threads may call it at the same time. May sleep
 */
struct vpool_scrub_ops {
	unsigned long (*batch)(struct vpool_scrub *scrub);
};

/**
 * struct vpool_scrub - scrubbing for one pool on one NUMA node
 * @nid: NUMA node id; the threads of this node, or of the nearest with threads, work
 * @cpus: CPUs of the pool, or NULL; must outlive this
 * @ops: callbacks of the owner
 * @job: one work item for each thread; the background thread runs the first
 */
struct vpool_scrub {
	int nid;
	const struct vpool_cpus *cpus;
	const struct vpool_scrub_ops *ops;
	struct vpool_scrub_job job[VPOOL_SCRUBBERS];
};

void vpool_scrub_init(struct vpool_scrub *scrub, int nid,
		      const struct vpool_cpus *cpus,
		      const struct vpool_scrub_ops *ops);
void vpool_scrub_kick(struct vpool_scrub *scrub, bool urgent);
void vpool_scrub_push(struct vpool_scrub *scrub);
void vpool_scrub_cancel(struct vpool_scrub *scrub);

int vpool_scrubbers_start(void);
void vpool_scrubbers_stop(void);

#endif /* VPOOL_SCRUB_H */
