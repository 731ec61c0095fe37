// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl attach and detach: add running tasks to a pool, and remove them.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/files.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "host/isolate.h"
#include "host/proc.h"
#include "host/slice.h"
#include "host/tree.h"
#include "output/messages.h"
#include "output/outcome.h"

/* Both tables start with the same two options. */
enum {
	ATTACH_PID,
	ATTACH_TID,
	ATTACH_DEDICATED,
	ATTACH_CPU,
	ATTACH_TREE,
	ATTACH_MOVE_CGROUP,
	ATTACH_DRY_RUN,
	ATTACH_QUIET,
	ATTACH_JSON,
	NR_ATTACH,
};

#define OPTION_PID \
	{ .name = "pid", .letter = 'p', .arg = "PID", .complete = COMPLETE_PID, \
	  .help = "the process, with all its threads" }
#define OPTION_TID \
	{ .name = "tid", .letter = 't', .arg = "TID", \
	  .help = "one thread" }

static const struct option_def attach_options[NR_ATTACH] = {
	[ATTACH_PID] = OPTION_PID,
	[ATTACH_TID] = OPTION_TID,
	[ATTACH_DEDICATED] = {
		.name = "dedicated", .letter = 'd',
		.help =
			"dedicate a CPU of the pool to the thread, or to the first\n"
			"thread of the process; no other member runs on that CPU",
	},
	[ATTACH_CPU] = {
		.name = "cpu", .letter = 'c', .arg = "CPU",
		.complete = COMPLETE_CPU,
		.help = "the CPU to dedicate; implies --dedicated",
	},
	[ATTACH_TREE] = {
		.name = "tree",
		.help = "the process, and all processes that descend from it",
	},
	[ATTACH_MOVE_CGROUP] = OPTION_MOVE_CGROUP,
	[ATTACH_DRY_RUN] = OPTION_DRY_RUN,
	[ATTACH_QUIET] = OPTION_QUIET,
	[ATTACH_JSON] = OPTION_OUTCOME,
};

static const struct option_def detach_options[] = {
	[ATTACH_PID] = OPTION_PID,
	[ATTACH_TID] = OPTION_TID,
	OPTION_DRY_RUN,
	OPTION_QUIET,
	OPTION_OUTCOME,
};

/**
 * struct whom - the task that the options select
 * @pid: the process
 * @tid: the thread, or 0 for the whole process
 * @pidfd: pidfd of the process, owned by this struct
 * @cpu: the requested CPU, or -1 for any
 */
struct whom {
	int pid;
	int tid;
	int pidfd;
	int cpu;
};

static int take_int(const struct invocation *inv, int option, int least,
		    int *value)
{
	const char *text = inv->value[option];
	long number;
	char *end;

	if (!inv->given[option])
		return EXIT_OK;
	errno = 0;
	number = strtol(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno ||
	    number < least || number > INT_MAX)
		return usage_error(inv->cmd, "--%s: '%s' is not a number of at least %d",
				   inv->cmd->options[option].name, text, least);
	*value = number;
	return EXIT_OK;
}

/* Children become members, and nearly every task is a descendant of process 1. */
static void warn_about_init(const struct invocation *inv, int pid)
{
	if (pid == 1 && inv->cmd == &cmd_attach)
		fprintf(stderr,
			"vpoolctl: attach %s: warning: process 1 starts the services of the host; each process that it starts from now on becomes a member\n",
			inv->argv[0]);
}

/* The options of detach have other meanings at these places. */
static bool wants_cpu(const struct invocation *inv)
{
	return inv->cmd == &cmd_attach &&
	       (inv->given[ATTACH_DEDICATED] || inv->given[ATTACH_CPU]);
}

static bool wants_tree(const struct invocation *inv)
{
	return inv->cmd == &cmd_attach && inv->given[ATTACH_TREE];
}

