// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resolve declarations on this host: set offline CPUs aside, turn shares of memory into
 * bytes, and turn the number of CPUs of an existing pool into a list. An existing pool
 * that matches its declaration must come out unchanged, so that applying a file twice
 * changes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/exit.h"
#include "base/failure.h"
#include "config/config.h"
#include "config/memspec.h"
#include "config/plan.h"
#include "config/plan_resolve.h"
#include "host/pools.h"
#include "host/spare.h"

/**
 * struct resolver - state of resolving a configuration
 * @cfg: the declarations, which the call changes
 * @plan: the plan, with the existing pools
 * @keep: undeclared pools stay
 * @host: CPUs and NUMA nodes of the host
 * @spare: poolable resources, with those of pools that the plan destroys
 */
struct resolver {
	struct config *cfg;
	struct plan *plan;
	bool keep;
	const struct vpool_host *host;
	struct spare spare;
};

static const struct vpool_info *find_info(const struct plan *plan,
					  const char *name)
{
	size_t i;

	for (i = 0; i < plan->nr_pools; i++)
		if (!strcmp(plan->pools[i]->name, name))
			return plan->pools[i];
	return NULL;
}

static void copy_cpus(struct vpool_cpus *to, const struct vpool_cpus *from)
{
	struct vpool_cpus copy;

	if (vpool_cpus_copy(&copy, from))
		exit(EXIT_FAILED);
	vpool_cpus_free(to);
	*to = copy;
}

static void add_cpus(struct vpool_cpus *to, const struct vpool_cpus *from)
{
	unsigned int cpu;

	for (cpu = 0; cpu < from->bytes * 8; cpu++)
		if (vpool_cpus_test(from, cpu) && vpool_cpus_add(to, cpu))
			exit(EXIT_FAILED);
}

/* Read the offline CPUs of the host. */
static void read_offline(struct vpool_cpus *cpus)
{
	char text[4096] = "";
	FILE *file = fopen("/sys/devices/system/cpu/offline", "re");

	memset(cpus, 0, sizeof(*cpus));
	if (!file)
		return;
	if (fgets(text, sizeof(text), file))
		text[strcspn(text, "\n")] = '\0';
	fclose(file);
	vpool_cpus_parse(text, cpus, NULL, 0);
}

void config_hold_offline(struct pool_config *pool, const struct vpool_cpus *has)
{
	struct vpool_cpus offline, remaining;

	read_offline(&offline);
	vpool_cpus_and(&offline, &pool->cpus);
	if (has)
		vpool_cpus_subtract(&offline, has);
	memset(&remaining, 0, sizeof(remaining));
	copy_cpus(&remaining, &pool->cpus);
	vpool_cpus_subtract(&remaining, &offline);
	/* plan_check() refuses a pool without any CPU. */
	if (vpool_cpus_count(&offline) && vpool_cpus_count(&remaining)) {
		copy_cpus(&pool->cpus, &remaining);
		add_cpus(&pool->offline, &offline);
	}
	vpool_cpus_free(&offline);
	vpool_cpus_free(&remaining);
}

/* Replace the requests of a pool by the memory that it has. */
static void keep_mem(struct pool_config *pool, const struct vpool_info *info)
{
	size_t i;

	free(pool->mem);
	free(pool->asks);
	pool->mem = xcalloc(info->nr_nodes, sizeof(*pool->mem));
	pool->asks = xcalloc(info->nr_nodes, sizeof(*pool->asks));
	pool->nr_mem = 0;
	for (i = 0; i < info->nr_nodes; i++) {
		if (!info->nodes[i].total_bytes)
			continue;
		pool->mem[pool->nr_mem].bytes = info->nodes[i].total_bytes;
		pool->mem[pool->nr_mem++].node = info->nodes[i].node;
	}
}

/* Tell whether a request is "max". Such pools are resolved last. */
static bool takes_all(const struct pool_config *pool)
{
	size_t i;

	for (i = 0; i < pool->nr_mem; i++)
		if (pool->asks && pool->asks[i].share == MEM_ALL)
			return true;
	return false;
}

static void set_unmet(struct pool_config *pool, const struct failure *failure)
{
	free(pool->unmet);
	pool->unmet = xcalloc(1, sizeof(*pool->unmet));
	*pool->unmet = *failure;
}

