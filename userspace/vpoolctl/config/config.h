/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_H
#define VPOOLCTL_CONFIG_H

#include <libvpool.h>

#include "host/grade.h"

struct failure;

struct mem_ask;

/**
 * struct location - where something stands
 * @file: the file, as it was named
 * @line: counted from 1; 0 if it is about the file as a whole
 * @column: counted from 1
 */
struct location {
	const char *file;
	unsigned int line;
	unsigned int column;
};

/**
 * struct pool_config - a pool as it shall be, or is
 * @name: its name
 * @location: where it was declared
 * @mem: how much memory from where, in multiples of the page size
 * @asks: how these were written, as many as @mem; NULL for a pool of the host
 * @mem_changes: a request for memory may have a sign, as in resize
 * @nr_mem: how many of these; 0 for a pool without memory
 * @cpus: its CPUs; empty for a pool without
 * @offline: declared CPUs that are offline and therefore not in @cpus
 * @nr_cpus: number of CPUs for the module to choose; 0 if @cpus lists them
 * @cpus_node: the node to choose them from, or VPOOL_ANY_NODE
 * @page_size: in bytes
 * @uid: owner of its node
 * @gid: group of its node
 * @mode: permission bits of its node
 * @timeout_ms: how long to go on gathering memory
 * @split_cores: it may have some but not all threads of a core
 * @boot_core: it may have the core that the host booted on
 * @isolate: its grade; others than plain need CPUs
 * @bad: its declaration has a mistake
 * @unmet: why the host cannot satisfy it, for free(3), or NULL
 *
 * The three before @isolate say how to make it; a pool that is there does not have
 * them.
 */
struct pool_config {
	char name[VPOOL_NAME_SIZE];
	struct location location;
	struct vpool_mem *mem;
	struct mem_ask *asks;
	size_t nr_mem;
	bool mem_changes;
	struct vpool_cpus cpus;
	struct vpool_cpus offline;
	unsigned int nr_cpus;
	int cpus_node;
	__u64 page_size;
	uid_t uid;
	gid_t gid;
	mode_t mode;
	__u32 timeout_ms;
	bool split_cores;
	bool boot_core;
	enum grade isolate;
	bool bad;
	struct failure *unmet;
};

/**
 * struct mistake - what is wrong in a file
 * @location: where
 * @text: what
 */
struct mistake {
	struct location location;
	char *text;
};

/**
 * struct config - what some files declare
 * @pools: the pools, in the order of declaration
 * @nr_pools: how many
 * @mistakes: what is wrong, in the order of the files
 * @nr_mistakes: how many; if there is one, @pools needs config_drop_bad()
 * @files: the files that were read
 * @nr_files: how many
 */
struct config {
	struct pool_config *pools;
	size_t nr_pools;
	struct mistake *mistakes;
	size_t nr_mistakes;
	char **files;
	size_t nr_files;
};

void config_free(struct config *cfg);
/* One line for each mistake, on standard error. */
void config_report(const struct config *cfg);

/* Leave out the pools that have a mistake in them. */
void config_drop_bad(struct config *cfg);

struct pool_config *config_find(const struct config *cfg, const char *name);
/* Set all properties to their defaults. */
void pool_config_init(struct pool_config *pool, const char *name);
void pool_config_free(struct pool_config *pool);

/**
 * enum property - what makes up a pool, in the order of declaration
 * @PROPERTY_MEM: its memory
 * @PROPERTY_CPUS: its CPUs
 * @PROPERTY_ISOLATE: its grade: isolate or confine
 * @PROPERTY_PAGE_SIZE: its page size
 * @PROPERTY_OWNER: owner and group of its node
 * @PROPERTY_MODE: permission bits of its node
 * @NR_PROPERTIES: how many there are
 */
enum property {
	PROPERTY_MEM,
	PROPERTY_CPUS,
	PROPERTY_ISOLATE,
	PROPERTY_PAGE_SIZE,
	PROPERTY_OWNER,
	PROPERTY_MODE,
	NR_PROPERTIES,
};

#endif /* VPOOLCTL_CONFIG_H */
