// SPDX-License-Identifier: GPL-2.0
/*
 * Taking folios out of a store for a region.
 *
 * A taker makes a plan: how many folios it will take from each NUMA node, in the order
 * of its policy. The plan is all or nothing, and reserves the folios. Then the taker
 * pops them in batches, and zeroes those that the scrubbers have not zeroed yet. If it
 * finds only folios that are being scrubbed, it waits.
 *
 * A memory error can leave a node with fewer free folios than are reserved there. A
 * taker whose plan needs that node drops the rest of its plan and makes another.
 */
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vpool.h>

#include "budget.h"
#include "policy.h"
#include "store.h"
#include "take.h"

/**
 * struct vpool_take - folios on their way to a region
 * @store: store to take from
 * @policy: how to choose nodes; its position in an interleave advances
 * @plan: number of folios still to pop, for each NUMA node id; reserved there
 * @left: sum of @plan
 * @zero: zero the folios that are dirty
 */
struct vpool_take {
	struct vpool_store *store;
	struct vpool_policy *policy;
	unsigned long *plan;
	unsigned long left;
	bool zero;
};

static int vpool_take_short(struct vpool_store *store,
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
				 "pool '%s' has %s free on node %d, but %s requested",
				 store->name, have.s, policy->node, want.s);
	if (policy->restricted)
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_POOL_POLICY_SHORT,
				 "pool '%s' has %s free on node %*pbl, which the memory policy or the cpuset allows, but %s requested",
				 store->name, have.s,
				 nodemask_pr_args(&policy->allowed), want.s);
	return vpool_err(extack, -ENOMEM, VPOOL_CODE_POOL_SHORT,
			 "pool '%s' has %s free, but %s requested", store->name,
			 have.s, want.s);
}

/**
 * vpool_take_available - count the folios that a taker can have now
 * @store: store to take from
 * @policy: nodes that the folios may come from
 *
 * Return: number of folios; it can change before the caller uses it.
 */
unsigned long vpool_take_available(struct vpool_store *store,
				   const struct vpool_policy *policy)
{
	unsigned long sum = 0;
	int nid;

	spin_lock(&store->lock);
	for_each_node_mask(nid, policy->allowed)
		sum += vpool_store_node_available(&store->node[nid]);
	spin_unlock(&store->lock);
	return sum;
}

/**
 * vpool_take_check - check whether vpool_take_folios() would succeed now
 * @store: store to take from
 * @policy: nodes that the folios may come from
 * @nr: number of folios
 * @extack: message of a failed call, or NULL
 *
 * Context: sleeps; checks pinned folios before it fails.
 * Return: 0 or -ENOMEM; nothing is reserved.
 */
int vpool_take_check(struct vpool_store *store,
		     const struct vpool_policy *policy, unsigned long nr,
		     struct vpool_extack *extack)
{
	unsigned long free = vpool_take_available(store, policy);

	if (nr > free && vpool_store_recheck(store))
		free = vpool_take_available(store, policy);
	if (nr <= free)
		return 0;
	return vpool_take_short(store, policy, free, nr, extack);
}

/**
 * vpool_take_charge - count folios for a user who is about to take them
 * @store: store to take from
 * @user: user of the region, or NULL
 * @nr: number of folios
 * @extack: message of a failed call, or NULL
 *
 * A caller that then takes fewer calls vpool_budget_uncharge() for the others.
 *
 * Context: sleeps; checks pinned folios before it fails.
 * Return: 0, or -EDQUOT if the user would have more than the pool allows each user.
 */
int vpool_take_charge(struct vpool_store *store, struct vpool_user *user,
		      unsigned long nr, struct vpool_extack *extack)
{
	if (vpool_budget_charge(user, nr) ||
	    (vpool_store_recheck(store) && vpool_budget_charge(user, nr)))
		return 0;
	return vpool_budget_err_bytes(user, nr, extack);
}

/* Reserve up to @max more folios of a node; @listed leaves out those being scrubbed. */
static void vpool_take_reserve(struct vpool_take *take, int nid,
			       unsigned long max, bool listed)
{
	struct vpool_store_node *node = &take->store->node[nid];
	unsigned long can = vpool_store_node_available(node), nr;

	lockdep_assert_held(&take->store->lock);
	if (listed)
		can -= min(can, node->nr_scrubbing);
	nr = min(can, max);
	take->plan[nid] += nr;
	take->left += nr;
	node->nr_reserved += nr;
	take->store->reserved += nr;
}

