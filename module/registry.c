// SPDX-License-Identifier: GPL-2.0
#include <linux/err.h>
#include <linux/rhashtable.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "pool.h"
#include "registry.h"
#include "spec.h"

/* A minor has 20 bits. Id 0 is unused, so that it can mean no pool. */
#define VPOOL_ID_MAX ((1U << 20) - 1)

static const struct rhashtable_params vpool_by_name = {
	.key_offset = offsetof(struct vpool_pool, name),
	.key_len = VPOOL_NAME_SIZE,
	.head_offset = offsetof(struct vpool_pool, by_name),
	.automatic_shrinking = true,
};

/*
 * Guards both tables. They hold a reference to each pool in them, so a lookup under
 * this lock can take another.
 */
static DEFINE_MUTEX(vpool_pools_lock);
static struct rhashtable vpool_names;
static DEFINE_XARRAY_ALLOC1(vpool_ids);
static u32 vpool_last_id;

static int vpool_name_taken(const char *name, struct vpool_extack *extack)
{
	return vpool_err(extack, -EEXIST, VPOOL_CODE_POOL_EXISTS,
			 "pool '%s' already exists", name);
}

static int vpool_id_alloc(struct vpool_pool *pool, struct vpool_extack *extack)
{
	int err = xa_alloc_cyclic(&vpool_ids, &pool->id, pool,
				  XA_LIMIT(1, VPOOL_ID_MAX), &vpool_last_id,
				  GFP_KERNEL);

	if (err == -EBUSY)
		return vpool_err(extack, -ENOSPC, VPOOL_CODE_TOO_MANY_POOLS,
				 "the host has as many pools as it can have");
	if (err < 0)
		return vpool_err(extack, err, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for the table of pools");
	return 0;
}

/**
 * vpool_registry_insert - insert a pool into both tables
 * @pool: pool that is in no table; gets its id
 * @extack: message of a failed call, or NULL
 *
 * The caller's reference passes to the tables on success.
 *
 * Context: sleeps.
 * Return: 0, -EEXIST if the name is taken, -ENOSPC or -ENOMEM.
 */
int vpool_registry_insert(struct vpool_pool *pool, struct vpool_extack *extack)
{
	int err;

	mutex_lock(&vpool_pools_lock);
	err = vpool_id_alloc(pool, extack);
	if (err)
		goto unlock;
	err = rhashtable_lookup_insert_fast(&vpool_names, &pool->by_name,
					    vpool_by_name);
	if (!err)
		goto unlock;
	xa_erase(&vpool_ids, pool->id);
	if (err == -EEXIST)
		vpool_name_taken(pool->name, extack);
	else
		err = vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				"no kernel memory for the table of pools");
unlock:
	mutex_unlock(&vpool_pools_lock);
	return err;
}

/**
 * vpool_registry_remove - remove a pool from both tables
 * @pool: pool inserted by vpool_registry_insert()
 *
 * Drop the reference of the tables.
 *
 * Context: sleeps.
 */
void vpool_registry_remove(struct vpool_pool *pool)
{
	mutex_lock(&vpool_pools_lock);
	rhashtable_remove_fast(&vpool_names, &pool->by_name, vpool_by_name);
	xa_erase(&vpool_ids, pool->id);
	mutex_unlock(&vpool_pools_lock);
	vpool_pool_put(pool);
}

/**
 * vpool_pool_find - look up a pool by its name
 * @name: VPOOL_NAME_SIZE bytes from userspace
 * @extack: message of a failed call, or NULL
 *
 * Context: sleeps.
 * Return: the pool with a reference for the caller, or an ERR_PTR: -ENOENT, or
 * -EINVAL if @name cannot be the name of a pool.
 */
struct vpool_pool *vpool_pool_find(const char *name,
				   struct vpool_extack *extack)
{
	char key[VPOOL_NAME_SIZE] = {};
	struct vpool_pool *pool;
	int err;

	err = vpool_spec_check_name(name, extack);
	if (err)
		return ERR_PTR(err);
	strscpy(key, name, sizeof(key));
	mutex_lock(&vpool_pools_lock);
	pool = rhashtable_lookup_fast(&vpool_names, key, vpool_by_name);
	if (pool)
		vpool_pool_get(pool);
	mutex_unlock(&vpool_pools_lock);
	if (pool)
		return pool;
	return ERR_PTR(vpool_err(extack, -ENOENT, VPOOL_CODE_NO_POOL,
				 "there is no pool '%s'", key));
}

/**
 * vpool_registry_check_free - check that no pool has a name
 * @name: valid name
 * @extack: message of a failed call, or NULL
 *
 * Context: sleeps.
 * Return: 0 or -EEXIST.
 */
int vpool_registry_check_free(const char *name, struct vpool_extack *extack)
{
	struct vpool_pool *pool = vpool_pool_find(name, NULL);

	if (IS_ERR(pool))
		return 0;
	vpool_pool_put(pool);
	return vpool_name_taken(name, extack);
}

/**
 * vpool_pool_next - walk all pools in the order of their ids
 * @id: id of the previous pool, 0 for the first call; set to the id of the pool
 *	that is returned
 *
 * Context: sleeps.
 * Return: the pool with a reference for the caller, or NULL after the last one.
 */
struct vpool_pool *vpool_pool_next(u32 *id)
{
	unsigned long index = *id;
	struct vpool_pool *pool;

	mutex_lock(&vpool_pools_lock);
	pool = xa_find_after(&vpool_ids, &index, ULONG_MAX, XA_PRESENT);
	if (pool)
		vpool_pool_get(pool);
	mutex_unlock(&vpool_pools_lock);
	*id = index;
	return pool;
}

/**
 * vpool_pools_list - list all pools in the order of their ids
 * @entries: array to fill; NULL if @max is 0
 * @max: length of @entries
 *
 * Context: sleeps.
 * Return: the number of pools. If it exceeds @max, @entries is incomplete.
 */
u32 vpool_pools_list(struct vpool_list_entry *entries, u32 max)
{
	struct vpool_pool *pool;
	unsigned long id;
	u32 nr = 0;

	mutex_lock(&vpool_pools_lock);
	xa_for_each(&vpool_ids, id, pool) {
		if (nr < max) {
			entries[nr].id = id;
			entries[nr].state = vpool_pool_state(pool);
			strscpy(entries[nr].name, pool->name,
				VPOOL_NAME_SIZE);
		}
		nr++;
	}
	mutex_unlock(&vpool_pools_lock);
	return nr;
}

/**
 * vpool_registry_start - allocate the tables
 *
 * Return: 0 or -ENOMEM.
 */
int vpool_registry_start(void)
{
	return rhashtable_init(&vpool_names, &vpool_by_name);
}

/**
 * vpool_registry_stop - free the tables
 *
 * Context: the tables are empty.
 */
void vpool_registry_stop(void)
{
	rhashtable_destroy(&vpool_names);
}
