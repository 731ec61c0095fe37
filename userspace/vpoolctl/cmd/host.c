// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl host: show the resources of the host and the poolable part of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "host/pools.h"
#include "host/spare.h"
#include "host/storage.h"
#include "output/messages.h"
#include "output/table.h"

enum {
	HOST_CPUS,
	HOST_NR_CPUS,
	HOST_CORES,
	HOST_NODES,
	HOST_FREE_CPUS,
	HOST_POOLABLE_CPUS,
	HOST_MEMORY,
	HOST_AVAILABLE,
	HOST_POOLABLE,
	HOST_POOLED,
	HOST_MAPPING,
	HOST_MODULE,
};

static const struct column host_columns[] = {
	[HOST_CPUS] = { .name = "CPUS", .type = CELL_TEXT },
	[HOST_NR_CPUS] = { .name = "CPU-COUNT", .type = CELL_NUMBER },
	[HOST_CORES] = { .name = "CORES", .type = CELL_NUMBER },
	[HOST_NODES] = { .name = "NUMA-NODES", .type = CELL_NUMBER },
	[HOST_FREE_CPUS] = { .name = "FREE-CPUS", .type = CELL_TEXT },
	[HOST_POOLABLE_CPUS] = { .name = "POOLABLE-CPUS", .type = CELL_TEXT },
	[HOST_MEMORY] = { .name = "MEMORY", .type = CELL_SIZE },
	[HOST_AVAILABLE] = { .name = "MEMORY-AVAILABLE", .type = CELL_SIZE },
	[HOST_POOLABLE] = { .name = "MEMORY-POOLABLE", .type = CELL_SIZE },
	[HOST_POOLED] = { .name = "MEMORY-POOLED", .type = CELL_SIZE },
	[HOST_MAPPING] = { .name = "MEMORY-MAPPED-BY", .type = CELL_SIZE },
	[HOST_MODULE] = { .name = "MODULE-LOADED", .type = CELL_BOOL },
};

enum {
	NODE_NODE,
	NODE_CPUS,
	NODE_CORES,
	NODE_FREE_CPUS,
	NODE_POOLABLE_CPUS,
	NODE_TOTAL,
	NODE_FREE,
	NODE_POOLABLE,
	NODE_POOLED,
};

static const struct column node_columns[] = {
	[NODE_NODE] = { "NODE", CELL_NUMBER, "number of the NUMA node" },
	[NODE_CPUS] = { "CPUS", CELL_TEXT, "its online CPUs" },
	[NODE_CORES] = { "CORES", CELL_NUMBER, "its cores" },
	[NODE_FREE_CPUS] = { "FREE-CPUS", CELL_TEXT,
			     "its online CPUs in no pool" },
	[NODE_POOLABLE_CPUS] = { "POOLABLE-CPUS", CELL_TEXT,
				 "free CPUs that one pool can take" },
	[NODE_TOTAL] = { "TOTAL", CELL_SIZE, "its memory" },
	[NODE_FREE] = { "FREE", CELL_SIZE, "free memory" },
	[NODE_POOLABLE] = { "POOLABLE", CELL_SIZE,
			    "memory that one pool can take" },
	[NODE_POOLED] = { "POOLED", CELL_SIZE, "memory in pools" },
};

enum {
	SIZE_SIZE,
	SIZE_DEFAULT,
};

static const struct column size_columns[] = {
	[SIZE_SIZE] = { "PAGE-SIZE", CELL_SIZE,
			"page size that pools can have" },
	[SIZE_DEFAULT] = { "DEFAULT", CELL_BOOL,
			   "the size without --page-size" },
};

/**
 * struct taken - the resources that pools have taken
 * @spare: the poolable rest
 * @pools: all pools
 * @nr: length of @pools
 * @sizes: page sizes that pools can have, in bytes
 * @nr_sizes: length of @sizes
 * @module: the module is loaded; without it there are neither pools nor page sizes
 */
struct taken {
	struct spare spare;
	struct vpool_info **pools;
	size_t nr;
	__u64 *sizes;
	size_t nr_sizes;
	bool module;
};

