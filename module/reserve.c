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
 *
 * The call has two stages:
 *
 * 1. Free memory. The page allocator zeroes it (init_on_alloc), which takes nearly all
 *    of the time, so the task has helpers for a large request. Each thread claims one
 *    piece after another. It checks the host's floor when it claims, never reclaims
 *    memory, and keeps to the cpuset of the task. The stage does not fail. It ends early
 *    if a thread finds no free memory, or if the host reaches its floor, the task gets a
 *    signal or the pool is destroyed.
 * 2. The rest. The task alone gathers it, and alone decides whether the call fails.
 *    Reclaim counts towards its timeout. Emptying blocks is not done in parallel: the
 *    kernel cannot empty two adjacent blocks at the same time (vpool_scan_lock).
 *
 * Races in the first stage: a piece belongs to the thread that has claimed it, under
 * vpool_gather_call.lock, until it settles the piece. A folio is on the thread's own
 * list until the thread adds it to the call's list, under vpool_store.lock. Two calls
 * share only the host's memory and the time of the helpers. If two threads check
 * the floor at the same moment, they can together go below it by the pieces that they
 * then claim.
 */
#include <linux/cpumask.h>
#include <linux/cpuset.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/topology.h>
#include <linux/vpool.h>

#include "folio.h"
#include "helpers.h"
#include "host.h"
#include "reserve.h"
#include "store.h"

/* Memory for which one more helper is worth its start, if the allocator zeroes it. */
#define VPOOL_HELP_BYTES (32ULL << 20)
/* Likewise the number of folios, if the allocator does not zero them. */
#define VPOOL_HELP_FOLIOS 4096

/**
 * struct vpool_gather_call - one call of vpool_gather_memory()
 * @helpers: helpers of the call
 * @gather: destination of the memory
 * @nid: NUMA node id that the memory must come from, or VPOOL_ANY_NODE
 * @caller: task that makes the call
 * @lock: guards the fields below while helpers exist. A leaf
 * @mems: nodes that the cpuset of @caller allows
 * @todo: bytes that no thread has claimed yet, for each node that they should come from
 * @last: node of the piece claimed last
 * @claimed: sum of the pieces that threads are gathering, in bytes
 * @left: bytes not gathered yet: the sum of @todo, and the rest of the pieces
 * @stop: no thread may claim another piece
 */
struct vpool_gather_call {
	struct vpool_helpers helpers;
	struct vpool_gather *gather;
	int nid;
	struct task_struct *caller;
	spinlock_t lock;	/* the fields below */
	nodemask_t mems;
	u64 *todo;
	int last;
	u64 claimed;
	u64 left;
	bool stop;
};

/* Add at most VPOOL_STORE_BATCH folios, which the host has just yielded. */
static void vpool_gather_add(struct vpool_gather *gather,
			     struct list_head *folios)
{
	struct vpool_store *store = gather->store;
	struct folio *folio;

	list_for_each_entry(folio, folios, lru)
		vpool_folio_unmanage(folio);

	spin_lock(&store->lock);
	list_for_each_entry(folio, folios, lru) {
		vpool_folio_set_state(folio, &store->node[folio_nid(folio)],
				      VPOOL_FOLIO_GATHERED);
		store->gathered++;
	}
	list_splice_tail_init(folios, &gather->folios);
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
	LIST_HEAD(folios);
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
	list_add(&folio->lru, &folios);
	vpool_gather_add(gather, &folios);
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
	char node[32] = "the host", fixed[80] = "", block[64] = "";

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
	if (page_size > PMD_SIZE)
		snprintf(block, sizeof(block), "; the largest free block has %s",
			 vpool_size(vpool_host_free_block(walk)).s);
	return vpool_err(extack, err, code,
			 "%s%s yielded %s in free blocks, but %s requested%s%s",
			 vpool_gather_prefix(err), node, vpool_size(got).s,
			 vpool_size(bytes).s, block, fixed);
}

/* The floor of the host is checked before each piece. */
static u64 vpool_gather_piece(const struct vpool_gather *gather)
{
	return max_t(u64, PMD_SIZE, vpool_store_page_size(gather->store));
}

/* Share @bytes among the nodes of the pool's CPUs: each CPU counts the same. */
static void vpool_gather_share(struct vpool_gather_call *call, u64 bytes)
{
	const struct cpumask *cpus = call->gather->cpus;
	u64 piece = vpool_gather_piece(call->gather), pieces = bytes / piece;
	unsigned int nr = cpumask_weight(cpus), extra = pieces % nr, i = 0;
	int cpu;

	for_each_cpu(cpu, cpus) {
		u64 *todo = &call->todo[cpu_to_mem(cpu)];

		*todo += (pieces / nr + (i < extra)) * piece;
		if (i++ == extra)
			*todo += bytes % piece;
	}
}

