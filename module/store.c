// SPDX-License-Identifier: GPL-2.0
/*
 * The store: the memory of one pool.
 *
 * A store owns folios of one order. Each is an ordinary refcounted compound page that
 * is on no LRU list. The store holds one reference to it from the moment it takes the
 * folio from the host (reserve.c) until it gives the folio back.
 *
 * A folio is always in exactly one state:
 *
 *   clean      free and zeroed; on the clean list of its NUMA node
 *   dirty      free, with data of a former region in it; on the dirty list
 *   scrubbing  free, being zeroed by a scrubber; on a list of that scrubber
 *   used       in the array of a region; on no list
 *   pinned     released by its region, but a pipe or a device still has a reference;
 *              on the pinned list until the store has the only reference; still
 *              counted for the user of the region, whom folio->index holds
 *   poisoned   a page of it has a memory error; on the poisoned list until the pool
 *              is destroyed
 *   gathered   taken from the host, not yet in the store; on a list of the call that
 *              creates or grows the pool
 *   leaving    removed from the store; on a list of the call that gives it back
 *
 * folio->private holds the state and the struct vpool_store_node, and folio->lru the
 * list link, so a folio needs no memory besides its struct page.
 *
 * Invariants, under vpool_store.lock:
 *
 * - The total of a node is the sum of its clean, dirty, scrubbing, used, pinned and
 *   poisoned folios. Used folios have no counter; they are the difference.
 * - No more folios are reserved on a node than are free there, until a memory error
 *   turns a free folio into a poisoned one. The task with the reservation then finds
 *   fewer free folios than reserved ones, and gives up its share of the difference.
 *
 * The reference count alone decides whether a folio is free. The store reads it only
 * when no page table maps the folio and no descriptor leads to it. A count of one is
 * then final: a lockless GUP that took its reference before the page table entry was
 * cleared is counted, and a later one sees that the entry has changed and drops its
 * reference without touching the data.
 *
 * A task first reserves all the folios that it needs, in one step, and then pops them
 * in batches. This bounds the time that the lock is held, and two tasks cannot both
 * fail where one could have succeeded. A reserved folio remains free until the task
 * pops it. If a scrubber is zeroing it, the task waits for that batch.
 * Reservations count per node, without naming folios. Regions (take.c) and a shrink
 * of the pool reserve in the same way, so neither can take what the other reserved.
 *
 * Callers: take.c gives folios to regions, reserve.c adds memory of the host, and the
 * threads of scrub.c call back to zero dirty folios.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "budget.h"
#include "compat.h"
#include "store.h"

/* First and longest delay before pinned folios are checked again. */
#define VPOOL_RECHECK (HZ / 10)
#define VPOOL_RECHECK_MAX (VPOOL_RECHECK * 32)

static_assert(__alignof__(struct vpool_store_node) > VPOOL_FOLIO_STATE_MASK);

static unsigned long
vpool_store_node_used(const struct vpool_store_node *node)
{
	return node->nr_total - vpool_store_node_free(node) - node->nr_poisoned;
}

static unsigned long
vpool_store_node_pinned(const struct vpool_store_node *node)
{
	return node->nr_pinned;
}

static unsigned long
vpool_store_sum(struct vpool_store *store,
		unsigned long (*count)(const struct vpool_store_node *))
{
	unsigned long sum = 0;
	int nid;

	lockdep_assert_held(&store->lock);
	for_each_node_state(nid, N_MEMORY)
		sum += count(&store->node[nid]);
	return sum;
}

/**
 * vpool_store_update_peak - raise the peak to the current use
 * @store: store whose lock the caller holds
 *
 * Reserved folios count as used: their taker pops them next.
 */
void vpool_store_update_peak(struct vpool_store *store)
{
	unsigned long used = vpool_store_sum(store, vpool_store_node_used);

	store->peak = max(store->peak, used + store->reserved);
}

/**
 * vpool_store_node_add - put a folio on the list of its state
 * @node: node of @folio; the caller holds the lock of its store
 * @folio: folio on no list
 * @state: clean, dirty, pinned or poisoned; a folio with a memory error is always
 *	added as poisoned
 */
