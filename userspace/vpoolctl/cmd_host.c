// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl host: what the host has, and what is free to take.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage.h"
#include "table.h"

enum {
	HOST_CPUS,
	HOST_NR_CPUS,
	HOST_CORES,
	HOST_NODES,
	HOST_FREE_CPUS,
	HOST_MEMORY,
	HOST_AVAILABLE,
	HOST_POOLED,
	HOST_MODULE,
};

static const struct column host_columns[] = {
	[HOST_CPUS] = { .name = "CPUS", .type = CELL_TEXT },
	[HOST_NR_CPUS] = { .name = "CPU-COUNT", .type = CELL_NUMBER },
	[HOST_CORES] = { .name = "CORES", .type = CELL_NUMBER },
	[HOST_NODES] = { .name = "NUMA-NODES", .type = CELL_NUMBER },
	[HOST_FREE_CPUS] = { .name = "FREE-CPUS", .type = CELL_TEXT },
	[HOST_MEMORY] = { .name = "MEMORY", .type = CELL_SIZE },
	[HOST_AVAILABLE] = { .name = "MEMORY-AVAILABLE", .type = CELL_SIZE },
	[HOST_POOLED] = { .name = "MEMORY-POOLED", .type = CELL_SIZE },
	[HOST_MODULE] = { .name = "MODULE-LOADED", .type = CELL_BOOL },
};

enum {
	NODE_NODE,
	NODE_CPUS,
	NODE_CORES,
	NODE_FREE_CPUS,
	NODE_TOTAL,
	NODE_FREE,
	NODE_POOLED,
};

static const struct column node_columns[] = {
	[NODE_NODE] = { "NODE", CELL_NUMBER, "the NUMA node" },
	[NODE_CPUS] = { "CPUS", CELL_TEXT, "its CPUs that are online" },
	[NODE_CORES] = { "CORES", CELL_NUMBER, "its cores" },
	[NODE_FREE_CPUS] = { "FREE-CPUS", CELL_TEXT,
			     "those of its CPUs that are in no pool" },
	[NODE_TOTAL] = { "TOTAL", CELL_SIZE, "its memory" },
	[NODE_FREE] = { "FREE", CELL_SIZE, "memory that nothing uses" },
	[NODE_POOLED] = { "POOLED", CELL_SIZE, "memory in pools" },
};

/**
 * struct taken - what pools have taken
 * @cpus: CPUs that are online and in no pool
 * @pools: the pools
 * @nr: how many
 * @module: the module is loaded; else there are no pools
 */
struct taken {
	struct vpool_cpus cpus;
	struct vpool_info **pools;
	size_t nr;
	bool module;
};

static int read_taken(const struct invocation *inv,
		      const struct vpool_host *host, struct taken *taken)
{
	struct vpool *vp;
	size_t i;
	int err;

	memset(taken, 0, sizeof(*taken));
	err = vpool_open_reader(&vp);
	taken->module = err != -VPOOL_NO_MODULE;
	if (!err)
		err = read_pools(vp, &taken->pools, &taken->nr);
	if (err == -VPOOL_NO_MODULE)
		err = 0;
	if (err)
		err = failed(inv, NULL, vp, err);
	vpool_close(vp);
	if (err)
		return err;
	if (vpool_cpus_copy(&taken->cpus, &host->cpus))
		return EXIT_FAILED;
	for (i = 0; i < taken->nr; i++)
		vpool_cpus_subtract(&taken->cpus, &taken->pools[i]->cpus);
	return EXIT_OK;
}

static __u64 pooled_on(const struct taken *taken, int node)
{
	__u64 bytes = 0;
	size_t i, j;

	for (i = 0; i < taken->nr; i++) {
		const struct vpool_info *pool = taken->pools[i];

		for (j = 0; j < pool->nr_nodes; j++)
			if (pool->nodes[j].node == node)
				bytes += pool->nodes[j].total_bytes;
	}
	return bytes;
}

