// SPDX-License-Identifier: GPL-2.0
#include <linux/jiffies.h>
#include <linux/nodemask.h>

#include "audit.h"
#include "cpu_claim.h"
#include "create.h"
#include "destroy.h"
#include "host.h"
#include "pool.h"
#include "registry.h"
#include "reserve.h"
#include "spec.h"
#include "trace.h"

/* Memory requested from any node comes from near @cpus. */
static int vpool_create_gather(struct vpool_pool *pool,
			       const struct vpool_spec *spec,
			       const struct cpumask *cpus,
			       struct vpool_extack *extack)
{
	const struct vpool_request *request = &spec->request;
	struct vpool_gather gather = {
		.store = &pool->store,
		.folios = LIST_HEAD_INIT(gather.folios),
		.cpus = cpus,
		.timeout = msecs_to_jiffies(request->timeout_ms),
	};
	int err = 0;
	u32 i;

	vpool_store_set_target(&pool->store, spec->bytes);
	for (i = 0; !err && i < request->nr_mem; i++)
		err = vpool_gather_memory(&gather, request->mem[i].node,
					  request->mem[i].bytes, extack);
	if (err)
		vpool_gather_discard(&gather);
	else
		vpool_gather_publish(&gather);
	return err;
}

/* Claim CPUs. If only their number is given, they come from near the pool's memory. */
static int vpool_create_claim(struct vpool_pool *pool,
			      const struct vpool_request *request,
			      struct vpool_extack *extack)
{
	struct vpool_cpu_request cpus = request->cpus;
	struct vpool_usage usage;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		vpool_store_node_usage(&pool->store, nid, &usage);
		if (usage.total)
			node_set(nid, cpus.near);
	}
	return vpool_cpus_claim(&pool->cpus, &cpus, &request->rules, extack);
}

/*
 * Give a new pool its CPUs and its memory.
 *
 * The CPUs of a mask are claimed first, because that is quick. If only the number of
 * CPUs is given, they are chosen twice. The first choice claims none: memory requested
 * without a node comes from near these CPUs. The second choice claims CPUs near the
 * memory that was gathered.
 */
static int vpool_create_supply(struct vpool_pool *pool,
			       const struct vpool_spec *spec,
			       struct vpool_extack *extack)
{
	const struct vpool_request *request = &spec->request;
	cpumask_var_t near;
	int err = 0;

	if (!zalloc_cpumask_var(&near, GFP_KERNEL))
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for a CPU mask");
	if (request->cpus.mask) {
		cpumask_copy(near, request->cpus.mask);
		err = vpool_create_claim(pool, request, extack);
	} else if (request->cpus.nr) {
		err = vpool_cpus_check(&request->cpus, &request->rules, near,
				       extack);
	}
	if (!err)
		err = vpool_create_gather(pool, spec, near, extack);
	if (!err && request->cpus.nr)
		err = vpool_create_claim(pool, request, extack);
	free_cpumask_var(near);
	return err;
}

/*
 * Insert a new pool into the registry, supply it, and publish it. One reference of the
 * caller passes to the registry; it is dropped on failure.
 */
static int vpool_create_build(struct vpool_pool *pool,
			      const struct vpool_spec *spec,
			      struct vpool_extack *extack)
{
	int err;

	err = vpool_registry_insert(pool, extack);
	if (err) {
		vpool_store_close(&pool->store);
		vpool_pool_put(pool);
		return err;
	}
	err = vpool_frontend->sysfs_add(pool);
	if (err) {
		vpool_err(extack, err, VPOOL_CODE_NO_KERNEL_MEMORY,
			  "no kernel memory for sysfs");
		goto close_store;
	}
	err = vpool_create_supply(pool, spec, extack);
	if (err)
		goto release_cpus;
	err = vpool_frontend->dev_add(pool);
	if (err) {
		vpool_err(extack, err, VPOOL_CODE_NO_KERNEL_MEMORY,
			  "the device cannot be created");
		goto release_cpus;
	}
	mutex_lock(&pool->lock);
	vpool_pool_set_state(pool, VPOOL_STATE_ACTIVE);
	mutex_unlock(&pool->lock);
	return 0;

release_cpus:
	vpool_cpus_release(&pool->cpus);
	vpool_frontend->sysfs_del(pool);
close_store:
	vpool_store_close(&pool->store);
	vpool_registry_remove(pool);
	return err;
}

static int vpool_dry_run_cpus(const struct vpool_request *request,
			      struct vpool_extack *extack)
{
	cpumask_var_t found;
	int err;

	if (!vpool_request_has_cpus(request))
		return 0;
	if (!alloc_cpumask_var(&found, GFP_KERNEL))
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for a CPU mask");
	err = vpool_cpus_check(&request->cpus, &request->rules, found, extack);
	free_cpumask_var(found);
	return err;
}

/* Check each request against its node, and their sum against the host. */
static int vpool_dry_run_mem(const struct vpool_spec *spec,
			     struct vpool_extack *extack)
{
	const struct vpool_request *request = &spec->request;
	int err = 0;
	u32 i;

	for (i = 0; !err && i < request->nr_mem; i++)
		err = vpool_host_can_spare(request->mem[i].node,
					   request->mem[i].bytes, extack);
	if (err || !request->nr_mem)
		return err;
	return vpool_host_can_spare(VPOOL_ANY_NODE, spec->bytes, extack);
}

static int vpool_create_dry_run(const struct vpool_spec *spec,
				struct vpool_extack *extack)
{
	int err = vpool_registry_check_free(spec->name, extack);

	if (!err)
		err = vpool_dry_run_cpus(&spec->request, extack);
	return err ?: vpool_dry_run_mem(spec, extack);
}

/**
 * vpool_pool_create - create a pool
 * @spec: description, unchecked; its memory requests are rounded up and its size
 *	is set
 * @id: set to the id of the pool; unchanged by a dry run
 * @extack: message of a failed call, or NULL
 *
 * Context: sleeps up to the timeout of @spec without any lock.
 * Return: 0, or a negative errno as the UAPI describes with nothing changed.
 */
int vpool_pool_create(struct vpool_spec *spec, u32 *id,
		      struct vpool_extack *extack)
{
	struct vpool_pool *pool;
	int err;

	err = vpool_spec_check(spec, extack);
	if (err)
		return err;
	if (spec->request.dry_run)
		return vpool_create_dry_run(spec, extack);
	pool = vpool_pool_alloc(spec);
	if (!pool)
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for a pool");
	vpool_pool_init_reap(pool);
	vpool_pool_get(pool);
	err = vpool_create_build(pool, spec, extack);
	*id = pool->id;
	trace_vpool_create(spec->name, *id, err);
	vpool_audit("create", spec->name, err);
	vpool_pool_put(pool);
	return err;
}