void vpool_store_node_add(struct vpool_store_node *node, struct folio *folio,
			  enum vpool_folio_state state)
{
	lockdep_assert_held(&node->store->lock);
	if (vpool_folio_poisoned(folio))
		state = VPOOL_FOLIO_POISONED;
	switch (state) {
	case VPOOL_FOLIO_CLEAN:
		list_add_tail(&folio->lru, &node->clean);
		node->nr_clean++;
		break;
	case VPOOL_FOLIO_DIRTY:
		list_add_tail(&folio->lru, &node->dirty);
		node->nr_dirty++;
		break;
	case VPOOL_FOLIO_PINNED:
		list_add_tail(&folio->lru, &node->pinned);
		node->nr_pinned++;
		node->store->has_pinned = true;
		break;
	default:
		state = VPOOL_FOLIO_POISONED;
		/* Never dropped: see vpool_store_poison(). */
		folio_get(folio);
		list_add_tail(&folio->lru, &node->poisoned);
		node->nr_poisoned++;
	}
	vpool_folio_set_state(folio, node, state);
}

/* Take a folio off the list of its state. */
static void vpool_store_node_del(struct vpool_store_node *node,
				 struct folio *folio)
{
	enum vpool_folio_state state = vpool_folio_get_state(folio);

	lockdep_assert_held(&node->store->lock);
	list_del(&folio->lru);
	if (state == VPOOL_FOLIO_CLEAN)
		node->nr_clean--;
	else if (state == VPOOL_FOLIO_DIRTY)
		node->nr_dirty--;
	else if (state == VPOOL_FOLIO_POISONED)
		node->nr_poisoned--;
	if (state != VPOOL_FOLIO_PINNED)
		return;
	node->nr_pinned--;
	vpool_budget_uncharge(vpool_folio_user(folio), 1);
}

/* Move up to @max folios, one batch at most, from a list of the node to @cut. */
static unsigned int vpool_store_node_cut(struct vpool_store_node *node,
					 struct list_head *list,
					 unsigned long max,
					 struct list_head *cut)
{
	unsigned int nr = 0;

	lockdep_assert_held(&node->store->lock);
	max = min(max, VPOOL_STORE_BATCH);
	while (nr < max && !list_empty(list)) {
		struct folio *folio = list_first_entry(list, struct folio,
						       lru);

		vpool_store_node_del(node, folio);
		vpool_folio_set_state(folio, node, VPOOL_FOLIO_LEAVING);
		list_add_tail(&folio->lru, cut);
		node->nr_total--;
		nr++;
	}
	return nr;
}

/*
 * Drop the lock between two batches. cond_resched_lock() would not notice a waiter on
 * another CPU unless the kernel is preemptible.
 */
static void vpool_store_break_lock(struct vpool_store *store)
{
	spin_unlock(&store->lock);
	cond_resched();
	spin_lock(&store->lock);
}

static unsigned long vpool_store_scrub_begin(struct vpool_store_node *node,
					     struct list_head *batch)
{
	struct vpool_store *store = node->store;
	unsigned long nr = 0, max = max(1UL, PMD_SIZE / PAGE_SIZE >> store->order);

	spin_lock(&store->lock);
	while (nr < max && !list_empty(&node->dirty)) {
		struct folio *folio =
			list_first_entry(&node->dirty, struct folio, lru);

		list_move_tail(&folio->lru, batch);
		vpool_folio_set_state(folio, node, VPOOL_FOLIO_SCRUBBING);
		nr++;
	}
	node->nr_dirty -= nr;
	node->nr_scrubbing += nr;
	spin_unlock(&store->lock);
	return nr;
}

/* A batch has many small folios, so that they seldom contend for the lock. */
static unsigned long vpool_store_scrub_batch(struct vpool_scrub *scrub)
{
	struct vpool_store_node *node =
		container_of(scrub, struct vpool_store_node, scrub);
	struct vpool_store *store = node->store;
	struct folio *folio, *next;
	LIST_HEAD(poisoned);
	LIST_HEAD(batch);
	unsigned long nr;

	nr = vpool_store_scrub_begin(node, &batch);
	if (!nr)
		return 0;
	list_for_each_entry_safe(folio, next, &batch, lru)
		if (!vpool_folio_zero(folio))
			list_move_tail(&folio->lru, &poisoned);
	vpool_stat_add(store->stat, VPOOL_STAT_SCRUBBED_BYTES,
		       nr * vpool_store_page_size(store));

	spin_lock(&store->lock);
	node->nr_scrubbing -= nr;
	list_for_each_entry_safe(folio, next, &batch, lru)
		vpool_store_node_add(node, folio, VPOOL_FOLIO_CLEAN);
	list_for_each_entry_safe(folio, next, &poisoned, lru)
		vpool_store_node_add(node, folio, VPOOL_FOLIO_POISONED);
	spin_unlock(&store->lock);
	wake_up_all(&store->progress);
	return nr * vpool_store_page_size(store);
}

