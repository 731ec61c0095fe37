// SPDX-License-Identifier: GPL-2.0
/*
 * The host's memory: how much pools may take from it, and how they take it.
 *
 * A walk takes folios in steps that cost the host more and more:
 *
 * - The fast path takes what the page allocator has free.
 * - The slow path, if the caller allows it, first lets the allocator reclaim and
 *   compact, for as long as that yields folios.
 * - Then it scans the blocks of the node. It empties a block by migrating its pages
 *   elsewhere, and skips a block with a page that cannot be moved. It tries a block
 *   only a few times, and returns to it in the next scan: pages under writeback and
 *   pinned pages may be movable by then.
 * - After a scan, it backs off for a while and starts again with the allocator.
 *
 * The allocator has no blocks of 1 GiB. For such a folio the walk takes a block whose
 * pages are all free. On the slow path it reclaims until the host has that much free
 * memory, and then empties blocks, as above.
 *
 * None of this invokes the OOM killer: all allocations, including those of migration
 * targets, use __GFP_RETRY_MAYFAIL or a weaker flag. Emptying a block ignores the
 * watermarks, so the scan itself checks that the zone keeps enough free pages.
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

/*
 * Flags for memory that is free now. Without direct reclaim, __GFP_NOMEMALLOC is needed
 * to keep off the reserves that atomic allocations may use.
 */
#define VPOOL_FREE_GFP \
	((GFP_HIGHUSER & ~__GFP_DIRECT_RECLAIM) | __GFP_NOMEMALLOC)
/* Time to wait before the next try while the walk backs off. */
#define VPOOL_RETRY (HZ / 50)
/* Time from the end of a scan to the next attempt of the slow path. */
#define VPOOL_RESCAN HZ
/* Blocks checked in one call; between calls the caller checks signals and timeout. */
#define VPOOL_SCAN_BATCH 64
/* Attempts to empty a block in one scan. */
#define VPOOL_TRIES 2

/*
 * Serializes the emptying of blocks. Two adjacent blocks would merge in the allocator
 * while both are isolated, which alloc_contig_range() does not expect.
 */
static DEFINE_MUTEX(vpool_scan_lock);

static unsigned long host_mem_floor = 256;
module_param(host_mem_floor, ulong, 0644);
MODULE_PARM_DESC(host_mem_floor,
		 "MiB of available memory that pools never take from the host; each node keeps its part");

/* The floor in bytes, limited so that it does not overflow. */
static u64 vpool_host_floor(void)
{
	u64 mib = READ_ONCE(host_mem_floor);

	return min(mib, U64_MAX >> 20) << 20;
}

/* The floor of a node is proportional to its share of the host's memory. */
static u64 vpool_host_node_floor(int nid)
{
	u64 all = 0;
	int node;

	for_each_node_state(node, N_MEMORY)
		all += node_present_pages(node);
	return mul_u64_u64_div_u64(vpool_host_floor(), node_present_pages(nid),
				   max(all, 1ULL));
}

/* The counters of a node are approximate and can be negative for a moment. */
static long vpool_host_node_stat(int nid, enum node_stat_item item)
{
	return max(atomic_long_read(&NODE_DATA(nid)->vm_stat[item]), 0L);
}

/* Bytes available on a node without swapping, counted like si_mem_available(). */
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

/* Bytes that pools can take from a node now. */
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
			 "%s requested from node %d, which has %s available and must keep %s, its part of the floor (host_mem_floor)",
			 vpool_size(bytes).s, nid,
			 vpool_size(vpool_host_node_available(nid)).s,
			 vpool_size(vpool_host_node_floor(nid)).s);
}

/**
 * vpool_host_can_spare - check that taking memory leaves the host its floor
 * @nid: NUMA node id that the memory comes from, or VPOOL_ANY_NODE
 * @bytes: amount in bytes
 * @extack: message of a failed call, or NULL
 *
 * With a node id, the node must also keep its share of the floor.
 *
 * Return: 0 or -ENOMEM.
 */
