// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl users: list what each user has of a pool.
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
	COL_USER,
	COL_MEM,
	COL_REGIONS,
	COL_MEMBERS,
	COL_UID,
};

static const struct column user_columns[] = {
	[COL_USER] = { "USER", CELL_TEXT, "the user" },
	[COL_MEM] = { "MEM", CELL_SIZE,
		      "memory in the user's regions, and released memory that is\n"
		      "still pinned" },
	[COL_REGIONS] = { "REGIONS", CELL_NUMBER,
			  "opens of the device, files and directories" },
	[COL_MEMBERS] = { "MEMBERS", CELL_NUMBER, "members, with their children" },
	[COL_UID] = { "UID", CELL_NUMBER, "user id", SHOW_NEVER },
};

static void fill_user(struct table *tb, const struct vpool_user_info *info)
{
	const struct passwd *pw = getpwuid(info->uid);
	char *user = pw ? xstrdup(pw->pw_name) : xprintf("%u", info->uid);

	table_row(tb);
	table_text(tb, COL_USER, user);
	table_number(tb, COL_MEM, info->bytes);
	table_number(tb, COL_REGIONS, info->regions);
	table_number(tb, COL_MEMBERS, info->members);
	table_number(tb, COL_UID, info->uid);
	free(user);
}

static int list_users(const struct invocation *inv, struct vpool *vp,
		      struct table *tb)
{
	struct vpool_user_info *users;
	size_t i, nr;
	int err;

	err = vpool_users(vp, inv->argv[0], &users, &nr);
	if (err)
		return err;
	for (i = 0; i < nr; i++)
		fill_user(tb, users + i);
	free(users);
	return 0;
}

static int run_users(const struct invocation *inv)
{
	return run_listing(inv, "users", list_users);
}

const struct command cmd_users = {
	.name = "users",
	.args = "NAME",
	.summary = "list what each user has of a pool",
	.description =
		"List the users that have memory, regions or members of a pool,\n"
		"as its limits count them: 'vpoolctl show' prints the limits. A\n"
		"region counts for the user who opened it, a member for the\n"
		"user that it had when it was attached, and a user namespace\n"
		"for its owner. The command is for root, and for users who may\n"
		"open the pool's device.",
	.options = listing_options,
	.nr_options = NR_LISTING_SIZE_OPTIONS,
	.columns = user_columns,
	.nr_columns = ARRAY_SIZE(user_columns),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_POOL,
	.run = run_users,
};
