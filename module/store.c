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
 *   scrubbing  free, being zeroed: in the scrubber's hands, on no list
 *   in use     in a region's array, on no list of ours
 *   pinned     its region is gone, but somebody (a pipe, a DMA) holds it still:
 *              on the pinned list until the store's reference is the last one
 *
 * so that it costs no memory beside its struct page: the links are folio->lru.
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
 * is popped; it may be in the scrubber's hands, then the taker waits for it.
 */
#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/topology.h>

#include "compat.h"
#include "store.h"

/* Folios moved under one hold of the lock. */
#define VPOOL_BATCH 32
/* Bytes scrubbed before another pool of the same node gets its turn. */
#define VPOOL_SCRUB_TURN (64UL << 20)
/* How long to wait before asking again for memory that was not to be had. */
#define VPOOL_RETRY (HZ / 50)
/* How often pinned folios are looked at. */
#define VPOOL_RECHECK (HZ / 10)

static unsigned long host_mem_floor = 256;
module_param(host_mem_floor, ulong, 0644);
MODULE_PARM_DESC(host_mem_floor,
		 "MiB of available memory that pools never take from the host");

static struct kthread_worker **vpool_scrubbers;

/* A node may have gained its memory after we were loaded. */
static struct kthread_worker *vpool_scrubber(int nid)
{
	return vpool_scrubbers[nid] ?: vpool_scrubbers[first_memory_node];
}

static struct kthread_worker *vpool_scrubber_create(int nid)
{
	const struct cpumask *cpus = cpumask_of_node(nid);
	struct kthread_worker *worker;

	worker = kthread_run_worker(0, "vpool_scrub/%d", nid);
	if (IS_ERR(worker))
		return worker;
	set_user_nice(worker->task, MAX_NICE);
	if (cpumask_intersects(cpus, cpu_online_mask))
		set_cpus_allowed_ptr(worker->task, cpus);
	return worker;
}

/**
 * vpool_scrubbers_start - one low-priority thread for each node with memory
 *
 * Return: 0 or -ENOMEM.
 */
int vpool_scrubbers_start(void)
{
	int nid;

	vpool_scrubbers = kcalloc(nr_node_ids, sizeof(*vpool_scrubbers),
				  GFP_KERNEL);
	if (!vpool_scrubbers)
		return -ENOMEM;
	for_each_node_state(nid, N_MEMORY) {
		struct kthread_worker *worker = vpool_scrubber_create(nid);

		if (IS_ERR(worker)) {
			vpool_scrubbers_stop();
			return PTR_ERR(worker);
		}
		vpool_scrubbers[nid] = worker;
	}
	return 0;
}

/**
 * vpool_scrubbers_stop - end the threads; every store must be closed
 */
void vpool_scrubbers_stop(void)
{
	unsigned int nid;

	for (nid = 0; nid < nr_node_ids; nid++)
		if (vpool_scrubbers[nid])
			kthread_destroy_worker(vpool_scrubbers[nid]);
	kfree(vpool_scrubbers);
}