int vpool_host_can_spare(int nid, u64 bytes, struct vpool_extack *extack)
{
	u64 available = (u64)si_mem_available() << PAGE_SHIFT;
	u64 floor = vpool_host_floor();

	if (available <= floor || available - floor < bytes)
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_MEM_FLOOR,
				 "%s requested, but the host has %s available and must keep %s (host_mem_floor)",
				 vpool_size(bytes).s, vpool_size(available).s,
				 vpool_size(floor).s);
	if (nid == VPOOL_ANY_NODE)
		return 0;
	return vpool_host_node_can_spare(nid, bytes, extack);
}

/**
 * vpool_host_node_most - find the NUMA node that can spare the most memory
 *
 * Return: id of a node with memory.
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
 * vpool_host_walk_steer - choose the nodes of the next folios of a walk
 * @walk: walk that may take from any node
 * @nid: id of a node with memory; it comes first, then the nodes nearest to it
 * @bytes: amount that the caller will take before the next call
 * @extack: message of a failed call, or NULL
 *
 * Leaves out nodes that would go below their floor.
 *
 * Return: 0, or -ENOMEM if no node is left.
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
	if (nodes_empty(walk->allowed))
		return vpool_host_node_can_spare(nid, bytes, extack);
	return 0;
}

/**
 * vpool_host_walk_init - set up a walk
 * @walk: structure to initialize
 * @order: page order of the folios
 * @nid: NUMA node id that they must come from; or VPOOL_ANY_NODE for the node of
 *	current and the nearest ones, see vpool_host_walk_steer()
 * @slow: true to allow the slow path
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

/* True if the folios are larger than any block of the page allocator. */
static bool vpool_walk_is_gigantic(const struct vpool_host_walk *walk)
{
	return walk->order > PMD_SHIFT - PAGE_SHIFT;
}

/* The allocator's zone lists order the nodes by distance. */
static struct folio *vpool_walk_alloc_order(struct vpool_host_walk *walk,
					    unsigned int order, gfp_t gfp)
{
	if (!walk->any)
		gfp |= __GFP_THISNODE;
	return __folio_alloc(gfp | __GFP_NOWARN, order, walk->nid,
			     walk->any ? &walk->allowed : NULL);
}

static struct folio *vpool_walk_alloc(struct vpool_host_walk *walk, gfp_t gfp)
{
	if (vpool_walk_is_gigantic(walk))
		return NULL;
	return vpool_walk_alloc_order(walk, walk->order, gfp);
}

/* If a slow path follows, this does not reclaim. */
static struct folio *vpool_walk_fast(struct vpool_host_walk *walk)
{
	return vpool_walk_alloc(walk, walk->slow ? VPOOL_FREE_GFP :
				GFP_HIGHUSER | __GFP_NORETRY);
}

/* Pool memory cannot be moved, so it must not come from a movable zone. */
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

/* Go to the nearest node that has not been scanned; false if there is none. */
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
	/* For single pages there is no block to empty. */
	if (!walk->order || !vpool_scan_next_node(walk))
		vpool_scan_end(walk);
}

/* Check the watermark of @zone as the allocator would for an ordinary request. */
static bool vpool_zone_can_spare(struct zone *zone, unsigned long nr)
{
	unsigned long keep = min_wmark_pages(zone) +
			     zone->lowmem_reserve[vpool_top_zone()];

	return zone_page_state(zone, NR_FREE_PAGES) >= keep + nr;
}

/* Find the zone of the next block to check; NULL after the last block. */
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
 * A cheap check without a lock or a reference, whose result may be stale.
 * alloc_contig_range() checks again, at a far higher cost.
 */
