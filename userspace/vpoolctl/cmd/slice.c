// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl slice: let units of systemd run in the slice of a pool.
 *
 * vpool@.service runs it before the units that want a pool.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "host/cgroup.h"
#include "host/grade.h"
#include "host/isolate.h"
#include "host/pools.h"
#include "host/privilege.h"
#include "host/unit.h"
#include "output/messages.h"
#include "output/outcome.h"

enum {
	SLICE_REMOVE,
};

static const struct option_def slice_options[] = {
	[SLICE_REMOVE] = {
		.name = "remove",
		.help =
			"take the CPUs from the slice again, unless the pool exists\n"
			"and a process is in the slice",
	},
	OPTION_DRY_RUN,
	OPTION_QUIET,
	OPTION_OUTCOME,
};

/* Give the slice of a plain pool its CPUs. isolate_mend() does so for other pools. */
static int set_cpus(const struct vpool_info *info, struct failure *failure)
{
	char *list;
	int err;

	if (grade_of(info) != GRADE_PLAIN || !vpool_cpus_count(&info->cpus) ||
	    unit_slice_has(info->name, &info->cpus))
		return 0;
	list = cpus_text(&info->cpus);
	err = unit_slice_set(info->name, list, failure);
	free(list);
	return err;
}

static int set_slice(const struct vpool_info *info, struct failure *failure)
{
	int err, lock;

	if (!systemd_runs())
		return failure_set(failure, -EOPNOTSUPP, TOOL_NO_SYSTEMD,
				   "systemd does not manage this host");
	if (!may_change_host())
		return 0;
	err = isolate_mend(info->name, failure);
	if (err)
		return err;
	lock = isolate_lock(failure);
	if (lock < 0)
		return lock;
	err = set_cpus(info, failure);
	close(lock);
	return err;
}

/* A unit of another user can use a pool only through its device. */
static int check_user(const struct invocation *inv, const struct vpool_info *info)
{
	struct vpool *vp;
	int err;

	if (may_change_host())
		return EXIT_OK;
	if (grade_excludes(grade_of(info)) && !cgroup_in_slice(info->name, getpid())) {
		cmd_error(inv, info->name, TOOL_UNIT_ISOLATED,
			  "pool '%s' is isolated, and units of a user are outside of its slice",
			  info->name);
		return EXIT_FAILED;
	}
	err = vpool_open(info->name, &vp);
	err = err ? handle_error(inv, info->name, vp, err) : EXIT_OK;
	vpool_close(vp);
	return err;
}

static int prepare(const struct invocation *inv, const struct vpool_info *info)
{
	struct failure failure;
	char *slice;
	int status;

	status = check_user(inv, info);
	if (status)
		return status;
	if (!outcome_is_dry(inv) && set_slice(info, &failure))
		return failure_report(inv, info->name, &failure);
	slice = cgroup_slice(info->name);
	outcome_print(inv, info->name, "%s", slice);
	free(slice);
	return EXIT_OK;
}

static int remove_slice(const struct invocation *inv, const struct vpool_info *info)
{
	const char *name = inv->argv[0];
	struct failure failure;
	int lock;

	if (!unit_slice_is_set(name) || (info && grade_of(info) != GRADE_PLAIN) ||
	    !may_change_host())
		return EXIT_OK;
	if (info && isolate_idle(name, &failure)) {
		outcome_print(inv, name, "kept: %s", failure.text);
		return EXIT_OK;
	}
	if (outcome_is_dry(inv))
		return EXIT_OK;
	lock = isolate_lock(&failure);
	if (lock < 0)
		return failure_report(inv, name, &failure);
	isolate_forget_unit(name);
	close(lock);
	return EXIT_OK;
}

/* Add what an administrator reads in the journal of a unit whose pool is gone. */
static void hint_about_pool(const char *name)
{
	char *text;

	text = xprintf("Try to declare pool '%s' in /etc/vpool.d, and 'vpoolctl apply'.",
		       name);
	add_hint(text);
	free(text);
}

static int check_name(const struct invocation *inv)
{
	const char *name = inv->argv[0];

	/* systemd reads a dash in the name of a unit as a slash. */
	if (!strchr(name, '/'))
		return EXIT_OK;
	cmd_error(inv, name, TOOL_UNIT_NAME,
		  "'%s' has a slash, which stands for a dash in the name of a unit: write \\x2d for a dash of a pool's name",
		  name);
	return EXIT_FAILED;
}

static int run_slice(const struct invocation *inv)
{
	struct vpool_info *info = NULL;
	const char *name = inv->argv[0];
	struct vpool *vp;
	int err, status;

	status = check_name(inv);
	if (status)
		return status;
	err = vpool_open_reader(&vp);
	if (!err)
		err = vpool_query(vp, name, &info);
	if (inv->given[SLICE_REMOVE]) {
		status = remove_slice(inv, err ? NULL : info);
	} else if (err) {
		status = handle_error(inv, name, vp, err);
		if (err == -ENXIO || err == -ENOENT)
			hint_about_pool(name);
	} else {
		status = prepare(inv, info);
	}
	if (!err)
		vpool_info_free(info);
	vpool_close(vp);
	return status;
}

const struct command cmd_slice = {
	.name = "slice",
	.args = "NAME",
	.summary = "let units of systemd run in a pool's slice",
	.description =
		"Print the name of a pool's slice, for Slice= in a unit, and\n"
		"let its units run on the pool's CPUs, and only there. In the\n"
		"slice of a confined or isolated pool they do in any case. That\n"
		"of a plain pool gets the CPUs by this command, and follows\n"
		"the pool until the pool is destroyed.\n\n"
		"A unit need not call it: vpool@NAME.target does, in a unit\n"
		"with these lines. Write a dash of the pool's name as \\x2d.\n\n"
		"    [Unit]\n"
		"    Requires=vpool@web.target\n"
		"    After=vpool@web.target\n\n"
		"    [Service]\n"
		"    Slice=vpool_web.slice\n\n"
		"For a user other than root, the command only checks that\n"
		"the user's units can use the pool.",
	.options = slice_options,
	.nr_options = ARRAY_SIZE(slice_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_POOL,
	.run = run_slice,
};
