// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reader of files that declare pools, in YAML:
 *
 *	pools:
 *	  web:
 *	    mem: 4G@0
 *	    cpus: 2-5
 *
 * The reader does not check the file against the host, for example whether a CPU exists.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/command.h"
#include "base/failure.h"
#include "config/config.h"
#include "config/document.h"
#include "config/property.h"
#include "config/reader.h"
#include "host/pools.h"

/* Pools */

/* Round memory up to whole pages, as the kernel does. Return false on overflow. */
static bool round_mem(struct pool_config *pool)
{
	__u64 total = 0, extra;
	size_t i;

	for (i = 0; i < pool->nr_mem; i++) {
		__u64 *bytes = &pool->mem[i].bytes;

		extra = *bytes % pool->page_size;
		if (extra && __builtin_add_overflow(*bytes, pool->page_size -
						    extra, bytes))
			return false;
		if (__builtin_add_overflow(total, *bytes, &total))
			return false;
	}
	return true;
}

/* Check the pool as a whole. */
static void check_pool(const struct reader *rd, const yaml_node_t *key,
		       struct pool_config *pool)
{
	const struct pool_config *other;
	struct failure failure;
	struct vpool_cpus both;
	char *list;
	size_t i;

	if (!round_mem(pool))
		document_error(rd, key, "pool '%s' is too large", pool->name);
	if (properties_check(pool, &failure))
		document_error(rd, key, "pool '%s' %s", pool->name, failure.text);
	for (i = 0; i < rd->cfg->nr_pools; i++) {
		other = rd->cfg->pools + i;
		if (!strcmp(other->name, pool->name))
			document_error(rd, key,
				       "pool '%s' is declared already, at %s:%u:%u",
				       pool->name, other->location.file,
				       other->location.line, other->location.column);
		if (pool->mount.dir && other->mount.dir &&
		    !strcmp(pool->mount.dir, other->mount.dir))
			document_error(rd, key,
				       "pool '%s' and pool '%s' cannot both be mounted at %s",
				       pool->name, other->name, pool->mount.dir);
		if (vpool_cpus_copy(&both, &pool->cpus))
			continue;
		vpool_cpus_and(&both, &other->cpus);
		if (vpool_cpus_count(&both)) {
			list = cpus_text(&both);
			document_error(rd, key, "cpu %s of pool '%s' belongs to pool '%s', too",
				       list, pool->name, other->name);
			free(list);
		}
		vpool_cpus_free(&both);
	}
}

static void read_pool(const struct reader *rd, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = document_node(rd, pair->key);
	const char *name = document_scalar(rd, key, "the name of a pool");
	struct config *cfg = rd->cfg;
	struct pool_config pool;
	size_t mistakes = cfg->nr_mistakes;

	if (!name)
		return;
	if (!vpool_name_is_valid(name))
		document_error(rd, key, "'%s' is not a pool's name", name);
	pool_config_init(&pool, name);
	pool.location = document_location(rd, key->start_mark);
	document_properties(rd, document_node(rd, pair->value), name, property_defs,
			    nr_property_defs, &pool);
	/* A pool with mistakes would only cause more messages. */
	if (cfg->nr_mistakes == mistakes)
		check_pool(rd, key, &pool);
	pool.bad = cfg->nr_mistakes > mistakes;
	cfg->pools = xrealloc(cfg->pools,
			      (cfg->nr_pools + 1) * sizeof(pool));
	cfg->pools[cfg->nr_pools++] = pool;
}

static const struct document_kind pools_kind = {
	.key = "pools",
	.noun = "pool",
	.nouns = "pools",
	.example = "mem: 4G",
	.nothing = "it declares nothing; 'pools: {}' declares that there are no pools",
	.read = read_pool,
};

/* Files */

void config_read_file(struct config *cfg, const char *path)
{
	document_read(cfg, path, &pools_kind, NULL);
}

/* Read all files that match a pattern, sorted by name. Return their number. */
static size_t read_glob(struct config *cfg, const char *dir,
			const char *pattern)
{
	char *path = xprintf("%s/%s", dir, pattern);
	glob_t found = { 0 };
	size_t i, nr;

	if (glob(path, 0, NULL, &found))
		found.gl_pathc = 0;
	nr = found.gl_pathc;
	for (i = 0; i < nr; i++)
		config_read_file(cfg, found.gl_pathv[i]);
	globfree(&found);
	free(path);
	return nr;
}

/* Read the configuration files of the host that exist. */
static void read_etc(struct config *cfg)
{
	const char *etc = getenv("VPOOL_ETC_DIR");
	size_t nr;
	char *path;

	etc = etc ? etc : "/etc";
	nr = read_glob(cfg, etc, "vpool.conf");
	nr += read_glob(cfg, etc, "vpool.d/*.conf");
	if (nr)
		return;
	path = xprintf("%s/vpool.conf", etc);
	document_about(cfg, document_add_file(cfg, path),
		       "the file does not exist, nor does any vpool.d/*.conf beside it");
	free(path);
}

void config_read(struct config *cfg, char **paths, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		config_read_file(cfg, paths[i]);
	if (!nr)
		read_etc(cfg);
}