static void vpool_folio_zero(struct folio *folio)
{
	long i, nr = folio_nr_pages(folio);

	for (i = 0; i < nr; i++)
		clear_highpage(folio_page(folio, i));
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

/*
 * Zero a batch from the dirty list. Returns the bytes done, 0 when the list is
 * empty. Small folios go many at a time, so that the lock stays off the profile.
 */
static unsigned long vpool_scrub_batch(struct vpool_store_node *node)
{
	struct vpool_store *store = node->store;
	unsigned long nr = 0, max = max(1UL, PMD_SIZE / PAGE_SIZE >> store->order);
	struct folio *folio;
	LIST_HEAD(batch);

	spin_lock(&store->lock);
	while (nr < max && !list_empty(&node->dirty)) {
		list_move_tail(node->dirty.next, &batch);
		nr++;
	}
	node->nr_dirty -= nr;
	node->nr_scrubbing += nr;
	spin_unlock(&store->lock);
	if (!nr)
		return 0;

	list_for_each_entry(folio, &batch, lru)
		vpool_folio_zero(folio);
	vpool_stat_add(store->stat, VPOOL_STAT_SCRUBBED_BYTES,
		       nr * vpool_store_page_size(store));

	spin_lock(&store->lock);
	list_splice_tail(&batch, &node->clean);
	node->nr_scrubbing -= nr;
	node->nr_clean += nr;
	spin_unlock(&store->lock);
	wake_up_all(&store->progress);
	return nr * vpool_store_page_size(store);
}

static void vpool_scrub_work(struct kthread_work *work)
{
	struct vpool_store_node *node =
		container_of(work, struct vpool_store_node, scrub);
	unsigned long done = 0, bytes;

	do {
		bytes = vpool_scrub_batch(node);
		done += bytes;
		cond_resched();
	} while (bytes && done < VPOOL_SCRUB_TURN);
	if (bytes)
		kthread_queue_work(vpool_scrubber(node - node->store->node),
				   work);
}

static void vpool_store_kick(struct vpool_store *store)
{
	bool pinned = false;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		struct vpool_store_node *node = &store->node[nid];

		if (!list_empty(&node->dirty))
			kthread_queue_work(vpool_scrubber(nid), &node->scrub);
		pinned |= !list_empty(&node->pinned);
	}
	if (pinned)
		kthread_queue_delayed_work(vpool_scrubber(first_memory_node),
					   &store->recheck, VPOOL_RECHECK);
}

/* Look once at every folio that was pinned when we came, a batch at a time. */
static void vpool_recheck_node(struct vpool_store_node *node)
{
	struct vpool_store *store = node->store;
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
			if (vpool_folio_idle(folio)) {
				list_move_tail(&folio->lru, &node->dirty);
				node->nr_dirty++;
			} else {
				list_move_tail(&folio->lru, &still);
			}
		}
		cond_resched_lock(&store->lock);
	}
	list_splice(&still, &node->pinned);
	spin_unlock(&store->lock);
}

static void vpool_recheck_work(struct kthread_work *work)
{
	struct vpool_store *store =
		container_of(work, struct vpool_store, recheck.work);
	int nid;

	for_each_node_state(nid, N_MEMORY)
		vpool_recheck_node(&store->node[nid]);
	vpool_store_kick(store);
}

/**
 * vpool_store_init - an empty store
 * @store: to initialise
 * @name: the pool's, which outlives the store
 * @order: of its folios
 * @has_memory: false for a pool of CPUs alone
 * @stat: the pool's counters
 *
 * Return: 0 or -ENOMEM.
 */
int vpool_store_init(struct vpool_store *store, const char *name,
		     unsigned int order, bool has_memory,
		     struct vpool_stat *stat)
{
	unsigned int nid;

	spin_lock_init(&store->lock);
	init_waitqueue_head(&store->progress);
	kthread_init_delayed_work(&store->recheck, vpool_recheck_work);
	store->name = name;
	store->order = order;
	store->stat = stat;
	if (!has_memory)
		return 0;

	store->node = kcalloc(nr_node_ids, sizeof(*store->node), GFP_KERNEL);
	if (!store->node)
		return -ENOMEM;
	for (nid = 0; nid < nr_node_ids; nid++) {
		struct vpool_store_node *node = &store->node[nid];

		node->store = store;
		INIT_LIST_HEAD(&node->clean);
		INIT_LIST_HEAD(&node->dirty);
		INIT_LIST_HEAD(&node->pinned);
		kthread_init_work(&node->scrub, vpool_scrub_work);
	}
	return 0;
}

/**
 * vpool_host_can_spare - would taking this leave the host its floor?
 * @bytes: how much is to be taken
 * @why: told if not
 *
 * Return: 0 or -ENOMEM.
 */
