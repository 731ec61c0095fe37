// SPDX-License-Identifier: GPL-2.0
/*
 * Change the memory and the CPUs of a pool while the pool is in use.
 *
 * One call may grow some nodes and shrink others. It has three steps:
 *
 * 1. Gather new memory from the host on a private list.
 * 2. Under the pool's lock, reserve the folios that will go back to the host and
 *    take the new CPUs: both or none.
 * 3. Publish the new memory and release the old. This step cannot fail.
 *
 * Two resizes are serialized by vpool_pool.resizing. A resize and a destroy are
 * ordered by the pool's lock and state: if the destroy comes first, the resize gives
 * up at step 2 or before; otherwise the destroy waits until the resize has ended. A
 * resize and the commit of a region compete for the reservations of the store.
 */
#include <linux/jiffies.h>
#include <linux/nodemask.h>
#include <linux/slab.h>

#include "audit.h"
#include "cpu_claim.h"
#include "dedicate.h"
#include "enforce.h"
#include "host.h"
#include "pool.h"
#include "registry.h"
#include "reserve.h"
#include "resize.h"
#include "spec.h"
#include "trace.h"

/**
 * struct vpool_plan - changes of a resize, in bytes
 * @grow: memory to gather from each node, indexed by node id
 * @shrink: memory to give back to each node, indexed by node id
 * @grow_any: memory to gather from any node
 * @total: memory of the pool after the resize
 */
struct vpool_plan {
	u64 *grow;
	u64 *shrink;
	u64 grow_any;
	u64 total;
};

static int vpool_plan_init(struct vpool_plan *plan, struct vpool_extack *extack)
{
	memset(plan, 0, sizeof(*plan));
	plan->grow = kcalloc(nr_node_ids, sizeof(u64), GFP_KERNEL);
	plan->shrink = kcalloc(nr_node_ids, sizeof(u64), GFP_KERNEL);
	if (plan->grow && plan->shrink)
		return 0;
	return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
			 "no kernel memory to plan a resize");
}

static void vpool_plan_exit(struct vpool_plan *plan)
{
	kfree(plan->grow);
	kfree(plan->shrink);
}

/* Always take from the node with the most free memory. */
static void vpool_plan_shrink_any(struct vpool_plan *plan,
				  struct vpool_pool *pool, u64 bytes)
{
	while (bytes) {
		u64 most = 0, left, take;
		int nid, from = first_memory_node;

		for_each_node_state(nid, N_MEMORY) {
			struct vpool_usage usage;

			vpool_store_node_usage(&pool->store, nid, &usage);
			left = usage.free - min(usage.free, plan->shrink[nid]);
			if (left > most) {
				most = left;
				from = nid;
			}
		}
		/* If no node has any, the reservation of the first fails. */
		take = most ? min(bytes, most) : bytes;
		plan->shrink[from] += take;
		bytes -= take;
	}
}

static void vpool_plan_any(struct vpool_plan *plan, struct vpool_pool *pool,
			   u64 target)
{
	struct vpool_usage usage;

	vpool_store_usage(&pool->store, &usage);
	plan->total = target;
	if (target > usage.total)
		plan->grow_any = target - usage.total;
	else
		vpool_plan_shrink_any(plan, pool, usage.total - target);
}

static void vpool_plan_node(struct vpool_plan *plan, struct vpool_pool *pool,
			    int nid, u64 target)
{
	struct vpool_usage usage;

	vpool_store_node_usage(&pool->store, nid, &usage);
	plan->total += target - usage.total;
	if (target > usage.total)
		plan->grow[nid] = target - usage.total;
	else
		plan->shrink[nid] = usage.total - target;
}

static int vpool_plan_nodes(struct vpool_plan *plan, struct vpool_pool *pool,
			    const struct vpool_request *request,
			    struct vpool_extack *extack)
{
	nodemask_t seen = NODE_MASK_NONE;
	const struct vpool_mem *mem;
	struct vpool_usage usage;

	vpool_store_usage(&pool->store, &usage);
	plan->total = usage.total;
	for (mem = request->mem; mem < request->mem + request->nr_mem; mem++) {
		if (mem->node == VPOOL_ANY_NODE)
			return vpool_err(extack, -EINVAL,
					 VPOOL_CODE_NODE_TOTAL_MIXED,
					 "a total over all nodes cannot be mixed with other requests");
		if (node_test_and_set(mem->node, seen))
			return vpool_err(extack, -EINVAL, VPOOL_CODE_NODE_TWICE,
					 "node %d is named twice", mem->node);
		vpool_plan_node(plan, pool, mem->node, mem->bytes);
	}
	return 0;
}

