// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl kill: signal all members of a pool.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "output/messages.h"
#include "output/outcome.h"

/* Give up on a fork storm after this number of passes. */
#define MAX_PASSES 100

enum {
	KILL_SIGNAL,
	KILL_DRY_RUN,
	KILL_QUIET,
	KILL_JSON,
};

static const struct option_def kill_options[] = {
	[KILL_SIGNAL] = {
		.name = "signal", .letter = 's', .arg = "SIGNAL",
		.complete = COMPLETE_SIGNAL, .bare = true,
		.help =
			"signal, by name or number; default TERM. -9 and -KILL are\n"
			"accepted, too, as kill(1) does",
	},
	[KILL_DRY_RUN] = OPTION_DRY_RUN,
	[KILL_QUIET] = OPTION_QUIET,
	[KILL_JSON] = OPTION_OUTCOME,
};

/* The processes that were signalled. */
struct done {
	int *pids;
	size_t nr;
};

static int signal_number(const char *text)
{
	char name[16], *end;
	long number;
	int sig;

	if (isdigit((unsigned char)*text)) {
		number = strtol(text, &end, 10);
		return *end || number > SIGRTMAX ? -1 : (int)number;
	}
	for (sig = 1; sig < NSIG; sig++) {
		snprintf(name, sizeof(name), "SIG%s", sigabbrev_np(sig) ? : "");
		if (name[3] && (!ascii_casecmp(name, text) ||
				!ascii_casecmp(name + 3, text)))
			return sig;
	}
	return -1;
}

static bool is_done(const struct done *done, int pid)
{
	size_t i;

	for (i = 0; i < done->nr; i++)
		if (done->pids[i] == pid)
			return true;
	return false;
}

static bool is_member(struct vpool *vp, const char *name, int pid)
{
	struct vpool_member_info *members;
	bool found = false;
	size_t i, nr;

	if (vpool_members(vp, name, &members, &nr))
		return false;
	for (i = 0; i < nr && !found; i++)
		found = members[i].pid == pid;
	free(members);
	return found;
}

/* Open a pidfd, then check the membership again: the kernel may have reused the pid. */
static int signal_one(struct vpool *vp, const char *name, int pid, int sig)
{
	int fd = syscall(SYS_pidfd_open, pid, 0), err = 0;

	if (fd < 0)
		return errno == ESRCH ? 0 : -errno;
	if (is_member(vp, name, pid) &&
	    syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) && errno != ESRCH)
		err = -errno;
	close(fd);
	return err;
}

/* Return the number of newly signalled processes, or a negative errno. */
static int signal_new_members(const struct invocation *inv, struct vpool *vp, int sig,
			      struct done *done, int *status)
{
	struct vpool_member_info *members;
	int err, fresh = 0;
	size_t i, nr;

	err = vpool_members(vp, inv->argv[0], &members, &nr);
	if (err)
		return err;
	for (i = 0; i < nr; i++) {
		int pid = members[i].pid;

		if (!pid || is_done(done, pid))
			continue;
		done->pids = xrealloc(done->pids,
				      (done->nr + 1) * sizeof(*done->pids));
		done->pids[done->nr++] = pid;
		fresh++;
		if (inv->given[KILL_DRY_RUN])
			continue;
		err = signal_one(vp, inv->argv[0], pid, sig);
		if (err) {
			cmd_error(inv, inv->argv[0], errno_code(-err),
				  "process %d: %s", pid,
				  strerror(-err));
			*status = EXIT_FAILED;
		}
	}
	free(members);
	return fresh;
}

static int run_kill(const struct invocation *inv)
{
	const char *text = inv->given[KILL_SIGNAL] ? inv->value[KILL_SIGNAL] :
						     "TERM";
	int sig = signal_number(text), pass, got = 1, status = EXIT_OK;
	struct done done = { 0 };
	struct vpool *vp;

	if (sig < 0)
		return usage_error(inv->cmd, "--signal: '%s' is not a signal", text);
	got = vpool_open_reader(&vp);
	for (pass = 0; pass < MAX_PASSES && (!pass ? !got : got > 0); pass++)
		got = signal_new_members(inv, vp, sig, &done, &status);
	if (got < 0)
		status = handle_error(inv, inv->argv[0], vp, got);
	else if (!status)
		outcome_print_silent(inv, inv->argv[0],
				     "signal %d %s %zu process%s", sig,
				     inv->given[KILL_DRY_RUN] ? "would go to" :
								"went to",
				     done.nr, done.nr == 1 ? "" : "es");
	vpool_close(vp);
	free(done.pids);
	return status;
}

const struct command cmd_kill = {
	.name = "kill",
	.args = "NAME",
	.summary = "send a signal to all members of a pool",
	.description =
		"Send a signal to every process that has a thread in the\n"
		"pool, including processes that are forked during the call.",
	.options = kill_options,
	.nr_options = ARRAY_SIZE(kill_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_POOL,
	.run = run_kill,
};