/* Drop the reservation of all folios that have not been popped. */
static void vpool_take_unreserve(struct vpool_take *take)
{
	struct vpool_store *store = take->store;
	int nid;

	lockdep_assert_held(&store->lock);
	for_each_node_mask(nid, take->policy->allowed) {
		store->node[nid].nr_reserved -= take->plan[nid];
		take->plan[nid] = 0;
	}
	store->reserved -= take->left;
	take->left = 0;
}

/* Reserve the same number on each preferred node, or fewer if a node has fewer. */
static void vpool_take_plan_interleave(struct vpool_take *take,
				       unsigned long nr)
{
	struct vpool_policy *policy = take->policy;
	unsigned int i, nodes = nodes_weight(policy->first);
	int nid = policy->last;

	for (i = 0; i < nodes; i++) {
		nid = next_node_in(nid, policy->first);
		vpool_take_reserve(take, nid, nr / nodes + (i < nr % nodes),
				   false);
	}
}

/* Reserve node after node, in the order of the policy, until there are @nr. */
static void vpool_take_plan_in_order(struct vpool_take *take, unsigned long nr,
				     bool listed)
{
	nodemask_t todo = take->policy->allowed;
	int nid;

	while (take->left < nr) {
		nid = vpool_policy_next(take->policy, &todo);
		if (nid == NUMA_NO_NODE)
			return;
		node_clear(nid, todo);
		vpool_take_reserve(take, nid, nr - take->left, listed);
	}
}

/*
 * Plan @nr folios, all or none. Folios that are being scrubbed come last: the taker
 * waits for them only if no other node has enough. An interleave policy accepts the
 * wait, because equal shares matter more to it.
 */
static bool vpool_take_plan(struct vpool_take *take, unsigned long nr)
{
	struct vpool_store *store = take->store;
	bool planned;

	spin_lock(&store->lock);
	if (take->policy->interleave)
		vpool_take_plan_interleave(take, nr);
	vpool_take_plan_in_order(take, nr, true);
	vpool_take_plan_in_order(take, nr, false);
	planned = take->left == nr;
	if (planned)
		vpool_store_update_peak(store);
	else
		vpool_take_unreserve(take);
	spin_unlock(&store->lock);
	return planned;
}

/* Pop up to @max folios of one list, so a batch is all clean or all dirty. */
static unsigned int vpool_take_pop_node(struct vpool_store_node *node,
					struct folio **folios,
					unsigned long max, bool *dirty)
{
	unsigned int nr = 0;
	struct list_head *list;

	lockdep_assert_held(&node->store->lock);
	*dirty = list_empty(&node->clean);
	list = *dirty ? &node->dirty : &node->clean;
	max = min(max, VPOOL_STORE_BATCH);
	while (nr < max && !list_empty(list)) {
		struct folio *folio = list_first_entry(list, struct folio,
						       lru);

		list_del(&folio->lru);
		vpool_folio_set_state(folio, node, VPOOL_FOLIO_USED);
		folios[nr++] = folio;
	}
	if (*dirty)
		node->nr_dirty -= nr;
	else
		node->nr_clean -= nr;
	return nr;
}

/* Choose a node that is in the plan and has a clean or dirty folio. */
static int vpool_take_next_node(struct vpool_take *take)
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
	nid = vpool_take_next_node(take);
	if (nid != NUMA_NO_NODE) {
		max = take->policy->interleave ? 1 : take->plan[nid];
		nr = vpool_take_pop_node(&store->node[nid], folios, max, dirty);
		store->node[nid].nr_reserved -= nr;
		take->plan[nid] -= nr;
		take->left -= nr;
		store->reserved -= nr;
	}
	spin_unlock(&store->lock);
	return nr;
}

/* True if a memory error has left a planned node with too few free folios. */
static bool vpool_take_is_short(struct vpool_take *take)
{
	int nid;

	lockdep_assert_held(&take->store->lock);
	for_each_node_mask(nid, take->policy->allowed) {
		struct vpool_store_node *node = &take->store->node[nid];

		if (take->plan[nid] &&
		    vpool_store_node_free(node) < node->nr_reserved)
			return true;
	}
	return false;
}

