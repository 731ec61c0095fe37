// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl umount: unmount the files of pools.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "host/mount_note.h"
#include "host/mounting.h"
#include "host/mounts.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "output/table.h"

enum {
	OPT_QUIET,
	OPT_JSON,
	OPT_DRY_RUN,
};

static const struct option_def umount_options[] = {
	[OPT_QUIET] = {
		.name = "quiet", .letter = 'q',
		.help = "print nothing on success",
	},
	[OPT_JSON] = {
		.name = "json", .letter = 'J',
		.help = "print the mounts as JSON",
	},
	[OPT_DRY_RUN] = OPTION_DRY_RUN,
};

enum {
	COL_NAME,
	COL_DIRECTORY,
	COL_UNMOUNTED,
	COL_DRY_RUN,
};

static const struct column umount_columns[] = {
	[COL_NAME] = { .name = "NAME", .type = CELL_TEXT },
	[COL_DIRECTORY] = { .name = "DIRECTORY", .type = CELL_TEXT },
	[COL_UNMOUNTED] = { .name = "UNMOUNTED", .type = CELL_BOOL },
	[COL_DRY_RUN] = { .name = "DRY-RUN", .type = CELL_BOOL },
};

/*
 * Unmount what is at the directory of a mount, unless another filesystem was mounted over
 * it. An earlier call can have removed that.
 */
static int unmount(const struct mount_point *mp, bool dry, struct failure *failure)
{
	const struct mount_point *at;
	struct mounts mounts;
	int err = 0;

	mounts_read(&mounts);
	at = mounts_at(&mounts, mp->dir);
	if (at && at->id != mp->id)
		err = failure_set(failure, -EBUSY, TOOL_MOUNT_OCCUPIED,
				  "%s: a filesystem (%s) is mounted over it", mp->dir,
				  at->type);
	if (!err && dry)
		err = mount_check_idle(&mounts, mp, failure);
	mounts_free(&mounts);
	return err || dry ? err : unmount_dir(mp->dir, failure);
}

static int unmount_one(const struct invocation *inv, struct table *tb,
		       const struct mount_point *mp)
{
	char *noted = mount_note_read(mp->pool);
	struct failure failure = { 0 };
	bool dry = inv->given[OPT_DRY_RUN];
	int err = unmount(mp, dry, &failure);

	if (err)
		failure_report(inv, mp->pool, &failure);
	else if (!dry && noted && !strcmp(noted, mp->dir))
		mount_note_remove(mp->pool);
	if (!err && !inv->given[OPT_QUIET] && !inv->given[OPT_JSON])
		printf("%s %s from %s\n", dry ? "would unmount" : "unmounted",
		       mp->pool, mp->dir);
	table_row(tb);
	table_text(tb, COL_NAME, mp->pool);
	table_text(tb, COL_DIRECTORY, mp->dir);
	table_number(tb, COL_UNMOUNTED, !err && !dry);
	table_number(tb, COL_DRY_RUN, dry);
	free(noted);
	return err ? EXIT_FAILED : EXIT_OK;
}

static int unmount_at(const struct invocation *inv, struct table *tb,
		      const struct mounts *mounts, const char *dir)
{
	const struct mount_point *mp = mounts_at(mounts, dir);

	if (mp && mp->pool)
		return unmount_one(inv, tb, mp);
	cmd_error(inv, dir, TOOL_NOT_MOUNTED, mp ?
		  "another filesystem is mounted there, and no pool" :
		  "no pool is mounted there");
	return EXIT_FAILED;
}

/* Report that a pool is not mounted, or why not. */
static int not_mounted(const struct invocation *inv, const char *name)
{
	struct vpool_info *info;
	struct vpool *vp = NULL;
	int err, status = EXIT_FAILED;

	err = vpool_open_reader(&vp);
	if (!err)
		err = vpool_query(vp, name, &info);
	if (err)
		status = handle_error(inv, name, vp, err);
	else if (info->mounts)
		cmd_error(inv, name, TOOL_NOT_MOUNTED,
			  "pool '%s' is mounted in another mount namespace only, such as that of a container",
			  name);
	else
		cmd_error(inv, name, TOOL_NOT_MOUNTED, "pool '%s' is not mounted", name);
	if (!err)
		vpool_info_free(info);
	vpool_close(vp);
	return status;
}

/* Unmount all mounts of a pool, the last ones first, as they can be on earlier ones. */
static int unmount_all(const struct invocation *inv, struct table *tb,
		       const struct mounts *mounts, const char *name)
{
	size_t i, nr = 0, bad = 0;

	for (i = mounts->nr; i-- > 0;) {
		const struct mount_point *mp = mounts->all + i;

		if (!mp->pool || strcmp(mp->pool, name))
			continue;
		nr++;
		bad += unmount_one(inv, tb, mp) != EXIT_OK;
	}
	if (!nr)
		return not_mounted(inv, name);
	return bad ? EXIT_FAILED : EXIT_OK;
}

static int run_umount(const struct invocation *inv)
{
	struct table *tb = table_new("mounts", umount_columns,
				     ARRAY_SIZE(umount_columns));
	struct style style = { .json = inv->given[OPT_JSON] };
	int i, one, status = EXIT_OK;
	struct mounts mounts;

	for (i = 0; i < inv->argc; i++) {
		/* An earlier argument can have unmounted the same filesystem. */
		mounts_read(&mounts);
		one = vpool_name_is_valid(inv->argv[i]) ?
		      unmount_all(inv, tb, &mounts, inv->argv[i]) :
		      unmount_at(inv, tb, &mounts, inv->argv[i]);
		mounts_free(&mounts);
		if (one)
			status = one;
	}
	if (style.json)
		table_print(tb, &style, stdout);
	table_free(tb);
	return status;
}

const struct command cmd_umount = {
	.name = "umount",
	.args = "DIR|NAME...",
	.summary = "unmount the files of pools",
	.description =
		"Unmount the filesystem of a pool at the directory DIR, or all\n"
		"filesystems of the pool NAME. Their files are lost, and the\n"
		"memory returns to the pool. An argument that can be the name\n"
		"of a pool is a name: write ./web for a directory.\n\n"
		"If a filesystem is in use, the command refuses and names the\n"
		"processes.",
	.options = umount_options,
	.nr_options = ARRAY_SIZE(umount_options),
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_MOUNT,
	.complete_args = COMPLETE_MOUNT,
	.run = run_umount,
};