static int read_taken(const struct invocation *inv,
		      const struct vpool_host *host, struct taken *taken)
{
	struct vpool *vp;
	int err;

	memset(taken, 0, sizeof(*taken));
	err = vpool_open_reader(&vp);
	taken->module = err != -VPOOL_NO_MODULE;
	if (!err)
		err = read_pools(vp, &taken->pools, &taken->nr);
	if (!err)
		err = vpool_page_sizes(vp, &taken->sizes, &taken->nr_sizes);
	if (err == -VPOOL_NO_MODULE)
		err = 0;
	if (err)
		err = handle_error(inv, NULL, vp, err);
	vpool_close(vp);
	if (err)
		return err;
	spare_read(&taken->spare, host, taken->pools, taken->nr);
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
		      const struct spare_node *spare, const struct taken *taken)
{
	struct vpool_cpus free_cpus;

	table_row(tb);
	table_number(tb, NODE_NODE, node->node);
	set_cpus(tb, NODE_CPUS, &node->cpus);
	table_number(tb, NODE_CORES, node->cores);
	if (!vpool_cpus_copy(&free_cpus, &node->cpus)) {
		vpool_cpus_and(&free_cpus, &taken->spare.free_cpus);
		set_cpus(tb, NODE_FREE_CPUS, &free_cpus);
		vpool_cpus_free(&free_cpus);
	}
	set_cpus(tb, NODE_POOLABLE_CPUS, &spare->cpus);
	table_number(tb, NODE_TOTAL, node->total_bytes);
	table_number(tb, NODE_FREE, node->free_bytes);
	table_number(tb, NODE_POOLABLE, spare->bytes);
	table_number(tb, NODE_POOLED, pooled_on(taken, node->node));
}

static struct table *node_table(const struct vpool_host *host,
				const struct taken *taken)
{
	struct table *tb = table_new("nodes", node_columns,
				     ARRAY_SIZE(node_columns));
	size_t i;

	for (i = 0; i < host->nr_nodes; i++)
		fill_node(tb, host->nodes + i, taken->spare.nodes + i, taken);
	return tb;
}

static struct table *size_table(const struct taken *taken)
{
	struct table *tb = table_new("page_sizes", size_columns,
				     ARRAY_SIZE(size_columns));
	__u64 preset = vpool_default_page_size();
	size_t i;

	for (i = 0; i < taken->nr_sizes; i++) {
		table_row(tb);
		table_number(tb, SIZE_SIZE, taken->sizes[i]);
		table_number(tb, SIZE_DEFAULT, taken->sizes[i] == preset);
	}
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
	set_cpus(tb, HOST_FREE_CPUS, &taken->spare.free_cpus);
	set_cpus(tb, HOST_POOLABLE_CPUS, &taken->spare.cpus);
	table_number(tb, HOST_MEMORY, host->total_bytes);
	table_number(tb, HOST_AVAILABLE, host->available_bytes);
	table_number(tb, HOST_POOLABLE, taken->spare.bytes);
	table_number(tb, HOST_POOLED, pooled);
	if (host->mapping_bytes)
		table_number(tb, HOST_MAPPING, host->mapping_bytes);
	table_number(tb, HOST_MODULE, taken->module);
	record_adopt(tb, size_table(taken));
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
		cmd_error(inv, NULL, errno_code(-status),
			  "cannot read the CPUs and memory of the host: %s",
			  strerror(-status));
		return EXIT_FAILED;
	}
	status = read_taken(inv, host, &taken);
	if (!status) {
		tb = host_table(host, &taken);
		table_print(tb, &style, stdout);
		table_free(tb);
	}
	spare_free(&taken.spare);
	free_pools(taken.pools, taken.nr);
	free(taken.sizes);
	vpool_host_free(host);
	return status;
}

const struct command cmd_host = {
	.name = "host",
	.summary = "show the resources of the host, and the poolable part",
	.description =
		"Show this host's CPUs, cores, NUMA nodes, memory, storage\n"
		"and the page sizes that pools can have. Free CPUs are in no pool. Poolable CPUs and memory\n"
		"are free and can be taken by one pool. The module leaves the\n"
		"rest to the host: the core of CPU 0 (see --boot-core), parts\n"
		"of cores (see --split-cores), host_cpus_floor CPUs and\n"
		"host_mem_floor MiB of memory. Pool memory is mapped by pages\n"
		"of 4 KiB, and not by huge ones, on a kernel without\n"
		"transparent huge pages, such as a real-time kernel. The\n"
		"command works without the module, too.",
	.options = host_options,
	.nr_options = ARRAY_SIZE(host_options),
	.run = run_host,
};
