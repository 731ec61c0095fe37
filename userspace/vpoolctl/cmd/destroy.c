// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl destroy: destroy pools and return their resources to the host.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "host/baseline.h"
#include "host/isolate.h"
#include "host/mounts.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "output/table.h"

enum {
	DESTROY_FORCE,
	DESTROY_DRY_RUN,
	DESTROY_QUIET,
	DESTROY_JSON,
};

static const struct option_def destroy_options[] = {
	[DESTROY_FORCE] = {
		.name = "force",
		.letter = 'f',
		.help =
			"also destroy pools in use: later accesses to their mappings\n"
			"get SIGBUS, and their members get back the affinity that\n"
			"they had before",
	},
	[DESTROY_DRY_RUN] = OPTION_DRY_RUN,
	[DESTROY_QUIET] = OPTION_QUIET,
	[DESTROY_JSON] = {
		.name = "json",
		.letter = 'J',
		.help = "print the destroyed pools as JSON",
	},
};

enum {
	COL_NAME,
	COL_DESTROYED,
	COL_DRY_RUN,
};

static const struct column destroy_columns[] = {
	[COL_NAME] = { .name = "NAME", .type = CELL_TEXT },
	[COL_DESTROYED] = { .name = "DESTROYED", .type = CELL_BOOL },
	[COL_DRY_RUN] = { .name = "DRY-RUN", .type = CELL_BOOL },
};

/*
 * Tell whether --force would help: it does for a pool in use, not for one in transition.
 */
static bool force_helps(struct vpool *vp, const char *name)
{
	struct vpool_info *info;
	bool active;

	if (vpool_query(vp, name, &info))
		return false;
	active = info->state == VPOOL_STATE_ACTIVE ||
		info->state == VPOOL_STATE_DEGRADED;
	vpool_info_free(info);
	return active;
}

/* Remove the cpuset of a destroyed pool and restore its interrupts. */
static int put_right(const struct invocation *inv, const char *name)
{
	struct failure failure;

	if (!isolate_mend(name, &failure))
		return EXIT_OK;
	cmd_error(inv, name, failure.code, "destroyed, but %s", failure.text);
	return EXIT_FAILED;
}

/* Tell where a pool is mounted. After a forced destroy, the mount has dead files. */
static void tell_mounts(const struct invocation *inv, const char *name, bool destroyed)
{
	struct mounts mounts;
	char *dirs;

	mounts_read(&mounts);
	dirs = mounts_text(&mounts, name);
	if (dirs && destroyed)
		cmd_error(inv, name, VPOOL_CODE_POOL_MOUNTED,
			  "destroyed, but still mounted at %s without its files: 'vpoolctl umount %s' removes the mount",
			  dirs, name);
	else if (dirs)
		cmd_error(inv, name, VPOOL_CODE_POOL_MOUNTED,
			  "it is mounted at %s", dirs);
	free(dirs);
	mounts_free(&mounts);
}

static int destroy_one(const struct invocation *inv, struct vpool *vp,
		       const char *name)
{
	bool force = inv->given[DESTROY_FORCE];
	struct failure failure;
	int err, status;

	err = isolate_destroy(vp, name, force, &failure);
	if (!err) {
		baseline_forget(name);
		if (force)
			tell_mounts(inv, name, true);
		return put_right(inv, name);
	}
	if (failure.code)
		return failure_report(inv, name, &failure);
	status = handle_error(inv, name, vp, err);
	if (vpool_reason_code(vp) == VPOOL_CODE_POOL_MOUNTED)
		tell_mounts(inv, name, false);
	if (err == -EBUSY && !force && force_helps(vp, name))
		cmd_error(inv, name, TOOL_IN_USE, "it is in use; --force destroys it anyway");
	return status;
}

/*
 * Check as far as the properties of the pool tell. The kernel also refuses a pool whose
 * memory is pinned after its release.
 */
static int try_destroy(const struct invocation *inv, struct vpool *vp,
		       const char *name)
{
	struct vpool_info *info;
	bool busy;
	int err;

	err = vpool_query(vp, name, &info);
	if (err)
		return handle_error(inv, name, vp, err);
	busy = info->regions || info->members || info->mounts || info->used_bytes;
	if (busy && !inv->given[DESTROY_FORCE])
		cmd_error(inv, name, TOOL_IN_USE,
			  "it is in use (%u regions, %u members, %u mounts); --force destroys it anyway",
			  info->regions, info->members, info->mounts);
	else if (!inv->given[DESTROY_QUIET] && !inv->given[DESTROY_JSON])
		printf("would destroy %s\n", name);
	err = busy && !inv->given[DESTROY_FORCE];
	vpool_info_free(info);
	return err ? EXIT_FAILED : EXIT_OK;
}

/* Destroy all pools named. A failure does not stop the loop. */
static int destroy_all(const struct invocation *inv, struct vpool *vp,
		       struct table *tb)
{
	bool dry = inv->given[DESTROY_DRY_RUN];
	int i, one, status = EXIT_OK;
	struct failure ignored;

	for (i = 0; i < inv->argc; i++) {
		one = dry ? try_destroy(inv, vp, inv->argv[i]) :
			    destroy_one(inv, vp, inv->argv[i]);
		table_row(tb);
		table_text(tb, COL_NAME, inv->argv[i]);
		table_number(tb, COL_DESTROYED, !one && !dry);
		table_number(tb, COL_DRY_RUN, dry);
		if (one)
			status = one;
	}
	/* A pool that no longer exists may have left a cpuset. */
	if (status && !dry)
		isolate_mend("", &ignored);
	return status;
}

static int run_destroy(const struct invocation *inv)
{
	struct style style = { .json = inv->given[DESTROY_JSON] };
	struct table *tb;
	struct vpool *vp;
	int err;

	err = vpool_open_control(&vp);
	if (err) {
		err = handle_error(inv, inv->argv[0], vp, err);
		vpool_close(vp);
		return err;
	}
	tb = table_new("pools", destroy_columns, ARRAY_SIZE(destroy_columns));
	err = destroy_all(inv, vp, tb);
	if (style.json)
		table_print(tb, &style, stdout);
	table_free(tb);
	vpool_close(vp);
	return err;
}

const struct command cmd_destroy = {
	.name = "destroy",
	.args = "NAME...",
	.summary = "destroy pools and return their resources",
	.description =
		"Destroy pools, and return their memory and CPUs to the host.\n"
		"Without --force, the command refuses a pool that is open,\n"
		"mapped or mounted, that has members, or that has processes\n"
		"in its slice. --force does not unmount a pool: accesses to\n"
		"its files fail until it is unmounted. --force does not kill processes; a process with its\n"
		"own unit in the slice keeps the CPUs until it ends. If one of\n"
		"several pools cannot be destroyed, the command destroys the\n"
		"remaining ones and exits with status 1.",
	.options = destroy_options,
	.nr_options = ARRAY_SIZE(destroy_options),
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_POOL,
	.complete_args = COMPLETE_POOL,
	.run = run_destroy,
};
