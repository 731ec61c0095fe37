// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl regions: list the regions of a pool.
 */
#include <pwd.h>
#include <stdlib.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/command.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "output/listing.h"
#include "output/table.h"

enum {
	COL_ID,
	COL_SIZE,
	COL_PID,
	COL_USER,
	COL_COMM,
	COL_UID,
};

static const struct column region_columns[] = {
	[COL_ID] = { "ID", CELL_NUMBER, "the region" },
	[COL_SIZE] = { "SIZE", CELL_SIZE,
		       "size; 0 until it is set" },
	[COL_PID] = { "PID", CELL_NUMBER,
		      "process that opened it, if it still runs" },
	[COL_USER] = { "USER", CELL_TEXT, "user who opened it" },
	[COL_COMM] = { "COMM", CELL_TEXT, "name of that process" },
	[COL_UID] = { "UID", CELL_NUMBER, "user id", SHOW_NEVER },
};

static void fill_region(struct table *tb,
			const struct vpool_region_info *region)
{
	const struct passwd *pw = getpwuid(region->uid);
	char *user = pw ? xstrdup(pw->pw_name) : xprintf("%u", region->uid);
	char *comm = xprintf("%.*s", (int)sizeof(region->comm), region->comm);

	table_row(tb);
	table_number(tb, COL_ID, region->id);
	table_number(tb, COL_SIZE, region->bytes);
	if (region->pid)
		table_number(tb, COL_PID, region->pid);
	table_text(tb, COL_USER, user);
	table_text(tb, COL_COMM, comm);
	table_number(tb, COL_UID, region->uid);
	free(comm);
	free(user);
}

static int list_regions(const struct invocation *inv, struct vpool *vp,
			struct table *tb)
{
	struct vpool_region_info *regions;
	size_t i, nr;
	int err;

	err = vpool_regions(vp, inv->argv[0], &regions, &nr);
	if (err)
		return err;
	for (i = 0; i < nr; i++)
		fill_region(tb, regions + i);
	free(regions);
	return 0;
}

static int run_regions(const struct invocation *inv)
{
	return run_listing(inv, "regions", list_regions);
}

const struct command cmd_regions = {
	.name = "regions",
	.args = "NAME",
	.summary = "list the open regions of a pool",
	.description =
		"List the open regions of a pool, oldest first. The command\n"
		"is for root, and for users who may open the pool's device.",
	.options = listing_options,
	.nr_options = NR_LISTING_SIZE_OPTIONS,
	.columns = region_columns,
	.nr_columns = ARRAY_SIZE(region_columns),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_POOL,
	.run = run_regions,
};
