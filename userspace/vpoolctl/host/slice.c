// SPDX-License-Identifier: GPL-2.0-only
/*
 * Move processes into the slice of a pool, and out of it.
 *
 * A process must not lose limits by the move. In the root cgroup, and in a scope without
 * limits such as that of a login, it has none. From any other cgroup, such as
 * that of a service, vpoolctl moves a process only with --move-cgroup. A process that is
 * already in the slice stays in its cgroup.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/failure.h"
#include "host/cgroup.h"
#include "host/grade.h"
#include "host/privilege.h"
#include "host/slice.h"
#include "output/messages.h"

/* Unit that starts the machines at boot, and stops all machines. */
#define MACHINES_UNIT "vpool-vms.service"

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), least = strlen(end);

	return len >= least && !strcmp(text + len - least, end);
}

static bool may_move(const char *path)
{
	if (!strcmp(path, "/"))
		return true;
	return systemd_runs() && ends_with(path, ".scope") &&
	       !cgroup_has_limits(path);
}

/*
 * If a slice has units in it, the kernel may forbid processes in the slice itself. Then
 * use a cgroup beside the units.
 */
static int move_into(const char *name, int pid, struct failure *failure)
{
	char *dir = cgroup_slice_dir(name), *leaf;
	int err = cgroup_move(dir, pid, failure);

	if (err == -EBUSY || err == -EOPNOTSUPP) {
		leaf = xprintf("%s/" CGROUP_LEAF, dir);
		if (!mkdir(leaf, 0755) || errno == EEXIST)
			err = cgroup_move(leaf, pid, failure);
		free(leaf);
	}
	free(dir);
	return err;
}

static int move_to_slice(const char *name, int pid, struct failure *failure)
{
	struct failure ignored;
	char *slice;
	int err;

	if (!systemd_runs())
		return move_into(name, pid, failure);
	slice = cgroup_slice(name);
	err = systemd_scope(slice, pid, failure);
	free(slice);
	/* Without a bus, as in a rescue shell, move the process without systemd. */
	if (err == -EIO && !move_into(name, pid, &ignored))
		err = 0;
	return err;
}

int slice_join(const struct vpool_info *info, int pid, bool move,
	       struct origin *was, struct failure *failure)
{
	enum grade grade = grade_of(info);
	char *path, *slice;
	int err = 0;

	*was = (struct origin) { 0 };
	if (grade == GRADE_PLAIN || !may_change_host() ||
	    !grade_in_force(info, grade) || cgroup_in_slice(info->name, pid))
		return 0;
	path = cgroup_of(pid);
	if (!path)
		return 0;
	if (move || may_move(path)) {
		err = move_to_slice(info->name, pid, failure);
		if (!err)
			*was = (struct origin) { pid, xstrdup(path) };
	} else if (grade_excludes(grade)) {
		slice = cgroup_slice(info->name);
		err = failure_set(failure, -EBUSY, TOOL_CGROUP_LIMITS,
				  "process %d is in the cgroup %s, and members of an isolated pool must be in %s",
				  pid, path, slice);
		free(slice);
	}
	free(path);
	return err;
}

void slice_enter_plain(const struct vpool_info *info)
{
	char *path = cgroup_of(getpid()), *slice;
	struct failure ignored;

	if (path && grade_of(info) == GRADE_PLAIN && systemd_runs() &&
	    may_change_host() && !cgroup_in_slice(info->name, getpid()) &&
	    may_move(path)) {
		slice = cgroup_slice(info->name);
		systemd_scope(slice, getpid(), &ignored);
		free(slice);
	}
	free(path);
}

/*
 * vpool-vms.service starts machines at boot and stops them. It has no limits that they could
 * lose.
 */
static bool may_leave(const char *path)
{
	return may_move(path) ||
	       (ends_with(path, "/" MACHINES_UNIT) && !cgroup_has_limits(path));
}

static int enter_scope(const struct vpool_info *info, const char *properties,
		       struct failure *failure)
{
	char *slice = cgroup_slice(info->name), *scope = NULL;
	int err;

	err = systemd_scope_until(slice, getpid(), MACHINES_UNIT, &scope, failure);
	if (!err && properties)
		err = systemd_set_properties(scope, properties, failure);
	free(scope);
	free(slice);
	return err;
}

int slice_enter_machine(const struct vpool_info *info, const char *properties,
			struct failure *failure)
{
	char *path = cgroup_of(getpid());
	struct origin was = { 0 };
	bool enter = systemd_runs() && may_change_host() && path &&
		     (properties || (!cgroup_in_slice(info->name, getpid()) &&
				     may_leave(path)));
	int err = -EIO;

	free(path);
	if (enter)
		err = enter_scope(info, properties, failure);
	/* Without a bus, as in a rescue shell, do without systemd. */
	if (err != -EIO || (enter && properties))
		return err;
	err = slice_join(info, getpid(), false, &was, failure);
	slice_free(&was);
	return err;
}

