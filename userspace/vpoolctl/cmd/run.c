// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl run: start a program on a pool.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
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
#include "host/isolate.h"
#include "host/slice.h"
#include "output/messages.h"
#include "output/outcome.h"

enum {
	RUN_PROPERTY,
	RUN_MOVE_CGROUP,
	RUN_DRY_RUN,
	RUN_QUIET,
	RUN_JSON,
};

static const struct option_def run_options[] = {
	[RUN_PROPERTY] = {
		.name = "property", .letter = 'p', .arg = "NAME=VALUE",
		.list = LIST_OF_VALUES,
		.help =
			"under systemd, run the program in a scope of its own in\n"
			"the pool's slice, with a property such as MemoryMax=1G;\n"
			"can be given several times",
	},
	[RUN_MOVE_CGROUP] = OPTION_MOVE_CGROUP,
	[RUN_DRY_RUN] = OPTION_DRY_RUN,
	[RUN_QUIET] = OPTION_QUIET,
	[RUN_JSON] = {
		.name = "json", .letter = 'J',
		.help = "print errors, and the outcome of a dry run, as JSON",
	},
};

/* Join the cpuset first: the kernel attaches a task within the cpuset of the task. */
static int attach_self(const struct invocation *inv, struct vpool *vp,
		       const struct vpool_info *info)
{
	struct failure failure;
	struct origin was;
	int err;

	if (slice_join(info, getpid(), inv->given[RUN_MOVE_CGROUP], &was,
		       &failure))
		return failure_report(inv, inv->argv[0], &failure);
	err = vpool_attach(vp, VPOOL_SELF, VPOOL_ATTACH_PROCESS);
	slice_free(&was);
	if (!err)
		return EXIT_OK;
	err = handle_error(inv, inv->argv[0], vp, err);
	slice_hint(info, getpid());
	return err;
}

/* Without CPUs there is nothing to attach to. The program can still use the memory. */
static int join(const struct invocation *inv, struct vpool *vp)
{
	struct vpool_info *info;
	int err;

	err = vpool_query(vp, NULL, &info);
	if (err)
		return handle_error(inv, inv->argv[0], vp, err);
	slice_enter_plain(info);
	if (vpool_cpus_count(&info->cpus))
		err = attach_self(inv, vp, info);
	vpool_info_free(info);
	return err;
}

/* Check that each property has the form NAME=VALUE. systemd knows the names. */
static int check_properties(const struct invocation *inv)
{
	size_t i, len;

	for (i = 0; i < inv->nr_settings; i++) {
		const char *text = inv->settings[i].value;

		if (inv->settings[i].option != RUN_PROPERTY)
			continue;
		for (len = 0; isalnum((unsigned char)text[len]); len++)
			;
		if (!len || text[len] != '=')
			return usage_error(inv->cmd,
					   "--property: '%s' is not NAME=VALUE, as in MemoryMax=1G",
					   text);
	}
	return EXIT_OK;
}

/* Return the properties, one in each line, for free(3). */
static char *join_properties(const struct invocation *inv)
{
	char *joined = NULL, *longer;
	size_t i;

	for (i = 0; i < inv->nr_settings; i++) {
		if (inv->settings[i].option != RUN_PROPERTY)
			continue;
		longer = xprintf("%s%s%s", joined ? joined : "", joined ? "\n" : "",
				 inv->settings[i].value);
		free(joined);
		joined = longer;
	}
	return joined;
}

/*
 * Become systemd-run, which executes this program once more, in a scope. It finds itself
 * in the slice and stays there. Return only on failure.
 */
static int run_in_scope(const struct invocation *inv, char **program)
{
	char path[PATH_MAX] = "", *properties, **words, **args = NULL;
	struct failure failure;
	size_t i, nr = 0;
	bool known;

	known = readlink("/proc/self/exe", path, sizeof(path) - 1) > 0;
	while (program[nr])
		nr++;
	words = xcalloc(nr + 5, sizeof(*words));
	words[0] = known ? path : "vpoolctl";
	words[1] = "run";
	words[2] = inv->argv[0];
	words[3] = "--";
	for (i = 0; i < nr; i++)
		words[4 + i] = program[i];
	properties = join_properties(inv);
	if (!slice_check_scope(inv->argv[0], inv->given[RUN_MOVE_CGROUP], &failure))
		args = slice_scope_args(inv->argv[0], properties, words, &failure);
	free(properties);
	free(words);
	if (!args)
		return failure_report(inv, inv->argv[0], &failure);
	execvp(args[0], args);
	cmd_error(inv, inv->argv[0], TOOL_PROGRAM, "cannot run '%s': %s", args[0],
		  strerror(errno));
	return EXIT_CANNOT_RUN;
}

