// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl map: draw the host and its pools.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "host/pools.h"
#include "map/image.h"
#include "map/map.h"
#include "map/text.h"
#include "output/messages.h"
#include "output/table.h"

enum {
	OPT_OUTPUT,
	OPT_JSON,
};

static const struct option_def map_options[] = {
	[OPT_OUTPUT] = {
		.name = "output", .letter = 'o', .arg = "FILE",
		.complete = COMPLETE_FILE,
		.help =
			"write an image, FILE.svg or FILE.png; needs lstopo from the\n"
			"package hwloc",
	},
	[OPT_JSON] = {
		.name = "json", .letter = 'J',
		.help = "print the map as JSON, with sizes in bytes",
	},
};

enum {
	MAP_CPUS,
	MAP_MEMORY,
	MAP_POOLS,
};

static const struct column map_columns[] = {
	[MAP_CPUS] = { .name = "CPUS", .type = CELL_TEXT },
	[MAP_MEMORY] = { .name = "MEMORY", .type = CELL_SIZE },
	[MAP_POOLS] = { .name = "POOLS", .type = CELL_NUMBER },
};

enum {
	CPU_CPU,
	CPU_CORE,
	CPU_PACKAGE,
	CPU_NODE,
	CPU_POOL,
};

static const struct column cpu_columns[] = {
	[CPU_CPU] = { .name = "CPU", .type = CELL_NUMBER },
	[CPU_CORE] = { .name = "CORE", .type = CELL_NUMBER },
	[CPU_PACKAGE] = { .name = "PACKAGE", .type = CELL_NUMBER },
	[CPU_NODE] = { .name = "NODE", .type = CELL_NUMBER },
	[CPU_POOL] = { .name = "POOL", .type = CELL_TEXT },
};

enum {
	MEM_NODE,
	MEM_POOL,
	MEM_BYTES,
};

static const struct column mem_columns[] = {
	[MEM_NODE] = { .name = "NODE", .type = CELL_NUMBER },
	[MEM_POOL] = { .name = "POOL", .type = CELL_TEXT },
	[MEM_BYTES] = { .name = "BYTES", .type = CELL_SIZE },
};

static void fill_cpu(const struct hostmap *map, struct table *tb,
		     hwloc_obj_t pu)
{
	hwloc_obj_t core, package;
	int pool = pool_of_cpu(map, pu->os_index);
	size_t i;

	core = hwloc_get_ancestor_obj_by_type(map->topology, HWLOC_OBJ_CORE,
					      pu);
	package = hwloc_get_ancestor_obj_by_type(map->topology,
						 HWLOC_OBJ_PACKAGE, pu);
	table_row(tb);
	table_number(tb, CPU_CPU, pu->os_index);
	/* hwloc's numbers are unique on the host. */
	if (core)
		table_number(tb, CPU_CORE, core->logical_index);
	if (package)
		table_number(tb, CPU_PACKAGE, package->logical_index);
	for (i = 0; i < map->host->nr_nodes; i++)
		if (vpool_cpus_test(&map->host->nodes[i].cpus, pu->os_index))
			table_number(tb, CPU_NODE, map->host->nodes[i].node);
	if (pool >= 0)
		table_text(tb, CPU_POOL, map->pools[pool]->name);
}

static struct table *cpu_table(const struct hostmap *map)
{
	struct table *tb = table_new("cpu_places", cpu_columns,
				     ARRAY_SIZE(cpu_columns));
	hwloc_obj_t pu = NULL;

	while ((pu = hwloc_get_next_obj_by_type(map->topology, HWLOC_OBJ_PU,
						pu)))
		fill_cpu(map, tb, pu);
	return tb;
}

static struct table *mem_table(const struct hostmap *map)
{
	struct table *tb = table_new("memory_places", mem_columns,
				     ARRAY_SIZE(mem_columns));
	size_t i, n;

