// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control groups, and the systemd units that manage them.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <mntent.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/failure.h"
#include "base/files.h"
#include "base/macros.h"
#include "host/cgroup.h"

#define SCOPE_PREFIX "vpool-"

char *cgroup_root(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;
	char *root = NULL;

	while (mounts && !root && (entry = getmntent(mounts)))
		if (!strcmp(entry->mnt_type, "cgroup2"))
			root = xstrdup(entry->mnt_dir);
	if (mounts)
		endmntent(mounts);
	return root;
}

/* A dash in the name of a slice separates the names of its parents: escape it. */
char *cgroup_slice(const char *pool)
{
	char *slice = xstrdup("vpool_"), *longer;

	for (; *pool; pool++) {
		longer = *pool == '-' ? xprintf("%s\\x2d", slice) :
					xprintf("%s%c", slice, *pool);
		free(slice);
		slice = longer;
	}
	longer = xprintf("%s.slice", slice);
	free(slice);
	return longer;
}

char *cgroup_slice_dir(const char *pool)
{
	char *root = cgroup_root(), *slice, *dir;

	if (!root)
		return NULL;
	slice = cgroup_slice(pool);
	dir = xprintf("%s/%s", root, slice);
	free(slice);
	free(root);
	return dir;
}

char *cgroup_of(int pid)
{
	char *path = xprintf("/proc/%d/cgroup", pid), *text = read_text(path);
	char *at = text, *found = NULL;

	free(path);
	/* The line of cgroup2 starts with "0::". */
	while (at && strncmp(at, "0::", 3)) {
		at = strchr(at, '\n');
		at += at ? 1 : 0;
	}
	if (at)
		found = xprintf("%.*s", (int)strcspn(at + 3, "\n"), at + 3);
	free(text);
	return found;
}

/* Return the path below the slice, "" for the slice itself, NULL outside of it. */
static char *path_in_slice(const char *pool, int pid)
{
	char *path = cgroup_of(pid), *slice = cgroup_slice(pool);
	size_t len = strlen(slice);
	char *below = NULL;

	if (path && *path == '/' && !strncmp(path + 1, slice, len) &&
	    (!path[1 + len] || path[1 + len] == '/'))
		below = xstrdup(path + 1 + len);
	free(slice);
	free(path);
	return below;
}

bool cgroup_in_slice(const char *pool, int pid)
{
	char *below = path_in_slice(pool, pid);
	bool in = below;

	free(below);
	return in;
}

bool cgroup_in_own_unit(const char *pool, int pid)
{
	char *below = path_in_slice(pool, pid);
	bool own = below && *below && strcmp(below, "/" CGROUP_LEAF) &&
		   strncmp(below, "/" SCOPE_PREFIX, strlen("/" SCOPE_PREFIX));

	free(below);
	return own;
}

/* Tell whether a cgroup file differs from @free_word, its content without a limit. */
static bool is_limited(const char *dir, const char *file, const char *free_word)
{
	char *path = xprintf("%s/%s", dir, file), *text = read_text(path);
	bool limited = text && strncmp(text, free_word, strlen(free_word)) &&
		       *text && *text != '\n';

	free(text);
	free(path);
	return limited;
}

bool cgroup_has_limits(const char *path)
{
	static const char *const files[] = {
		"memory.max", "memory.high", "memory.swap.max", "cpu.max",
		"io.max", "cpuset.cpus", "cpuset.mems",
	};
	char *root = cgroup_root(), *dir = xprintf("%s%s", root, path);
	size_t i, least = root ? strlen(root) : 0;
	bool limited = false;

	while (root && strlen(dir) > least + 1 && !limited) {
		for (i = 0; i < ARRAY_SIZE(files); i++)
			limited |= is_limited(dir, files[i], "max");
		*strrchr(dir, '/') = '\0';
	}
	free(dir);
	free(root);
	return limited;
}

int cgroup_set(const char *dir, const char *file, const char *text, struct failure *failure)
{
	char *path = xprintf("%s/%s", dir, file);
	int err = write_text(path, text);

	if (err)
		failure_set(failure, err, errno_code(-err),
			    "cannot write '%.*s' to %s: %s",
			    (int)strcspn(text, "\n"), text, path, strerror(-err));
	free(path);
	return err;
}

