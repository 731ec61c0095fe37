// SPDX-License-Identifier: GPL-2.0
/*
 * Changing how much memory and which CPUs a pool has, while it is in use.
 *
 * One call may let some nodes grow and others shrink. What is to come is gathered
 * first, beside the pool; then, in one step under the pool's lock, what is to go
 * is promised to the host, and CPUs that are to come are taken; only then does
 * anything change, and nothing of that can fail.
 *
 * Who can race with whom: two resizes, by pool->resizing. A resize and a destroy,
 * by pool->lock and the state: a destroy that comes first makes the resize give
 * up, one that comes later waits until the resize has ended. A resize and those
 * who commit regions, by the store's promises.
 */
#include <linux/bitmap.h>
#include <linux/jiffies.h>
#include <linux/nodemask.h>
#include <linux/slab.h>

#include "audit.h"
#include "dedicate.h"
#include "host.h"
#include "pool.h"
#include "reserve.h"
#include "trace.h"

/**
 * struct vpool_plan - what is to change, in bytes
 * @grow: of each node id
 * @shrink: of each node id
 * @grow_any: from any node
 * @total: of the pool after that
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

/* Takes from the node that has most to give, again and again. */
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
		/* If nobody has any, the first one's promise will tell. */
		take = most ? min(bytes, most) : bytes;
		plan->shrink[from] += take;
		bytes -= take;
	}
}

static int vpool_plan_any(struct vpool_plan *plan, struct vpool_pool *pool,
			  u64 target)
{
	struct vpool_usage usage;

	vpool_store_usage(&pool->store, &usage);
	plan->total = target;
	if (target > usage.total)
		plan->grow_any = target - usage.total;
	else
		vpool_plan_shrink_any(plan, pool, usage.total - target);
	return 0;
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
			    const struct vpool_mem *mem, u32 nr_mem,
			    struct vpool_extack *extack)
{
	nodemask_t seen = NODE_MASK_NONE;
	struct vpool_usage usage;
	u32 i;

	vpool_store_usage(&pool->store, &usage);
	plan->total = usage.total;
	for (i = 0; i < nr_mem; i++) {
		if (mem[i].node == VPOOL_ANY_NODE)
			return vpool_err(extack, -EINVAL,
					 VPOOL_CODE_NODE_TOTAL_MIXED,
					 "a total over all nodes cannot be mixed with other requests");
		if (node_test_and_set(mem[i].node, seen))
			return vpool_err(extack, -EINVAL, VPOOL_CODE_NODE_TWICE,
					 "node %d is named twice", mem[i].node);
		vpool_plan_node(plan, pool, mem[i].node, mem[i].bytes);
	}
	return 0;
}

static int vpool_plan_make(struct vpool_plan *plan, struct vpool_pool *pool,
			   const struct vpool_mem *mem, u32 nr_mem,
			   struct vpool_extack *extack)
{
	int err;

	if (nr_mem == 1 && mem->node == VPOOL_ANY_NODE)
		err = vpool_plan_any(plan, pool, mem->bytes);
	else
		err = vpool_plan_nodes(plan, pool, mem, nr_mem, extack);
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

/* Each node for itself, then all together. */
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

static int vpool_plan_check_cpus(const struct vpool_resize_spec *spec,
				 struct vpool_pool *pool, bool dry_run,
				 struct vpool_extack *extack)
{
	int err;

	if (!spec->cpus)
		return 0;
	err = vpool_dedicated_check(&pool->members, spec->cpus, extack);
	return err
		       ?: vpool_cpus_resize_begin(&pool->cpus, spec->cpus,
						  &spec->rules, dry_run,
						  extack);
}

/* CPUs and promises: both or none. */
static int vpool_plan_take(const struct vpool_plan *plan,
			   const struct vpool_resize_spec *spec,
			   struct vpool_pool *pool, struct vpool_extack *extack)
{
	int err = vpool_plan_check_cpus(spec, pool, false, extack);

