// SPDX-License-Identifier: GPL-2.0
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "audit.h"
#include "compat.h"
#include "cpu_claim.h"
#include "destroy.h"
#include "detach.h"
#include "pool.h"
#include "region.h"
#include "registry.h"
#include "trace.h"

/* A thread and not a workqueue: it zeroes memory, and kworkers run on any CPU. */
static struct kthread_worker *vpool_reaper;

static int vpool_err_region_open(struct vpool_pool *pool,
				 struct vpool_extack *extack)
{
	struct vpool_region *region =
		list_first_entry(&pool->regions, struct vpool_region, link);

	return vpool_err(extack, -EBUSY, VPOOL_CODE_POOL_HAS_REGIONS,
			 "pool '%s' has %u region%s open or mapped, the oldest by task %d (%s)",
			 pool->name, pool->nr_regions,
			 pool->nr_regions == 1 ? "" : "s",
			 vpool_region_pid(region), region->comm);
}

/*
 * Check that the pool can be destroyed, and begin: on success it gets no new region,
 * no new member and no resize.
 */
static int vpool_pool_begin_destroy(struct vpool_pool *pool, bool force,
				    struct vpool_extack *extack)
{
	struct vpool_region *region;
	unsigned int nr;
	u64 pinned;

	lockdep_assert_held(&pool->lock);
	if (pool->state != VPOOL_STATE_ACTIVE)
		return vpool_err(extack, -EBUSY, VPOOL_CODE_POOL_TRANSIENT,
				 "pool '%s' is %s", pool->name,
				 vpool_state_name(pool->state));
	if (!force && pool->nr_regions)
		return vpool_err_region_open(pool, extack);
	if (!force && pool->nr_mounts)
		return vpool_err(extack, -EBUSY, VPOOL_CODE_POOL_MOUNTED,
				 "pool '%s' has %u filesystem%s mounted",
				 pool->name, pool->nr_mounts,
				 pool->nr_mounts == 1 ? "" : "s");
	pinned = force ? 0 : vpool_store_pinned(&pool->store);
	if (pinned)
		return vpool_err(extack, -EBUSY, VPOOL_CODE_POOL_PINNED,
				 "%s of pool '%s' are still pinned, by a pipe or a device",
				 vpool_size(pinned).s, pool->name);
	if (!vpool_members_close(&pool->members, force)) {
		nr = READ_ONCE(pool->members.nr);
		return vpool_err(extack, -EBUSY, VPOOL_CODE_POOL_HAS_MEMBERS,
				 "pool '%s' has %u member%s", pool->name, nr,
				 nr == 1 ? "" : "s");
	}
	vpool_pool_set_state(pool, VPOOL_STATE_DESTROYING);
	list_for_each_entry(region, &pool->regions, link)
		vpool_region_revoke(region);
	return 0;
}

static int vpool_pool_end(struct vpool_pool *pool, bool force,
			  struct vpool_extack *extack)
{
	int err;

	mutex_lock(&pool->lock);
	err = vpool_pool_begin_destroy(pool, force, extack);
	mutex_unlock(&pool->lock);
	trace_vpool_destroy(pool->name, pool->id, err);
	vpool_audit("destroy", pool->name, err);
	if (err)
		return err;
	/* A resize in progress sees the new state, gives up and unlocks. */
	mutex_lock(&pool->resizing);
	mutex_unlock(&pool->resizing);
	vpool_frontend->dev_del(pool);
	vpool_cpus_release(&pool->cpus);
	vpool_frontend->sysfs_del(pool);
	vpool_store_close(&pool->store);
	vpool_registry_remove(pool);
	return 0;
}

/**
 * vpool_pool_destroy - give the memory and the CPUs of a pool back to the host
 * @name: VPOOL_NAME_SIZE bytes from userspace
 * @force: revoke regions and memberships instead of failing
 * @extack: message of a failed call, or NULL
 *
 * Context: sleeps; takes the pool's lock.
 * Return: 0, -EINVAL or -ENOENT for @name, or -EBUSY if the pool is in use, being
 * created or being destroyed.
 */
