// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl list and show: print all pools, or one.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "host/grade.h"
#include "host/held.h"
#include "host/mounts.h"
#include "host/pools.h"
#include "output/listing.h"
#include "output/messages.h"
#include "output/table.h"

enum {
	COL_NAME,
	COL_STATE,
	COL_PAGE,
	COL_TOTAL,
	COL_USED,
	COL_FREE,
	COL_CPUS,
	COL_MEMBERS,
	COL_REGIONS,
	COL_OWNER,
	COL_MODE,
	COL_PEAK,
	COL_CLEAN,
	COL_SCRUBBING,
	COL_POISONED,
	COL_UID,
	COL_GID,
	COL_CREATED,
	COL_DEVICE,
	COL_ID,
	COL_ISOLATED,
	COL_GRADE,
	COL_OUTSIDE,
	COL_EFFECTIVE,
	COL_DEDICATED,
	COL_TARGET,
	COL_GATHERED,
	COL_MOUNTS,
	COL_USER_MEM,
	COL_USER_REGIONS,
	COL_USER_MEMBERS,
};

static const struct column pool_columns[] = {
	[COL_NAME] = { "NAME", CELL_TEXT, "the pool" },
	[COL_STATE] = { "STATE", CELL_TEXT,
		"creating, active, degraded or destroying" },
	[COL_PAGE] = { "PAGE", CELL_SIZE, "page size" },
	[COL_TOTAL] = { "TOTAL", CELL_SIZE, "total memory" },
	[COL_USED] = { "USED", CELL_SIZE,
		"memory in regions, or released but still pinned" },
	[COL_FREE] = { "FREE", CELL_SIZE, "memory in no region" },
	[COL_CPUS] = { "CPUS", CELL_TEXT, "its CPUs" },
	[COL_MEMBERS] = { "MEMBERS", CELL_NUMBER, "number of attached tasks" },
	[COL_REGIONS] = { "REGIONS", CELL_NUMBER, "open regions" },
	[COL_OWNER] = { "OWNER", CELL_TEXT,
		"user and group of its device", SHOW_DETAIL },
	[COL_MODE] = { "MODE", CELL_TEXT,
		"permission bits of its device", SHOW_DETAIL },
	[COL_PEAK] = { "PEAK", CELL_SIZE,
		"maximum of USED since the creation", SHOW_DETAIL },
	[COL_CLEAN] = { "CLEAN", CELL_SIZE,
		"free memory that is zeroed", SHOW_DETAIL },
	[COL_SCRUBBING] = { "SCRUBBING", CELL_SIZE,
		"free memory that is not zeroed yet", SHOW_DETAIL },
	[COL_POISONED] = { "POISONED", CELL_SIZE,
		"memory that is no longer used because of hardware errors", SHOW_DETAIL },
	[COL_UID] = { "UID", CELL_NUMBER, "user id", SHOW_NEVER },
	[COL_GID] = { "GID", CELL_NUMBER, "group id", SHOW_NEVER },
	[COL_CREATED] = { "CREATED", CELL_TEXT, "time of its creation", SHOW_DETAIL },
	[COL_DEVICE] = { "DEVICE", CELL_TEXT, "its device", SHOW_DETAIL },
	[COL_ID] = { "ID", CELL_NUMBER, "its number", SHOW_DETAIL },
	[COL_ISOLATED] = { "ISOLATED", CELL_BOOL,
		"whether other tasks are kept off its CPUs", SHOW_DETAIL },
	[COL_GRADE] = { "GRADE", CELL_TEXT,
		"plain, confined, isolated or isolated-nobalance; with\n"
		"\"(broken)\" if the cpusets of the host do not match\n"
		"the grade",
		SHOW_DETAIL },
	[COL_OUTSIDE] = { "OUTSIDE", CELL_NUMBER,
		"number of members that may run on other CPUs; only for users\n"
		"who may open the pool", SHOW_DETAIL },
	[COL_EFFECTIVE] = { "EFFECTIVE", CELL_TEXT,
		"its online CPUs", SHOW_DETAIL },
	[COL_DEDICATED] = { "DEDICATED", CELL_TEXT,
		"its CPUs that are dedicated to one member each",
		SHOW_DETAIL },
	[COL_TARGET] = { "TARGET", CELL_SIZE,
		"TOTAL after the create or resize in progress", SHOW_NEVER },
	[COL_GATHERED] = { "GATHERED", CELL_SIZE,
		"memory that the create or resize in progress has gathered", SHOW_NEVER },
	[COL_MOUNTS] = { "MOUNTS", CELL_NUMBER,
		"number of mounted filesystems with its files", SHOW_DETAIL },
	[COL_USER_MEM] = { "USER-MEM", CELL_SIZE,
		"memory that each user may have; empty if there is no limit",
		SHOW_DETAIL },
	[COL_USER_REGIONS] = { "USER-REGIONS", CELL_NUMBER,
		"number of regions that each user may have; empty if there is\n"
		"no limit", SHOW_DETAIL },
	[COL_USER_MEMBERS] = { "USER-MEMBERS", CELL_NUMBER,
		"number of members up to which tasks of each user can be\n"
		"attached; empty if there is no limit", SHOW_DETAIL },
};

