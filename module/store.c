// SPDX-License-Identifier: GPL-2.0
/*
 * The store: where a pool keeps its folios.
 *
 * A folio here is an ordinary refcounted compound page of the pool's order, on
 * no LRU list, on which the store holds one reference from reserving it until
 * giving it back. It is always in one of these places:
 *
 *   clean      free and zero: on its node's clean list
 *   dirty      free, with some region's bytes in it: on the dirty list
 *   scrubbing  free, being zeroed: in a scrubber's hands, on no list
 *   used       in a region's array, on no list of ours
 *   pinned     its region is gone, but somebody (a pipe, a DMA) holds it still:
 *              on the pinned list until the store's reference is the last one
 *   poisoned   a page of it is broken: on the poisoned list for good
 *   gathered   taken from the host, not yet the store's: on a list of the call
 *              that creates or grows the pool
 *   leaving    the store's no more: on a list of the call that gives it back
 *
 * so that it costs no memory beside its struct page: the links are folio->lru, and
 * folio->private says which node's it is, and in which of these places.
 *
 * Whether a folio is free of others is decided by its reference count alone. The
 * question is asked only when no page table maps it any more and nobody can find
 * it by a descriptor, so that a count of one cannot be followed by a new user: a
 * lockless GUP that took its reference before the page table entry went is
 * counted, and one that takes it later sees that the entry has changed and lets
 * go without having touched a byte.
 *
 * Takers are promised their number first, in one step, and then pop folios in
 * batches, so that the lock is held for a bounded time and two takers can never
 * both fail where one could have been served. What is promised is free until it
 * is popped; it may be in the scrubber's hands, then the taker waits for it. Who
 * wants folios of one node, to use them or to give them back to the host, holds
 * them there too, and others leave them alone.
 */
#include <linux/cpumask.h>
#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "host.h"
#include "store.h"

/* Folios moved under one hold of the lock. */
#define VPOOL_BATCH 32UL
/* How soon pinned folios are looked at, and how seldom at most. */
#define VPOOL_RECHECK (HZ / 10)
#define VPOOL_RECHECK_MAX (VPOOL_RECHECK * 32)
/* How often a task that waits for the scrubbers pushes them. */
#define VPOOL_NUDGE (HZ / 50 + 1)

/* Where a folio is: see the top of this file. */
enum vpool_place {
	VPOOL_CLEAN,
	VPOOL_DIRTY,
	VPOOL_SCRUBBING,
	VPOOL_USED,
	VPOOL_PINNED,
	VPOOL_POISONED,
	VPOOL_GATHERED,
	VPOOL_LEAVING,
	VPOOL_PLACE_MASK = 7,
};

static_assert(__alignof__(struct vpool_store_node) > VPOOL_PLACE_MASK);

static void vpool_folio_place(struct folio *folio,
			      struct vpool_store_node *node,
			      enum vpool_place place)
{
	folio->private = (void *)((unsigned long)node | place);
}

static enum vpool_place vpool_folio_where(struct folio *folio)
{
	return (unsigned long)folio->private & VPOOL_PLACE_MASK;
}

static struct vpool_store_node *vpool_folio_node(struct folio *folio)
{
	return (void *)((unsigned long)folio->private & ~VPOOL_PLACE_MASK);
}

/* Of a large folio the flag says that one of its pages is broken. */
static bool vpool_folio_poisoned(struct folio *folio)
{
	return folio_test_large(folio) ? PageHasHWPoisoned(&folio->page) :
		PageHWPoison(&folio->page);
}

static bool vpool_folio_idle(struct folio *folio)
{
	return folio_ref_count(folio) == 1;
}

static unsigned long vpool_node_free(const struct vpool_store_node *node)
{
	return node->nr_clean + node->nr_dirty + node->nr_scrubbing;
}

static unsigned long vpool_node_used(const struct vpool_store_node *node)
{
	return node->nr_total - vpool_node_free(node) - node->nr_poisoned;
}

/* What takers may have of it; memory that breaks can make it less than was held. */
static unsigned long vpool_node_available(const struct vpool_store_node *node)
{
	unsigned long free = vpool_node_free(node);

	return free - min(free, node->nr_held);
}

static unsigned long vpool_store_sum(struct vpool_store *store,
				     unsigned long (*of)(const struct vpool_store_node *))
{
	unsigned long sum = 0;
	int nid;

	lockdep_assert_held(&store->lock);
	for_each_node_state(nid, N_MEMORY)
		sum += of(&store->node[nid]);
	return sum;
}

/* Puts a folio that nobody has on the list where it belongs. */
static void vpool_node_put(struct vpool_store_node *node, struct folio *folio,
			   enum vpool_place place)
{
	lockdep_assert_held(&node->store->lock);
	if (vpool_folio_poisoned(folio))
		place = VPOOL_POISONED;
	switch (place) {
	case VPOOL_CLEAN:
		list_add_tail(&folio->lru, &node->clean);
		node->nr_clean++;
		break;
	case VPOOL_DIRTY:
		list_add_tail(&folio->lru, &node->dirty);
		node->nr_dirty++;
		break;
	case VPOOL_PINNED:
		list_add_tail(&folio->lru, &node->pinned);
		node->nr_pinned++;
		node->store->has_pinned = true;
		break;
	default:
		place = VPOOL_POISONED;
		/* Never dropped: unpoisoning would free a folio with one reference. */
		folio_get(folio);
		list_add_tail(&folio->lru, &node->poisoned);
		node->nr_poisoned++;
	}
	vpool_folio_place(folio, node, place);
}

/* The other way round; only for places with a list of the node. */
static void vpool_node_del(struct vpool_store_node *node, struct folio *folio)
{
	lockdep_assert_held(&node->store->lock);
	list_del(&folio->lru);
	if (vpool_folio_where(folio) == VPOOL_CLEAN)
		node->nr_clean--;
	else if (vpool_folio_where(folio) == VPOOL_DIRTY)
		node->nr_dirty--;
	else if (vpool_folio_where(folio) == VPOOL_PINNED)
		node->nr_pinned--;
	else if (vpool_folio_where(folio) == VPOOL_POISONED)
		node->nr_poisoned--;
}

