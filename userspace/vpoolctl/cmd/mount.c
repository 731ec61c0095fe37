// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl mount: mount the files of a pool, or list what is mounted.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "config/ownership.h"
#include "host/mounting.h"
#include "host/mounts.h"
#include "host/pools.h"
#include "host/privilege.h"
#include "output/listing.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "output/table.h"

/* The options of a listing, which are the first ones, keep their numbers. */
enum {
	OPT_JSON = 0,
	OPT_OWNER = NR_LISTING_SIZE_OPTIONS,
	OPT_MODE,
	OPT_HUGETLBFS,
	OPT_QUIET,
	OPT_DRY_RUN,
};

static const struct option_def mount_options[] = {
	OPTION_JSON,
	OPTION_NOHEADINGS,
	OPTION_RAW,
	OPTION_COLUMNS,
	OPTION_BYTES,
	[OPT_OWNER] = {
		.name = "owner", .letter = 'u', .arg = "USER[:GROUP]",
		.help =
			"owner of the root directory of the filesystem, by name or\n"
			"number; default: owner and group of the pool",
		.complete = COMPLETE_OWNER,
	},
	[OPT_MODE] = {
		.name = "mode", .arg = "MODE",
		.help =
			"permission bits of that directory, in octal, within 01777;\n"
			"default: those of the pool, where who may read may also\n"
			"search: 0770 for 0660",
	},
	[OPT_HUGETLBFS] = {
		.name = "hugetlbfs",
		.help =
			"let statfs(2) report the magic number of hugetlbfs: QEMU\n"
			"then aligns its mappings to the page size of the pool, and\n"
			"libvirt accepts the directory for huge pages. Nothing else\n"
			"changes",
	},
	[OPT_QUIET] = {
		.name = "quiet", .letter = 'q',
		.help = "print nothing on success",
	},
	[OPT_DRY_RUN] = OPTION_DRY_RUN,
};

enum {
	COL_NAME,
	COL_DIRECTORY,
	COL_SIZE,
	COL_USED,
	COL_FREE,
	COL_PAGE,
	COL_OWNER,
	COL_MODE,
	COL_HUGETLBFS,
};

static const struct column mount_columns[] = {
	[COL_NAME] = { "NAME", CELL_TEXT, "the pool" },
	[COL_DIRECTORY] = { "DIRECTORY", CELL_TEXT, "where it is mounted" },
	[COL_SIZE] = { "SIZE", CELL_SIZE,
		       "memory of the pool; 0 if the pool was destroyed by force" },
	[COL_USED] = { "USED", CELL_SIZE, "memory that is not free" },
	[COL_FREE] = { "FREE", CELL_SIZE, "memory that files can take" },
	[COL_PAGE] = { "PAGE", CELL_SIZE, "page size", SHOW_DETAIL },
	[COL_OWNER] = { "OWNER", CELL_TEXT,
		"user and group of the root directory", SHOW_DETAIL },
	[COL_MODE] = { "MODE", CELL_TEXT,
		"permission bits of the root directory", SHOW_DETAIL },
	[COL_HUGETLBFS] = { "HUGETLBFS", CELL_BOOL,
		"whether it reports the magic number of hugetlbfs", SHOW_DETAIL },
};

static void give_text(struct table *tb, size_t column, char *text)
{
	table_text(tb, column, text);
	free(text);
}

/* The sizes stay empty if another filesystem covers this one. */
static void fill_sizes(struct table *tb, const struct mount_point *mp)
{
	struct statvfs fs;
	struct stat st;

	if (mp->covered || stat(mp->dir, &st) || st.st_dev != mp->dev ||
	    statvfs(mp->dir, &fs))
		return;
	table_number(tb, COL_SIZE, (__u64)fs.f_blocks * fs.f_frsize);
	table_number(tb, COL_USED, (__u64)(fs.f_blocks - fs.f_bfree) * fs.f_frsize);
	table_number(tb, COL_FREE, (__u64)fs.f_bavail * fs.f_frsize);
	table_number(tb, COL_PAGE, fs.f_bsize);
	give_text(tb, COL_OWNER, owner_text(st.st_uid, st.st_gid));
	give_text(tb, COL_MODE, xprintf("%04o", st.st_mode & 07777));
}

static int list_mounts(const struct invocation *inv, struct vpool *vp,
		       struct table *tb)
{
	const char *dir = inv->argc ? inv->argv[1] : NULL;
	const struct mount_point *only = NULL;
	struct mounts mounts;
	size_t i;

	(void)vp;
	mounts_read(&mounts);
	if (dir)
		only = mounts_at(&mounts, dir);
	for (i = 0; i < mounts.nr; i++) {
		const struct mount_point *mp = mounts.all + i;

		if (!mp->pool || (dir && mp != only))
			continue;
		table_row(tb);
		table_text(tb, COL_NAME, mp->pool);
		table_text(tb, COL_DIRECTORY, mp->dir);
		fill_sizes(tb, mp);
		table_number(tb, COL_HUGETLBFS, mp->hugetlbfs);
	}
	mounts_free(&mounts);
	return 0;
}