static const struct vpool_scrub_ops vpool_store_scrub_ops = {
	.batch = vpool_store_scrub_batch,
};

/**
 * vpool_store_kick - wake scrubbers on each node with dirty folios
 * @store: store to scrub
 * @urgent: true if the caller waits for zeroed folios
 *
 * Context: sleeps.
 */
void vpool_store_kick(struct vpool_store *store, bool urgent)
{
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		struct vpool_store_node *node = &store->node[nid];

		if (!list_empty(&node->dirty))
			vpool_scrub_kick(&node->scrub, urgent);
	}
}

/**
 * vpool_store_push - raise the priority of scrubbers that have a batch in progress
 * @store: store whose progress the caller waits for
 *
 * Context: as vpool_scrub_push().
 */
void vpool_store_push(struct vpool_store *store)
{
	int nid;

	for_each_node_state(nid, N_MEMORY)
		if (READ_ONCE(store->node[nid].nr_scrubbing))
			vpool_scrub_push(&store->node[nid].scrub);
}

/*
 * Schedule the next check of the pinned folios. New pins reset a delay that has grown,
 * and move the check forward. A check that is due soon stays, so that a stream of new
 * pins cannot postpone it again and again.
 */
static void vpool_store_schedule_recheck(struct vpool_store *store,
					 bool has_new)
{
	if (has_new && READ_ONCE(store->recheck_delay) > VPOOL_RECHECK) {
		WRITE_ONCE(store->recheck_delay, VPOOL_RECHECK);
		mod_delayed_work(vpool_unbound_wq, &store->recheck,
				 VPOOL_RECHECK);
	} else {
		queue_delayed_work(vpool_unbound_wq, &store->recheck,
				   READ_ONCE(store->recheck_delay));
	}
}

/*
 * Check once, in batches, each folio that is pinned at the start. Return how many are
 * no longer pinned.
 */
static unsigned long vpool_store_recheck_node(struct vpool_store_node *node)
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
			if (nr++ == VPOOL_STORE_BATCH)
				break;
			if (!vpool_folio_idle(folio) &&
			    !vpool_folio_poisoned(folio)) {
				list_move_tail(&folio->lru, &still);
				continue;
			}
			vpool_store_node_del(node, folio);
			vpool_store_node_add(node, folio, VPOOL_FOLIO_DIRTY);
			gone++;
		}
		vpool_store_break_lock(store);
	}
	list_splice(&still, &node->pinned);
	spin_unlock(&store->lock);
	return gone;
}

/**
 * vpool_store_recheck - free the folios whose last pin is dropped
 * @store: store to check
 *
 * Two tasks may do this at the same time; each then sees a part of the folios. The
 * last one schedules the next check if folios are still pinned.
 *
 * Context: sleeps.
 * Return: number of folios that are no longer pinned.
 */
unsigned long vpool_store_recheck(struct vpool_store *store)
{
	unsigned long gone = 0, left;
	int nid;

	for_each_node_state(nid, N_MEMORY)
		gone += vpool_store_recheck_node(&store->node[nid]);
	spin_lock(&store->lock);
	left = vpool_store_sum(store, vpool_store_node_pinned);
	spin_unlock(&store->lock);
	if (gone)
		vpool_store_kick(store, false);
	if (left)
		vpool_store_schedule_recheck(store, gone);
	return gone;
}

/* True once after the last pin is dropped. */
static bool vpool_store_last_unpinned(struct vpool_store *store)
{
	bool unpinned;

	spin_lock(&store->lock);
	unpinned = store->has_pinned &&
		   !vpool_store_sum(store, vpool_store_node_pinned);
	if (unpinned)
		store->has_pinned = false;
	spin_unlock(&store->lock);
	return unpinned;
}

static void vpool_store_recheck_work(struct work_struct *work)
{
	struct vpool_store *store = container_of(to_delayed_work(work),
						 struct vpool_store, recheck);
	unsigned long delay = READ_ONCE(store->recheck_delay);

	WRITE_ONCE(store->recheck_delay, min(2 * delay, VPOOL_RECHECK_MAX));
	vpool_store_recheck(store);
	if (vpool_store_last_unpinned(store) && store->unpinned)
		store->unpinned(store);
}