/* Takes up to @max folios off a list of the node, on their way to the host. */
static unsigned int vpool_node_cut(struct vpool_store_node *node,
				   struct list_head *list, unsigned long max,
				   struct list_head *cut)
{
	unsigned int nr = 0;

	lockdep_assert_held(&node->store->lock);
	max = min(max, VPOOL_BATCH);
	while (nr < max && !list_empty(list)) {
		struct folio *folio = list_first_entry(list, struct folio,
						       lru);

		vpool_node_del(node, folio);
		vpool_folio_place(folio, node, VPOOL_LEAVING);
		list_add_tail(&folio->lru, cut);
		node->nr_total--;
		nr++;
	}
	return nr;
}

static unsigned long vpool_scrub_start(struct vpool_store_node *node,
				       struct list_head *batch)
{
	struct vpool_store *store = node->store;
	unsigned long nr = 0, max = max(1UL, PMD_SIZE / PAGE_SIZE >> store->order);

	spin_lock(&store->lock);
	while (nr < max && !list_empty(&node->dirty)) {
		struct folio *folio =
			list_first_entry(&node->dirty, struct folio, lru);

		list_move_tail(&folio->lru, batch);
		vpool_folio_place(folio, node, VPOOL_SCRUBBING);
		nr++;
	}
	node->nr_dirty -= nr;
	node->nr_scrubbing += nr;
	spin_unlock(&store->lock);
	return nr;
}

/**
 * vpool_store_scrub_batch - zero some dirty folios
 * @node: of which node
 *
 * Small folios go many at a time, so that the lock stays off the profile.
 *
 * Context: sleeps.
 * Return: the bytes done, 0 when there are none.
 */
unsigned long vpool_store_scrub_batch(struct vpool_store_node *node)
{
	struct vpool_store *store = node->store;
	struct folio *folio, *next;
	LIST_HEAD(broken);
	LIST_HEAD(batch);
	unsigned long nr;

	nr = vpool_scrub_start(node, &batch);
	if (!nr)
		return 0;
	list_for_each_entry_safe(folio, next, &batch, lru)
		if (!vpool_folio_zero(folio))
			list_move_tail(&folio->lru, &broken);
	vpool_stat_add(store->stat, VPOOL_STAT_SCRUBBED_BYTES,
		       nr * vpool_store_page_size(store));

	spin_lock(&store->lock);
	node->nr_scrubbing -= nr;
	list_for_each_entry_safe(folio, next, &batch, lru)
		vpool_node_put(node, folio, VPOOL_CLEAN);
	list_for_each_entry_safe(folio, next, &broken, lru)
		vpool_node_put(node, folio, VPOOL_POISONED);
	spin_unlock(&store->lock);
	wake_up_all(&store->progress);
	return nr * vpool_store_page_size(store);
}

/* Sends the scrubbers to work; @urgent if the caller waits for them. */
static void vpool_store_kick(struct vpool_store *store, bool urgent)
{
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		struct vpool_store_node *node = &store->node[nid];

		if (!list_empty(&node->dirty))
			vpool_scrub_kick(node->scrub, nid, urgent);
	}
}

/* For a task that waits for what the scrubbers have in hand. */
static void vpool_store_push(struct vpool_store *store)
{
	int nid;

	for_each_node_state(nid, N_MEMORY)
		if (READ_ONCE(store->node[nid].nr_scrubbing))
			vpool_scrub_push(nid);
}

static unsigned long vpool_node_pinned(const struct vpool_store_node *node)
{
	return node->nr_pinned;
}

/*
 * Has pinned folios looked at soon; @fresh if some came only now. An earlier look
 * that is due later than that is moved forward; one that is due is left alone, so
 * that a stream of pins does not put it off for ever.
 */
static void vpool_store_watch(struct vpool_store *store, bool fresh)
{
	if (fresh && READ_ONCE(store->recheck_delay) > VPOOL_RECHECK) {
		WRITE_ONCE(store->recheck_delay, VPOOL_RECHECK);
		mod_delayed_work(system_unbound_wq, &store->recheck,
				 VPOOL_RECHECK);
	} else {
		queue_delayed_work(system_unbound_wq, &store->recheck,
				   READ_ONCE(store->recheck_delay));
	}
}

/*
 * Between two batches. cond_resched_lock() does not see who spins for the lock on
 * another CPU, unless the kernel is preemptible.
 */
static void vpool_store_let_others(struct vpool_store *store)
{
	spin_unlock(&store->lock);
	cond_resched();
	spin_lock(&store->lock);
}

/*
 * Looks once at every folio that was pinned when it began, a batch at a time. Returns
 * how many are pinned no more.
 */
static unsigned long vpool_recheck_node(struct vpool_store_node *node)
{
	struct vpool_store *store = node->store;
	unsigned long gone = 0;
	struct folio *folio, *next;
	LIST_HEAD(pinned);
	LIST_HEAD(still);
	unsigned int nr;

	spin_lock(&store->lock);
	list_splice_init(&node->pinned, &pinned);
	while (!list_empty(&pinned)) {
		nr = 0;
		list_for_each_entry_safe(folio, next, &pinned, lru) {
			if (nr++ == VPOOL_BATCH)
				break;
			if (!vpool_folio_idle(folio) &&
			    !vpool_folio_poisoned(folio)) {
				list_move_tail(&folio->lru, &still);
				continue;
			}
			vpool_node_del(node, folio);
			vpool_node_put(node, folio, VPOOL_DIRTY);
			gone++;
		}
		vpool_store_let_others(store);
	}
	list_splice(&still, &node->pinned);
	spin_unlock(&store->lock);
	return gone;
}

/*
 * Looks at all pinned folios. Two may do so at once: one of them then sees fewer.
 * Whoever looks last has the next look arranged, if any is left. Returns how many are
 * pinned no more.
 */