static int vpool_plan_make(struct vpool_plan *plan, struct vpool_pool *pool,
			   const struct vpool_request *request,
			   struct vpool_extack *extack)
{
	int err = 0;

	if (request->nr_mem == 1 && request->mem->node == VPOOL_ANY_NODE)
		vpool_plan_any(plan, pool, request->mem->bytes);
	else
		err = vpool_plan_nodes(plan, pool, request, extack);
	if (err)
		return err;
	if (!plan->total && !vpool_cpus_any(&pool->cpus))
		return vpool_err(extack, -EINVAL, VPOOL_CODE_POOL_NEEDS_MEMORY,
				 "pool '%s' has no CPUs, so it needs memory",
				 pool->name);
	return 0;
}

static u64 vpool_plan_growth(const struct vpool_plan *plan)
{
	u64 sum = plan->grow_any;
	int nid;

	for_each_node_state(nid, N_MEMORY)
		sum += plan->grow[nid];
	return sum;
}

/* Check the growth of each node, then the sum of all. */
static int vpool_plan_check_mem(const struct vpool_plan *plan,
				struct vpool_extack *extack)
{
	int nid, err;

	for_each_node_state(nid, N_MEMORY) {
		if (!plan->grow[nid])
			continue;
		err = vpool_host_can_spare(nid, plan->grow[nid], extack);
		if (err)
			return err;
	}
	return vpool_host_can_spare(VPOOL_ANY_NODE, vpool_plan_growth(plan),
				    extack);
}

static bool vpool_resize_cancelled(struct vpool_store *store)
{
	struct vpool_pool *pool = container_of(store, struct vpool_pool,
					       store);

	return READ_ONCE(pool->state) == VPOOL_STATE_DESTROYING;
}

static int vpool_plan_gather(const struct vpool_plan *plan,
			     struct vpool_gather *gather,
			     struct vpool_extack *extack)
{
	int nid, err = 0;

	for_each_node_state(nid, N_MEMORY) {
		if (!plan->grow[nid])
			continue;
		err = vpool_gather_memory(gather, nid, plan->grow[nid], extack);
		if (err)
			return err;
	}
	if (plan->grow_any)
		err = vpool_gather_memory(gather, VPOOL_ANY_NODE,
					  plan->grow_any, extack);
	return err;
}

static int vpool_plan_check_cpus(const struct vpool_request *request,
				 struct vpool_pool *pool, bool dry_run,
				 struct vpool_extack *extack)
{
	const struct cpumask *wanted = request->cpus.mask;
	int err;

	if (!wanted)
		return 0;
	err = vpool_dedicate_check_resize(&pool->members, wanted, extack);
	if (err)
		return err;
	return vpool_cpus_resize_begin(&pool->cpus, wanted, &request->rules,
				       dry_run, extack);
}

/* Take the CPUs and reserve the memory to release: both or none. */
static int vpool_plan_take(const struct vpool_plan *plan,
			   const struct vpool_request *request,
			   struct vpool_pool *pool, struct vpool_extack *extack)
{
	int err = vpool_plan_check_cpus(request, pool, false, extack);

	if (err)
		return err;
	err = vpool_store_reserve(&pool->store, plan->shrink, extack);
	if (!request->cpus.mask)
		return err;
	if (!err) {
		vpool_cpus_resize_set(&pool->cpus, request->cpus.mask);
		vpool_members_sync_now(&pool->members);
	}
	vpool_cpus_resize_end(&pool->cpus);
	return err;
}

/* The caller holds @pool->resizing, so no other task changes the limits. */
static void vpool_resize_limits(struct vpool_pool *pool,
				const struct vpool_limit_change *change)
{
	struct vpool_limits limits;

	lockdep_assert_held(&pool->resizing);
	vpool_budget_get_limits(&pool->budget, &limits);
	if (change->flags & VPOOL_RESIZE_USER_BYTES)
		limits.bytes = change->limits.bytes;
	if (change->flags & VPOOL_RESIZE_USER_REGIONS)
		limits.regions = change->limits.regions;
	if (change->flags & VPOOL_RESIZE_USER_MEMBERS)
		limits.members = change->limits.members;
	vpool_budget_set_limits(&pool->budget, &limits);
}

/* Once this has succeeded, no later step of the resize can fail. */
static int vpool_plan_hold(const struct vpool_plan *plan,
			   const struct vpool_request *request,
			   struct vpool_pool *pool, struct vpool_extack *extack)
{
	int err;

