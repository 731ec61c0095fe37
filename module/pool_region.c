// SPDX-License-Identifier: GPL-2.0
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/memory_hotplug.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "budget.h"
#include "destroy.h"
#include "mce.h"
#include "pool.h"
#include "pool_region.h"
#include "region.h"
#include "registry.h"
#include "trace.h"

/* Bounds the kernel memory that users of a pool can consume. */
static uint max_regions = 65536;
module_param(max_regions, uint, 0644);
MODULE_PARM_DESC(max_regions, "regions that may be open in a pool at once");

static int vpool_err_max_regions(struct vpool_pool *pool)
{
	vpool_stat_inc(&pool->stat, VPOOL_STAT_LIMITED);
	pr_notice_ratelimited("task %d (%s) cannot open pool '%s', which has %u regions (max_regions)\n",
			      task_pid_nr(current), current->comm, pool->name,
			      pool->nr_regions);
	return -ENOSPC;
}

/**
 * vpool_pool_max_regions - return the number of regions that a pool may have
 *
 * Return: value of the parameter max_regions, which can change.
 */
u32 vpool_pool_max_regions(void)
{
	return READ_ONCE(max_regions);
}

/**
 * vpool_pool_check_memory - check that a pool has memory
 * @pool: pool to which the caller has a reference
 * @extack: message of a failed call, or NULL
 *
 * Return: 0, -EINVAL, or -ENXIO if the pool is being destroyed.
 */
int vpool_pool_check_memory(struct vpool_pool *pool, struct vpool_extack *extack)
{
	struct vpool_usage usage;

	vpool_store_usage(&pool->store, &usage);
	if (usage.total)
		return 0;
	if (READ_ONCE(pool->state) == VPOOL_STATE_DESTROYING)
		return vpool_region_err_revoked(extack);
	return vpool_err(extack, -EINVAL, VPOOL_CODE_POOL_WITHOUT_MEMORY,
			 "pool '%s' has no memory", pool->name);
}

/**
 * vpool_pool_mount - let a filesystem use a pool
 * @pool: pool to which the caller has a reference
 * @extack: message of a failed call, or NULL
 *
 * Context: sleeps; takes the pool's lock.
 * Return: 0, -EINVAL if the pool has no memory, or -EBUSY if it is not active. On success
 * the caller must call vpool_pool_unmount().
 */
int vpool_pool_mount(struct vpool_pool *pool, struct vpool_extack *extack)
{
	int err;

	mutex_lock(&pool->lock);
	if (pool->state != VPOOL_STATE_ACTIVE)
		err = vpool_err(extack, -EBUSY, VPOOL_CODE_POOL_TRANSIENT,
				"pool '%s' is %s", pool->name,
				vpool_state_name(pool->state));
	else
		err = vpool_pool_check_memory(pool, extack);
	if (!err)
		WRITE_ONCE(pool->nr_mounts, pool->nr_mounts + 1);
	mutex_unlock(&pool->lock);
	return err;
}

/**
 * vpool_pool_unmount - end the use of a pool by a filesystem
 * @pool: pool that vpool_pool_mount() has succeeded for
 *
 * Context: sleeps; takes the pool's lock.
 */
void vpool_pool_unmount(struct vpool_pool *pool)
{
	mutex_lock(&pool->lock);
	WRITE_ONCE(pool->nr_mounts, pool->nr_mounts - 1);
	mutex_unlock(&pool->lock);
	vpool_pool_maybe_reap(pool);
}

/**
 * vpool_pool_add_region - add a region to a pool
 * @pool: pool to which the caller has a reference
 * @region: initialized region that is in no pool; gets its id
 *
 * Context: sleeps; takes the pool's lock.
 * Return: 0, -ENXIO if the pool is not active, -ENOSPC if it has max_regions regions,
 * -EDQUOT if current's user has as many as the pool allows, or -ENOMEM.
 */