/**
 * vpool_store_pinned - return the amount of memory that is pinned but in no region
 * @store: store of which no region has a folio
 *
 * Checks the pinned folios first.
 *
 * Context: sleeps.
 * Return: amount in bytes.
 */
u64 vpool_store_pinned(struct vpool_store *store)
{
	struct vpool_usage usage;

	cancel_delayed_work_sync(&store->recheck);
	vpool_store_recheck(store);
	vpool_store_usage(store, &usage);
	return usage.used;
}

/**
 * vpool_store_init - set up an empty store
 * @store: zeroed structure to initialize
 * @name: name of the pool; must outlive @store
 * @cpus: CPUs of the pool, for the scrubbers, or NULL; must outlive @store
 * @order: page order of its folios
 * @stat: counters of the pool; must outlive @store
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
	INIT_DELAYED_WORK(&store->recheck, vpool_store_recheck_work);
	store->recheck_delay = VPOOL_RECHECK;
	store->name = name;
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
		vpool_scrub_init(&node->scrub, nid, cpus,
				 &vpool_store_scrub_ops);
	}
	return 0;
}

/* Give all folios of a list back to the host. */
static void vpool_store_node_empty(struct vpool_store_node *node,
				   struct list_head *list, bool dirty)
{
	struct vpool_store *store = node->store;
	unsigned int nr;
	LIST_HEAD(cut);

	do {
		spin_lock(&store->lock);
		nr = vpool_store_node_cut(node, list, VPOOL_STORE_BATCH, &cut);
		spin_unlock(&store->lock);
		vpool_folio_free_list(&cut, dirty);
	} while (nr);
}

/**
 * vpool_store_close - give all memory back to the host
 * @store: store of which no region has a folio, or zeroed memory
 *
 * Tasks that still have a reference to the pool see a store without memory.
 *
 * Context: sleeps; zeroes the dirty folios.
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

		vpool_scrub_cancel(&node->scrub);
		vpool_store_node_empty(node, &node->clean, false);
		vpool_store_node_empty(node, &node->dirty, true);
		vpool_store_node_empty(node, &node->pinned, true);
		vpool_store_node_empty(node, &node->poisoned, false);
	}
	vpool_store_set_target(store, 0);
}

/**
 * vpool_store_exit - free what vpool_store_init() has allocated
 * @store: closed store that no other task can reach
 */
void vpool_store_exit(struct vpool_store *store)
{
	kfree(store->node);
}

/**
 * vpool_store_add - add memory of the host to a store
 * @store: store that gets the memory
 * @folios: list of folios in state gathered; empty afterwards
 * @clean: true if the folios are zero
 *
 * Context: may sleep.
 */
void vpool_store_add(struct vpool_store *store, struct list_head *folios,
		     bool clean)
{
	unsigned long nr = 0;

	spin_lock(&store->lock);
	while (!list_empty(folios)) {
		struct folio *folio = list_first_entry(folios, struct folio,
						       lru);
		struct vpool_store_node *node = vpool_folio_node(folio);

		list_del(&folio->lru);
		vpool_store_node_add(node, folio, clean ? VPOOL_FOLIO_CLEAN :
				     VPOOL_FOLIO_DIRTY);
		node->nr_total++;
		store->gathered--;
		if (!(++nr % VPOOL_STORE_BATCH))
			vpool_store_break_lock(store);
	}
	spin_unlock(&store->lock);
	vpool_store_kick(store, false);
}

/**
 * vpool_store_set_target - record the size that a store will soon have
 * @store: store that is created, resized or closed
 * @bytes: size in bytes
 */
void vpool_store_set_target(struct vpool_store *store, u64 bytes)
{
	WRITE_ONCE(store->target, bytes / vpool_store_page_size(store));
}

/**
 * vpool_store_put - put back folios that were popped
 * @store: store that the folios belong to
 * @folios: array of folios that no page table maps
 * @nr: number of folios
 * @user: user whom the folios count for, or NULL; pinned ones count until they are free
 *
 * Context: may sleep.
 */