	mutex_lock(&pool->lock);
	if (pool->state == VPOOL_STATE_DESTROYING)
		err = vpool_err(extack, -ENXIO, VPOOL_CODE_POOL_DESTROYED,
				"pool '%s' has been destroyed", pool->name);
	else
		err = vpool_plan_take(plan, request, pool, extack);
	if (!err && request->limits)
		vpool_resize_limits(pool, request->limits);
	mutex_unlock(&pool->lock);
	return err;
}

static int vpool_plan_execute(const struct vpool_plan *plan,
			      const struct vpool_request *request,
			      struct vpool_pool *pool,
			      struct vpool_extack *extack)
{
	struct vpool_gather gather = {
		.store = &pool->store,
		.folios = LIST_HEAD_INIT(gather.folios),
		.cpus = request->cpus.mask ?: pool->cpus.assigned,
		.timeout = msecs_to_jiffies(request->timeout_ms),
		.cancelled = vpool_resize_cancelled,
	};
	struct vpool_usage usage;
	int err;

	vpool_store_set_target(&pool->store, plan->total);
	err = vpool_plan_gather(plan, &gather, extack);
	if (!err)
		err = vpool_plan_hold(plan, request, pool, extack);
	if (err) {
		vpool_gather_discard(&gather);
		vpool_store_usage(&pool->store, &usage);
		vpool_store_set_target(&pool->store, usage.total);
		return err;
	}
	vpool_gather_publish(&gather);
	vpool_store_shrink(&pool->store, plan->shrink);
	return 0;
}

static int vpool_resize_locked(struct vpool_pool *pool,
			       const struct vpool_request *request, u64 *bytes,
			       struct vpool_extack *extack)
{
	struct vpool_plan plan;
	int err;

	lockdep_assert_held(&pool->resizing);
	if (READ_ONCE(pool->state) == VPOOL_STATE_CREATING ||
	    READ_ONCE(pool->state) == VPOOL_STATE_DESTROYING)
		return vpool_err(extack, -EBUSY, VPOOL_CODE_POOL_TRANSIENT,
				 "pool '%s' is %s", pool->name,
				 vpool_state_name(pool->state));
	err = vpool_plan_init(&plan, extack);
	if (!err)
		err = vpool_plan_make(&plan, pool, request, extack);
	/* Refuse wrong CPUs before gathering memory, which takes long. */
	if (!err)
		err = vpool_plan_check_cpus(request, pool, true, extack);
	if (!err && request->dry_run)
		err = vpool_plan_check_mem(&plan, extack);
	else if (!err)
		err = vpool_plan_execute(&plan, request, pool, extack);
	*bytes = plan.total;
	vpool_plan_exit(&plan);
	return err;
}

/**
 * vpool_pool_resize - change the memory and the CPUs of a pool
 * @name: VPOOL_NAME_SIZE bytes from userspace
 * @request: new totals, and the new CPUs as a mask; the memory requests are rounded
 *	up. Nodes without a request, and the CPUs if there is no mask, stay as they
 *	are
 * @bytes: set to the memory of the pool after the resize, in bytes
 * @extack: message of a failed call, or NULL
 *
 * Context: sleeps; holds the pool's resizing mutex throughout.
 * Return: 0, or a negative errno as the UAPI describes with nothing changed.
 */
int vpool_pool_resize(const char *name, struct vpool_request *request,
		      u64 *bytes, struct vpool_extack *extack)
{
	struct vpool_pool *pool = vpool_pool_find(name, extack);
	struct vpool_usage usage;
	u64 requested;
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	vpool_store_usage(&pool->store, &usage);
	err = vpool_spec_check_mem(request, pool->store.order, usage.total,
				   &requested, extack);
	if (!err && request->limits)
		err = vpool_spec_check_limits(&request->limits->limits,
					      pool->store.order, extack);
	if (err)
		goto put_pool;
	if (mutex_lock_interruptible(&pool->resizing)) {
		err = vpool_err(extack, -EINTR, VPOOL_CODE_INTERRUPTED,
				"the call was interrupted while it waited for another resize of pool '%s'",
				pool->name);
		goto put_pool;
	}
	err = vpool_resize_locked(pool, request, bytes, extack);
	mutex_unlock(&pool->resizing);
	if (!request->dry_run)
		trace_vpool_resize(pool->name, *bytes, err);
put_pool:
	if (!request->dry_run)
		vpool_audit("resize", pool->name, err);
	vpool_pool_put(pool);
	return err;
}