static unsigned long vpool_store_recheck(struct vpool_store *store)
{
	unsigned long gone = 0, left;
	int nid;

	for_each_node_state(nid, N_MEMORY)
		gone += vpool_recheck_node(&store->node[nid]);
	spin_lock(&store->lock);
	left = vpool_store_sum(store, vpool_node_pinned);
	spin_unlock(&store->lock);
	if (gone)
		vpool_store_kick(store, false);
	if (left)
		vpool_store_watch(store, gone);
	return gone;
}

/* True once after the last pin has gone. */
static bool vpool_store_unpinned(struct vpool_store *store)
{
	bool unpinned;

	spin_lock(&store->lock);
	unpinned = store->has_pinned &&
		   !vpool_store_sum(store, vpool_node_pinned);
	if (unpinned)
		store->has_pinned = false;
	spin_unlock(&store->lock);
	return unpinned;
}

static void vpool_recheck_work(struct work_struct *work)
{
	struct vpool_store *store = container_of(to_delayed_work(work),
						 struct vpool_store, recheck);
	unsigned long delay = READ_ONCE(store->recheck_delay);

	/* Unless something changes, the next look is due after twice the time. */
	WRITE_ONCE(store->recheck_delay, min(2 * delay, VPOOL_RECHECK_MAX));
	vpool_store_recheck(store);
	if (vpool_store_unpinned(store) && store->unpinned)
		store->unpinned(store);
}

/**
 * vpool_store_init - an empty store
 * @store: to initialise
 * @name: the pool's, which outlives the store
 * @cpus: the pool's, which do so too, or NULL
 * @order: of its folios
 * @stat: the pool's counters
 *
 * Return: 0 or -ENOMEM.
 */
int vpool_store_init(struct vpool_store *store, const char *name,
		     const struct vpool_cpus *cpus, unsigned int order,
		     struct vpool_stat *stat)
{
	unsigned int nid;

	spin_lock_init(&store->lock);
	init_waitqueue_head(&store->progress);
	INIT_DELAYED_WORK(&store->recheck, vpool_recheck_work);
	store->recheck_delay = VPOOL_RECHECK;
	store->name = name;
	store->cpus = cpus;
	store->order = order;
	store->stat = stat;
	store->node = kcalloc(nr_node_ids, sizeof(*store->node), GFP_KERNEL);
	if (!store->node)
		return -ENOMEM;
	for (nid = 0; nid < nr_node_ids; nid++) {
		struct vpool_store_node *node = &store->node[nid];

		node->store = store;
		INIT_LIST_HEAD(&node->clean);
		INIT_LIST_HEAD(&node->dirty);
		INIT_LIST_HEAD(&node->pinned);
		INIT_LIST_HEAD(&node->poisoned);
		vpool_scrub_init(node->scrub, node);
	}
	return 0;
}

/*
 * What a pool has is none of the memory that the host manages, as with a balloon: the
 * limit of overcommit and the OOM killer go by what is left. What is kept aside for
 * good never comes back.
 */
static void vpool_folio_leave_host(struct folio *folio)
{
	adjust_managed_page_count(&folio->page, -folio_nr_pages(folio));
}

static void vpool_folio_join_host(struct folio *folio)
{
	adjust_managed_page_count(&folio->page, folio_nr_pages(folio));
}

static void vpool_gather_add(struct vpool_gather *gather, struct folio *folio)
{
	struct vpool_store *store = gather->store;

	vpool_folio_leave_host(folio);

	spin_lock(&store->lock);
	vpool_folio_place(folio, &store->node[folio_nid(folio)],
			  VPOOL_GATHERED);
	list_add_tail(&folio->lru, &gather->folios);
	store->gathered++;
	spin_unlock(&store->lock);
}

/* Refuse at once what a node could not give if it were empty. */
static int vpool_node_check(int nid, u64 bytes, struct vpool_extack *extack)
{
	u64 present;

	if (nid == VPOOL_ANY_NODE)
		return 0;
	present = (u64)node_present_pages(nid) << PAGE_SHIFT;
	if (bytes <= present)
		return 0;
	return vpool_err(extack, -ENOMEM, VPOOL_CODE_MEM_NODE_SHORT,
			 "node %d has %s in all, %s asked", nid,
			 vpool_size(present).s, vpool_size(bytes).s);
}

static int vpool_gather_stopped(struct vpool_gather *gather)
{
	if (signal_pending(current))
		return -EINTR;
	if (gather->cancelled && gather->cancelled(gather->store))
		return -ENXIO;
	return 0;
}

/* One folio more. Of the time for that, only efforts and waiting use up any. */
static int vpool_gather_one(struct vpool_gather *gather,
			    struct vpool_host_walk *walk)
{
	struct folio *folio;
	int err;

	while (!(folio = vpool_host_take(walk))) {
		if (!gather->patience)
			return -ENOMEM;
		err = vpool_gather_stopped(gather);
		if (err)
			return err;
		if (walk->spent >= gather->patience)
			return -ETIME;
		vpool_host_wait(walk);
	}
	vpool_gather_add(gather, folio);
	return 0;
}

static const char *vpool_gather_verdict(int err)
{
	switch (err) {
	case -EINTR:
		return "interrupted: ";
	case -ETIME:
		return "out of time: ";
	}
	return "";
}

static int vpool_gather_failed(struct vpool_gather *gather, int err,
			       const struct vpool_host_walk *walk, u64 got,
			       u64 bytes, struct vpool_extack *extack)
{
	u64 page_size = vpool_store_page_size(gather->store);
	u64 stays = walk->fixed * page_size;
	char node[32] = "the host", fixed[80] = "";

	if (err == -ENXIO)
		return vpool_err(extack, err, VPOOL_CODE_POOL_DESTROYED,
				 "pool '%s' has been destroyed",
				 gather->store->name);
	if (!walk->any)
		snprintf(node, sizeof(node), "node %d", walk->nid);
	/* What we have taken ourselves does not move either. */
	if (stays > got)
		snprintf(fixed, sizeof(fixed),
			 "; %s is in blocks with pages that cannot be moved",
			 vpool_size(stays - got).s);
	return vpool_err(extack, err, VPOOL_CODE_MEM_FRAGMENTED,
			 "%s%s had %s in free blocks, %s asked%s",
			 vpool_gather_verdict(err), node, vpool_size(got).s,
			 vpool_size(bytes).s, fixed);
}