enum {
	NODE_NODE,
	NODE_TOTAL,
	NODE_USED,
	NODE_FREE,
};

static const struct column node_columns[] = {
	[NODE_NODE] = { .name = "NODE", .type = CELL_NUMBER },
	[NODE_TOTAL] = { .name = "TOTAL", .type = CELL_SIZE },
	[NODE_USED] = { .name = "USED", .type = CELL_SIZE },
	[NODE_FREE] = { .name = "FREE", .type = CELL_SIZE },
};

/* Set a cell to a text and free the text. */
static void give_text(struct table *tb, size_t column, char *text)
{
	table_text(tb, column, text);
	free(text);
}

static void fill_created(struct table *tb, __u64 ns)
{
	struct timespec when = { .tv_sec = ns / 1000000000 };
	char *text = ns ? time_text(&when, false) : NULL;

	if (text)
		give_text(tb, COL_CREATED, text);
}

static void fill_memory(struct table *tb, const struct vpool_info *info)
{
	table_number(tb, COL_TOTAL, info->total_bytes);
	table_number(tb, COL_USED, info->used_bytes);
	table_number(tb, COL_FREE, info->free_bytes);
	table_number(tb, COL_PEAK, info->peak_bytes);
	table_number(tb, COL_CLEAN, info->clean_bytes);
	table_number(tb, COL_SCRUBBING, info->scrubbing_bytes);
	table_number(tb, COL_POISONED, info->poisoned_bytes);
	table_number(tb, COL_TARGET, info->target_bytes);
	table_number(tb, COL_GATHERED, info->gathered_bytes);
}

static void fill_grade(struct table *tb, const struct vpool_info *info)
{
	enum grade grade = grade_of(info);

	table_number(tb, COL_ISOLATED, grade_excludes(grade));
	give_text(tb, COL_GRADE,
		  xprintf("%s%s", grade_text(grade),
			  grade_in_force(info, grade) ? "" : " (broken)"));
}

/* The cell stays empty without a handle, or if the caller may not see the members. */
static void fill_outside(struct table *tb, struct vpool *vp,
			 const struct vpool_info *info)
{
	struct vpool_member_info *members;
	size_t i, nr, outside = 0;

	if (!vp || vpool_members(vp, info->name, &members, &nr))
		return;
	for (i = 0; i < nr; i++)
		outside += member_held(info, members + i) == HELD_OUTSIDE;
	free(members);
	table_number(tb, COL_OUTSIDE, outside);
}

static void fill_pool(struct table *tb, struct vpool *vp,
		      const struct vpool_info *info)
{
	table_text(tb, COL_NAME, info->name);
	table_text(tb, COL_STATE, info->state_name);
	table_number(tb, COL_PAGE, info->page_size);
	fill_memory(tb, info);
	give_text(tb, COL_CPUS, cpus_text(&info->cpus));
	table_number(tb, COL_MEMBERS, info->members);
	table_number(tb, COL_REGIONS, info->regions);
	give_text(tb, COL_OWNER, owner_text(info->uid, info->gid));
	give_text(tb, COL_MODE, xprintf("%04o", info->mode));
	table_number(tb, COL_UID, info->uid);
	table_number(tb, COL_GID, info->gid);
	fill_created(tb, info->created_ns);
	give_text(tb, COL_DEVICE, xprintf("/dev/vpool/%s", info->name));
	table_number(tb, COL_ID, info->id);
	fill_grade(tb, info);
	fill_outside(tb, vp, info);
	give_text(tb, COL_EFFECTIVE, cpus_text(&info->effective));
	give_text(tb, COL_DEDICATED, cpus_text(&info->dedicated));
	table_number(tb, COL_MOUNTS, info->mounts);
	if (info->user_bytes)
		table_number(tb, COL_USER_MEM, info->user_bytes);
	if (info->user_regions)
		table_number(tb, COL_USER_REGIONS, info->user_regions);
	if (info->user_members)
		table_number(tb, COL_USER_MEMBERS, info->user_members);
}