static void resolve_shares(struct pool_config *pool, const struct spare *spare)
{
	struct failure failure;

	if (!pool->asks || !memspec_has_shares(pool->asks, pool->nr_mem))
		return;
	if (memspec_resolve(pool->mem, pool->asks, pool->nr_mem, spare, NULL,
			    pool->page_size, &failure))
		set_unmet(pool, &failure);
}

/* Subtract a pool's memory from @spare. */
static void take_away(struct spare *spare, const struct pool_config *pool)
{
	size_t i, j;

	for (i = 0; i < pool->nr_mem; i++) {
		const struct vpool_mem *mem = pool->mem + i;

		spare->bytes -= mem->bytes < spare->bytes ? mem->bytes :
							    spare->bytes;
		for (j = 0; j < spare->nr_nodes; j++) {
			__u64 *left = &spare->nodes[j].bytes;

			if (spare->nodes[j].node == mem->node)
				*left -= mem->bytes < *left ? mem->bytes : *left;
			if (*left > spare->bytes)
				*left = spare->bytes;
		}
	}
}

/* Resolve percentages of all poolable memory, then "max" from the memory that is left. */
static void resolve_mem(struct resolver *st)
{
	struct config *cfg = st->cfg;
	const struct vpool_info *info;
	size_t i;

	for (i = 0; i < cfg->nr_pools; i++) {
		struct pool_config *pool = cfg->pools + i;

		info = find_info(st->plan, pool->name);
		if (info && info->total_bytes && pool->asks &&
		    memspec_has_shares(pool->asks, pool->nr_mem))
			keep_mem(pool, info);
		else if (!takes_all(pool))
			resolve_shares(pool, &st->spare);
	}
	for (i = 0; i < cfg->nr_pools; i++)
		if (!find_info(st->plan, cfg->pools[i].name) &&
		    !takes_all(cfg->pools + i))
			take_away(&st->spare, cfg->pools + i);
	for (i = 0; i < cfg->nr_pools; i++) {
		if (!takes_all(cfg->pools + i))
			continue;
		resolve_shares(cfg->pools + i, &st->spare);
		take_away(&st->spare, cfg->pools + i);
	}
}

/* Return the CPUs of a NUMA node, or NULL if there is no such node. */
static const struct vpool_cpus *node_cpus(const struct vpool_host *host,
					  int node)
{
	size_t i;

	for (i = 0; i < host->nr_nodes; i++)
		if (host->nodes[i].node == node)
			return &host->nodes[i].cpus;
	return NULL;
}

/* Add whole cores of @from to a pool until it has as many CPUs as declared. */
static void add_cores(struct pool_config *pool, const struct vpool_cpus *from,
		      const struct vpool_cpus *online)
{
	struct vpool_cpus core;
	unsigned int cpu, nr;

	for (cpu = 0; cpu < from->bytes * 8; cpu++) {
		nr = vpool_cpus_count(&pool->cpus);
		if (nr >= pool->nr_cpus)
			return;
		if (!vpool_cpus_test(from, cpu) ||
		    vpool_cpus_test(&pool->cpus, cpu))
			continue;
		core_of(cpu, &core);
		vpool_cpus_and(&core, online);
		if (nr + vpool_cpus_count(&core) <= pool->nr_cpus)
			add_cpus(&pool->cpus, &core);
		vpool_cpus_free(&core);
	}
}

/* Drop whole cores, the last ones first, while it has more CPUs than declared. */
static void drop_cores(struct pool_config *pool)
{
	struct vpool_cpus core;
	unsigned int cpu;

	for (cpu = pool->cpus.bytes * 8; cpu-- > 0;) {
		if (!vpool_cpus_test(&pool->cpus, cpu))
			continue;
		core_of(cpu, &core);
		vpool_cpus_and(&core, &pool->cpus);
		if (vpool_cpus_count(&pool->cpus) >=
		    pool->nr_cpus + vpool_cpus_count(&core))
			vpool_cpus_subtract(&pool->cpus, &core);
		vpool_cpus_free(&core);
	}
}

/* Find CPUs that a pool may grow by: poolable, and declared for no other pool. */
static void growth(const struct resolver *st, struct vpool_cpus *cpus,
		   const struct vpool_cpus *within)
{
	size_t i;

	memset(cpus, 0, sizeof(*cpus));
	copy_cpus(cpus, &st->spare.cpus);
	if (within)
		vpool_cpus_and(cpus, within);
	for (i = 0; i < st->cfg->nr_pools; i++)
		vpool_cpus_subtract(cpus, &st->cfg->pools[i].cpus);
}

