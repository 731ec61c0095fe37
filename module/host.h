/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's memory: how much pools may take from it, and how they take it.
 */
#ifndef VPOOL_HOST_H
#define VPOOL_HOST_H

#include <linux/mm_types.h>
#include <linux/nodemask.h>
#include <linux/types.h>

#include "extack.h"

/**
 * enum vpool_host_stage - stage of a walk's slow path
 * @VPOOL_HOST_COMPACT: let the page allocator reclaim and compact
 * @VPOOL_HOST_SCAN: empty one block after another
 * @VPOOL_HOST_BACKOFF: wait after a scan of all blocks
 */
enum vpool_host_stage {
	VPOOL_HOST_COMPACT,
	VPOOL_HOST_SCAN,
	VPOOL_HOST_BACKOFF,
};

/**
 * struct vpool_host_walk - progress of taking folios from the host
 * @order: page order of the folios
 * @nid: NUMA node id that they must come from, or come from first if @any
 * @any: other nodes may follow, the nearest first
 * @allowed: nodes that may be used if @any; the other nodes are at their floor
 * @slow: the slow path is allowed
 * @stage: stage of the slow path
 * @free_only: the scan takes only blocks whose pages are all free
 * @todo: nodes that the scan has not reached
 * @scan_nid: id of the node that is being scanned
 * @zid: index of the zone of that node that is being scanned
 * @pfn: first page frame of the next block to check
 * @again: end of the backoff, in jiffies
 * @spent: time spent in the slow path and waiting so far, in jiffies
 * @fixed: number of blocks with an unmovable page in the last scan
 *
 * The walk keeps its position between calls. A reservation of many folios thus checks
 * each block of the node once per scan, not once per folio.
 */
struct vpool_host_walk {
	unsigned int order;
	int nid;
	bool any;
	nodemask_t allowed;
	bool slow;
	enum vpool_host_stage stage;
	bool free_only;
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
struct folio *vpool_host_take_free(struct vpool_host_walk *walk);
void vpool_host_wait(struct vpool_host_walk *walk);
u64 vpool_host_free_block(const struct vpool_host_walk *walk);

#endif /* VPOOL_HOST_H */
