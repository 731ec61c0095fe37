// SPDX-License-Identifier: GPL-2.0
/*
 * Taking memory from the host for a store.
 *
 * "Reserve" has two meanings in vpool. This file reserves memory of the host for a pool:
 * it gathers folios that the host owns. The nr_reserved folios of a store belong to the
 * store already; they are reserved for a taker or a shrink, see store.c.
 *
 * A call that creates or grows a pool first gathers all folios on a private list. Then
 * it publishes the list to the store or discards it, so a pool gets all the memory that
 * the caller has requested, or none.
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/topology.h>
#include <linux/vpool.h>

#include "folio.h"
#include "host.h"
#include "reserve.h"
#include "store.h"

static void vpool_gather_add(struct vpool_gather *gather, struct folio *folio)
{
	struct vpool_store *store = gather->store;

	vpool_folio_unmanage(folio);

	spin_lock(&store->lock);
	vpool_folio_set_state(folio, &store->node[folio_nid(folio)],
			      VPOOL_FOLIO_GATHERED);
	list_add_tail(&folio->lru, &gather->folios);
	store->gathered++;
	spin_unlock(&store->lock);
}

/* Fail at once if the request exceeds all memory of the node. */
static int vpool_gather_check_node(int nid, u64 bytes,
				   struct vpool_extack *extack)
{
	u64 present;

	if (nid == VPOOL_ANY_NODE)
		return 0;
	present = (u64)node_present_pages(nid) << PAGE_SHIFT;
	if (bytes <= present)
		return 0;
	return vpool_err(extack, -ENOMEM, VPOOL_CODE_MEM_NODE_SHORT,
			 "node %d has %s in total, but %s requested", nid,
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

/* Gather one folio. Only the slow path and its waits count towards the timeout. */
static int vpool_gather_one(struct vpool_gather *gather,
			    struct vpool_host_walk *walk)
{
	struct folio *folio;
	int err;

	while (!(folio = vpool_host_take(walk))) {
		if (!gather->timeout)
			return -ENOMEM;
		err = vpool_gather_stopped(gather);
		if (err)
			return err;
		if (walk->spent >= gather->timeout)
			return -ETIME;
		vpool_host_wait(walk);
	}
	vpool_gather_add(gather, folio);
	return 0;
}

static const char *vpool_gather_prefix(int err)
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
	u64 unmovable = walk->fixed * page_size;
	enum vpool_code code = err == -EINTR ? VPOOL_CODE_INTERRUPTED :
		VPOOL_CODE_MEM_FRAGMENTED;
	char node[32] = "the host", fixed[80] = "";

	if (err == -ENXIO)
		return vpool_err(extack, err, VPOOL_CODE_POOL_DESTROYED,
				 "pool '%s' has been destroyed",
				 gather->store->name);
	if (!walk->any)
		snprintf(node, sizeof(node), "node %d", walk->nid);
	/* @unmovable includes the folios that this call has gathered. */
	if (unmovable > got)
		snprintf(fixed, sizeof(fixed),
			 "; %s is in blocks with pages that cannot be moved",
			 vpool_size(unmovable - got).s);
	return vpool_err(extack, err, code,
			 "%s%s yielded %s in free blocks, but %s requested%s",
			 vpool_gather_prefix(err), node, vpool_size(got).s,
			 vpool_size(bytes).s, fixed);
}

/*
 * Choose the node of the next folios: the nodes of the pool's CPUs in turn, or @most,
 * the node that could spare the most memory at the start.
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

/* Check the host's floor before each piece of PMD_SIZE, or each larger folio. */
static int vpool_gather_check(const struct vpool_gather *gather,
			      struct vpool_host_walk *walk, int near, u64 left,
			      struct vpool_extack *extack)
{
	u64 piece = max_t(u64, PMD_SIZE, vpool_store_page_size(gather->store));
	int err;

	if (!walk->any)
		return vpool_host_can_spare(walk->nid, left, extack);
	err = vpool_host_can_spare(VPOOL_ANY_NODE, left, extack);
	if (err)
		return err;
	return vpool_host_walk_steer(walk, near, min(left, piece), extack);
}

/**
 * vpool_gather_memory - take memory from the host
 * @gather: destination and timeout; the folios are added to its list
 * @nid: NUMA node id that the memory must come from, or VPOOL_ANY_NODE
 * @bytes: amount, a multiple of the store's page size
 * @extack: message of a failed call, or NULL
 *
 * The caller must call vpool_gather_publish() or vpool_gather_discard() next, even if
 * this fails.
 *
 * Context: sleeps, for at most the timeout of @gather if memory is short.
 * Return: 0, -ENOMEM, -EINTR, -ETIME, or -ENXIO if @cancelled of @gather returns true.
 */
int vpool_gather_memory(struct vpool_gather *gather, int nid, u64 bytes,
			struct vpool_extack *extack)
{
	u64 got, page_size = vpool_store_page_size(gather->store);
	int err = vpool_gather_check_node(nid, bytes, extack);
	struct vpool_host_walk walk;
	int cpu = -1, most, near;

	if (err)
		return err;
	vpool_host_walk_init(&walk, gather->store->order, nid,
			     gather->timeout);
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
	/* Leave at least one jiffy: 0 would switch the slow path off. */
	if (gather->timeout)
		gather->timeout -= min(walk.spent, gather->timeout - 1);
	return 0;
}

/**
 * vpool_gather_publish - move the gathered folios into the store
 * @gather: its list is empty afterwards
 *
 * Context: may sleep.
 */
void vpool_gather_publish(struct vpool_gather *gather)
{
	/* With init_on_alloc the page allocator has already zeroed the folios. */
	vpool_store_add(gather->store, &gather->folios,
			want_init_on_alloc(GFP_HIGHUSER));
}

/**
 * vpool_gather_discard - give the gathered folios back to the host
 * @gather: its list is empty afterwards
 *
 * Context: sleeps.
 */
void vpool_gather_discard(struct vpool_gather *gather)
{
	struct vpool_store *store = gather->store;

	spin_lock(&store->lock);
	store->gathered = 0;
	spin_unlock(&store->lock);
	vpool_folio_free_list(&gather->folios, false);
}