static int take_whom(const struct invocation *inv, struct whom *whom)
{
	int status;

	*whom = (struct whom) { .pidfd = -1, .cpu = -1 };
	if (inv->given[ATTACH_PID] == inv->given[ATTACH_TID])
		return usage_error(inv->cmd, "give either --pid or --tid");
	if (wants_tree(inv) && (inv->given[ATTACH_TID] || wants_cpu(inv)))
		return usage_error(inv->cmd, "--tree needs --pid, and no CPU");
	status = take_int(inv, ATTACH_PID, 1, &whom->pid);
	if (!status)
		status = take_int(inv, ATTACH_TID, 1, &whom->tid);
	if (!status && inv->cmd == &cmd_attach)
		status = take_int(inv, ATTACH_CPU, 0, &whom->cpu);
	if (status)
		return status;
	if (whom->tid)
		whom->pid = status_number(whom->tid, "Tgid");
	if (whom->pid)
		whom->pidfd = syscall(SYS_pidfd_open, whom->pid, 0);
	else
		errno = ESRCH;
	warn_about_init(inv, whom->pid);
	if (whom->pidfd >= 0)
		return EXIT_OK;
	cmd_error(inv, inv->argv[0], errno == ESRCH ? TOOL_TASK_MISSING :
		  errno_code(errno), "task %d: %s",
		  whom->tid ? whom->tid : whom->pid, strerror(errno));
	return EXIT_FAILED;
}

/* Return the number by which the user named the task. */
static int task_of(const struct whom *whom)
{
	return whom->tid ? whom->tid : whom->pid;
}

/* A cgroup holds whole processes: a thread can move only if its process has no other. */
static bool is_only_thread(int pid)
{
	return status_number(pid, "Threads") == 1;
}

/* Join the cpuset first: the kernel attaches a task within the cpuset of the task. */
static int join_slice(const struct invocation *inv, struct vpool *vp,
		      const struct whom *whom, bool process, struct origin *was,
		      struct failure *failure)
{
	struct vpool_info *info;
	int err;

	*was = (struct origin) { 0 };
	err = vpool_query(vp, NULL, &info);
	if (err)
		return failure_set_handle(failure, vp, err);
	if (process || is_only_thread(whom->pid))
		err = slice_join(info, whom->pid,
				 inv->given[ATTACH_MOVE_CGROUP], was, failure);
	vpool_info_free(info);
	return err;
}

static void hint_about_slice(struct vpool *vp, int pid)
{
	struct vpool_info *info;

	if (vpool_query(vp, NULL, &info))
		return;
	slice_hint(info, pid);
	vpool_info_free(info);
}

static int do_attach(const struct invocation *inv, struct vpool *vp,
		     struct whom *whom, struct failure *failure)
{
	bool own = wants_cpu(inv);
	unsigned int flags = whom->tid || own ? 0 : VPOOL_ATTACH_PROCESS;
	struct origin was;
	int err;

	if (join_slice(inv, vp, whom, flags, &was, failure))
		return EXIT_FAILED;
	err = vpool_attach_task(vp, whom->pidfd, whom->tid, flags,
				own ? &whom->cpu : NULL);
	if (err) {
		failure_set_handle(failure, vp, err);
		slice_undo(&was);
		hint_about_slice(vp, whom->pid);
		return EXIT_FAILED;
	}
	slice_free(&was);
	if (own)
		outcome_print(inv, inv->argv[0], "%d has CPU %d", task_of(whom),
			      whom->cpu);
	else
		outcome_print_silent(inv, inv->argv[0], "attached %d", task_of(whom));
	return EXIT_OK;
}

static bool is_member(struct vpool *vp, const struct whom *whom)
{
	struct vpool_member_info *members;
	bool found = false;
	size_t i, nr;

	if (vpool_members(vp, NULL, &members, &nr))
		return false;
	for (i = 0; i < nr && !found; i++)
		found = whom->tid ? members[i].tid == whom->tid :
				    members[i].pid == whom->pid;
	free(members);
	return found;
}

/**
 * struct joined - a process of a tree that this command has attached
 * @whom: the process
 * @was: its former cgroup
 */
struct joined {
	struct whom whom;
	struct origin was;
};

/**
 * struct tree - the processes of a tree that this command has attached
 * @joined: array with one entry per process
 * @nr: its length
 */
struct tree {
	struct joined *joined;
	size_t nr;
};