/* Turn the number of CPUs of an existing pool into a list, near the CPUs that it has. */
static void resolve_ncpus(struct resolver *st, struct pool_config *pool,
			  const struct vpool_info *info)
{
	const struct vpool_cpus *within = NULL;
	struct vpool_cpus from;
	unsigned int has;

	copy_cpus(&pool->cpus, &info->cpus);
	if (pool->cpus_node != VPOOL_ANY_NODE) {
		within = node_cpus(st->host, pool->cpus_node);
		if (within)
			vpool_cpus_and(&pool->cpus, within);
	}
	drop_cores(pool);
	growth(st, &from, within);
	/* Prefer the nodes of its CPUs, then take any node. */
	if (!within && vpool_cpus_count(&pool->cpus)) {
		struct vpool_cpus near;
		size_t i;

		for (i = 0; i < st->host->nr_nodes; i++) {
			memset(&near, 0, sizeof(near));
			copy_cpus(&near, &st->host->nodes[i].cpus);
			vpool_cpus_and(&near, &pool->cpus);
			if (vpool_cpus_count(&near)) {
				copy_cpus(&near, &st->host->nodes[i].cpus);
				vpool_cpus_and(&near, &from);
				add_cores(pool, &near, &st->host->cpus);
			}
			vpool_cpus_free(&near);
		}
	}
	add_cores(pool, &from, &st->host->cpus);
	vpool_cpus_free(&from);
	has = vpool_cpus_count(&pool->cpus);
	if (has < pool->nr_cpus)
		set_unmet(pool, &(struct failure) { 0 });
	if (has < pool->nr_cpus)
		failure_set(pool->unmet, 0, VPOOL_CODE_CPUS_SHORT,
			    "%u CPUs requested, %u available in whole cores",
			    pool->nr_cpus, has);
	/* A pool without CPUs is replaced, and the module chooses its CPUs. */
	if (has)
		pool->nr_cpus = 0;
}

static void resolve_cpus(struct resolver *st)
{
	const struct vpool_info *info;
	size_t i;

	for (i = 0; i < st->cfg->nr_pools; i++) {
		struct pool_config *pool = st->cfg->pools + i;

		info = find_info(st->plan, pool->name);
		config_hold_offline(pool, info ? &info->cpus : NULL);
	}
	for (i = 0; i < st->cfg->nr_pools; i++) {
		struct pool_config *pool = st->cfg->pools + i;

		info = find_info(st->plan, pool->name);
		if (pool->nr_cpus && info)
			resolve_ncpus(st, pool, info);
	}
}

/* Compute what is poolable, with the CPUs and memory of pools that will be destroyed. */
static void add_destroyed(struct resolver *st)
{
	struct vpool_info **pools = xcalloc(st->plan->nr_pools, sizeof(*pools));
	size_t i, j, k, nr = 0;

	for (i = 0; i < st->plan->nr_pools; i++)
		if (st->keep || config_find(st->cfg, st->plan->pools[i]->name))
			pools[nr++] = st->plan->pools[i];
	spare_read(&st->spare, st->host, pools, nr);
	free(pools);
	for (i = 0; i < st->plan->nr_pools; i++) {
		const struct vpool_info *info = st->plan->pools[i];

		if (st->keep || config_find(st->cfg, info->name))
			continue;
		st->spare.bytes += info->total_bytes;
		for (j = 0; j < info->nr_nodes; j++)
			for (k = 0; k < st->spare.nr_nodes; k++)
				if (st->spare.nodes[k].node ==
				    info->nodes[j].node)
					st->spare.nodes[k].bytes +=
						info->nodes[j].total_bytes;
	}
}

int plan_resolve(struct plan *plan, struct config *cfg, bool keep)
{
	struct resolver st = { .cfg = cfg, .plan = plan, .keep = keep };
	struct vpool_host *host;
	int err;

	err = vpool_host_read(&host);
	if (err)
		return err;
	st.host = host;
	add_destroyed(&st);
	resolve_cpus(&st);
	resolve_mem(&st);
	spare_free(&st.spare);
	vpool_host_free(host);
	return 0;
}