static int vpool_gather_call_init(struct vpool_gather_call *call,
				  struct vpool_gather *gather, int nid,
				  u64 bytes, struct vpool_extack *extack)
{
	memset(call, 0, sizeof(*call));
	call->gather = gather;
	call->nid = nid;
	call->caller = current;
	spin_lock_init(&call->lock);
	call->last = nr_node_ids - 1;
	call->left = bytes;
	call->todo = kcalloc(nr_node_ids, sizeof(*call->todo), GFP_KERNEL);
	if (!call->todo)
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory to reserve memory");
	if (nid != VPOOL_ANY_NODE)
		call->todo[nid] = bytes;
	else if (gather->cpus && !cpumask_empty(gather->cpus))
		vpool_gather_share(call, bytes);
	else
		call->todo[vpool_host_node_most()] = bytes;
	return 0;
}

/* Choose a node with a share that is left: @near if it has one, or the next. */
static int vpool_gather_node(struct vpool_gather_call *call, int near)
{
	unsigned int i;

	if (near != NUMA_NO_NODE && call->todo[near])
		return near;
	for (i = 0; i < nr_node_ids; i++) {
		call->last = (call->last + 1) % nr_node_ids;
		if (call->todo[call->last])
			return call->last;
	}
	return NUMA_NO_NODE;
}

/*
 * Check the host's floor before @piece bytes of node @near. Other threads may have taken
 * what they have claimed, or not. The sum for the host does not count it, so that it is
 * never counted twice. The sum for a node counts it, so that all threads together leave
 * the node its part.
 */
static int vpool_gather_check(const struct vpool_gather_call *call,
			      struct vpool_host_walk *walk, int near, u64 piece,
			      struct vpool_extack *extack)
{
	u64 todo = call->left - call->claimed;
	int err;

	if (!walk->any)
		return vpool_host_can_spare(walk->nid, todo, extack);
	err = vpool_host_can_spare(VPOOL_ANY_NODE, todo, extack);
	if (err)
		return err;
	return vpool_host_walk_steer(walk, near, call->claimed + piece, extack);
}

/* Claim a piece, of node @near if possible. Return its node, or NUMA_NO_NODE. */
static int vpool_gather_claim(struct vpool_gather_call *call, int near,
			      u64 *piece)
{
	int nid = vpool_gather_node(call, near);

	if (nid == NUMA_NO_NODE)
		return nid;
	*piece = min(call->todo[nid], vpool_gather_piece(call->gather));
	call->todo[nid] -= *piece;
	return nid;
}

/* Claim a piece beside other threads, unless the host has reached its floor. */
static int vpool_gather_claim_shared(struct vpool_gather_call *call, int near,
				     struct vpool_host_walk *walk, u64 *piece)
{
	int nid = NUMA_NO_NODE;

	spin_lock(&call->lock);
	if (!call->stop)
		nid = vpool_gather_claim(call, near, piece);
	if (nid == NUMA_NO_NODE)
		goto unlock;
	if (vpool_gather_check(call, walk, nid, *piece, NULL)) {
		call->todo[nid] += *piece;
		WRITE_ONCE(call->stop, true);
		nid = NUMA_NO_NODE;
	} else {
		call->claimed += *piece;
		nodes_and(walk->allowed, walk->allowed, call->mems);
	}
unlock:
	spin_unlock(&call->lock);
	return nid;
}

/* End a piece. If memory was short, the task must gather the rest. */
static void vpool_gather_settle(struct vpool_gather_call *call, int nid,
				u64 piece, u64 got)
{
	spin_lock(&call->lock);
	call->claimed -= piece;
	call->left -= got;
	if (got < piece) {
		call->todo[nid] += piece - got;
		WRITE_ONCE(call->stop, true);
	}
	spin_unlock(&call->lock);
}

/* Gather a piece from free memory. Return how much of it there was, in bytes. */
static u64 vpool_gather_free(struct vpool_gather_call *call,
			     struct vpool_host_walk *walk, u64 piece)
{
	u64 got, page_size = vpool_store_page_size(call->gather->store);
	unsigned int nr = 0;
	struct folio *folio;
	LIST_HEAD(folios);