/* Attach a process. Return 0 also if it has exited, except for the root of the tree. */
static int join_tree(const struct invocation *inv, struct vpool *vp, struct tree *tree,
		     int pid, struct failure *failure)
{
	struct joined joined = { .whom = { .pid = pid, .cpu = -1 } };
	int err;

	joined.whom.pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (joined.whom.pidfd < 0)
		return tree->nr ? 0 : failure_set(failure, -ESRCH, TOOL_TASK_MISSING,
						  "task %d: %s", pid, strerror(errno));
	err = join_slice(inv, vp, &joined.whom, true, &joined.was, failure);
	if (!err) {
		err = vpool_attach_task(vp, joined.whom.pidfd, 0, VPOOL_ATTACH_PROCESS,
					NULL);
		if (err)
			failure_set_handle(failure, vp, err);
	}
	if (!err) {
		tree->joined = xrealloc(tree->joined,
					(tree->nr + 1) * sizeof(*tree->joined));
		tree->joined[tree->nr++] = joined;
		return 0;
	}
	slice_undo(&joined.was);
	close(joined.whom.pidfd);
	return err == -ESRCH && tree->nr ? 0 : err;
}

/* Attach the processes of a tree that are not members yet. @found tells if it did. */
static int join_others(const struct invocation *inv, struct vpool *vp, struct tree *tree,
		       int pid, bool *found, struct failure *failure)
{
	size_t i, nr, before = tree->nr;
	int *pids, err = 0;

	pids = tree_find(pid, &nr);
	for (i = 0; i < nr && !err; i++) {
		struct whom whom = { .pid = pids[i] };

		if (!is_member(vp, &whom))
			err = join_tree(inv, vp, tree, pids[i], failure);
	}
	*found = tree->nr > before;
	free(pids);
	return err;
}

static void end_tree(struct vpool *vp, struct tree *tree, bool undo)
{
	size_t i;

	for (i = 0; i < tree->nr; i++) {
		struct joined *joined = &tree->joined[i];

		if (undo) {
			vpool_detach_task(vp, joined->whom.pidfd, 0, VPOOL_ATTACH_PROCESS);
			slice_undo(&joined->was);
		} else {
			slice_free(&joined->was);
		}
		close(joined->whom.pidfd);
	}
	free(tree->joined);
}

/*
 * A child that a member forks is a member. So only a process that was not attached yet
 * can have children that are missing, and a round that finds none is the last.
 */
static int do_attach_tree(const struct invocation *inv, struct vpool *vp,
			  struct whom *whom, struct failure *failure)
{
	struct tree tree = { 0 };
	bool found = true;
	int err = 0;

	while (!err && found)
		err = join_others(inv, vp, &tree, whom->pid, &found, failure);
	if (!err)
		outcome_print_silent(inv, inv->argv[0], "attached %zu processes", tree.nr);
	else
		hint_about_slice(vp, whom->pid);
	end_tree(vp, &tree, err);
	return err ? EXIT_FAILED : EXIT_OK;
}

/*
 * Leave the cpuset first: the kernel restores only the CPUs that the new cpuset allows.
 */
static int do_detach(const struct invocation *inv, struct vpool *vp,
		     struct whom *whom, struct failure *failure)
{
	unsigned int flags = whom->tid ? 0 : VPOOL_ATTACH_PROCESS;
	struct origin was = { 0 };
	int err, stays = 0;

	if (flags || is_only_thread(whom->pid))
		stays = slice_remove(inv->argv[0], whom->pid, &was, failure);
	if (stays < 0)
		return EXIT_FAILED;
	err = vpool_detach_task(vp, whom->pidfd, whom->tid, flags);
	if (err) {
		failure_set_handle(failure, vp, err);
		slice_undo(&was);
		return EXIT_FAILED;
	}
	slice_free(&was);
	outcome_print_silent(inv, inv->argv[0], "detached %d", task_of(whom));
	if (stays)
		cmd_error(inv, inv->argv[0], TOOL_SLICE_KEEPS,
			  "process %d is no longer a member, but its unit is in the pool's slice, which keeps it on the pool's CPUs",
			  whom->pid);
	return EXIT_OK;
}

/* Check what can be checked without a change: the kernel has no dry run for this. */
static int try_attach(const struct invocation *inv, struct vpool *vp,
		      struct whom *whom, struct failure *failure)
{
	struct vpool_info *info;
	bool has_cpus;
	int err;