void vpool_store_put(struct vpool_store *store, struct folio **folios,
		     unsigned long nr, struct vpool_user *user)
{
	unsigned long i, nr_pinned = 0;

	spin_lock(&store->lock);
	for (i = 0; i < nr; i++) {
		struct folio *folio = folios[i];
		bool idle = vpool_folio_idle(folio);

		vpool_folio_set_user(folio, user);
		vpool_store_node_add(vpool_folio_node(folio), folio,
				     idle ? VPOOL_FOLIO_DIRTY :
				     VPOOL_FOLIO_PINNED);
		/* A poisoned folio is not idle, and does not become pinned. */
		nr_pinned += vpool_folio_get_state(folio) == VPOOL_FOLIO_PINNED;
		if (i % VPOOL_STORE_BATCH == VPOOL_STORE_BATCH - 1)
			vpool_store_break_lock(store);
	}
	spin_unlock(&store->lock);
	vpool_budget_uncharge(user, nr - nr_pinned);
	wake_up_all(&store->progress);
	if (nr_pinned)
		vpool_store_schedule_recheck(store, true);
	vpool_store_kick(store, false);
}

/**
 * vpool_store_return - take back folios of a region
 * @store: store that the folios belong to
 * @folios: array of folios that no page table maps
 * @nr: number of folios
 * @user: as for vpool_store_put()
 *
 * Context: may sleep.
 */
void vpool_store_return(struct vpool_store *store, struct folio **folios,
			unsigned long nr, struct vpool_user *user)
{
	vpool_store_put(store, folios, nr, user);
	vpool_stat_inc(store->stat, VPOOL_STAT_FREES);
}

/**
 * vpool_store_reserve - reserve free folios for a shrink
 * @store: store that will shrink
 * @bytes: array of bytes, indexed by NUMA node id
 * @extack: message of a failed call, or NULL
 *
 * The caller must call vpool_store_shrink() with the same @bytes next.
 *
 * Return: 0, or -EBUSY with nothing reserved if less is available.
 */
int vpool_store_reserve(struct vpool_store *store, const u64 *bytes,
			struct vpool_extack *extack)
{
	u64 page_size = vpool_store_page_size(store), sum = 0, can = 0;
	bool enough = true;
	int nid;

	spin_lock(&store->lock);
	for_each_node_state(nid, N_MEMORY) {
		u64 free = vpool_store_node_available(&store->node[nid]) *
			page_size;

		enough &= bytes[nid] <= free;
		can += min(bytes[nid], free);
		sum += bytes[nid];
	}
	for_each_node_state(nid, N_MEMORY)
		if (enough)
			store->node[nid].nr_reserved += bytes[nid] / page_size;
	if (enough)
		store->reserved += sum / page_size;
	spin_unlock(&store->lock);
	if (enough)
		return 0;
	return vpool_err(extack, -EBUSY, VPOOL_CODE_MEM_IN_USE,
			 "pool '%s' can give back %s of the %s requested; the rest is in use",
			 store->name, vpool_size(can).s, vpool_size(sum).s);
}

/*
 * Move up to @max reserved folios of a node to @cut, dirty ones first. Return the number
 * of folios by which the reservation shrinks: these, or those lost to memory errors.
 */
static unsigned long
vpool_store_node_cut_reserved(struct vpool_store_node *node,
			      struct list_head *cut, unsigned long max,
			      bool *dirty)
{
	struct vpool_store *store = node->store;
	unsigned long nr;

	spin_lock(&store->lock);
	*dirty = !list_empty(&node->dirty);
	nr = vpool_store_node_cut(node, *dirty ? &node->dirty : &node->clean,
				  max, cut);
	if (!nr && vpool_store_node_free(node) < node->nr_reserved)
		nr = min(max, node->nr_reserved - vpool_store_node_free(node));
	node->nr_reserved -= nr;
	store->reserved -= nr;
	spin_unlock(&store->lock);
	return nr;
}

static bool vpool_store_node_may_cut(struct vpool_store_node *node)
{
	bool may;

	spin_lock(&node->store->lock);
	may = node->nr_clean + node->nr_dirty ||
	      vpool_store_node_free(node) < node->nr_reserved;
	spin_unlock(&node->store->lock);
	return may;
}

/*
 * A resize that has come this far must finish, so the wait is uninterruptible. It
 * lasts until a scrubber has zeroed one batch.
 */
static void vpool_store_node_shrink(struct vpool_store_node *node,
				    unsigned long nr)
{
	unsigned long done;
	LIST_HEAD(cut);
	bool dirty;

	while (nr) {
		done = vpool_store_node_cut_reserved(node, &cut, nr, &dirty);
		nr -= done;
		if (!done) {
			vpool_store_push(node->store);
			wait_event_timeout(node->store->progress,
					   vpool_store_node_may_cut(node),
					   VPOOL_STORE_PUSH);
		}
		vpool_folio_free_list(&cut, dirty);
	}
}

