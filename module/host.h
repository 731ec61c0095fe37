/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's side of a reservation: what may be taken, and taking it.
 */
#ifndef VPOOL_HOST_H
#define VPOOL_HOST_H

#include <linux/mm_types.h>
#include <linux/nodemask.h>
#include <linux/types.h>

#include "extack.h"

/**
 * enum vpool_host_stage - what a walk does when nothing is at hand
 * @VPOOL_HOST_COMPACT: lets the page allocator reclaim and compact
 * @VPOOL_HOST_SCAN: empties one block after the other
 * @VPOOL_HOST_BACKOFF: has tried all blocks in vain, and waits before it begins anew
 */
enum vpool_host_stage {
	VPOOL_HOST_COMPACT,
	VPOOL_HOST_SCAN,
	VPOOL_HOST_BACKOFF,
};

/**
 * struct vpool_host_walk - where a reservation stands on its way through the host
 * @order: of the folios it takes
 * @nid: the node they come from, or the one to begin at
 * @any: they may come from other nodes, the nearest first
 * @allowed: those nodes, if @any; the others are at their floor
 * @slow: whether it may make an effort
 * @stage: the effort it makes now
 * @todo: nodes whose blocks the scan has not come to
 * @scan_nid: the node whose blocks it tries
 * @zid: the zone of that node
 * @pfn: the next block to try
 * @again: in jiffies, when a rest ends
 * @spent: jiffies of effort and of waiting so far
 * @fixed: blocks of the last scan that held a page that cannot be moved
 *
 * It remembers across calls, so that a reservation of many folios looks at each
 * block of the node once, not once per folio.
 */
struct vpool_host_walk {
	unsigned int order;
	int nid;
	bool any;
	nodemask_t allowed;
	bool slow;
	enum vpool_host_stage stage;
	nodemask_t todo;
	int scan_nid;
	int zid;
	unsigned long pfn;
	unsigned long again;
	unsigned long spent;
	unsigned long fixed;
};

int vpool_host_can_spare(int nid, u64 bytes, struct vpool_extack *extack);
int vpool_host_node_most(void);
int vpool_host_walk_steer(struct vpool_host_walk *walk, int nid, u64 bytes,
			  struct vpool_extack *extack);
void vpool_host_walk_init(struct vpool_host_walk *walk, unsigned int order,
			  int nid, bool slow);
struct folio *vpool_host_take(struct vpool_host_walk *walk);
void vpool_host_wait(struct vpool_host_walk *walk);

#endif /* VPOOL_HOST_H */
