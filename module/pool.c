// SPDX-License-Identifier: GPL-2.0
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>

#include "enforce.h"
#include "pool.h"
#include "spec.h"

const struct vpool_frontend_ops *vpool_frontend;

/* Number of allocated pools; the module is unloaded when it is 0. */
static atomic_t vpool_live = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(vpool_none_live);

/**
 * vpool_state_name - return the name of a state in sysfs
 * @state: state of a pool
 *
 * Return: one word, a constant string.
 */
const char *vpool_state_name(enum vpool_state state)
{
	static const char * const name[] = {
		[VPOOL_STATE_CREATING] = "creating",
		[VPOOL_STATE_ACTIVE] = "active",
		[VPOOL_STATE_DESTROYING] = "destroying",
		[VPOOL_STATE_DEGRADED] = "degraded",
	};

	return name[state];
}

/**
 * vpool_pool_state - read the state of a pool as userspace sees it
 * @pool: pool
 *
 * An active pool with offline CPUs is degraded. struct vpool_pool.state itself is
 * never VPOOL_STATE_DEGRADED.
 *
 * Return: the state, which may change at any time.
 */
enum vpool_state vpool_pool_state(struct vpool_pool *pool)
{
	enum vpool_state state = READ_ONCE(pool->state);

	if (state == VPOOL_STATE_ACTIVE && READ_ONCE(pool->cpus.degraded))
		return VPOOL_STATE_DEGRADED;
	return state;
}

/**
 * vpool_pool_set_state - change the state of a pool and notify userspace
 * @pool: pool with a sysfs directory
 * @state: new state
 *
 * Context: sleeps; the caller holds the pool's lock.
 */
void vpool_pool_set_state(struct vpool_pool *pool, enum vpool_state state)
{
	lockdep_assert_held(&pool->lock);
	WRITE_ONCE(pool->state, state);
	vpool_frontend->sysfs_changed(pool);
}

static void vpool_pool_release(struct kref *ref)
{
	struct vpool_pool *pool = container_of(ref, struct vpool_pool, ref);

	vpool_store_exit(&pool->store);
	vpool_members_exit(&pool->members);
	vpool_cpus_exit(&pool->cpus);
	vpool_budget_exit(&pool->budget);
	mutex_destroy(&pool->resizing);
	mutex_destroy(&pool->lock);
	kfree(pool);
	if (atomic_dec_and_test(&vpool_live))
		wake_up_all(&vpool_none_live);
}

/**
 * vpool_pool_get - take a reference
 * @pool: pool to which the caller already has a reference
 */
void vpool_pool_get(struct vpool_pool *pool)
{
	kref_get(&pool->ref);
}

/**
 * vpool_pool_put - drop a reference
 * @pool: pool; freed with its last reference, after it has been destroyed
 */
void vpool_pool_put(struct vpool_pool *pool)
{
	kref_put(&pool->ref, vpool_pool_release);
}

/**
 * vpool_pools_wait_freed - wait until all pools are freed
 *
 * Context: sleeps; all pools have been destroyed, and no pool can be created.
 */
void vpool_pools_wait_freed(void)
{
	wait_event(vpool_none_live, !atomic_read(&vpool_live));
}

/* Publish the pool's CPUs to its members. */
static void vpool_pool_publish_cpus(struct vpool_cpus *cpus, bool changed)
{
	struct vpool_pool *pool = container_of(cpus, struct vpool_pool, cpus);

	vpool_members_publish(&pool->members, cpus->assigned, cpus->usable,
			      cpus->all_offline);
	/* A pool that has CPUs also has its sysfs directory. */
	if (changed)
		vpool_frontend->sysfs_changed(pool);
}

static void vpool_pool_dedicated(const struct vpool_cpus *cpus,
				 struct cpumask *mask)
{
	struct vpool_pool *pool = container_of(cpus, struct vpool_pool, cpus);

	vpool_members_dedicated(&pool->members, mask);
}

/**
 * vpool_pool_alloc - allocate a pool without memory, CPUs and members
 * @spec: checked description of the pool
 *
 * Context: sleeps.
 * Return: the pool, in state creating and with one reference, or NULL.
 */
struct vpool_pool *vpool_pool_alloc(const struct vpool_spec *spec)
{
	struct vpool_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	strscpy(pool->name, spec->name, sizeof(pool->name));
	if (vpool_cpus_init(&pool->cpus, pool->name))
		goto free_pool;
	if (vpool_members_init(&pool->members, pool->name, &pool->stat,
			       vpool_enforce))
		goto exit_cpus;
	if (vpool_store_init(&pool->store, pool->name, &pool->cpus,
			     spec->order, &pool->stat))
		goto exit_members;
	vpool_budget_init(&pool->budget, pool->name, PAGE_SHIFT + spec->order,
			  &spec->limits, &pool->stat);
	pool->members.budget = &pool->budget;
	pool->cpus.publish = vpool_pool_publish_cpus;
	pool->cpus.dedicated = vpool_pool_dedicated;
	pool->cpus.isolated = spec->flags & VPOOL_CREATE_ISOLATED;
	pool->create_flags = spec->flags;
	pool->members.isolated = spec->flags & VPOOL_CREATE_ISOLATED;
	kref_init(&pool->ref);
	mutex_init(&pool->resizing);
	mutex_init(&pool->lock);
	INIT_LIST_HEAD(&pool->regions);
	pool->uid = spec->uid;
	pool->gid = spec->gid;
	pool->mode = spec->mode;
	pool->creator = spec->creator;
	pool->created_ns = ktime_get_real_ns();
	pool->state = VPOOL_STATE_CREATING;
	atomic_inc(&vpool_live);
	return pool;

exit_members:
	vpool_members_exit(&pool->members);
exit_cpus:
	vpool_cpus_exit(&pool->cpus);
free_pool:
	kfree(pool);
	return NULL;
}
