// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl run: start a program on a pool.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "isolate.h"
#include "vpoolctl.h"

/* A pool without CPUs has members nowhere to run; its memory can be used. */
static int join(struct vpool *vp)
{
	struct vpool_info *info;
	bool has_cpus;
	int err;

	err = vpool_query(vp, NULL, &info);
	if (err)
		return err;
	has_cpus = vpool_cpus_count(&info->cpus);
	vpool_info_free(info);
	if (!has_cpus)
		return 0;
	return vpool_attach(vp, VPOOL_SELF, VPOOL_ATTACH_PROCESS);
}

static void set_environment(const char *name)
{
	char *device = xprintf("/dev/vpool/%s", name);

	setenv("VPOOL_POOL", name, 1);
	setenv("VPOOL_DEVICE", device, 1);
	free(device);
}

static int run_run(const struct invocation *inv)
{
	char **program = inv->argv + 1;
	char why[WHY_SIZE];
	struct vpool *vp;
	int err;

	if (*program && !strcmp(*program, "--"))
		program++;
	if (!*program)
		return wrong_usage(inv->cmd, "what to run? It takes %s",
				   inv->cmd->args);
	err = vpool_open(inv->argv[0], &vp);
	if (!err && isolate_mend(why)) {
		complain(inv, inv->argv[0], "%s", why);
		vpool_close(vp);
		return EXIT_FAILED;
	}
	/* The pool first: it remembers the CPUs that we had, the cgroup sets them. */
	if (!err)
		err = join(vp);
	if (err) {
		err = failed(inv, inv->argv[0], vp, err);
		vpool_close(vp);
		return err;
	}
	if (isolate_join(inv->argv[0], getpid(), why)) {
		complain(inv, inv->argv[0], "%s", why);
		vpool_close(vp);
		return EXIT_FAILED;
	}
	set_environment(inv->argv[0]);
	execvp(*program, program);
	err = errno;
	complain(inv, inv->argv[0], "cannot run '%s': %s", *program,
		 strerror(err));
	vpool_close(vp);
	return err == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

const struct command cmd_run = {
	.name = "run",
	.args = "NAME [--] PROGRAM [ARGUMENT...]",
	.summary = "run a program on a pool's CPUs",
	.description =
		"Run a program on a pool's CPUs, with all that it forks; a\n"
		"pool without CPUs leaves it where it is. The program finds\n"
		"the pool's name in VPOOL_POOL and its node in VPOOL_DEVICE.\n"
		"The exit status is the program's; 127 if there is no such\n"
		"program, 126 if it cannot be started.",
	.min_args = 1,
	.max_args = -1,
	.stop_at_args = true,
	.complete = COMPLETE_POOL,
	.complete_rest = COMPLETE_COMMAND,
	.run = run_run,
};
