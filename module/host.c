// SPDX-License-Identifier: GPL-2.0
/*
 * The host's memory, from which pools take folios: what may be taken, and how.
 *
 * A walk takes what the page allocator has at hand. When that has come to an end
 * and the caller has patience, it makes efforts in the order of what they cost
 * the host: the allocator's own reclaim and compaction, as long as they yield
 * anything; then a scan of the node's blocks, each emptied by moving what is in
 * it elsewhere. A block with a page in it that cannot move is passed over, and
 * one that resists is not tried for ever but left for the next scan: pages that
 * somebody has pinned, or is writing out, are free to move a while later.
 *
 * Nothing of it reaches the OOM killer: all allocations, also those of the
 * places that pages move to, say __GFP_RETRY_MAYFAIL or less. Emptying a block
 * knows no watermark, so the scan keeps to what the allocator would have left in
 * the zone.
 */
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/page-flags.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/swap.h>
#include <linux/topology.h>
#include <linux/vmstat.h>
#include <linux/vpool.h>

#include "compat.h"
#include "host.h"

/* How long to wait before asking again for memory that was not to be had. */
#define VPOOL_RETRY (HZ / 50)
/* How long after a scan in vain to begin another. */
#define VPOOL_RESCAN HZ
/* Blocks looked at in one call, so that the caller can see signals and time. */
#define VPOOL_SCAN_BATCH 64
/* How often a block is tried in one scan. */
#define VPOOL_TRIES 2

/*
 * One block is emptied at a time: two that lie side by side would merge in the
 * allocator while both are isolated, which alloc_contig_range() does not expect.
 */
static DEFINE_MUTEX(vpool_scan_lock);

static unsigned long host_mem_floor = 256;
module_param(host_mem_floor, ulong, 0644);
MODULE_PARM_DESC(host_mem_floor,
		 "MiB of available memory that pools never take from the host; each node keeps its part");

/* The floor in bytes. A number of MiB that no host has is all that there can be. */
static u64 vpool_host_floor(void)
{
	u64 mib = READ_ONCE(host_mem_floor);

	return min(mib, U64_MAX >> 20) << 20;
}

/* A node keeps the part of the floor that it has of the host's memory. */
static u64 vpool_host_node_floor(int nid)
{
	u64 all = 0;
	int node;

	for_each_node_state(node, N_MEMORY)
		all += node_present_pages(node);
	return mul_u64_u64_div_u64(vpool_host_floor(), node_present_pages(nid),
				   max(all, 1ULL));
}

/* Counters of a node lag behind, and may be below 0 for a moment. */
static long vpool_host_node_stat(int nid, enum node_stat_item item)
{
	return max(atomic_long_read(&NODE_DATA(nid)->vm_stat[item]), 0L);
}

/* Bytes that a node can give without swapping, as si_mem_available() counts them. */
static u64 vpool_host_node_available(int nid)
{
	long cache, reclaimable, low = 0, pages = 0;
	pg_data_t *pgdat = NODE_DATA(nid);
	int zid;

	for (zid = 0; zid < MAX_NR_ZONES; zid++) {
		struct zone *zone = &pgdat->node_zones[zid];

		pages += zone_page_state(zone, NR_FREE_PAGES);
		low += low_wmark_pages(zone);
	}
	pages -= pgdat->totalreserve_pages;
	cache = vpool_host_node_stat(nid, NR_ACTIVE_FILE) +
		vpool_host_node_stat(nid, NR_INACTIVE_FILE);
	pages += cache - min(cache / 2, low);
	reclaimable = vpool_host_node_stat(nid, NR_SLAB_RECLAIMABLE_B) +
		      vpool_host_node_stat(nid, NR_KERNEL_MISC_RECLAIMABLE);
	pages += reclaimable - min(reclaimable / 2, low);
	return (u64)max(pages, 0L) << PAGE_SHIFT;
}

/* Bytes that pools can take of a node now. */
static u64 vpool_host_node_spare(int nid)
{
	u64 available = vpool_host_node_available(nid);

	return available - min(available, vpool_host_node_floor(nid));
}

static int vpool_host_node_can_spare(int nid, u64 bytes,
				     struct vpool_extack *extack)
{
	if (vpool_host_node_spare(nid) >= bytes)
		return 0;
	return vpool_err(extack, -ENOMEM, VPOOL_CODE_MEM_NODE_FLOOR,
			 "%s asked of node %d, which has %s available and keeps %s, its part of the floor (host_mem_floor)",
			 vpool_size(bytes).s, nid,
			 vpool_size(vpool_host_node_available(nid)).s,
			 vpool_size(vpool_host_node_floor(nid)).s);
}

/**
 * vpool_host_can_spare - check that taking memory leaves the host its floor
 * @nid: the node it comes from, or VPOOL_ANY_NODE
 * @bytes: how much a pool takes
 * @extack: gets the message of a failure, or NULL
 *
 * A node keeps its share of the floor, too: the part that it has of all memory.
 *
 * Return: 0 or -ENOMEM.
 */