/*
 * The node that the next folios come from. Each of the pool's CPUs gets a share near
 * it, in turn; without CPUs all comes from the node that had most at the beginning.
 */
static int vpool_gather_near(const struct vpool_gather *gather, int *cpu,
			     int most)
{
	if (!gather->cpus || cpumask_empty(gather->cpus))
		return most;
	*cpu = cpumask_next(*cpu, gather->cpus);
	if (*cpu >= nr_cpu_ids)
		*cpu = cpumask_first(gather->cpus);
	return cpu_to_mem(*cpu);
}

/* Before each piece of PMD_SIZE, or each folio, that is gathered. */
static int vpool_gather_check(const struct vpool_gather *gather,
			      struct vpool_host_walk *walk, int near, u64 left,
			      struct vpool_extack *extack)
{
	u64 piece = max_t(u64, PMD_SIZE, vpool_store_page_size(gather->store));
	int err;

	if (!walk->any)
		return vpool_host_can_spare(walk->nid, left, extack);
	err = vpool_host_can_spare(VPOOL_ANY_NODE, left, extack);
	return err
		       ?: vpool_host_walk_steer(walk, near, min(left, piece),
						extack);
}

/**
 * vpool_store_gather - take memory from the host
 * @gather: where it goes, and how long it may take
 * @nid: the node it must come from, or VPOOL_ANY_NODE
 * @bytes: how much, a multiple of the page size
 * @extack: told if it fails
 *
 * Follow it with vpool_store_publish() or vpool_store_discard(), whatever it
 * returns.
 *
 * Context: sleeps, for as long as @gather allows.
 * Return: 0, -ENOMEM, -EINTR, -ETIME, or -ENXIO if it was cancelled.
 */
int vpool_store_gather(struct vpool_gather *gather, int nid, u64 bytes,
		       struct vpool_extack *extack)
{
	u64 got, page_size = vpool_store_page_size(gather->store);
	int err = vpool_node_check(nid, bytes, extack);
	struct vpool_host_walk walk;
	int cpu = -1, most, near;

	if (err)
		return err;
	vpool_host_walk_init(&walk, gather->store->order, nid,
			     gather->patience);
	most = vpool_host_node_most();
	for (got = 0; got < bytes; got += page_size) {
		if (!(got & (PMD_SIZE - 1))) {
			near = vpool_gather_near(gather, &cpu, most);
			err = vpool_gather_check(gather, &walk, near,
						 bytes - got, extack);
			if (err)
				return err;
		}
		err = vpool_gather_stopped(gather) ?:
			vpool_gather_one(gather, &walk);
		if (err)
			return vpool_gather_failed(gather, err, &walk, got,
						   bytes, extack);
		cond_resched();
	}
	/* A spare moment for the next node, so that it is not taken for none. */
	if (gather->patience)
		gather->patience -= min(walk.spent, gather->patience - 1);
	return 0;
}

/**
 * vpool_store_publish - what was gathered becomes the store's
 * @gather: empty after that
 *
 * Context: may sleep.
 */
void vpool_store_publish(struct vpool_gather *gather)
{
	/* With init_on_alloc the page allocator has zeroed it already. */
	bool clean = want_init_on_alloc(GFP_HIGHUSER);
	struct vpool_store *store = gather->store;
	unsigned long nr = 0;

	spin_lock(&store->lock);
	while (!list_empty(&gather->folios)) {
		struct folio *folio = list_first_entry(&gather->folios,
						       struct folio, lru);
		struct vpool_store_node *node = vpool_folio_node(folio);

		list_del(&folio->lru);
		vpool_node_put(node, folio, clean ? VPOOL_CLEAN : VPOOL_DIRTY);
		node->nr_total++;
		store->gathered--;
		if (!(++nr % VPOOL_BATCH))
			vpool_store_let_others(store);
	}
	spin_unlock(&store->lock);
	vpool_store_kick(store, false);
}

/**
 * vpool_store_set_target - say how much memory the store is about to have
 * @store: which
 * @bytes: so much
 */
void vpool_store_set_target(struct vpool_store *store, u64 bytes)
{
	WRITE_ONCE(store->target, bytes / vpool_store_page_size(store));
}

/**
 * vpool_store_pinned - what is still pinned though its region is gone
 * @store: which; no region has a folio of it
 *
 * Looks at each of those folios again first.
 *
 * Context: sleeps.
 * Return: bytes.
 */
u64 vpool_store_pinned(struct vpool_store *store)
{
	struct vpool_usage usage;

	cancel_delayed_work_sync(&store->recheck);
	vpool_store_recheck(store);
	vpool_store_usage(store, &usage);
	return usage.used;
}

/*
 * Gives a folio to the host, zeroed if it is @dirty. One that is still pinned is
 * freed by whoever holds it last. One with a broken page is not given back: the
 * page allocator would hand it out again in one piece.
 */
static void vpool_folio_free(struct folio *folio, bool dirty)
{
	bool broken = vpool_folio_poisoned(folio);

	if (dirty && !broken && vpool_folio_idle(folio))
		broken = !vpool_folio_zero(folio);
	folio->private = NULL;
	if (broken && folio_test_large(folio)) {
		pr_warn("keeping %lu KiB at pfn %#lx aside for good: a page of them is broken\n",
			folio_size(folio) >> 10, folio_pfn(folio));
		return;
	}
	vpool_folio_join_host(folio);
	folio_put(folio);
}

static void vpool_free_list(struct list_head *list, bool dirty)
{
	struct folio *folio, *next;

	list_for_each_entry_safe(folio, next, list, lru) {
		list_del(&folio->lru);
		vpool_folio_free(folio, dirty);
		cond_resched();
	}
}

/**
 * vpool_store_discard - what was gathered goes back to the host
 * @gather: empty after that
 *
 * Context: sleeps.
 */
void vpool_store_discard(struct vpool_gather *gather)
{
	struct vpool_store *store = gather->store;

	spin_lock(&store->lock);
	store->gathered = 0;
	spin_unlock(&store->lock);
	vpool_free_list(&gather->folios, false);
}