	if (err)
		return err;
	err = vpool_store_reserve(&pool->store, plan->shrink, extack);
	if (!spec->cpus)
		return err;
	if (!err) {
		vpool_cpus_resize_set(&pool->cpus, spec->cpus);
		vpool_members_sync_now(&pool->members);
	}
	vpool_cpus_resize_end(&pool->cpus);
	return err;
}

/* The step after which nothing can fail. */
static int vpool_plan_hold(const struct vpool_plan *plan,
			   const struct vpool_resize_spec *spec,
			   struct vpool_pool *pool, struct vpool_extack *extack)
{
	int err;

	mutex_lock(&pool->lock);
	if (pool->state == VPOOL_STATE_DESTROYING)
		err = vpool_err(extack, -ENXIO, VPOOL_CODE_POOL_DESTROYED,
				"pool '%s' has been destroyed", pool->name);
	else
		err = vpool_plan_take(plan, spec, pool, extack);
	mutex_unlock(&pool->lock);
	return err;
}

static int vpool_plan_execute(const struct vpool_plan *plan,
			      const struct vpool_resize_spec *spec,
			      struct vpool_pool *pool,
			      struct vpool_extack *extack)
{
	struct vpool_gather gather = {
		.store = &pool->store,
		.folios = LIST_HEAD_INIT(gather.folios),
		.cpus = spec->cpus ?: pool->cpus.assigned,
		.timeout = msecs_to_jiffies(spec->timeout_ms),
		.cancelled = vpool_resize_cancelled,
	};
	struct vpool_usage usage;
	int err;

	vpool_store_set_target(&pool->store, plan->total);
	err = vpool_plan_gather(plan, &gather, extack)
		      ?: vpool_plan_hold(plan, spec, pool, extack);
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
			       const struct vpool_resize_spec *spec, u64 *bytes,
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
		err = vpool_plan_make(&plan, pool, spec->mem, spec->nr_mem,
				      extack);
	/* What is wrong with them is to be known before memory is gathered. */
	if (!err)
		err = vpool_plan_check_cpus(spec, pool, true, extack);
	if (!err && spec->dry_run)
		err = vpool_plan_check_mem(&plan, extack);
	else if (!err)
		err = vpool_plan_execute(&plan, spec, pool, extack);
	*bytes = plan.total;
	vpool_plan_exit(&plan);
	return err;
}

/**
 * vpool_pool_resize - change how much memory and which CPUs a pool has
 * @name: which
 * @spec: what is to change; its memory requests are rounded up
 * @bytes: set to what the pool has in all after that
 * @extack: told if it fails
 *
 * Context: sleeps; takes the pool's resizing mutex for all of that.
 * Return: 0, or an errno as the UAPI describes with nothing changed.
 */
int vpool_pool_resize(const char *name, struct vpool_resize_spec *spec,
		      u64 *bytes, struct vpool_extack *extack)
{
	struct vpool_pool *pool = vpool_pool_find(name, extack);
	struct vpool_usage usage;
	u64 asked;
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	vpool_store_usage(&pool->store, &usage);
	err = vpool_check_mems(spec->mem, spec->nr_mem, pool->store.order,
			       usage.total, &asked, extack);
	if (err)
		goto put_pool;
	if (mutex_lock_interruptible(&pool->resizing)) {
		err = vpool_err(
			extack, -EINTR, VPOOL_CODE_INTERRUPTED,
			"interrupted while another call resizes pool '%s'",
			pool->name);
		goto put_pool;
	}
	err = vpool_resize_locked(pool, spec, bytes, extack);
	mutex_unlock(&pool->resizing);
	if (!spec->dry_run)
		trace_vpool_resize(pool->name, *bytes, err);
put_pool:
	if (!spec->dry_run)
		vpool_audit("resize", pool->name, err);
	vpool_pool_put(pool);
	return err;
}