int vpool_pool_destroy(const char *name, bool force,
		       struct vpool_extack *extack)
{
	struct vpool_pool *pool = vpool_pool_find(name, extack);
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = vpool_pool_end(pool, force, extack);
	vpool_pool_put(pool);
	return err;
}

/* The reaper zeroes memory that was not scrubbed, so it runs where scrubbers may. */
static void vpool_reaper_move(void)
{
	cpumask_var_t mask;

	if (!alloc_cpumask_var(&mask, GFP_KERNEL | __GFP_NOWARN))
		return;
	vpool_cpus_background(NULL, NUMA_NO_NODE, mask);
	if (!cpumask_empty(mask))
		set_cpus_allowed_ptr(current, mask);
	free_cpumask_var(mask);
}

/* Fails if the pool has users again; the last of them queues the work again. */
static void vpool_pool_reap(struct kthread_work *work)
{
	struct vpool_pool *pool = container_of(work, struct vpool_pool, reap);

	vpool_reaper_move();
	vpool_pool_end(pool, false, NULL);
	vpool_pool_put(pool);
}

/**
 * vpool_pool_maybe_reap - let the reaper destroy an orphan that has no users
 * @pool: pool; nothing happens to a pool that is not an orphan
 *
 * Context: any; the caller knows that the pool is not freed.
 */
void vpool_pool_maybe_reap(struct vpool_pool *pool)
{
	if (!READ_ONCE(pool->orphan))
		return;
	vpool_pool_get(pool);
	if (!kthread_queue_work(vpool_reaper, &pool->reap))
		vpool_pool_put(pool);
}

static void vpool_pool_emptied(struct vpool_member_set *members)
{
	vpool_pool_maybe_reap(container_of(members, struct vpool_pool,
					   members));
}

static void vpool_pool_unpinned(struct vpool_store *store)
{
	vpool_pool_maybe_reap(container_of(store, struct vpool_pool, store));
}

/**
 * vpool_pool_init_reap - set the callbacks that wake the reaper after the last user
 * @pool: new pool, which has no users yet
 */
void vpool_pool_init_reap(struct vpool_pool *pool)
{
	kthread_init_work(&pool->reap, vpool_pool_reap);
	pool->members.emptied = vpool_pool_emptied;
	pool->store.unpinned = vpool_pool_unpinned;
}

/**
 * vpool_pools_orphan - orphan the ephemeral pools of a creator
 * @creator: control descriptor that is being closed, see struct vpool_pool
 *
 * The reaper destroys each of them as soon as it has no users.
 *
 * Context: sleeps; takes the lock of each of the pools.
 */
void vpool_pools_orphan(const void *creator)
{
	struct vpool_pool *pool;
	u32 id = 0;

	while ((pool = vpool_pool_next(&id))) {
		if (READ_ONCE(pool->creator) == creator) {
			mutex_lock(&pool->lock);
			WRITE_ONCE(pool->creator, NULL);
			WRITE_ONCE(pool->orphan, true);
			mutex_unlock(&pool->lock);
			vpool_pool_maybe_reap(pool);
		}
		vpool_pool_put(pool);
	}
}

/**
 * vpool_pools_destroy_all - destroy all pools by force, and wait until they are
 * freed
 *
 * Context: sleeps; no descriptor is open and no pool can be created.
 */
void vpool_pools_destroy_all(void)
{
	struct vpool_pool *pool;
	u32 id = 0;

	while ((pool = vpool_pool_next(&id))) {
		vpool_pool_end(pool, true, NULL);
		vpool_pool_put(pool);
	}
	vpool_pools_wait_freed();
}

/**
 * vpool_reaper_start - start the thread that destroys orphans
 *
 * Return: 0, -ENOMEM, or -EINTR if the calling task is killed.
 */
int vpool_reaper_start(void)
{
	vpool_reaper = kthread_run_worker(0, "vpool_reap");
	return PTR_ERR_OR_ZERO(vpool_reaper);
}

/**
 * vpool_reaper_stop - stop the thread that destroys orphans
 *
 * Context: no pool exists.
 */
void vpool_reaper_stop(void)
{
	kthread_destroy_worker(vpool_reaper);
}