/* All of a list goes to the host. */
static void vpool_node_empty(struct vpool_store_node *node,
			     struct list_head *list, bool dirty)
{
	struct vpool_store *store = node->store;
	unsigned int nr;
	LIST_HEAD(cut);

	do {
		spin_lock(&store->lock);
		nr = vpool_node_cut(node, list, VPOOL_BATCH, &cut);
		spin_unlock(&store->lock);
		vpool_free_list(&cut, dirty);
	} while (nr);
}

/**
 * vpool_store_close - give everything back to the host
 * @store: no region may hold a folio of it any more
 *
 * Who still has a reference to the pool sees a store without memory. Does nothing to
 * a store that was never initialised but is zero.
 *
 * Context: sleeps; zeroes what has not been scrubbed.
 */
void vpool_store_close(struct vpool_store *store)
{
	unsigned int nid;

	if (!store->node)
		return;
	cancel_delayed_work_sync(&store->recheck);
	vpool_store_push(store);
	for (nid = 0; nid < nr_node_ids; nid++) {
		struct vpool_store_node *node = &store->node[nid];

		vpool_scrub_cancel(node->scrub);
		vpool_node_empty(node, &node->clean, false);
		vpool_node_empty(node, &node->dirty, true);
		vpool_node_empty(node, &node->pinned, true);
		vpool_node_empty(node, &node->poisoned, false);
	}
	vpool_store_set_target(store, 0);
}

/**
 * vpool_store_exit - the end of one; it must have been closed
 * @store: which; nobody looks at it any more
 */
void vpool_store_exit(struct vpool_store *store)
{
	kfree(store->node);
}

static int vpool_store_short(struct vpool_store *store,
			     const struct vpool_policy *policy,
			     unsigned long free, unsigned long nr,
			     struct vpool_extack *extack)
{
	struct vpool_size_text have, want;
	u64 page_size = vpool_store_page_size(store);

	have = vpool_size(free * page_size);
	want = vpool_size(nr * page_size);
	vpool_stat_inc(store->stat, VPOOL_STAT_ALLOC_FAILURES);
	if (policy->node != VPOOL_ANY_NODE)
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_POOL_NODE_SHORT,
				 "pool '%s' has %s free on node %d, %s asked",
				 store->name, have.s, policy->node, want.s);
	if (policy->restricted)
		return vpool_err(
			extack, -ENOMEM, VPOOL_CODE_POOL_POLICY_SHORT,
			"pool '%s' has %s free on node %*pbl, which the memory policy or the cpuset allows, %s asked",
			store->name, have.s, nodemask_pr_args(&policy->allowed),
			want.s);
	return vpool_err(extack, -ENOMEM, VPOOL_CODE_POOL_SHORT,
			 "pool '%s' has %s free, %s asked", store->name, have.s,
			 want.s);
}

static unsigned long vpool_store_available(struct vpool_store *store,
					   const struct vpool_policy *policy)
{
	unsigned long sum = 0;
	int nid;

	lockdep_assert_held(&store->lock);
	for_each_node_mask(nid, policy->allowed)
		sum += vpool_node_available(&store->node[nid]);
	return sum;
}

/**
 * vpool_store_can_give - count the folios that a taker could have now
 * @store: from where
 * @policy: the nodes that they may come from
 *
 * Return: how many; others may take them before the caller does.
 */
unsigned long vpool_store_can_give(struct vpool_store *store,
				   const struct vpool_policy *policy)
{
	unsigned long free;

	spin_lock(&store->lock);
	free = vpool_store_available(store, policy);
	spin_unlock(&store->lock);
	return free;
}

/**
 * vpool_store_can_take - check that vpool_store_take() would succeed now
 * @store: from where
 * @policy: the nodes that they may come from
 * @nr: how many folios
 * @extack: gets the message of a failure, or NULL
 *
 * Context: sleeps; looks at pinned folios again before it says no.
 * Return: 0 or -ENOMEM; nothing is promised.
 */
int vpool_store_can_take(struct vpool_store *store,
			 const struct vpool_policy *policy, unsigned long nr,
			 struct vpool_extack *extack)
{
	unsigned long free = vpool_store_can_give(store, policy);

	if (nr > free && vpool_store_recheck(store))
		free = vpool_store_can_give(store, policy);
	return nr <= free ? 0
			  : vpool_store_short(store, policy, free, nr, extack);
}

/**
 * struct vpool_take - folios on their way to a region
 * @store: from where
 * @policy: by which nodes are chosen
 * @plan: how many are still to come, of each node id; held there
 * @left: the sum of @plan
 * @zero: zero the folios that are not
 */
struct vpool_take {
	struct vpool_store *store;
	struct vpool_policy *policy;
	unsigned long *plan;
	unsigned long left;
	bool zero;
};

/* Plans up to @max more folios of a node; @listed leaves out what is being zeroed. */
static void vpool_plan_node_add(struct vpool_take *take, int nid,
				unsigned long max, bool listed)
{
	struct vpool_store_node *node = &take->store->node[nid];
	unsigned long can = vpool_node_available(node), nr;

	lockdep_assert_held(&take->store->lock);
	if (listed)
		can -= min(can, node->nr_scrubbing);
	nr = min(can, max);
	take->plan[nid] += nr;
	take->left += nr;
	node->nr_held += nr;
	take->store->promised += nr;
}

/* The same number of each node, as far as they have it. */
static void vpool_plan_interleave(struct vpool_take *take, unsigned long nr)
{
	struct vpool_policy *policy = take->policy;
	unsigned int i, nodes = nodes_weight(policy->first);
	int nid = policy->last;

	for (i = 0; i < nodes; i++) {
		nid = next_node_in(nid, policy->first);
		vpool_plan_node_add(take, nid, nr / nodes + (i < nr % nodes),
				    false);
	}
}

/* Node after node, in the order of the policy, until there are @nr. */
static void vpool_plan_in_order(struct vpool_take *take, unsigned long nr,
				bool listed)
{
	nodemask_t todo = take->policy->allowed;
	int nid;

	while (take->left < nr) {
		nid = vpool_policy_next(take->policy, &todo);
		if (nid == NUMA_NO_NODE)
			return;
		node_clear(nid, todo);
		vpool_plan_node_add(take, nid, nr - take->left, listed);
	}
}