	for (got = 0; got < piece && !READ_ONCE(call->stop); got += page_size) {
		folio = vpool_host_take_free(walk);
		if (!folio)
			break;
		list_add_tail(&folio->lru, &folios);
		if (!(++nr % VPOOL_STORE_BATCH))
			vpool_gather_add(call->gather, &folios);
	}
	vpool_gather_add(call->gather, &folios);
	return got;
}

/*
 * Read what only the calling task can: its signals, and the memory nodes of its cpuset.
 * A helper is not in that cpuset, but must not take other memory.
 */
static void vpool_gather_update(struct vpool_gather_call *call)
{
	bool stop = vpool_gather_stopped(call->gather);
	nodemask_t mems;

	task_lock(current);
	mems = cpuset_current_mems_allowed;
	task_unlock(current);
	stop |= call->nid != VPOOL_ANY_NODE && !node_isset(call->nid, mems);

	spin_lock(&call->lock);
	call->mems = mems;
	if (stop)
		WRITE_ONCE(call->stop, true);
	spin_unlock(&call->lock);
}

static bool vpool_gather_step(struct vpool_helpers *helpers, int near)
{
	struct vpool_gather_call *call =
		container_of(helpers, struct vpool_gather_call, helpers);
	struct vpool_host_walk walk;
	u64 piece, got;
	int nid;

	if (current == call->caller)
		vpool_gather_update(call);
	vpool_host_walk_init(&walk, call->gather->store->order, call->nid,
			     true);
	nid = vpool_gather_claim_shared(call, near, &walk, &piece);
	if (nid == NUMA_NO_NODE)
		return false;
	got = vpool_gather_free(call, &walk, piece);
	vpool_gather_settle(call, nid, piece, got);
	return true;
}

/* Amount of memory for which one more helper is worth its start. */
static u64 vpool_gather_worth(const struct vpool_store *store)
{
	if (want_init_on_alloc(GFP_HIGHUSER))
		return VPOOL_HELP_BYTES;
	return max_t(u64, VPOOL_HELP_BYTES,
		     VPOOL_HELP_FOLIOS * vpool_store_page_size(store));
}

/*
 * Gather free memory, with helpers if there is much to gather. Whatever ends this early
 * is left to vpool_gather_rest(), which tries again and fails with the reason.
 */
static void vpool_gather_together(struct vpool_gather_call *call)
{
	struct vpool_store *store = call->gather->store;
	u64 worth = vpool_gather_worth(store), todo;
	int nid;

	/* The page allocator has no larger folios. */
	if (call->left < worth || vpool_store_page_size(store) > PMD_SIZE)
		return;
	vpool_helpers_init(&call->helpers, store->node->scrub.cpus,
			   vpool_gather_step);
	vpool_gather_update(call);
	for_each_node_state(nid, N_MEMORY) {
		spin_lock(&call->lock);
		todo = call->stop ? 0 : call->todo[nid];
		spin_unlock(&call->lock);
		vpool_helpers_queue(&call->helpers, nid, todo / worth);
	}
	vpool_helpers_finish(&call->helpers);
}

/* Gather what free memory did not yield, in this task only. */
static int vpool_gather_rest(struct vpool_gather_call *call, u64 bytes,
			     struct vpool_host_walk *walk,
			     struct vpool_extack *extack)
{
	struct vpool_gather *gather = call->gather;
	u64 page_size = vpool_store_page_size(gather->store), piece = 0;
	int nid, err;

	for (; call->left; call->left -= page_size, piece -= page_size) {
		if (!piece) {
			nid = vpool_gather_claim(call, NUMA_NO_NODE, &piece);
			err = vpool_gather_check(call, walk, nid, piece,
						 extack);
			if (err)
				return err;
		}
		err = vpool_gather_stopped(gather) ?:
			vpool_gather_one(gather, walk);
		if (err)
			return vpool_gather_failed(gather, err, walk,
						   bytes - call->left, bytes,
						   extack);
		cond_resched();
	}
	return 0;
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
	int err = vpool_gather_check_node(nid, bytes, extack);
	struct vpool_gather_call call;
	struct vpool_host_walk walk;

	if (!err)
		err = vpool_gather_call_init(&call, gather, nid, bytes, extack);
	if (err)
		return err;
	vpool_gather_together(&call);
	vpool_host_walk_init(&walk, gather->store->order, nid,
			     gather->timeout);
	err = vpool_gather_rest(&call, bytes, &walk, extack);
	kfree(call.todo);
	/* Leave at least one jiffy: 0 would switch the slow path off. */
	if (!err && gather->timeout)
		gather->timeout -= min(walk.spent, gather->timeout - 1);
	return err;
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