static void set_environment(const char *name)
{
	char *device = xprintf("/dev/vpool/%s", name);

	setenv("VPOOL_POOL", name, 1);
	setenv("VPOOL_DEVICE", device, 1);
	free(device);
}

/* Find a program as execvp(3) does. */
static bool can_run(const char *program)
{
	const char *path = getenv("PATH");
	char *dirs, *next, *dir, *file;
	bool found = false;

	if (strchr(program, '/'))
		return !access(program, X_OK);
	dirs = xstrdup(path ? path : "/bin:/usr/bin");
	next = dirs;
	while (!found && (dir = strsep(&next, ":"))) {
		file = xprintf("%s/%s", *dir ? dir : ".", program);
		found = !access(file, X_OK);
		free(file);
	}
	free(dirs);
	return found;
}

static int try_run(const struct invocation *inv, const char *program)
{
	struct failure failure;

	if (!can_run(program)) {
		cmd_error(inv, inv->argv[0], TOOL_PROGRAM, "cannot run '%s': %s",
			  program, strerror(errno));
		return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	}
	if (inv->given[RUN_PROPERTY] &&
	    slice_check_scope(inv->argv[0], inv->given[RUN_MOVE_CGROUP], &failure))
		return failure_report(inv, inv->argv[0], &failure);
	outcome_print(inv, inv->argv[0], "would run %s on pool %s", program,
		      inv->argv[0]);
	return EXIT_OK;
}

static int run_run(const struct invocation *inv)
{
	char **program = inv->argv + 1;
	struct failure failure;
	struct vpool *vp;
	int err, status;

	if (*program && !strcmp(*program, "--"))
		program++;
	if (!*program)
		return usage_error(inv->cmd, "no program is given: expected %s",
				   inv->cmd->args);
	status = check_properties(inv);
	if (status)
		return status;
	err = vpool_open(inv->argv[0], &vp);
	if (err)
		status = handle_error(inv, inv->argv[0], vp, err);
	else if (outcome_is_dry(inv))
		status = try_run(inv, *program);
	else if (isolate_mend(inv->argv[0], &failure))
		status = failure_report(inv, inv->argv[0], &failure);
	else if (inv->given[RUN_PROPERTY])
		status = run_in_scope(inv, program);
	else
		status = join(inv, vp);
	if (status || outcome_is_dry(inv)) {
		vpool_close(vp);
		return status;
	}
	set_environment(inv->argv[0]);
	execvp(*program, program);
	err = errno;
	cmd_error(inv, inv->argv[0], TOOL_PROGRAM, "cannot run '%s': %s", *program,
		  strerror(err));
	vpool_close(vp);
	return err == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

const struct command cmd_run = {
	.name = "run",
	.args = "NAME [--] PROGRAM [ARGUMENT...]",
	.summary = "run a program on a pool's CPUs",
	.description =
		"Run a program, and all processes that it forks, on a pool's\n"
		"CPUs. If the pool has no CPUs, the program keeps its\n"
		"affinity. The environment variables VPOOL_POOL and\n"
		"VPOOL_DEVICE give the program the name and the device of the\n"
		"pool. The exit status is that of the program. It is 127 if\n"
		"there is no such program, and 126 if it cannot be started.\n\n"
		"Under systemd, a program of root runs in a transient scope in\n"
		"the pool's slice. The help of attach describes which\n"
		"processes are moved there; on a plain pool, other processes\n"
		"stay where they are. With --property, each program runs in a\n"
		"scope with these properties. That of another user is in a\n"
		"slice of the user's own systemd, which has no CPUs: the\n"
		"module holds the program on those of the pool.",
	.options = run_options,
	.nr_options = ARRAY_SIZE(run_options),
	.min_args = 1,
	.max_args = -1,
	.stop_at_args = true,
	.complete = COMPLETE_POOL,
	.complete_args = COMPLETE_COMMAND,
	.run = run_run,
};