/* Gives up what is planned and has not come. */
static void vpool_take_unplan(struct vpool_take *take)
{
	struct vpool_store *store = take->store;
	int nid;

	lockdep_assert_held(&store->lock);
	for_each_node_mask(nid, take->policy->allowed) {
		store->node[nid].nr_held -= take->plan[nid];
		take->plan[nid] = 0;
	}
	store->promised -= take->left;
	take->left = 0;
}

/*
 * Plans where @nr folios come from, all or none. What a scrubber has in hand comes
 * last: it is waited for only where no other node can help out. Interleaving wants
 * the same of each node more than it wants not to wait.
 */
static bool vpool_take_plan(struct vpool_take *take, unsigned long nr)
{
	struct vpool_store *store = take->store;
	unsigned long used;
	bool planned;

	spin_lock(&store->lock);
	if (take->policy->interleave)
		vpool_plan_interleave(take, nr);
	vpool_plan_in_order(take, nr, true);
	vpool_plan_in_order(take, nr, false);
	planned = take->left == nr;
	if (planned) {
		used = vpool_store_sum(store, vpool_node_used);
		store->peak = max(store->peak, used + store->promised);
	} else {
		vpool_take_unplan(take);
	}
	spin_unlock(&store->lock);
	return planned;
}

/* Pop up to @max folios of one list; a batch is all clean or all dirty. */
static unsigned int vpool_node_pop(struct vpool_store_node *node,
				   struct folio **folios, unsigned long max,
				   bool *dirty)
{
	unsigned int nr = 0;
	struct list_head *list;

	lockdep_assert_held(&node->store->lock);
	*dirty = list_empty(&node->clean);
	list = *dirty ? &node->dirty : &node->clean;
	max = min(max, VPOOL_BATCH);
	while (nr < max && !list_empty(list)) {
		struct folio *folio = list_first_entry(list, struct folio,
						       lru);

		list_del(&folio->lru);
		vpool_folio_place(folio, node, VPOOL_USED);
		folios[nr++] = folio;
	}
	if (*dirty)
		node->nr_dirty -= nr;
	else
		node->nr_clean -= nr;
	return nr;
}

/* The node of the next folios: one that is planned and has some on a list. */
static int vpool_take_next(struct vpool_take *take)
{
	struct vpool_policy *policy = take->policy;
	nodemask_t nodes = NODE_MASK_NONE, first;
	int nid;

	lockdep_assert_held(&take->store->lock);
	for_each_node_mask(nid, policy->allowed) {
		struct vpool_store_node *node = &take->store->node[nid];

		if (take->plan[nid] && node->nr_clean + node->nr_dirty)
			node_set(nid, nodes);
	}
	nodes_and(first, nodes, policy->first);
	if (policy->interleave && !nodes_empty(first)) {
		policy->last = next_node_in(policy->last, first);
		return policy->last;
	}
	return vpool_policy_next(policy, &nodes);
}

static unsigned int vpool_take_pop(struct vpool_take *take,
				   struct folio **folios, bool *dirty)
{
	struct vpool_store *store = take->store;
	unsigned int nr = 0;
	unsigned long max;
	int nid;

	spin_lock(&store->lock);
	nid = vpool_take_next(take);
	if (nid != NUMA_NO_NODE) {
		max = take->policy->interleave ? 1 : take->plan[nid];
		nr = vpool_node_pop(&store->node[nid], folios, max, dirty);
		store->node[nid].nr_held -= nr;
		take->plan[nid] -= nr;
		take->left -= nr;
		store->promised -= nr;
	}
	spin_unlock(&store->lock);
	return nr;
}

/* Only memory that breaks can make less free than was promised. */
static bool vpool_take_is_broken(struct vpool_take *take)
{
	int nid;

	lockdep_assert_held(&take->store->lock);
	for_each_node_mask(nid, take->policy->allowed) {
		struct vpool_store_node *node = &take->store->node[nid];

		if (take->plan[nid] && vpool_node_free(node) < node->nr_held)
			return true;
	}
	return false;
}

/* Whether a taker that found nothing should look again. */
static bool vpool_take_may_pop(struct vpool_take *take)
{
	bool may;
	int nid;

	spin_lock(&take->store->lock);
	may = vpool_take_is_broken(take);
	for_each_node_mask(nid, take->policy->allowed) {
		struct vpool_store_node *node = &take->store->node[nid];

		may |= take->plan[nid] && node->nr_clean + node->nr_dirty;
	}
	spin_unlock(&take->store->lock);
	return may;
}

/* If the plan cannot be kept, makes another; false if there is none. */
static bool vpool_take_replan(struct vpool_take *take)
{
	unsigned long nr = take->left;
	bool broken;

	spin_lock(&take->store->lock);
	broken = vpool_take_is_broken(take);
	if (broken)
		vpool_take_unplan(take);
	spin_unlock(&take->store->lock);
	return !broken || vpool_take_plan(take, nr);
}

/* Waits until a scrubber puts down what was promised. */
static int vpool_take_wait(struct vpool_take *take)
{
	struct vpool_store *store = take->store;

	vpool_store_kick(store, true);
	vpool_store_push(store);
	if (wait_event_killable_timeout(store->progress,
					vpool_take_may_pop(take),
					VPOOL_NUDGE) < 0)
		return -EINTR;
	return vpool_take_replan(take) ? 0 : -ENOMEM;
}

/* Gives folios back that come from regions, or were on their way to one. */
static void vpool_store_put_back(struct vpool_store *store,
				 struct folio **folios, unsigned long nr)
{
	bool pinned = false;
	unsigned long i;