/* True if a taker that has found no folio should try again. */
static bool vpool_take_may_pop(struct vpool_take *take)
{
	bool may;
	int nid;

	spin_lock(&take->store->lock);
	may = vpool_take_is_short(take);
	for_each_node_mask(nid, take->policy->allowed) {
		struct vpool_store_node *node = &take->store->node[nid];

		may |= take->plan[nid] && node->nr_clean + node->nr_dirty;
	}
	spin_unlock(&take->store->lock);
	return may;
}

/* Replace a plan that cannot be kept; false if no other plan is possible. */
static bool vpool_take_replan(struct vpool_take *take)
{
	unsigned long nr = take->left;
	bool is_short;

	spin_lock(&take->store->lock);
	is_short = vpool_take_is_short(take);
	if (is_short)
		vpool_take_unreserve(take);
	spin_unlock(&take->store->lock);
	return !is_short || vpool_take_plan(take, nr);
}

/* Wait until a scrubber has zeroed folios of the plan. */
static int vpool_take_wait(struct vpool_take *take)
{
	struct vpool_store *store = take->store;

	vpool_store_kick(store, true);
	vpool_store_push(store);
	if (wait_event_killable_timeout(store->progress,
					vpool_take_may_pop(take),
					VPOOL_STORE_PUSH) < 0)
		return -EINTR;
	return vpool_take_replan(take) ? 0 : -ENOMEM;
}

/* Set a popped folio aside that cannot be zeroed, and plan one more. */
static void vpool_take_poisoned(struct vpool_take *take, struct folio *folio)
{
	struct vpool_store_node *node = vpool_folio_node(folio);
	struct vpool_store *store = take->store;

	spin_lock(&store->lock);
	vpool_store_node_add(node, folio, VPOOL_FOLIO_POISONED);
	store->reserved++;
	node->nr_reserved++;
	take->plan[vpool_store_node_id(node)]++;
	take->left++;
	spin_unlock(&store->lock);
}

/*
 * Zero @nr folios. Move the good ones to the front of @folios, set poisoned ones aside,
 * and return the number of good ones in @good. A fatal signal ends it early.
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
	vpool_store_put(store, folios + i, nr - i, NULL);
	return -EINTR;
}

/* Record in the uptodate flag whether each folio is zero; the fault reads it. */
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

/* Take one batch; @n is the number of folios in it, even on failure. */
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

static int vpool_take_all(struct vpool_take *take, struct folio **folios)
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
	vpool_take_unreserve(take);
	spin_unlock(&take->store->lock);
	vpool_store_put(take->store, folios, got, NULL);
	return err;
}

/**
 * vpool_take_folios - take folios out of a store
 * @store: store to take from
 * @policy: nodes that the folios may come from, and their order
 * @folios: array to fill
 * @nr: number of folios
 * @zero: true to return zeroed folios; otherwise the caller must zero each folio that
 *	is not uptodate before any task can see it
 * @extack: message of a failed call, or NULL
 *
 * The caller owns the folios until it calls vpool_store_return().
 *
 * Context: sleeps; with @zero it zeroes dirty folios, together with the scrubbers.
 * Return: 0, -ENOMEM, or -EINTR if a signal kills the caller. On failure the caller
 * gets no folio.
 */
int vpool_take_folios(struct vpool_store *store, struct vpool_policy *policy,
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
			    GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!take.plan)
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory to plan a commit");
	if (vpool_take_plan(&take, nr) ||
	    (vpool_store_recheck(store) && vpool_take_plan(&take, nr)))
		err = vpool_take_all(&take, folios);
	else
		err = -ENOMEM;
	kfree(take.plan);
	if (!err)
		vpool_stat_inc(store->stat, VPOOL_STAT_ALLOCS);
	else if (err == -EINTR)
		vpool_err(extack, err, VPOOL_CODE_INTERRUPTED,
			  "the commit was interrupted while memory was being zeroed");
	else
		vpool_take_short(store, policy,
				 vpool_take_available(store, policy), nr,
				 extack);
	return err;
}