static bool vpool_page_may_move(struct page *page)
{
	/* A slab has no reference on kernels that allocate it frozen. */
	if (PageReserved(page) || PageHWPoison(page) || PageSlab(page))
		return false;
	return PageLRU(page) || vpool_page_moves(page) || !page_ref_count(page);
}

/* False for a hole in the range that the zone spans. */
static bool vpool_block_is_present(struct zone *zone, unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	return page && page_zone(page) == zone;
}

/* Tail pages have no reference count; check their head page. */
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

/*
 * The number of pages of the allocator's free block at @pfn; 0 if the page is not the
 * first one of such a block. This reads without a lock, so the result may be stale.
 */
static unsigned long vpool_free_pages(struct zone *zone, unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	if (!page || page_zone(page) != zone || !PageBuddy(page))
		return 0;
	return 1UL << min_t(unsigned long, READ_ONCE(page->private),
			    PUD_SHIFT - PAGE_SHIFT);
}

static bool vpool_block_is_free(struct zone *zone, unsigned long pfn,
				unsigned long nr)
{
	unsigned long end = pfn + nr, step;

	for (; pfn < end; pfn += step) {
		step = vpool_free_pages(zone, pfn);
		if (!step)
			return false;
	}
	return true;
}

/* Check whether the walk may take a block, as far as one can tell without a lock. */
static bool vpool_scan_accepts(const struct vpool_host_walk *walk,
			       struct zone *zone, unsigned long pfn,
			       unsigned long nr)
{
	return walk->free_only ? vpool_block_is_free(zone, pfn, nr) :
		vpool_block_may_move(zone, pfn, nr);
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

/* Check a batch of blocks, until one can be emptied. Return its folio or NULL. */
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
		if (vpool_scan_accepts(walk, zone, pfn, nr))
			return vpool_block_take(pfn, walk->order);
		if (!walk->free_only)
			walk->fixed += vpool_block_is_present(zone, pfn);
		cond_resched();
	}
	return NULL;
}

/* Take a gigantic block whose pages are all free, or return NULL. */
static struct folio *vpool_walk_free_block(struct vpool_host_walk *walk)
{
	struct folio *folio = NULL;

	vpool_scan_begin(walk);
	walk->free_only = true;
	while (!folio && walk->stage == VPOOL_HOST_SCAN)
		folio = vpool_scan(walk);
	walk->free_only = false;
	walk->stage = VPOOL_HOST_COMPACT;
	return folio;
}

/* True if a zone that the walk may use has enough free memory for one folio. */
static bool vpool_walk_has_room(const struct vpool_host_walk *walk)
{
	int nid, zid;

	for_each_node_mask(nid, walk->allowed)
		for (zid = vpool_top_zone(); zid >= 0; zid--)
			if ((walk->any || nid == walk->nid) &&
			    vpool_zone_can_spare(&NODE_DATA(nid)->node_zones[zid],
						 1UL << walk->order))
				return true;
	return false;
}

/*
 * Let the allocator reclaim as much memory as a gigantic folio has. Emptying a block
 * only moves its pages, so the memory must be free somewhere first.
 */
static void vpool_walk_reclaim(struct vpool_host_walk *walk)
{
	unsigned long i, nr = 1UL << walk->order >> PAGE_ALLOC_COSTLY_ORDER;
	struct folio *folio, *next;
	LIST_HEAD(taken);

	if (vpool_walk_has_room(walk))
		return;
	for (i = 0; i < nr && !signal_pending(current); i++) {
		folio = vpool_walk_alloc_order(walk, PAGE_ALLOC_COSTLY_ORDER,
					       GFP_HIGHUSER |
					       __GFP_RETRY_MAYFAIL);
		if (!folio)
			break;
		list_add(&folio->lru, &taken);
		cond_resched();
	}
	list_for_each_entry_safe(folio, next, &taken, lru) {
		list_del(&folio->lru);
		folio_put(folio);
		cond_resched();
	}
}