	spin_lock(&store->lock);
	for (i = 0; i < nr; i++) {
		struct folio *folio = folios[i];
		bool idle = vpool_folio_idle(folio);

		vpool_node_put(vpool_folio_node(folio), folio,
			       idle ? VPOOL_DIRTY : VPOOL_PINNED);
		pinned |= !idle;
		if (i % VPOOL_BATCH == VPOOL_BATCH - 1)
			vpool_store_let_others(store);
	}
	spin_unlock(&store->lock);
	wake_up_all(&store->progress);
	if (pinned)
		vpool_store_watch(store, true);
	vpool_store_kick(store, false);
}

/* A folio that cannot be zeroed is set aside; another one takes its place. */
static void vpool_take_poisoned(struct vpool_take *take, struct folio *folio)
{
	struct vpool_store_node *node = vpool_folio_node(folio);
	struct vpool_store *store = take->store;

	spin_lock(&store->lock);
	vpool_node_put(node, folio, VPOOL_POISONED);
	store->promised++;
	node->nr_held++;
	take->plan[vpool_store_node_id(node)]++;
	take->left++;
	spin_unlock(&store->lock);
}

/*
 * Zeroes @nr folios. Moves the good ones to the front of @folios and returns their
 * number in @good.
 */
static int vpool_take_zero(struct vpool_take *take, struct folio **folios,
			   unsigned int nr, unsigned int *good)
{
	struct vpool_store *store = take->store;
	unsigned int i;

	*good = 0;
	for (i = 0; i < nr && !fatal_signal_pending(current); i++) {
		struct folio *folio = folios[i];

		if (vpool_folio_zero(folio))
			folios[(*good)++] = folio;
		else
			vpool_take_poisoned(take, folio);
	}
	vpool_stat_add(store->stat, VPOOL_STAT_SCRUBBED_BYTES,
		       *good * vpool_store_page_size(store));
	if (i == nr)
		return 0;
	vpool_store_put_back(store, folios + i, nr - i);
	return -EINTR;
}

/* Mark folios as zero or not, for vpool_region_fault(). */
static void vpool_take_mark(struct folio **folios, unsigned int nr, bool zero)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (zero)
			folio_mark_uptodate(folios[i]);
		else
			folio_clear_uptodate(folios[i]);
	}
}

/* The next batch; @n is how many it has, also where it fails. */
static int vpool_take_batch(struct vpool_take *take, struct folio **folios,
			    unsigned int *n)
{
	bool dirty;
	int err = 0;

	*n = vpool_take_pop(take, folios, &dirty);
	if (!*n)
		return vpool_take_wait(take);
	if (dirty && take->zero) {
		vpool_store_kick(take->store, true);
		err = vpool_take_zero(take, folios, *n, n);
	}
	vpool_take_mark(folios, *n, take->zero || !dirty);
	return err;
}

static int vpool_take_all(struct vpool_take *take, struct folio **folios,
			  unsigned long nr)
{
	unsigned long got = 0;
	unsigned int n;
	int err = 0;

	while (!err && take->left) {
		err = vpool_take_batch(take, folios + got, &n);
		got += n;
		cond_resched();
	}
	if (!err)
		return 0;
	spin_lock(&take->store->lock);
	vpool_take_unplan(take);
	spin_unlock(&take->store->lock);
	vpool_store_put_back(take->store, folios, got);
	return err;
}

/**
 * vpool_store_take - hand out folios
 * @store: from where
 * @policy: the nodes that they may come from, and in what order
 * @folios: filled with @nr of them
 * @nr: how many
 * @zero: zero all of them now; else the caller zeroes those that are not
 *uptodate before it lets anything see them
 * @extack: gets the message of a failure, or NULL
 *
 * Context: sleeps; with @zero it zeroes what the scrubbers have not come to
 *yet, with their help. Return: 0 with all of them; or with none -ENOMEM, or
 *-EINTR if a signal kills the caller.
 */
int vpool_store_take(struct vpool_store *store, struct vpool_policy *policy,
		     struct folio **folios, unsigned long nr, bool zero,
		     struct vpool_extack *extack)
{
	struct vpool_take take = {
		.store = store,
		.policy = policy,
		.zero = zero,
	};
	int err;

	take.plan = kcalloc(nr_node_ids, sizeof(*take.plan),
			    GFP_KERNEL_ACCOUNT);
	if (!take.plan)
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory to plan a commit");
	if (vpool_take_plan(&take, nr) ||
	    (vpool_store_recheck(store) && vpool_take_plan(&take, nr)))
		err = vpool_take_all(&take, folios, nr);
	else
		err = -ENOMEM;
	kfree(take.plan);
	if (!err)
		vpool_stat_inc(store->stat, VPOOL_STAT_ALLOCS);
	else if (err == -EINTR)
		vpool_err(extack, err, VPOOL_CODE_INTERRUPTED,
			  "interrupted while memory is zeroed");
	else
		vpool_store_short(store, policy,
				  vpool_store_can_give(store, policy), nr,
				  extack);
	return err;
}

/**
 * vpool_store_return - take folios back from a region
 * @store: where they came from
 * @folios: no page table may map them any more
 * @nr: how many
 *
 * Context: may sleep.
 */
void vpool_store_return(struct vpool_store *store, struct folio **folios,
			unsigned long nr)
{
	vpool_store_put_back(store, folios, nr);
	vpool_stat_inc(store->stat, VPOOL_STAT_FREES);
}

/**
 * vpool_store_hold - promise to give folios back to the host
 * @store: whose
 * @bytes: how much of each node id
 * @extack: told if it fails
 *
 * Follow it with vpool_store_shrink() of the same.
 *
 * Return: 0, or -EBUSY with nothing promised if less is free.
 */
int vpool_store_hold(struct vpool_store *store, const u64 *bytes,
		     struct vpool_extack *extack)
{
	u64 page_size = vpool_store_page_size(store), sum = 0, can = 0;
	bool enough = true;
	int nid;

	spin_lock(&store->lock);
	for_each_node_state(nid, N_MEMORY) {
		u64 free = vpool_node_available(&store->node[nid]) * page_size;

		enough &= bytes[nid] <= free;
		can += min(bytes[nid], free);
		sum += bytes[nid];
	}
	for_each_node_state(nid, N_MEMORY)
		if (enough)
			store->node[nid].nr_held += bytes[nid] / page_size;
	if (enough)
		store->promised += sum / page_size;
	spin_unlock(&store->lock);
	if (enough)
		return 0;
	return vpool_err(extack, -EBUSY, VPOOL_CODE_MEM_IN_USE,
			 "pool '%s' can give back %s of the %s asked, the rest is in use",
			 store->name, vpool_size(can).s, vpool_size(sum).s);
}

