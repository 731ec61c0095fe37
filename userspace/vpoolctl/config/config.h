/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_H
#define VPOOLCTL_CONFIG_H

#include <libvpool.h>

#include "host/grade.h"
#include "host/mounting.h"

struct failure;

struct mem_ask;

/**
 * struct location - a position in a file
 * @file: name of the file as the user gave it; owned by struct config
 * @line: line number from 1; 0 for the file as a whole
 * @column: column number from 1
 */
struct location {
	const char *file;
	unsigned int line;
	unsigned int column;
};

/**
 * struct pool_config - a pool as declared, or as it exists
 * @name: its name, NUL-terminated
 * @location: position of its declaration
 * @mem: memory requests, owned; a file's requests are rounded up to the page size
 * @asks: how the user wrote each request of @mem, owned; NULL for an existing pool
 * @nr_mem: length of @mem and @asks; 0 for a pool without memory
 * @mem_changes: a memory request may have a sign, as in resize
 * @cpus: its CPUs, owned; empty for a pool without CPUs
 * @offline: declared CPUs that are offline and therefore not in @cpus, owned
 * @nr_cpus: number of CPUs for the module to choose; 0 if @cpus lists them
 * @cpus_node: NUMA node to choose the CPUs from, or VPOOL_ANY_NODE
 * @page_size: page size in bytes
 * @uid: owner of its device
 * @gid: group of its device
 * @mode: permission bits of its device, within 0666
 * @timeout_ms: how long to wait for memory, in milliseconds
 * @split_cores: it may have some but not all threads of a core
 * @boot_core: it may have the core that the host booted on
 * @isolate: its grade; any grade but plain needs CPUs
 * @user_bytes: memory that each user may have, in bytes; 0 for no limit
 * @user_regions: number of regions that each user may have; 0 for no limit
 * @user_members: number of members of each user; 0 for no limit
 * @mount: where its files are mounted; its directory is owned
 * @has_mount: something was declared about @mount
 * @bad: its declaration has a mistake
 * @unmet: why the host cannot satisfy it, owned; NULL if it can
 *
 * @timeout_ms, @split_cores and @boot_core apply to the creation only. An existing pool
 * does not record them.
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
	__u64 user_bytes;
	__u32 user_regions;
	__u32 user_members;
	struct mount_spec mount;
	bool has_mount;
	bool bad;
	struct failure *unmet;
};

/**
 * struct mistake - a mistake in a file
 * @location: its position
 * @text: message, owned
 */
struct mistake {
	struct location location;
	char *text;
};

/**
 * struct config - the declarations that a set of files contains
 * @pools: the pools in the order of their declaration, owned
 * @nr_pools: length of @pools
 * @mistakes: the mistakes in the order of the files, owned
 * @nr_mistakes: length of @mistakes; if not 0, @pools needs config_drop_bad()
 * @files: names of the files, owned
 * @nr_files: length of @files
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
/* Report each mistake on one line of standard error. */
void config_report(const struct config *cfg);

/* Remove the pools whose declaration has a mistake. */
void config_drop_bad(struct config *cfg);

struct pool_config *config_find(const struct config *cfg, const char *name);
/* Set all properties to their defaults. */
void pool_config_init(struct pool_config *pool, const char *name);
void pool_config_free(struct pool_config *pool);

/**
 * enum property - the properties of a pool that apply compares, in the order of a file
 * @PROPERTY_MEM: memory
 * @PROPERTY_CPUS: CPUs
 * @PROPERTY_ISOLATE: grade: isolate or confine
 * @PROPERTY_PAGE_SIZE: page size
 * @PROPERTY_OWNER: owner and group of the device
 * @PROPERTY_MODE: permission bits of the device
 * @PROPERTY_USER_MEM: memory that each user may have
 * @PROPERTY_USER_REGIONS: number of regions that each user may have
 * @PROPERTY_USER_MEMBERS: number of members that each user may have
 * @PROPERTY_MOUNT: where and how its files are mounted
 * @NR_PROPERTIES: number of properties
 */
enum property {
	PROPERTY_MEM,
	PROPERTY_CPUS,
	PROPERTY_ISOLATE,
	PROPERTY_PAGE_SIZE,
	PROPERTY_OWNER,
	PROPERTY_MODE,
	PROPERTY_USER_MEM,
	PROPERTY_USER_REGIONS,
	PROPERTY_USER_MEMBERS,
	PROPERTY_MOUNT,
	NR_PROPERTIES,
};

#endif /* VPOOLCTL_CONFIG_H */