/* Let the allocator find a folio, or what a gigantic folio needs. */
static struct folio *vpool_walk_compact(struct vpool_host_walk *walk)
{
	struct folio *folio;

	if (!vpool_walk_is_gigantic(walk))
		return vpool_walk_alloc(walk, GFP_HIGHUSER |
					__GFP_RETRY_MAYFAIL);
	folio = vpool_walk_free_block(walk);
	if (!folio)
		vpool_walk_reclaim(walk);
	return folio;
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

	folio = vpool_walk_compact(walk);
	if (!folio)
		vpool_scan_begin(walk);
	return folio;
}

/**
 * vpool_host_take - take one folio from the host
 * @walk: walk, which continues where the last call stopped
 *
 * Each call does a bounded amount of work. If it returns NULL, the caller checks
 * whether to give up, calls vpool_host_wait() and tries again.
 *
 * Context: sleeps.
 * Return: the folio, on no list, with one reference that the caller owns; or NULL.
 */
struct folio *vpool_host_take(struct vpool_host_walk *walk)
{
	struct folio *folio = vpool_walk_fast(walk);
	unsigned long start = jiffies;

	if (!walk->slow && vpool_walk_is_gigantic(walk))
		folio = vpool_walk_free_block(walk);
	if (folio || !walk->slow)
		return folio;
	folio = vpool_walk_slow(walk);
	walk->spent += jiffies - start;
	return folio;
}

/**
 * vpool_host_take_free - take one folio that is free now
 * @walk: walk, whose slow path this leaves alone
 *
 * Unlike vpool_host_take(), this never reclaims memory, so that a helper can do it on
 * behalf of a task.
 *
 * Context: any that may sleep.
 * Return: as vpool_host_take().
 */
struct folio *vpool_host_take_free(struct vpool_host_walk *walk)
{
	return vpool_walk_alloc(walk, VPOOL_FREE_GFP);
}

/**
 * vpool_host_wait - wait for free memory if the walk backs off
 * @walk: walk whose last vpool_host_take() returned NULL
 *
 * Context: sleeps; a signal ends the wait.
 */
void vpool_host_wait(struct vpool_host_walk *walk)
{
	unsigned long start = jiffies;

	if (walk->stage != VPOOL_HOST_BACKOFF)
		return;
	schedule_timeout_interruptible(VPOOL_RETRY);
	walk->spent += jiffies - start;
}

/* The longest run of free pages of a zone that does not cross a multiple of @nr. */
static unsigned long vpool_zone_free_run(struct zone *zone, unsigned long nr)
{
	unsigned long pfn, step, run = 0, most = 0;

	for (pfn = zone->zone_start_pfn; pfn < zone_end_pfn(zone);
	     pfn += max(step, 1UL)) {
		step = vpool_free_pages(zone, pfn);
		if (!step || IS_ALIGNED(pfn, nr))
			run = 0;
		run += step;
		most = max(most, run);
		if (IS_ALIGNED(pfn, PMD_SIZE / PAGE_SIZE))
			cond_resched();
	}
	return min(most, nr);
}

/**
 * vpool_host_free_block - find the largest free block of a walk's nodes
 * @walk: walk whose vpool_host_take() has returned NULL
 *
 * This reads the state of each page without a lock, so the result may be stale. It does
 * not count the pages that the allocator caches for each CPU.
 *
 * Context: sleeps.
 * Return: size in bytes, at most that of one folio of @walk.
 */
u64 vpool_host_free_block(const struct vpool_host_walk *walk)
{
	unsigned long run, most = 0;
	int nid, zid;

	for_each_node_state(nid, N_MEMORY) {
		if (!walk->any && nid != walk->nid)
			continue;
		for (zid = vpool_top_zone(); zid >= 0; zid--) {
			run = vpool_zone_free_run(&NODE_DATA(nid)->node_zones[zid],
						  1UL << walk->order);
			most = max(most, run);
		}
	}
	return (u64)most << PAGE_SHIFT;
}