static void set_cpus(struct table *tb, size_t column,
		     const struct vpool_cpus *cpus)
{
	char *text = cpus_text(cpus);

	table_text(tb, column, text);
	free(text);
}

static void fill_node(struct table *tb, const struct vpool_host_node *node,
		      const struct taken *taken)
{
	struct vpool_cpus spare;

	table_row(tb);
	table_number(tb, NODE_NODE, node->node);
	set_cpus(tb, NODE_CPUS, &node->cpus);
	table_number(tb, NODE_CORES, node->cores);
	if (!vpool_cpus_copy(&spare, &node->cpus)) {
		vpool_cpus_and(&spare, &taken->cpus);
		set_cpus(tb, NODE_FREE_CPUS, &spare);
		vpool_cpus_free(&spare);
	}
	table_number(tb, NODE_TOTAL, node->total_bytes);
	table_number(tb, NODE_FREE, node->free_bytes);
	table_number(tb, NODE_POOLED, pooled_on(taken, node->node));
}

static struct table *node_table(const struct vpool_host *host,
				const struct taken *taken)
{
	struct table *tb = table_new("nodes", node_columns,
				     ARRAY_SIZE(node_columns));
	size_t i;

	for (i = 0; i < host->nr_nodes; i++)
		fill_node(tb, host->nodes + i, taken);
	return tb;
}

static struct table *host_table(const struct vpool_host *host,
				const struct taken *taken)
{
	struct table *tb = record_new("host", host_columns,
				      ARRAY_SIZE(host_columns));
	__u64 pooled = 0;
	size_t i;

	for (i = 0; i < taken->nr; i++)
		pooled += taken->pools[i]->total_bytes;
	set_cpus(tb, HOST_CPUS, &host->cpus);
	table_number(tb, HOST_NR_CPUS, vpool_cpus_count(&host->cpus));
	table_number(tb, HOST_CORES, host->cores);
	table_number(tb, HOST_NODES, host->nr_nodes);
	set_cpus(tb, HOST_FREE_CPUS, &taken->cpus);
	table_number(tb, HOST_MEMORY, host->total_bytes);
	table_number(tb, HOST_AVAILABLE, host->available_bytes);
	table_number(tb, HOST_POOLED, pooled);
	table_number(tb, HOST_MODULE, taken->module);
	record_adopt(tb, node_table(host, taken));
	record_adopt(tb, disk_table());
	record_adopt(tb, filesystem_table());
	return tb;
}

enum {
	OPT_JSON,
	OPT_BYTES,
};

static const struct option_def host_options[] = {
	[OPT_JSON] = OPTION_JSON,
	[OPT_BYTES] = OPTION_BYTES,
};

static int run_host(const struct invocation *inv)
{
	struct style style = {
		.json = inv->given[OPT_JSON],
		.bytes = inv->given[OPT_BYTES],
	};
	struct vpool_host *host;
	struct taken taken;
	struct table *tb;
	int status;

	status = vpool_host_read(&host);
	if (status) {
		complain(inv, NULL, "cannot read about the host: %s",
			 strerror(-status));
		return EXIT_FAILED;
	}
	status = read_taken(inv, host, &taken);
	if (!status) {
		tb = host_table(host, &taken);
		table_print(tb, &style, stdout);
		table_free(tb);
	}
	vpool_cpus_free(&taken.cpus);
	free_pools(taken.pools, taken.nr);
	vpool_host_free(host);
	return status;
}

const struct command cmd_host = {
	.name = "host",
	.summary = "show what this host has, and what is free to take",
	.description =
		"Show this host's CPUs, cores, NUMA nodes, memory and\n"
		"storage, and which CPUs are in no pool yet. Works without\n"
		"the module, too.",
	.options = host_options,
	.nr_options = ARRAY_SIZE(host_options),
	.run = run_host,
};
