// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writer of files that declare pools. reader.c reads them.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/exit.h"
#include "base/macros.h"
#include "config/config.h"
#include "config/declare.h"
#include "host/grade.h"
#include "host/pools.h"

/* Format a size exactly, with the largest unit that divides it. */
static char *exact_size(__u64 bytes)
{
	static const char units[] = "KMGT";
	int power = 0;

	while (power < 4 && bytes && !(bytes % 1024)) {
		bytes /= 1024;
		power++;
	}
	if (!power)
		return xprintf("%llu", bytes);
	return xprintf("%llu%c", bytes, units[power - 1]);
}

static char *join(char *list, const char *sep, char *part)
{
	char *text = list ? xprintf("%s%s%s", list, sep, part) : xstrdup(part);

	free(list);
	free(part);
	return text;
}

static char *mem_text(const struct pool_config *pool)
{
	char *list = NULL, *size, *part;
	size_t i;

	for (i = 0; i < pool->nr_mem; i++) {
		size = exact_size(pool->mem[i].bytes);
		part = pool->mem[i].node == VPOOL_ANY_NODE ? xstrdup(size) :
		       xprintf("%s@%d", size, pool->mem[i].node);
		list = join(list, ",", part);
		free(size);
	}
	return list;
}

char *yaml_text(char *text)
{
	size_t plain = 0;
	char *quoted, *to;
	const char *from;

	while (isalnum((unsigned char)text[plain]) ||
	       (text[plain] && strchr("._:@/-", text[plain])))
		plain++;
	if ((isalnum((unsigned char)*text) || *text == '/') && !text[plain] &&
	    text[plain - 1] != ':')
		return text;
	quoted = xcalloc(2 * strlen(text) + 3, 1);
	to = quoted;
	*to++ = '"';
	for (from = text; *from; from++) {
		if (strchr("\"\\\n\t", *from))
			*to++ = '\\';
		*to++ = *from == '\n' ? 'n' : *from == '\t' ? 't' : *from;
	}
	*to = '"';
	free(text);
	return quoted;
}

static char *line(const char *name, char *value)
{
	char *text = value ? xprintf("%s: %s", name, value) : NULL;

	free(value);
	return text;
}

static char *grade_property(enum grade grade)
{
	switch (grade) {
	case GRADE_CONFINED:
		return xstrdup("confine: true");
	case GRADE_ISOLATED:
		return xstrdup("isolate: true");
	case GRADE_NOBALANCE:
		return xstrdup("isolate: nobalance");
	case GRADE_PLAIN:
		break;
	}
	return NULL;
}

/* Return the mapping of a mount that has more than a directory. Takes over @path. */
static char *mount_mapping(const struct pool_config *pool, char *path)
{
	const struct mount_spec *spec = &pool->mount;
	bool owner = spec->uid != OWNER_OF_POOL || spec->gid != OWNER_OF_POOL;
	char *list = join(NULL, "", xprintf("path: %s", path));

	free(path);
	if (owner) {
		path = owner_text(mount_uid(pool), mount_gid(pool));
		list = join(list, ", ", line("owner", yaml_text(path)));
	}
	if (spec->mode != MODE_OF_POOL)
		list = join(list, ", ", xprintf("mode: \"%04o\"", spec->mode));
	if (spec->hugetlbfs)
		list = join(list, ", ", xstrdup("hugetlbfs: true"));
	path = xprintf("mount: {%s}", list);
	free(list);
	return path;
}

static char *mount_text(const struct pool_config *pool)
{
	const struct mount_spec *spec = &pool->mount;
	char *path;

	if (!spec->dir)
		return NULL;
	path = yaml_text(xstrdup(spec->dir));
	if (spec->uid == OWNER_OF_POOL && spec->gid == OWNER_OF_POOL &&
	    spec->mode == MODE_OF_POOL && !spec->hugetlbfs)
		return line("mount", path);
	return mount_mapping(pool, path);
}

static char *ncpus_text(const struct pool_config *pool)
{
	if (pool->cpus_node == VPOOL_ANY_NODE)
		return xprintf("ncpus: %u", pool->nr_cpus);
	return xprintf("ncpus: %u@%d", pool->nr_cpus, pool->cpus_node);
}

char *property_text(const struct pool_config *pool, enum property property)
{
	switch (property) {
	case PROPERTY_MEM:
		return line("mem", mem_text(pool));
	case PROPERTY_CPUS:
		if (pool->nr_cpus)
			return ncpus_text(pool);
		if (!vpool_cpus_count(&pool->cpus))
			return NULL;
		return line("cpus", cpus_text(&pool->cpus));
	case PROPERTY_ISOLATE:
		return grade_property(pool->isolate);
	case PROPERTY_PAGE_SIZE:
		return line("page-size", exact_size(pool->page_size));
	case PROPERTY_OWNER:
		return line("owner", yaml_text(owner_text(pool->uid,
							  pool->gid)));
	case PROPERTY_MODE:
		/* Without quotes, YAML reads a number. */
		return xprintf("mode: \"%04o\"", pool->mode);
	case PROPERTY_USER_MEM:
		return pool->user_bytes ?
		       line("user-mem", exact_size(pool->user_bytes)) : NULL;
	case PROPERTY_USER_REGIONS:
		return pool->user_regions ?
		       xprintf("user-regions: %u", pool->user_regions) : NULL;
	case PROPERTY_USER_MEMBERS:
		return pool->user_members ?
		       xprintf("user-members: %u", pool->user_members) : NULL;
	case PROPERTY_MOUNT:
		return mount_text(pool);
	case NR_PROPERTIES:
		break;
	}
	return NULL;
}