int vpool_host_can_spare(u64 bytes, struct vpool_why *why)
{
	u64 available = (u64)si_mem_available() << PAGE_SHIFT;
	u64 floor = (u64)READ_ONCE(host_mem_floor) << 20;

	if (available > floor && available - floor >= bytes)
		return 0;
	return vpool_fail(why, -ENOMEM,
			  "%s asked, but the host has %s available and keeps %s (host_mem_floor)",
			  vpool_size(bytes).s, vpool_size(available).s,
			  vpool_size(floor).s);
}

/* Never the OOM killer: neither flag lets the allocator go that far. */
static struct folio *vpool_folio_alloc(unsigned int order, int nid, bool wait)
{
	gfp_t gfp = GFP_HIGHUSER | __GFP_NOWARN;

	gfp |= wait ? __GFP_RETRY_MAYFAIL : __GFP_NORETRY;
	if (nid == VPOOL_ANY_NODE)
		nid = numa_mem_id();
	else
		gfp |= __GFP_THISNODE;
	return __folio_alloc(gfp, order, nid, NULL);
}

static void vpool_store_add(struct vpool_store *store, struct folio *folio)
{
	struct vpool_store_node *node = &store->node[folio_nid(folio)];
	/* With init_on_alloc the page allocator has zeroed it already. */
	bool clean = want_init_on_alloc(GFP_HIGHUSER);

	spin_lock(&store->lock);
	list_add_tail(&folio->lru, clean ? &node->clean : &node->dirty);
	if (clean)
		node->nr_clean++;
	else
		node->nr_dirty++;
	node->nr_total++;
	spin_unlock(&store->lock);
}

static int vpool_reserve_failed(int nid, u64 got, u64 bytes,
				struct vpool_why *why)
{
	if (nid == VPOOL_ANY_NODE)
		return vpool_fail(why, -ENOMEM,
				  "the host had %s in free blocks, %s asked",
				  vpool_size(got).s, vpool_size(bytes).s);
	return vpool_fail(why, -ENOMEM,
			  "node %d had %s in free blocks, %s asked", nid,
			  vpool_size(got).s, vpool_size(bytes).s);
}

/* Refuse at once what a node could not give if it were empty. */
static int vpool_node_check(int nid, u64 bytes, struct vpool_why *why)
{
	u64 present;

	if (nid == VPOOL_ANY_NODE)
		return 0;
	present = (u64)node_present_pages(nid) << PAGE_SHIFT;
	if (bytes <= present)
		return 0;
	return vpool_fail(why, -ENOMEM, "node %d has %s in all, %s asked", nid,
			  vpool_size(present).s, vpool_size(bytes).s);
}

/*
 * One folio more. Memory that is short may come back while we wait; of the time
 * for that, @left in jiffies, only waiting uses up any.
 */
static int vpool_reserve_one(struct vpool_store *store, int nid,
			     unsigned long *left)
{
	struct folio *folio = vpool_folio_alloc(store->order, nid, *left);
	unsigned long start = jiffies, waited = 0;

	while (!folio) {
		if (!*left)
			return -ENOMEM;
		schedule_timeout_interruptible(VPOOL_RETRY);
		if (signal_pending(current))
			return -EINTR;
		waited = jiffies - start;
		if (waited >= *left)
			return -ETIME;
		folio = vpool_folio_alloc(store->order, nid, *left);
	}
	*left -= waited;
	vpool_store_add(store, folio);
	return 0;
}

/**
 * vpool_store_reserve - take memory from the host
 * @store: where it goes
 * @nid: the node it must come from, or VPOOL_ANY_NODE
 * @bytes: how much, a multiple of the page size
 * @patience: how long to wait for memory that is short, in jiffies
 * @why: told if it fails
 *
 * What was reserved before a failure stays in the store: its owner closes it.
 * Nothing of @store is used by others yet but for its usage.
 *
 * Context: sleeps, for as long as @patience allows.
 * Return: 0, -ENOMEM, -EINTR or -ETIME.
 */