int vpool_host_can_spare(int nid, u64 bytes, struct vpool_extack *extack)
{
	u64 available = (u64)si_mem_available() << PAGE_SHIFT;
	u64 floor = vpool_host_floor();

	if (available <= floor || available - floor < bytes)
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_MEM_FLOOR,
				 "%s asked, but the host has %s available and keeps %s (host_mem_floor)",
				 vpool_size(bytes).s, vpool_size(available).s,
				 vpool_size(floor).s);
	return nid == VPOOL_ANY_NODE
		       ? 0
		       : vpool_host_node_can_spare(nid, bytes, extack);
}

/**
 * vpool_host_node_most - find the node that can spare most memory
 *
 * Return: a node with memory.
 */
int vpool_host_node_most(void)
{
	int nid, best = first_memory_node;
	u64 spare, most = 0;

	for_each_node_state(nid, N_MEMORY) {
		spare = vpool_host_node_spare(nid);
		if (spare <= most)
			continue;
		most = spare;
		best = nid;
	}
	return best;
}

/**
 * vpool_host_walk_steer - say where the next folios of a walk come from
 * @walk: one that may take from any node
 * @nid: a node with memory; the nodes nearest to it come after it
 * @bytes: that are taken before the next call
 * @extack: gets the message of a failure, or NULL
 *
 * Nodes that would go below their floor are left out.
 *
 * Return: 0, or -ENOMEM if that is all of them.
 */
int vpool_host_walk_steer(struct vpool_host_walk *walk, int nid, u64 bytes,
			  struct vpool_extack *extack)
{
	int node;

	walk->nid = nid;
	nodes_clear(walk->allowed);
	for_each_node_state(node, N_MEMORY)
		if (vpool_host_node_spare(node) >= bytes)
			node_set(node, walk->allowed);
	return nodes_empty(walk->allowed)
		       ? vpool_host_node_can_spare(nid, bytes, extack)
		       : 0;
}

/**
 * vpool_host_walk_init - before the first folio
 * @walk: to initialise
 * @order: of the folios
 * @nid: the node they must come from, or VPOOL_ANY_NODE for the caller's, then
 *	the nearest; see vpool_host_walk_steer()
 * @slow: whether to make an effort where nothing is at hand
 */
void vpool_host_walk_init(struct vpool_host_walk *walk, unsigned int order,
			  int nid, bool slow)
{
	memset(walk, 0, sizeof(*walk));
	walk->order = order;
	walk->any = nid == VPOOL_ANY_NODE;
	walk->nid = walk->any ? numa_mem_id() : nid;
	walk->allowed = node_states[N_MEMORY];
	walk->slow = slow;
	walk->stage = VPOOL_HOST_COMPACT;
}

/* The zone lists of the allocator are what makes it the nearest first. */
static struct folio *vpool_walk_alloc(struct vpool_host_walk *walk, gfp_t gfp)
{
	if (!walk->any)
		gfp |= __GFP_THISNODE;
	return __folio_alloc(gfp | __GFP_NOWARN, walk->order, walk->nid,
			     walk->any ? &walk->allowed : NULL);
}

/*
 * The efforts come later for those who have patience. An allocation that may not
 * reclaim passes for an atomic one, whose reserves are not for us.
 */
static struct folio *vpool_walk_fast(struct vpool_host_walk *walk)
{
	gfp_t gfp = GFP_HIGHUSER;

	if (walk->slow)
		gfp = (gfp & ~__GFP_DIRECT_RECLAIM) | __GFP_NOMEMALLOC;
	else
		gfp |= __GFP_NORETRY;
	return vpool_walk_alloc(walk, gfp);
}

/* Pages of ours are not meant to be in a zone that is for movable ones. */
static int vpool_top_zone(void)
{
	return gfp_zone(GFP_HIGHUSER);
}

static void vpool_scan_zone(struct vpool_host_walk *walk, int zid)
{
	struct zone *zone = &NODE_DATA(walk->scan_nid)->node_zones[zid];

	walk->zid = zid;
	walk->pfn = ALIGN(zone->zone_start_pfn, 1UL << walk->order);
}

/* False if there is no node left. */
static bool vpool_scan_next_node(struct vpool_host_walk *walk)
{
	int nid, best = NUMA_NO_NODE;

	for_each_node_mask(nid, walk->todo)
		if (best == NUMA_NO_NODE ||
		    node_distance(walk->nid, nid) <
		    node_distance(walk->nid, best))
			best = nid;
	if (best == NUMA_NO_NODE)
		return false;
	node_clear(best, walk->todo);
	walk->scan_nid = best;
	vpool_scan_zone(walk, vpool_top_zone());
	return true;
}

static void vpool_scan_end(struct vpool_host_walk *walk)
{
	walk->stage = VPOOL_HOST_BACKOFF;
	walk->again = jiffies + VPOOL_RESCAN;
}

static void vpool_scan_begin(struct vpool_host_walk *walk)
{
	walk->stage = VPOOL_HOST_SCAN;
	walk->fixed = 0;
	nodes_clear(walk->todo);
	if (walk->any)
		walk->todo = walk->allowed;
	else
		node_set(walk->nid, walk->todo);
	/* A single page is at hand or it is not: there is no block to empty. */
	if (!walk->order || !vpool_scan_next_node(walk))
		vpool_scan_end(walk);
}