/* Write the flags that creating the pool needs. */
static void write_manner(const struct pool_config *pool, FILE *to)
{
	if (pool->split_cores)
		fputs("    split-cores: true\n", to);
	if (pool->boot_core)
		fputs("    boot-core: true\n", to);
}

void write_name(const char *name, FILE *to)
{
	static const char *const words[] = {
		"null", "true", "false", "yes", "no", "on", "off", "y", "n",
	};
	bool quote = !isalpha((unsigned char)*name);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		quote |= !strcmp(name, words[i]);
	fprintf(to, quote ? "  \"%s\":\n" : "  %s:\n", name);
}

void config_write(const struct config *cfg, FILE *to)
{
	enum property property;
	size_t i;

	fputs(cfg->nr_pools ? "pools:\n" : "pools: {}\n", to);
	for (i = 0; i < cfg->nr_pools; i++) {
		const struct pool_config *pool = cfg->pools + i;

		write_name(pool->name, to);
		for (property = 0; property < NR_PROPERTIES; property++) {
			char *text = property_text(pool, property);

			if (text)
				fprintf(to, "    %s\n", text);
			free(text);
		}
		write_manner(pool, to);
	}
}

/* Find the flags that create needs for these CPUs. */
static void find_manner(struct pool_config *pool)
{
	struct vpool_cpus core;
	unsigned int cpu;

	for (cpu = 0; cpu < pool->cpus.bytes * 8; cpu++) {
		if (!vpool_cpus_test(&pool->cpus, cpu))
			continue;
		core_of(cpu, &core);
		pool->boot_core |= vpool_cpus_test(&core, 0);
		vpool_cpus_subtract(&core, &pool->cpus);
		pool->split_cores |= vpool_cpus_count(&core) > 0;
		vpool_cpus_free(&core);
	}
}

void pool_config_of(struct pool_config *pool, const struct vpool_info *info)
{
	size_t i;

	memset(pool, 0, sizeof(*pool));
	memcpy(pool->name, info->name, sizeof(pool->name));
	pool->page_size = info->page_size;
	pool->uid = info->uid;
	pool->gid = info->gid;
	pool->mode = info->mode;
	pool->timeout_ms = 10000;
	pool->cpus_node = VPOOL_ANY_NODE;
	pool->isolate = grade_of(info);
	pool->user_bytes = info->user_bytes;
	pool->user_regions = info->user_regions;
	pool->user_members = info->user_members;
	mount_spec_init(&pool->mount);
	pool->mem = xcalloc(info->nr_nodes, sizeof(*pool->mem));
	for (i = 0; i < info->nr_nodes; i++) {
		if (!info->nodes[i].total_bytes)
			continue;
		pool->mem[pool->nr_mem].bytes = info->nodes[i].total_bytes;
		pool->mem[pool->nr_mem++].node = info->nodes[i].node;
	}
	if (vpool_cpus_copy(&pool->cpus, &info->cpus))
		exit(EXIT_FAILED);
	find_manner(pool);
}

uid_t mount_uid(const struct pool_config *pool)
{
	return pool->mount.uid == OWNER_OF_POOL ? pool->uid : pool->mount.uid;
}

gid_t mount_gid(const struct pool_config *pool)
{
	return pool->mount.gid == OWNER_OF_POOL ? pool->gid : pool->mount.gid;
}

mode_t mount_mode(const struct pool_config *pool)
{
	return pool->mount.mode == MODE_OF_POOL ? mount_default_mode(pool->mode) :
						  pool->mount.mode;
}

void pool_config_mount_of(struct pool_config *pool, const struct mount_point *mp)
{
	struct mount_spec *spec = &pool->mount;

	free(spec->dir);
	mount_spec_of(spec, mp);
	if (spec->uid == pool->uid && spec->gid == pool->gid) {
		spec->uid = OWNER_OF_POOL;
		spec->gid = OWNER_OF_POOL;
	}
	if (spec->mode == mount_default_mode(pool->mode))
		spec->mode = MODE_OF_POOL;
}

__u64 pool_config_bytes(const struct pool_config *pool)
{
	__u64 total = 0;
	size_t i;

	for (i = 0; i < pool->nr_mem; i++)
		total += pool->mem[i].bytes;
	return total;
}