static int list_pools(const struct invocation *inv, struct vpool *vp,
		      struct table *tb)
{
	struct vpool_info **pools;
	size_t i, nr;
	int err;

	err = read_pools(vp, &pools, &nr);
	if (err)
		return err;
	for (i = 0; i < nr; i++) {
		table_row(tb);
		fill_pool(tb, listing_wants_all(inv) ? vp : NULL, pools[i]);
	}
	free_pools(pools, nr);
	return 0;
}

static int run_list(const struct invocation *inv)
{
	return run_listing(inv, "pools", list_pools);
}

const struct command cmd_list = {
	.name = "list",
	.summary = "list all pools",
	.description = "List all pools, one per line. Any user can run this command.",
	.options = listing_options,
	.nr_options = NR_LISTING_SIZE_OPTIONS,
	.columns = pool_columns,
	.nr_columns = ARRAY_SIZE(pool_columns),
	.run = run_list,
};

static struct table *node_table(const struct vpool_info *info)
{
	struct table *tb = table_new("nodes", node_columns,
				     ARRAY_SIZE(node_columns));
	size_t i;

	for (i = 0; i < info->nr_nodes; i++) {
		table_row(tb);
		table_number(tb, NODE_NODE, info->nodes[i].node);
		table_number(tb, NODE_TOTAL, info->nodes[i].total_bytes);
		table_number(tb, NODE_USED, info->nodes[i].used_bytes);
		table_number(tb, NODE_FREE, info->nodes[i].free_bytes);
	}
	return tb;
}

enum {
	MOUNT_DIRECTORY,
	MOUNT_HUGETLBFS,
};

static const struct column mount_columns[] = {
	[MOUNT_DIRECTORY] = { .name = "MOUNTED-AT", .type = CELL_TEXT },
	[MOUNT_HUGETLBFS] = { .name = "HUGETLBFS", .type = CELL_BOOL },
};

/* List the mounts that the caller's mount namespace has. */
static struct table *mount_table(const struct vpool_info *info)
{
	struct table *tb = table_new("mount_points", mount_columns,
				     ARRAY_SIZE(mount_columns));
	struct mounts mounts;
	size_t i;

	mounts_read(&mounts);
	for (i = 0; i < mounts.nr; i++) {
		const struct mount_point *mp = mounts.all + i;

		if (!mp->pool || mp->dead || strcmp(mp->pool, info->name))
			continue;
		table_row(tb);
		table_text(tb, MOUNT_DIRECTORY, mp->dir);
		table_number(tb, MOUNT_HUGETLBFS, mp->hugetlbfs);
	}
	mounts_free(&mounts);
	return tb;
}

enum {
	SHOW_JSON,
	SHOW_BYTES,
};

static const struct option_def show_options[] = {
	[SHOW_JSON] = OPTION_JSON,
	[SHOW_BYTES] = OPTION_BYTES,
};

static int run_show(const struct invocation *inv)
{
	struct style style = {
		.json = inv->given[SHOW_JSON],
		.bytes = inv->given[SHOW_BYTES],
	};
	struct vpool_info *info;
	struct table *tb;
	struct vpool *vp;
	int err;

	err = vpool_open_reader(&vp);
	if (!err)
		err = vpool_query(vp, inv->argv[0], &info);
	if (err) {
		err = handle_error(inv, inv->argv[0], vp, err);
		vpool_close(vp);
		return err;
	}
	tb = record_new("pool", pool_columns, ARRAY_SIZE(pool_columns));
	fill_pool(tb, vp, info);
	record_adopt(tb, node_table(info));
	record_adopt(tb, mount_table(info));
	table_print(tb, &style, stdout);
	table_free(tb);
	vpool_info_free(info);
	vpool_close(vp);
	return EXIT_OK;
}

const struct command cmd_show = {
	.name = "show",
	.args = "NAME",
	.summary = "show the properties of a pool",
	.description =
		"Show all properties of a pool, its memory on each NUMA node,\n"
		"and where its files are mounted. Any user can run this\n"
		"command.",
	.options = show_options,
	.nr_options = ARRAY_SIZE(show_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_POOL,
	.run = run_show,
};