/**
 * vpool_store_shrink - give reserved folios back to the host
 * @store: store to shrink
 * @bytes: array of bytes that vpool_store_reserve() has reserved
 *
 * Context: sleeps; zeroes the dirty folios among them.
 */
void vpool_store_shrink(struct vpool_store *store, const u64 *bytes)
{
	u64 page_size = vpool_store_page_size(store);
	int nid;

	for_each_node_state(nid, N_MEMORY)
		if (bytes[nid])
			vpool_store_node_shrink(&store->node[nid],
						bytes[nid] / page_size);
}

/*
 * Return true if @folio is part of the store, with a reference to it unless the caller
 * has one. A folio in state LEAVING is freed without the lock, so its count may be 0,
 * or the folio may get another owner before the reference is taken.
 */
static bool vpool_store_get_folio(struct vpool_store *store,
				  struct folio *folio, bool has_ref)
{
	struct vpool_store_node *node = &store->node[folio_nid(folio)];

	lockdep_assert_held(&store->lock);
	if (vpool_folio_node(folio) != node)
		return false;
	if (has_ref)
		return true;
	if (!folio_try_get(folio))
		return false;
	if (vpool_folio_node(folio) == node)
		return true;
	folio_put(folio);
	return false;
}

/**
 * vpool_store_poison - mark a page as poisoned if it is part of a store
 * @store: store that may have the page
 * @page: any page of the host; what this reads of its folio may be stale
 * @has_ref: true if the caller has a reference to @page, which passes to the store
 *
 * A folio on a list moves to the poisoned list at once. A folio in a region moves
 * there when the region returns it.
 *
 * From here on, the folio has at least one reference besides the store's own. The store
 * never gives it back to the host. unpoison_memory() frees a folio only if it finds a
 * single reference, so it does not free this folio.
 *
 * Return: owner of the page. A foreign page is unchanged.
 */
enum vpool_poisoned vpool_store_poison(struct vpool_store *store,
				       struct page *page, bool has_ref)
{
	struct folio *folio = page_folio(page);
	enum vpool_folio_state state;

	spin_lock(&store->lock);
	if (!vpool_store_get_folio(store, folio, has_ref)) {
		spin_unlock(&store->lock);
		return VPOOL_POISONED_FOREIGN;
	}
	state = vpool_folio_get_state(folio);
	SetPageHWPoison(page);
	/* The core then maps the folio by single pages, so its good pages stay usable. */
	if (folio_test_large(folio))
		vpool_folio_set_poison(folio);
	if (state == VPOOL_FOLIO_CLEAN || state == VPOOL_FOLIO_DIRTY ||
	    state == VPOOL_FOLIO_PINNED) {
		struct vpool_store_node *node = vpool_folio_node(folio);

		vpool_store_node_del(node, folio);
		vpool_store_node_add(node, folio, VPOOL_FOLIO_POISONED);
	}
	spin_unlock(&store->lock);
	wake_up_all(&store->progress);
	return state == VPOOL_FOLIO_USED ? VPOOL_POISONED_USED :
		VPOOL_POISONED_ASIDE;
}

static void vpool_usage_add(struct vpool_usage *usage,
			    const struct vpool_store *store,
			    const struct vpool_store_node *node)
{
	u64 page_size = vpool_store_page_size(store);

	usage->total += node->nr_total * page_size;
	usage->free += vpool_store_node_free(node) * page_size;
	usage->used += vpool_store_node_used(node) * page_size;
	usage->clean += node->nr_clean * page_size;
	usage->scrubbing += (node->nr_dirty + node->nr_scrubbing) * page_size;
	usage->poisoned += node->nr_poisoned * page_size;
}

/**
 * vpool_store_usage - read the accounting of a store
 * @store: store to read
 * @usage: filled in with a consistent snapshot
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
 * vpool_store_node_usage - read the accounting of one NUMA node of a store
 * @store: store to read
 * @nid: possible NUMA node id
 * @usage: filled in; @peak, @target and @gathered are 0
 */
void vpool_store_node_usage(struct vpool_store *store, int nid,
			    struct vpool_usage *usage)
{
	memset(usage, 0, sizeof(*usage));
	spin_lock(&store->lock);
	vpool_usage_add(usage, store, &store->node[nid]);
	spin_unlock(&store->lock);
}