int vpool_store_reserve(struct vpool_store *store, int nid, u64 bytes,
			unsigned long patience, struct vpool_why *why)
{
	u64 got, page_size = vpool_store_page_size(store);
	int err = vpool_node_check(nid, bytes, why);

	for (got = 0; !err && got < bytes; got += page_size) {
		if (!(got & (PMD_SIZE - 1))) {
			err = vpool_host_can_spare(bytes - got, why);
			if (err)
				return err;
		}
		err = signal_pending(current) ? -EINTR :
			vpool_reserve_one(store, nid, &patience);
		if (err == -ENOMEM)
			return vpool_reserve_failed(nid, got, bytes, why);
		if (err)
			return vpool_fail(why, err, "%s after %s of %s",
					  err == -EINTR ? "interrupted" :
					  "out of time",
					  vpool_size(got).s,
					  vpool_size(bytes).s);
		cond_resched();
	}
	if (!err)
		vpool_store_kick(store);
	return err;
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

	if (!store->node)
		return 0;
	kthread_cancel_delayed_work_sync(&store->recheck);
	vpool_recheck_work(&store->recheck.work);
	vpool_store_usage(store, &usage);
	return usage.used;
}

/*
 * A folio that is still pinned is freed by whoever holds it last. The others go
 * back to the host zeroed.
 */
static void vpool_free_list(struct list_head *list, bool zero)
{
	struct folio *folio, *next;

	list_for_each_entry_safe(folio, next, list, lru) {
		list_del(&folio->lru);
		if (zero && vpool_folio_idle(folio))
			vpool_folio_zero(folio);
		folio_put(folio);
		cond_resched();
	}
}

/**
 * vpool_store_close - give everything back to the host
 * @store: no region may hold a folio of it any more
 *
 * Does nothing to a store that was never initialised but is zero.
 *
 * Context: sleeps; zeroes what has not been scrubbed.
 */
void vpool_store_close(struct vpool_store *store)
{
	unsigned int nid;

	if (!store->node)
		return;
	kthread_cancel_delayed_work_sync(&store->recheck);
	for (nid = 0; nid < nr_node_ids; nid++) {
		struct vpool_store_node *node = &store->node[nid];

		kthread_cancel_work_sync(&node->scrub);
		vpool_free_list(&node->clean, false);
		vpool_free_list(&node->dirty, true);
		vpool_free_list(&node->pinned, true);
	}
	kfree(store->node);
	store->node = NULL;
}

static int vpool_store_short(struct vpool_store *store, unsigned long free,
			     unsigned long nr, struct vpool_why *why)
{
	u64 page_size = vpool_store_page_size(store);

	vpool_stat_inc(store->stat, VPOOL_STAT_ALLOC_FAILURES);
	return vpool_fail(why, -ENOMEM, "pool '%s' has %s free, %s asked", store->name,
			  vpool_size(free * page_size).s,
			  vpool_size(nr * page_size).s);
}

static unsigned long vpool_store_unpromised(struct vpool_store *store)
{
	lockdep_assert_held(&store->lock);
	return vpool_store_sum(store, vpool_node_free) - store->promised;
}

/**
 * vpool_store_can_take - would vpool_store_take() succeed now?
 * @store: from where
 * @nr: how many folios
 * @why: told if not
 *
 * Return: 0 or -ENOMEM; nothing is promised.
 */
int vpool_store_can_take(struct vpool_store *store, unsigned long nr,
			 struct vpool_why *why)
{
	unsigned long free = 0;

	if (store->node) {
		spin_lock(&store->lock);
		free = vpool_store_unpromised(store);
		spin_unlock(&store->lock);
	}
	return nr <= free ? 0 : vpool_store_short(store, free, nr, why);
}

static int vpool_store_promise(struct vpool_store *store, unsigned long nr,
			       struct vpool_why *why)
{
	unsigned long free, used;

	spin_lock(&store->lock);
	free = vpool_store_unpromised(store);
	if (nr <= free) {
		store->promised += nr;
		used = vpool_store_sum(store, vpool_node_used);
		store->peak = max(store->peak, used + store->promised);
	}
	spin_unlock(&store->lock);
	return nr <= free ? 0 : vpool_store_short(store, free, nr, why);
}