	err = vpool_query(vp, NULL, &info);
	if (err)
		return failure_set_handle(failure, vp, err);
	has_cpus = vpool_cpus_count(&info->cpus);
	if (has_cpus && whom->cpu >= 0 && !vpool_cpus_test(&info->cpus, whom->cpu))
		err = failure_set(failure, -EINVAL, VPOOL_CODE_CPU_NOT_IN_POOL,
				  "cpu %d does not belong to pool '%s'", whom->cpu,
				  info->name);
	vpool_info_free(info);
	if (!has_cpus)
		err = failure_set(failure, -EINVAL, VPOOL_CODE_POOL_WITHOUT_CPUS,
				  "pool '%s' has no CPUs", inv->argv[0]);
	if (!err)
		outcome_print(inv, inv->argv[0], "would attach %d", task_of(whom));
	return err;
}

static int try_detach(const struct invocation *inv, struct vpool *vp,
		      struct whom *whom, struct failure *failure)
{
	if (!is_member(vp, whom))
		return failure_set(failure, -ESRCH, VPOOL_CODE_TASK_NOT_MEMBER,
				   "task %d is not a member of pool '%s'",
				   task_of(whom), inv->argv[0]);
	outcome_print(inv, inv->argv[0], "would detach %d", task_of(whom));
	return EXIT_OK;
}

static int with_task(const struct invocation *inv,
		     int (*act)(const struct invocation *inv, struct vpool *vp,
				struct whom *whom, struct failure *failure))
{
	struct failure failure = { 0 };
	struct vpool *vp = NULL;
	struct whom whom;
	int status, err;

	status = take_whom(inv, &whom);
	if (status)
		return status;
	err = vpool_open(inv->argv[0], &vp);
	if (err) {
		status = handle_error(inv, inv->argv[0], vp, err);
	} else {
		status = !outcome_is_dry(inv) &&
			 isolate_mend(inv->argv[0], &failure) ?
			 EXIT_FAILED : act(inv, vp, &whom, &failure);
		if (status)
			status = failure_report(inv, inv->argv[0], &failure);
	}
	vpool_close(vp);
	close(whom.pidfd);
	return status;
}

static int run_attach(const struct invocation *inv)
{
	if (outcome_is_dry(inv))
		return with_task(inv, try_attach);
	return with_task(inv, wants_tree(inv) ? do_attach_tree : do_attach);
}

static int run_detach(const struct invocation *inv)
{
	return with_task(inv, outcome_is_dry(inv) ? try_detach : do_detach);
}

const struct command cmd_attach = {
	.name = "attach",
	.args = "NAME --pid PID [--tree] | --tid TID",
	.summary = "make a running task a member of a pool",
	.description =
		"Make a process with all its threads, or one thread, a member\n"
		"of a pool. The task, and all tasks that it forks from then\n"
		"on, run only on the pool's CPUs. Users can attach\n"
		"their own tasks; other tasks need CAP_SYS_NICE.\n\n"
		"With --tree, the children of the process that exist already,\n"
		"and their children, become members, too: all of them, or\n"
		"none if one cannot. A process whose parent has exited no\n"
		"longer descends from it.\n\n"
		"Members of a confined or isolated pool belong in its slice,\n"
		"vpool_NAME.slice. A process that is already in the slice,\n"
		"for example in a unit with Slice=, keeps its cgroup. Root\n"
		"moves a process from the root cgroup or from the scope of a\n"
		"login into the slice. A process in any other cgroup would\n"
		"lose its limits. In a confined pool, such a process keeps\n"
		"its cgroup, and only the module holds it on the CPUs. An\n"
		"isolated pool refuses it, unless --move-cgroup is given.",
	.options = attach_options,
	.nr_options = ARRAY_SIZE(attach_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_POOL,
	.run = run_attach,
};

const struct command cmd_detach = {
	.name = "detach",
	.args = "NAME --pid PID | --tid TID",
	.summary = "end a task's membership in a pool",
	.description =
		"End the membership of a process with all its threads, or of\n"
		"one thread, and restore the affinity that it had before.",
	.options = detach_options,
	.nr_options = ARRAY_SIZE(detach_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_POOL,
	.run = run_detach,
};