int vpool_pool_add_region(struct vpool_pool *pool, struct vpool_region *region)
{
	struct vpool_user *user;
	int err = 0;

	user = vpool_budget_add_region(&pool->budget, vpool_budget_uid(current));
	if (IS_ERR(user))
		return PTR_ERR(user);
	mutex_lock(&pool->lock);
	if (pool->state != VPOOL_STATE_ACTIVE) {
		err = -ENXIO;
	} else if (pool->nr_regions >= READ_ONCE(max_regions)) {
		err = vpool_err_max_regions(pool);
	} else {
		region->user = user;
		region->id = ++pool->last_region;
		list_add_tail(&region->link, &pool->regions);
		WRITE_ONCE(pool->nr_regions, pool->nr_regions + 1);
	}
	mutex_unlock(&pool->lock);
	if (err)
		vpool_budget_remove_region(user);
	return err;
}

/**
 * vpool_pool_remove_region - end a region and remove it from its pool
 * @pool: pool of the region
 * @region: region added by vpool_pool_add_region(); the caller frees it
 *
 * Context: sleeps; takes the pool's lock.
 */
void vpool_pool_remove_region(struct vpool_pool *pool,
			      struct vpool_region *region)
{
	/* Do this first, so that a pool without regions has all its memory. */
	vpool_region_empty(region);
	mutex_lock(&pool->lock);
	list_del(&region->link);
	WRITE_ONCE(pool->nr_regions, pool->nr_regions - 1);
	mutex_unlock(&pool->lock);
	vpool_budget_remove_region(region->user);
	vpool_region_exit(region);
	vpool_pool_maybe_reap(pool);
}

/**
 * vpool_pool_list_regions - list the regions of a pool, oldest first
 * @pool: pool
 * @info: array to fill, in the namespaces of the current task; NULL if @max is 0
 * @max: length of @info
 *
 * Context: sleeps; takes the pool's lock.
 * Return: the number of regions. If it exceeds @max, @info is not filled.
 */
u32 vpool_pool_list_regions(struct vpool_pool *pool,
			    struct vpool_region_info *info, u32 max)
{
	struct vpool_region *region;
	u32 nr = 0;

	mutex_lock(&pool->lock);
	list_for_each_entry(region, &pool->regions, link) {
		if (pool->nr_regions > max)
			break;
		info[nr].id = region->id;
		info[nr].bytes = vpool_region_bytes(region);
		info[nr].pid = vpool_region_pid(region);
		info[nr].uid = from_kuid_munged(current_user_ns(), region->uid);
		strscpy(info[nr].comm, region->comm, sizeof(info[nr].comm));
		nr++;
	}
	nr = pool->nr_regions;
	mutex_unlock(&pool->lock);
	return nr;
}

static bool vpool_pool_poisoned(struct vpool_pool *pool, struct page *page,
				bool has_ref)
{
	struct vpool_region *region;
	struct vpool_region_hold hold = {};
	enum vpool_poisoned whose;
	pgoff_t pgoff;

	whose = vpool_store_poison(&pool->store, page, has_ref);
	if (whose != VPOOL_POISONED_USED)
		return whose == VPOOL_POISONED_ASIDE;
	mutex_lock(&pool->lock);
	list_for_each_entry(region, &pool->regions, link)
		if (vpool_region_poisoned(region, page, &hold, &pgoff))
			break;
	mutex_unlock(&pool->lock);
	/* Takes mmap locks, so the pool's lock must not be held. */
	if (hold.inode)
		vpool_mce_notify(hold.inode->i_mapping, pgoff);
	vpool_region_unhold(&hold);
	return true;
}

/**
 * vpool_pools_poisoned - handle a memory error, if it is in a pool
 * @pfn: number of the poisoned page, which need not belong to a pool
 * @has_ref: the caller has a reference to the page; if the page belongs to a pool,
 *	the reference passes to this function
 *
 * Context: sleeps; takes the lock of the pool that uses the page, and mmap locks.
 * Return: true if the page belongs to a pool. The page is then marked, and no page
 * table maps it.
 */
bool vpool_pools_poisoned(unsigned long pfn, bool has_ref)
{
	struct page *page = pfn_to_online_page(pfn);
	struct vpool_pool *pool;
	bool ours = false;
	u32 id = 0;

	while (page && !ours && (pool = vpool_pool_next(&id))) {
		ours = vpool_pool_poisoned(pool, page, has_ref);
		if (ours) {
			pr_err("%#lx: memory failure in pool '%s', recovery action: Recovered\n",
			       pfn, pool->name);
			trace_vpool_memory_error(pool->name, pfn);
		}
		vpool_pool_put(pool);
	}
	return ours;
}
