/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Zeroing: the threads that do it, and how they are woken.
 */
#ifndef VPOOL_SCRUB_H
#define VPOOL_SCRUB_H

#include <linux/kthread.h>
#include <linux/types.h>

struct folio;
struct vpool_store_node;

/* Threads of one node that may work for one pool at a time. */
#define VPOOL_SCRUBBERS 4

/**
 * struct vpool_scrub - one thread's share of a node's scrubbing
 * @work: zeroes the node's dirty folios until there are none
 * @node: whose
 */
struct vpool_scrub {
	struct kthread_work work;
	struct vpool_store_node *node;
};

int vpool_scrubbers_start(void);
void vpool_scrubbers_stop(void);

void vpool_scrub_init(struct vpool_scrub *scrub, struct vpool_store_node *node);
void vpool_scrub_kick(struct vpool_scrub *scrub, int nid, bool urgent);
void vpool_scrub_push(int nid);
void vpool_scrub_cancel(struct vpool_scrub *scrub);

bool vpool_folio_zero(struct folio *folio);

#endif /* VPOOL_SCRUB_H */