	for (n = 0; n < map->host->nr_nodes; n++) {
		for (i = 0; i < map->nr; i++) {
			int node = map->host->nodes[n].node;
			__u64 bytes = pool_on_node(map->pools[i], node);

			if (!bytes)
				continue;
			table_row(tb);
			table_number(tb, MEM_NODE, node);
			table_text(tb, MEM_POOL, map->pools[i]->name);
			table_number(tb, MEM_BYTES, bytes);
		}
	}
	return tb;
}

static void print_json(const struct hostmap *map)
{
	struct table *tb = record_new("map", map_columns,
				      ARRAY_SIZE(map_columns));
	char *cpus = cpus_text(&map->host->cpus);
	struct style style = { .json = true };

	table_text(tb, MAP_CPUS, cpus);
	table_number(tb, MAP_MEMORY, map->host->total_bytes);
	table_number(tb, MAP_POOLS, map->nr);
	record_adopt(tb, cpu_table(map));
	record_adopt(tb, mem_table(map));
	table_print(tb, &style, stdout);
	table_free(tb);
	free(cpus);
}

static const char *image_format(const char *path)
{
	const char *dot = strrchr(path, '.');

	if (dot && (!strcmp(dot, ".svg") || !strcmp(dot, ".png")))
		return dot + 1;
	return NULL;
}

static int load_topology(hwloc_topology_t *topology)
{
	if (hwloc_topology_init(topology))
		return -ENOMEM;
	hwloc_topology_set_type_filter(*topology, HWLOC_OBJ_MISC,
				       HWLOC_TYPE_FILTER_KEEP_ALL);
	/* Include CPUs that this process may not run on. */
	hwloc_topology_set_flags(*topology,
				 HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
	if (!hwloc_topology_load(*topology))
		return 0;
	hwloc_topology_destroy(*topology);
	return errno ? -errno : -EIO;
}

static int show_map(const struct invocation *inv, const struct hostmap *map)
{
	const char *path = inv->value[OPT_OUTPUT];

	if (inv->given[OPT_OUTPUT])
		return map_draw(map, inv, path, image_format(path));
	if (inv->given[OPT_JSON])
		print_json(map);
	else
		map_print(map, want_colour(), stdout);
	return EXIT_OK;
}

static int map_host(const struct invocation *inv, struct hostmap *map)
{
	int status, err;

	err = vpool_host_read(&map->host);
	if (!err)
		err = load_topology(&map->topology);
	if (err) {
		cmd_error(inv, NULL, errno_code(-err),
			  "cannot read the CPUs and memory of the host: %s",
			  strerror(-err));
		vpool_host_free(map->host);
		return EXIT_FAILED;
	}
	status = show_map(inv, map);
	hwloc_topology_destroy(map->topology);
	vpool_host_free(map->host);
	return status;
}

static int run_map(const struct invocation *inv)
{
	struct hostmap map = { 0 };
	struct vpool *vp;
	int status, err;

	if (inv->given[OPT_OUTPUT] && !image_format(inv->value[OPT_OUTPUT]))
		return usage_error(inv->cmd,
				   "--output: '%s' is neither .svg nor .png",
				   inv->value[OPT_OUTPUT]);
	err = vpool_open_reader(&vp);
	if (!err)
		err = read_pools(vp, &map.pools, &map.nr);
	/* Without the module there are no pools. */
	if (err && err != -VPOOL_NO_MODULE)
		status = handle_error(inv, NULL, vp, err);
	else
		status = map_host(inv, &map);
	if (!err)
		free_pools(map.pools, map.nr);
	vpool_close(vp);
	return status;
}

const struct command cmd_map = {
	.name = "map",
	.summary = "draw this host and the pools on it",
	.description =
		"Draw this host's NUMA nodes, cores and memory, with a colour\n"
		"for each pool: in block characters, or with --output as an\n"
		"image. Without colours, each pool has a letter. The command\n"
		"works without the module, too.",
	.options = map_options,
	.nr_options = ARRAY_SIZE(map_options),
	.run = run_map,
};
