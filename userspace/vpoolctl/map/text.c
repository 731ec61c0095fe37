// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map on a terminal: for each NUMA node a bar for its memory, and a row for its
 * cores with a character per thread. Each pool has a colour or a letter.
 */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "host/pools.h"
#include "map/map.h"
#include "map/text.h"
#include "output/units.h"

#define BAR 48

struct painter {
	FILE *to;
	bool colour;
	bool utf8;
};

static void put_pool(const struct painter *pt, size_t pool, size_t times)
{
	struct rgb c = pool_colour(pool);
	size_t i;

	if (pt->colour)
		fprintf(pt->to, "\033[38;2;%d;%d;%dm", c.r, c.g, c.b);
	for (i = 0; i < times; i++) {
		if (pt->colour && pt->utf8)
			fputs("█", pt->to);
		else
			fputc(pool_letter(pool), pt->to);
	}
	if (pt->colour)
		fputs("\033[0m", pt->to);
}

static void put_host(const struct painter *pt, size_t times)
{
	while (times--)
		fputs(pt->utf8 ? "▒" : "#", pt->to);
}

static void put_free(const struct painter *pt, size_t times)
{
	while (times--)
		fputs(pt->utf8 ? "░" : ".", pt->to);
}

/* Return the number of characters for @bytes, at least one if there are any bytes. */
static size_t cells(__u64 bytes, __u64 total, size_t left)
{
	size_t nr = total ? (__uint128_t)bytes * BAR / total : 0;

	if (bytes && !nr)
		nr = 1;
	return nr < left ? nr : left;
}

static void put_memory(const struct painter *pt, const struct hostmap *map,
		       const struct vpool_host_node *node)
{
	char total[SIZE_TEXT], pooled_text[SIZE_TEXT], free_text[SIZE_TEXT];
	size_t i, nr, left = BAR;
	__u64 pooled = 0;

	fprintf(pt->to, "node %-3d memory ", node->node);
	for (i = 0; i < map->nr; i++) {
		__u64 bytes = pool_on_node(map->pools[i], node->node);

		nr = cells(bytes, node->total_bytes, left);
		put_pool(pt, i, nr);
		left -= nr;
		pooled += bytes;
	}
	nr = cells(node->free_bytes, node->total_bytes, left);
	put_host(pt, left - nr);
	put_free(pt, nr);
	fprintf(pt->to, " %s: %s in pools, %s free\n",
		format_size(node->total_bytes, total),
		format_size(pooled, pooled_text),
		format_size(node->free_bytes, free_text));
}

static void put_cpu(const struct painter *pt, const struct hostmap *map,
		    unsigned int cpu)
{
	int pool = pool_of_cpu(map, cpu);

	if (pool >= 0)
		put_pool(pt, pool, 1);
	else
		put_host(pt, 1);
}

static void put_core(const struct painter *pt, const struct hostmap *map,
		     hwloc_obj_t core)
{
	unsigned int cpu;

	hwloc_bitmap_foreach_begin(cpu, core->cpuset)
		put_cpu(pt, map, cpu);
	hwloc_bitmap_foreach_end();
}

/* Print cores in groups of eight, which are easy to count. */
static void put_cores(const struct painter *pt, const struct hostmap *map,
		      const struct vpool_host_node *node)
{
	hwloc_obj_t core = NULL;
	unsigned int nr = 0;
	char *cpus;
	int cpu;

	fputs("         cores  ", pt->to);
	while ((core = hwloc_get_next_obj_by_type(map->topology,
						  HWLOC_OBJ_CORE, core))) {
		cpu = hwloc_bitmap_first(core->cpuset);
		if (cpu < 0 || !vpool_cpus_test(&node->cpus, cpu))
			continue;
		fputs(nr && nr % 8 == 0 ? "  " : nr ? " " : "", pt->to);
		put_core(pt, map, core);
		nr++;
	}
	cpus = cpus_text(&node->cpus);
	fprintf(pt->to, "%sCPUs %s\n", nr ? "  " : "", *cpus ? cpus : "none");
	free(cpus);
}

static void put_legend(const struct painter *pt, const struct hostmap *map)
{
	char size[SIZE_TEXT];
	size_t i;

	fputc('\n', pt->to);
	for (i = 0; i < map->nr; i++) {
		const struct vpool_info *pool = map->pools[i];
		char *cpus = cpus_text(&pool->cpus);

		put_pool(pt, i, 1);
		fprintf(pt->to, " %s: %s of memory, CPUs %s\n", pool->name,
			format_size(pool->total_bytes, size),
			*cpus ? cpus : "none");
		free(cpus);
	}
	put_host(pt, 1);
	fputs(" the host\n", pt->to);
	put_free(pt, 1);
	fputs(" free\n", pt->to);
}

void map_print(const struct hostmap *map, bool colour, FILE *to)
{
	struct painter pt = {
		.to = to,
		.colour = colour,
		.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8"),
	};
	size_t i;

	for (i = 0; i < map->host->nr_nodes; i++) {
		put_memory(&pt, map, map->host->nodes + i);
		put_cores(&pt, map, map->host->nodes + i);
	}
	put_legend(&pt, map);
}
