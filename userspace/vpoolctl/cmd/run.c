// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl run: start a program on a pool.
 */
#include <errno.h>
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
	RUN_MOVE_CGROUP,
	RUN_DRY_RUN,
	RUN_QUIET,
	RUN_JSON,
};

static const struct option_def run_options[] = {
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
	if (vpool_cpus_count(&info->cpus))
		err = attach_self(inv, vp, info);
	vpool_info_free(info);
	return err;
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
	if (!can_run(program)) {
		cmd_error(inv, inv->argv[0], TOOL_PROGRAM, "cannot run '%s': %s",
			  program, strerror(errno));
		return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	}
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
	err = vpool_open(inv->argv[0], &vp);
	if (err)
		status = handle_error(inv, inv->argv[0], vp, err);
	else if (outcome_is_dry(inv))
		status = try_run(inv, *program);
	else if (isolate_mend(inv->argv[0], &failure))
		status = failure_report(inv, inv->argv[0], &failure);
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
		"On a confined or isolated pool, a program of root runs in\n"
		"the pool's slice. The help of attach describes which\n"
		"processes are moved there.",
	.options = run_options,
	.nr_options = ARRAY_SIZE(run_options),
	.min_args = 1,
	.max_args = -1,
	.stop_at_args = true,
	.complete = COMPLETE_POOL,
	.complete_args = COMPLETE_COMMAND,
	.run = run_run,
};