int slice_check_scope(const char *name, bool move, struct failure *failure)
{
	char *path, *slice;
	int err = 0;

	if (!systemd_runs())
		return failure_set(failure, -EOPNOTSUPP, TOOL_NO_SYSTEMD,
				   "systemd does not manage this host");
	path = cgroup_of(getpid());
	if (path && !move && !cgroup_in_slice(name, getpid()) && !may_move(path)) {
		slice = cgroup_slice(name);
		err = failure_set(failure, -EBUSY, TOOL_CGROUP_LIMITS,
				  "process %d is in the cgroup %s, and --property needs a scope in %s",
				  getpid(), path, slice);
		free(slice);
	}
	free(path);
	return err;
}

/*
 * Return the arguments of systemd-run for a program in a scope named @kind. Each line of
 * @properties is an argument of its own.
 */
static char **scope_args(const char *name, const char *kind, const char *properties,
			 char **program)
{
	char *slice = cgroup_slice(name), *all = xstrdup(properties), *one, *save;
	size_t nr = 0, room = strlen(properties) + 10;
	struct timespec now;
	char **args;

	while (program[nr])
		nr++;
	args = xcalloc(room + nr, sizeof(*args));
	clock_gettime(CLOCK_MONOTONIC, &now);
	nr = 0;
	args[nr++] = "systemd-run";
	args[nr++] = geteuid() ? "--user" : "--system";
	args[nr++] = "--quiet";
	args[nr++] = "--scope";
	args[nr++] = "--collect";
	args[nr++] = xprintf("--unit=%s-%d-%llx.scope", kind, getpid(),
			     now.tv_sec * 1000000000ULL + now.tv_nsec);
	args[nr++] = xprintf("--slice=%s", slice);
	for (one = strtok_r(all, "\n", &save); one; one = strtok_r(NULL, "\n", &save))
		args[nr++] = xprintf("--property=%s", one);
	args[nr++] = "--";
	while (*program)
		args[nr++] = *program++;
	free(slice);
	return args;
}

/* The arguments are not freed: this process ends, or becomes systemd-run. */
char **slice_scope_args(const char *name, const char *properties, char **program,
			struct failure *failure)
{
	char *nothing[2] = { "true", NULL };
	int err;

	/* systemd-run will replace this process, so let it check the properties first. */
	err = systemd_call(scope_args(name, "run-vpool-check", properties, nothing),
			   failure);
	if (err == -EIO)
		failure_set(failure, err, TOOL_SYSTEMD_PROPERTY,
			    "systemd-run refuses a scope with these properties");
	return err ? NULL : scope_args(name, "run-vpool", properties, program);
}

int slice_check_machine(const char *name, const char *properties, struct failure *failure)
{
	char *nothing[2] = { "true", NULL };
	int err;

	if (!may_change_host())
		return failure_set(failure, -EPERM, TOOL_VM_SCOPE,
				   "only root can give a machine a scope with properties");
	if (!systemd_runs())
		return failure_set(failure, -EOPNOTSUPP, TOOL_VM_SCOPE,
				   "a scope with properties needs systemd, which does not manage this host");
	err = systemd_call(scope_args(name, "vm-vpool-check", properties, nothing), failure);
	if (err == -EIO)
		failure_set(failure, err, TOOL_SYSTEMD_PROPERTY,
			    "systemd-run refuses a scope with these properties");
	return err;
}

void slice_hint(const struct vpool_info *info, int pid)
{
	char *slice, *text;

	if (!grade_excludes(grade_of(info)) || cgroup_in_slice(info->name, pid))
		return;
	slice = cgroup_slice(info->name);
	text = xprintf("Try as root, or in a unit with Slice=%s: pool '%s' is isolated.",
		       slice, info->name);
	add_hint(text);
	free(text);
	free(slice);
}

void slice_undo(struct origin *was)
{
	char *root = was->pid ? cgroup_root() : NULL;
	char *dir = root ? xprintf("%s%s", root, was->from) : NULL;
	struct failure ignored;

	/* The former cgroup may be gone, if it was a scope. */
	if (dir && cgroup_move(dir, was->pid, &ignored))
		cgroup_move(root, was->pid, &ignored);
	free(dir);
	free(root);
	slice_free(was);
}

void slice_free(struct origin *was)
{
	free(was->from);
	*was = (struct origin) { 0 };
}

int slice_remove(const char *name, int pid, struct origin *was, struct failure *failure)
{
	char *root, *path;
	int err;

	*was = (struct origin) { 0 };
	if (!may_change_host() || !cgroup_in_slice(name, pid))
		return 0;
	if (cgroup_in_own_unit(name, pid))
		return 1;
	path = cgroup_of(pid);
	root = cgroup_root();
	err = systemd_runs() ? systemd_scope("system.slice", pid, failure) : -EIO;
	if (err == -EIO)
		err = cgroup_move(root, pid, failure);
	if (!err)
		*was = (struct origin) { pid, xstrdup(path) };
	free(root);
	free(path);
	return err;
}