/*
 * Takes up to @max held folios out of a node, those that are not zero first. Returns
 * how many of them need not be waited for any more.
 */
static unsigned long vpool_node_cut_held(struct vpool_store_node *node,
					 struct list_head *cut,
					 unsigned long max, bool *dirty)
{
	struct vpool_store *store = node->store;
	unsigned long nr;

	spin_lock(&store->lock);
	*dirty = !list_empty(&node->dirty);
	nr = vpool_node_cut(node, *dirty ? &node->dirty : &node->clean, max,
			    cut);
	/* What was promised to the host has broken meanwhile. */
	if (!nr && vpool_node_free(node) < node->nr_held)
		nr = min(max, node->nr_held - vpool_node_free(node));
	node->nr_held -= nr;
	store->promised -= nr;
	spin_unlock(&store->lock);
	return nr;
}

static bool vpool_node_has_listed(struct vpool_store_node *node)
{
	bool has;

	spin_lock(&node->store->lock);
	has = node->nr_clean + node->nr_dirty ||
	      vpool_node_free(node) < node->nr_held;
	spin_unlock(&node->store->lock);
	return has;
}

/*
 * What others hold of the node stays. A resize that has come so far must come to its
 * end, so nothing interrupts the wait, which is for a batch of zeroing at most.
 */
static void vpool_node_shrink(struct vpool_store_node *node, unsigned long nr)
{
	unsigned long done;
	LIST_HEAD(cut);
	bool dirty;

	while (nr) {
		done = vpool_node_cut_held(node, &cut, nr, &dirty);
		nr -= done;
		if (!done) {
			vpool_store_push(node->store);
			wait_event_timeout(node->store->progress,
					   vpool_node_has_listed(node),
					   VPOOL_NUDGE);
		}
		vpool_free_list(&cut, dirty);
	}
}

/**
 * vpool_store_shrink - give folios back to the host, zeroed
 * @store: whose
 * @bytes: how much of each node id, as promised to vpool_store_hold()
 *
 * Context: sleeps; zeroes what has not been scrubbed.
 */
void vpool_store_shrink(struct vpool_store *store, const u64 *bytes)
{
	u64 page_size = vpool_store_page_size(store);
	int nid;

	for_each_node_state(nid, N_MEMORY)
		if (bytes[nid])
			vpool_node_shrink(&store->node[nid],
					  bytes[nid] / page_size);
}

/**
 * vpool_store_poison - mark a page as poisoned, if it is the store's
 * @store: a store that may have it
 * @page: any page of the host; what is read of its folio may be stale
 * @has_ref: the caller has a reference to @page and gives it to the store
 *
 * A free folio is set aside at once, one in a region when the region gives it back.
 * The folio keeps one reference more than the store's own from here on. It is never
 * given to the host, and unpoison_memory() in the core, a test's tool that frees a
 * folio whose only reference it finds, leaves it alone.
 *
 * Return: whose page it is; that of others is unchanged.
 */
enum vpool_poisoned vpool_store_poison(struct vpool_store *store,
				       struct page *page, bool has_ref)
{
	struct folio *folio = page_folio(page);
	struct vpool_store_node *node;
	enum vpool_place place;

	spin_lock(&store->lock);
	node = vpool_folio_node(folio);
	place = vpool_folio_where(folio);
	if (node != &store->node[folio_nid(folio)]) {
		spin_unlock(&store->lock);
		return VPOOL_POISONED_OTHERS;
	}
	if (!has_ref)
		folio_get(folio);
	SetPageHWPoison(page);
	/* The core maps such a folio by pages only, so that the good ones work. */
	if (folio_test_large(folio))
		SetPageHasHWPoisoned(&folio->page);
	if (place == VPOOL_CLEAN || place == VPOOL_DIRTY ||
	    place == VPOOL_PINNED) {
		vpool_node_del(node, folio);
		vpool_node_put(node, folio, VPOOL_POISONED);
	}
	spin_unlock(&store->lock);
	wake_up_all(&store->progress);
	return place == VPOOL_USED ? VPOOL_POISONED_USED : VPOOL_POISONED_ASIDE;
}

static void vpool_usage_add(struct vpool_usage *usage,
			    const struct vpool_store *store,
			    const struct vpool_store_node *node)
{
	u64 page_size = vpool_store_page_size(store);

	usage->total += node->nr_total * page_size;
	usage->free += vpool_node_free(node) * page_size;
	usage->used += vpool_node_used(node) * page_size;
	usage->clean += node->nr_clean * page_size;
	usage->scrubbing += (node->nr_dirty + node->nr_scrubbing) * page_size;
	usage->poisoned += node->nr_poisoned * page_size;
}

/**
 * vpool_store_usage - a store's books at one moment
 * @store: which
 * @usage: filled in
 */
void vpool_store_usage(struct vpool_store *store, struct vpool_usage *usage)
{
	int nid;

	memset(usage, 0, sizeof(*usage));
	spin_lock(&store->lock);
	for_each_node_state(nid, N_MEMORY)
		vpool_usage_add(usage, store, &store->node[nid]);
	usage->peak = store->peak * vpool_store_page_size(store);
	usage->target = READ_ONCE(store->target) * vpool_store_page_size(store);
	usage->gathered = store->gathered * vpool_store_page_size(store);
	spin_unlock(&store->lock);
}

/**
 * vpool_store_node_usage - the books of one node
 * @store: which
 * @nid: a possible node
 * @usage: filled in, but for @peak
 */
void vpool_store_node_usage(struct vpool_store *store, int nid,
			    struct vpool_usage *usage)
{
	memset(usage, 0, sizeof(*usage));
	spin_lock(&store->lock);
	vpool_usage_add(usage, store, &store->node[nid]);
	spin_unlock(&store->lock);
}