/* What the allocator would leave of @zone to those who may go deeper. */
static bool vpool_zone_can_spare(struct zone *zone, unsigned long nr)
{
	unsigned long keep = min_wmark_pages(zone) +
			     zone->lowmem_reserve[vpool_top_zone()];

	return zone_page_state(zone, NR_FREE_PAGES) >= keep + nr;
}

/* The zone of the next block to look at, or NULL after the last. */
static struct zone *vpool_scan_at(struct vpool_host_walk *walk)
{
	unsigned long nr = 1UL << walk->order;

	for (;;) {
		struct zone *zone =
			&NODE_DATA(walk->scan_nid)->node_zones[walk->zid];

		if (walk->pfn + nr <= zone_end_pfn(zone) &&
		    vpool_zone_can_spare(zone, nr))
			return zone;
		if (walk->zid)
			vpool_scan_zone(walk, walk->zid - 1);
		else if (!vpool_scan_next_node(walk))
			return NULL;
	}
}

/*
 * Looked at without a lock or a reference, so that the answer may be old by the
 * time it is given; alloc_contig_range() asks again, at a far higher cost.
 */
static bool vpool_page_may_move(struct page *page)
{
	if (PageReserved(page) || PageHWPoison(page))
		return false;
	return PageLRU(page) || vpool_page_moves(page) || !page_ref_count(page);
}

/* False for a hole: a zone spans more than it has. */
static bool vpool_block_is_present(struct zone *zone, unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	return page && page_zone(page) == zone;
}

/* A tail page has no references of its own; its head tells. */
static bool vpool_block_may_move(struct zone *zone, unsigned long pfn,
				 unsigned long nr)
{
	unsigned long end = pfn + nr;

	for (; pfn < end; pfn++) {
		struct page *page = pfn_to_online_page(pfn);

		if (!page || page_zone(page) != zone ||
		    !vpool_page_may_move(compound_head(page)))
			return false;
	}
	return true;
}

static struct folio *vpool_block_take(unsigned long pfn, unsigned int order)
{
	struct folio *folio = NULL;
	int i;

	if (mutex_lock_interruptible(&vpool_scan_lock))
		return NULL;
	for (i = 0; !folio && i < VPOOL_TRIES && !signal_pending(current); i++)
		folio = vpool_contig_folio(pfn, order);
	mutex_unlock(&vpool_scan_lock);
	return folio;
}

/* Try one block, or look at a batch of them in vain. */
static struct folio *vpool_scan(struct vpool_host_walk *walk)
{
	unsigned long pfn, nr = 1UL << walk->order;
	unsigned int i;

	for (i = 0; i < VPOOL_SCAN_BATCH; i++) {
		struct zone *zone = vpool_scan_at(walk);

		if (!zone) {
			vpool_scan_end(walk);
			return NULL;
		}
		pfn = walk->pfn;
		walk->pfn += nr;
		if (vpool_block_may_move(zone, pfn, nr))
			return vpool_block_take(pfn, walk->order);
		walk->fixed += vpool_block_is_present(zone, pfn);
		cond_resched();
	}
	return NULL;
}

static struct folio *vpool_walk_slow(struct vpool_host_walk *walk)
{
	struct folio *folio;

	if (walk->stage == VPOOL_HOST_BACKOFF) {
		if (time_before(jiffies, walk->again))
			return NULL;
		walk->stage = VPOOL_HOST_COMPACT;
	}
	if (walk->stage == VPOOL_HOST_SCAN)
		return vpool_scan(walk);

	folio = vpool_walk_alloc(walk, GFP_HIGHUSER | __GFP_RETRY_MAYFAIL);
	if (!folio)
		vpool_scan_begin(walk);
	return folio;
}

/**
 * vpool_host_take - take one folio from the host
 * @walk: says which, and remembers where to go on
 *
 * One call makes a bounded effort only: after one in vain see whether to give
 * up, then call vpool_host_wait() and ask again.
 *
 * Context: sleeps.
 * Return: the folio with one reference, on no list, or NULL.
 */
struct folio *vpool_host_take(struct vpool_host_walk *walk)
{
	struct folio *folio = vpool_walk_fast(walk);
	unsigned long start = jiffies;

	if (folio || !walk->slow)
		return folio;
	folio = vpool_walk_slow(walk);
	walk->spent += jiffies - start;
	return folio;
}

/**
 * vpool_host_wait - wait for memory to come back, if there is nothing else to do
 * @walk: of which the last vpool_host_take() was in vain
 *
 * Context: sleeps; a signal ends it.
 */
void vpool_host_wait(struct vpool_host_walk *walk)
{
	unsigned long start = jiffies;

	if (walk->stage != VPOOL_HOST_BACKOFF)
		return;
	schedule_timeout_interruptible(VPOOL_RETRY);
	walk->spent += jiffies - start;
}