int cgroup_move(const char *dir, int pid, struct failure *failure)
{
	char *text = xprintf("%d", pid);
	int err = cgroup_set(dir, "cgroup.procs", text, failure);

	free(text);
	return err;
}

int cgroup_tenant(const char *dir)
{
	char *path = xprintf("%s/cgroup.procs", dir), *text = read_text(path);
	int pid = text ? atoi(text) : 0;
	DIR *at = pid ? NULL : opendir(dir);
	struct dirent *entry;

	free(text);
	free(path);
	while (at && !pid && (entry = readdir(at))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		path = xprintf("%s/%s", dir, entry->d_name);
		pid = cgroup_tenant(path);
		free(path);
	}
	if (at)
		closedir(at);
	return pid;
}

bool systemd_runs(void)
{
	return !access("/run/systemd/system", F_OK);
}

int systemd_call(char *const argv[], struct failure *failure)
{
	posix_spawn_file_actions_t files;
	int status, err;
	pid_t pid;

	/* Keep the output of the program out of the output of vpoolctl. */
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", 0, 0);
	err = posix_spawnp(&pid, argv[0], &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (err)
		return failure_set(failure, -err, errno_code(err), "%s: %s",
				   argv[0], strerror(err));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return failure_set(failure, -EIO, TOOL_SYSTEMD, "%s %s %s failed",
				   argv[0], argv[1], argv[2]);
	return 0;
}

/* systemd answers before it moves the process: wait for up to 5 seconds. */
static bool arrives(const char *scope, int pid)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	bool there = false;
	char *path, *at;
	int i;

	for (i = 0; i < 500 && !there; i++) {
		path = cgroup_of(pid);
		at = path ? strrchr(path, '/') : NULL;
		there = at && !strcmp(at + 1, scope);
		free(path);
		if (!there)
			nanosleep(&pause, NULL);
	}
	return there;
}

int systemd_scope_until(const char *slice, int pid, const char *until, char **ret,
			struct failure *failure)
{
	char *number = xprintf("%d", pid), *scope;
	struct timespec now;
	int err;

	/* A failed scope keeps its name, so each name is used once. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	scope = xprintf(SCOPE_PREFIX "%d-%llx.scope", pid,
			now.tv_sec * 1000000000ULL + now.tv_nsec);
	/* Units stop in the reverse order of their start. */
	char *const call[] = {
		"busctl", "--quiet", "call", "org.freedesktop.systemd1",
		"/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
		"StartTransientUnit", "ssa(sv)a(sa(sv))", scope, "fail", until ? "5" : "4",
		"PIDs", "au", "1", number, "Slice", "s", (char *)slice,
		"Description", "s", "Member of a pool",
		"CollectMode", "s", "inactive-or-failed", until ? "Before" : "0",
		until ? "as" : NULL, "1", (char *)until, "0", NULL,
	};

	err = systemd_call(call, failure);
	if (err) {
		failure_set(failure, err, TOOL_SYSTEMD,
			    "systemd made no scope for process %d in %s (busctl)",
			    pid, slice);
	} else if (!arrives(scope, pid)) {
		err = failure_set(failure, -ETIMEDOUT, TOOL_SYSTEMD,
				  "systemd did not move process %d into %s", pid,
				  scope);
	}
	if (err || !ret)
		free(scope);
	else
		*ret = scope;
	free(number);
	return err;
}

int systemd_scope(const char *slice, int pid, struct failure *failure)
{
	return systemd_scope_until(slice, pid, NULL, NULL, failure);
}

int systemd_set_properties(const char *scope, const char *properties,
			   struct failure *failure)
{
	char *all = xstrdup(properties), *one, *save;
	char **call = xcalloc(strlen(properties) + 6, sizeof(*call));
	size_t nr = 0;
	int err;

	call[nr++] = "systemctl";
	call[nr++] = "set-property";
	call[nr++] = "--runtime";
	call[nr++] = "--";
	call[nr++] = (char *)scope;
	for (one = strtok_r(all, "\n", &save); one; one = strtok_r(NULL, "\n", &save))
		call[nr++] = one;
	err = systemd_call(call, failure);
	free(call);
	free(all);
	return err;
}