static int take_options(const struct invocation *inv, struct mount_spec *spec)
{
	const char *owner = inv->value[OPT_OWNER], *mode = inv->value[OPT_MODE];
	char message[128];

	mount_spec_init(spec);
	if (owner && parse_owner(owner, &spec->uid, &spec->gid, message,
				 sizeof(message)))
		return usage_error(inv->cmd, "--owner: %s", message);
	if (mode && parse_mount_mode(mode, &spec->mode, message, sizeof(message)))
		return usage_error(inv->cmd, "--mode: %s", message);
	spec->hugetlbfs = inv->given[OPT_HUGETLBFS];
	spec->dir = canonical_dir(inv->argv[1]);
	return EXIT_OK;
}

static int check_pool(struct vpool *vp, const char *name, struct failure *failure)
{
	struct vpool_info *info;
	int err = vpool_query(vp, name, &info);

	if (err)
		return failure_set_handle(failure, vp, err);
	if (!info->total_bytes)
		err = failure_set(failure, -EINVAL, VPOOL_CODE_POOL_WITHOUT_MEMORY,
				  "pool '%s' has no memory, so it can have no files",
				  name);
	vpool_info_free(info);
	return err;
}

/* Check what the kernel would refuse with an errno only. */
static int check_mount(struct vpool *vp, const char *name,
		       const struct mount_spec *spec, struct failure *failure)
{
	struct mounts mounts;
	int err = mount_check_module(vp, failure);

	if (!err && !may_change_host())
		err = failure_set(failure, -EPERM, VPOOL_CODE_NOT_PERMITTED,
				  "mounting needs CAP_SYS_ADMIN in the initial user namespace");
	if (!err)
		err = check_pool(vp, name, failure);
	if (err)
		return err;
	mounts_read(&mounts);
	err = mount_check_dir(&mounts, spec->dir, failure);
	mounts_free(&mounts);
	return err;
}

static int do_mount(const struct invocation *inv, struct vpool *vp,
		    const struct mount_spec *spec)
{
	const char *name = inv->argv[0];
	struct failure failure = { 0 };
	int err = check_mount(vp, name, spec, &failure);

	if (!err && !inv->given[OPT_DRY_RUN])
		err = mount_pool(name, spec, &failure);
	if (!err)
		return EXIT_OK;
	/* The message of the handle comes with the name of a similar pool. */
	if (failure.code == VPOOL_CODE_NO_POOL)
		return handle_error(inv, name, vp, err);
	return failure_report(inv, name, &failure);
}

static int mount_one(const struct invocation *inv)
{
	struct vpool *vp = NULL;
	struct mount_spec spec;
	int status, err;

	status = take_options(inv, &spec);
	if (status)
		return status;
	err = vpool_open_reader(&vp);
	status = err ? handle_error(inv, inv->argv[0], vp, err) :
		       do_mount(inv, vp, &spec);
	vpool_close(vp);
	if (!status && inv->given[OPT_DRY_RUN])
		outcome_print(inv, inv->argv[0], "would mount %s at %s",
			      inv->argv[0], spec.dir);
	else if (!status && inv->given[OPT_JSON])
		status = run_listing(inv, "mounts", list_mounts);
	else if (!status && !inv->given[OPT_QUIET])
		printf("mounted %s at %s\n", inv->argv[0], spec.dir);
	free(spec.dir);
	return status;
}

static int run_mount(const struct invocation *inv)
{
	bool settings = inv->given[OPT_OWNER] || inv->given[OPT_MODE] ||
			inv->given[OPT_HUGETLBFS] || inv->given[OPT_DRY_RUN];

	if (inv->argc == 1 || (!inv->argc && settings))
		return usage_error(inv->cmd, "expected both NAME and DIR, or neither");
	return inv->argc ? mount_one(inv) : run_listing(inv, "mounts", list_mounts);
}

const struct command cmd_mount = {
	.name = "mount",
	.args = "[NAME DIR]",
	.summary = "mount the files of a pool, or list what is mounted",
	.description =
		"Mount a filesystem at the directory DIR whose files have the\n"
		"memory of the pool. A program that maps such a file uses\n"
		"memory of the pool in its page size, as with hugetlbfs. The\n"
		"filesystem is mounted with nosuid, nodev and noexec. Its\n"
		"files are lost when it is unmounted. Mounting needs root;\n"
		"the owner and mode of the root directory decide which users\n"
		"can create files.\n\n"
		"Without NAME and DIR, list the mounted pools.",
	.options = mount_options,
	.nr_options = ARRAY_SIZE(mount_options),
	.columns = mount_columns,
	.nr_columns = ARRAY_SIZE(mount_columns),
	.max_args = 2,
	.complete = COMPLETE_POOL,
	.complete_args = COMPLETE_FILE,
	.run = run_mount,
};