/* Pop up to @max folios of one list; a batch is all clean or all dirty. */
static unsigned int vpool_node_pop(struct vpool_store_node *node,
				   struct folio **folios, unsigned long max,
				   bool *dirty)
{
	struct list_head *list;
	unsigned int nr = 0;

	lockdep_assert_held(&node->store->lock);
	*dirty = list_empty(&node->clean);
	list = *dirty ? &node->dirty : &node->clean;
	max = min_t(unsigned long, max, VPOOL_BATCH);
	while (nr < max && !list_empty(list)) {
		folios[nr] = list_first_entry(list, struct folio, lru);
		list_del(&folios[nr++]->lru);
	}
	if (*dirty)
		node->nr_dirty -= nr;
	else
		node->nr_clean -= nr;
	node->store->promised -= nr;
	return nr;
}

static unsigned int vpool_store_pop(struct vpool_store *store,
				    struct folio **folios, unsigned long max,
				    bool *dirty)
{
	int local = numa_mem_id(), nid;
	unsigned int nr;

	spin_lock(&store->lock);
	nr = vpool_node_pop(&store->node[local], folios, max, dirty);
	for_each_node_state(nid, N_MEMORY) {
		if (nr)
			break;
		nr = vpool_node_pop(&store->node[nid], folios, max, dirty);
	}
	spin_unlock(&store->lock);
	return nr;
}

static bool vpool_store_has_listed(struct vpool_store *store)
{
	int nid;

	for_each_node_state(nid, N_MEMORY)
		if (!list_empty(&store->node[nid].clean) ||
		    !list_empty(&store->node[nid].dirty))
			return true;
	return false;
}

/**
 * vpool_store_take - hand out folios, zeroed
 * @store: from where
 * @folios: filled with @nr of them, the caller's node first
 * @nr: how many
 * @why: told if it fails
 *
 * For a store with memory, see vpool_store_can_take().
 *
 * Context: sleeps; zeroes what the scrubber has not come to yet.
 * Return: 0 with all of them, or -ENOMEM with none.
 */
int vpool_store_take(struct vpool_store *store, struct folio **folios,
		     unsigned long nr, struct vpool_why *why)
{
	unsigned long got = 0;
	unsigned int n, i;
	bool dirty;
	int err;

	err = vpool_store_promise(store, nr, why);
	if (err)
		return err;
	while (got < nr) {
		n = vpool_store_pop(store, folios + got, nr - got, &dirty);
		if (!n)
			wait_event(store->progress,
				   vpool_store_has_listed(store));
		for (i = 0; dirty && i < n; i++)
			vpool_folio_zero(folios[got + i]);
		if (dirty)
			vpool_stat_add(store->stat, VPOOL_STAT_SCRUBBED_BYTES,
				       n * vpool_store_page_size(store));
		got += n;
		cond_resched();
	}
	vpool_stat_inc(store->stat, VPOOL_STAT_ALLOCS);
	return 0;
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
	unsigned long i;

	spin_lock(&store->lock);
	for (i = 0; i < nr; i++) {
		struct folio *folio = folios[i];
		struct vpool_store_node *node =
			&store->node[folio_nid(folio)];

		if (vpool_folio_idle(folio)) {
			list_add_tail(&folio->lru, &node->dirty);
			node->nr_dirty++;
		} else {
			list_add_tail(&folio->lru, &node->pinned);
		}
		if (i % VPOOL_BATCH == VPOOL_BATCH - 1)
			cond_resched_lock(&store->lock);
	}
	spin_unlock(&store->lock);
	vpool_stat_inc(store->stat, VPOOL_STAT_FREES);
	vpool_store_kick(store);
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
	if (!store->node)
		return;
	spin_lock(&store->lock);
	for_each_node_state(nid, N_MEMORY)
		vpool_usage_add(usage, store, &store->node[nid]);
	usage->peak = store->peak * vpool_store_page_size(store);
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
	if (!store->node)
		return;
	spin_lock(&store->lock);
	vpool_usage_add(usage, store, &store->node[nid]);
	spin_unlock(&store->lock);
}
