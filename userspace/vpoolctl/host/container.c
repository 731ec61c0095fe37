// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers on a pool.
 *
 * A runtime starts further processes in a running container, as for "podman exec". They
 * are no children of a member, and no hook runs for them. But the runtime moves them to
 * the cgroup of the container, so its cpuset keeps them on the pool's CPUs.
 *
 * An extended attribute of the cgroup stores which pool its CPUs are from, so that a
 * resize of the pool can change them. It is deleted with the cgroup.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/failure.h"
#include "base/files.h"
#include "host/cgroup.h"
#include "host/container.h"
#include "host/grade.h"
#include "host/pools.h"
#include "host/privilege.h"

#define MARK "user.vpool.pool"

int container_read(int fd, struct container *ct, struct failure *failure)
{
	struct json_object *state = json_object_from_fd(fd), *pid, *id;
	int err = 0;

	*ct = (struct container) { 0 };
	if (json_object_object_get_ex(state, "pid", &pid) &&
	    json_object_is_type(pid, json_type_int) &&
	    json_object_get_int64(pid) > 0 &&
	    json_object_get_int64(pid) <= INT_MAX)
		ct->pid = json_object_get_int(pid);
	else
		err = failure_set(failure, -EINVAL, TOOL_CONTAINER_STATE,
				  "standard input is not the state of a container with a process");
	if (!err)
		ct->id = xstrdup(json_object_object_get_ex(state, "id", &id) ?
				 json_object_get_string(id) : "");
	json_object_put(state);
	return err;
}

/* Return the CPUs in a file of a cgroup, empty if it has none or does not exist. */
static struct vpool_cpus read_cpus(const char *dir, const char *file)
{
	char *path = xprintf("%s/%s", dir, file), *text = read_text(path);
	struct vpool_cpus cpus = { 0 };

	if (text)
		text[strcspn(text, "\n")] = '\0';
	if (text && *text && vpool_cpus_parse(text, &cpus, NULL, 0))
		cpus = (struct vpool_cpus) { 0 };
	free(text);
	free(path);
	return cpus;
}

/* Tell whether @cpus has at least one CPU, and only CPUs of @limit. */
static bool are_within(const struct vpool_cpus *cpus, const struct vpool_cpus *limit)
{
	unsigned int cpu, left = vpool_cpus_count(cpus);
	bool within = left;

	for (cpu = 0; left && within; cpu++)
		if (vpool_cpus_test(cpus, cpu)) {
			within = vpool_cpus_test(limit, cpu);
			left--;
		}
	return within;
}

/* Tell whether a cgroup has a cpuset, and no process but @pid. */
static bool is_alone(const char *dir, int pid)
{
	char *path = xprintf("%s/cgroup.procs", dir), *text = read_text(path);
	char *cpus = xprintf("%s/cpuset.cpus", dir);
	char *only = xprintf("%d\n", pid);
	bool alone = text && !strcmp(text, only) && !access(cpus, F_OK);

	free(only);
	free(cpus);
	free(text);
	free(path);
	return alone;
}

/* Return the cgroup that only the new container uses, for free(3), or NULL. */
static char *cgroup_of_container(int pid)
{
	char *root = cgroup_root(), *path = cgroup_of(pid), *dir = NULL;

	if (root && path && strcmp(path, "/"))
		dir = xprintf("%s%s", root, path);
	if (dir && !is_alone(dir, pid)) {
		free(dir);
		dir = NULL;
	}
	free(path);
	free(root);
	return dir;
}

static int set_cpus(const char *dir, const struct vpool_info *info,
		    struct failure *failure)
{
	char *list = cpus_text(&info->cpus);
	int err = cgroup_set(dir, "cpuset.cpus", list, failure);

	free(list);
	if (!err && setxattr(dir, MARK, info->name, strlen(info->name), 0)) {
		err = errno;
		err = failure_set(failure, -err, errno_code(err), "%s: %s", dir,
				  strerror(err));
	}
	return err;
}

/*
 * Keep CPUs that the user has set, and those of the pool's slice, which vpoolctl keeps
 * current.
 */
static int limit_cpus(const char *dir, const struct vpool_info *info,
		      struct failure *failure)
{
	struct vpool_cpus own = read_cpus(dir, "cpuset.cpus");
	struct vpool_cpus now = read_cpus(dir, "cpuset.cpus.effective");
	char *has, *pool;
	int err = 0;

	if (!are_within(&now, &info->cpus) && !vpool_cpus_count(&own)) {
		err = set_cpus(dir, info, failure);
		vpool_cpus_free(&now);
		now = read_cpus(dir, "cpuset.cpus.effective");
	}
	if (!err && !are_within(&now, &info->cpus)) {
		has = cpus_text(&now);
		pool = cpus_text(&info->cpus);
		err = failure_set(failure, -EINVAL, TOOL_CONTAINER_CPUS,
				  "the container's cgroup has the CPUs %s, and the pool has %s",
				  has, pool);
		free(pool);
		free(has);
	}
	vpool_cpus_free(&now);
	vpool_cpus_free(&own);
	return err;
}

/* The CPUs of an isolated pool are in the cpuset of its slice only. */
static int check_slice(const struct vpool_info *info, int pid,
		       struct failure *failure)
{
	char *path, *slice;
	int err;

	if (!grade_excludes(grade_of(info)) || cgroup_in_slice(info->name, pid))
		return 0;
	path = cgroup_of(pid);
	slice = cgroup_slice(info->name);
	err = failure_set(failure, -EBUSY, TOOL_CONTAINER_SLICE,
			  "pool '%s' is isolated, and the container's cgroup %s is not in %s",
			  info->name, path ? path : "?", slice);
	free(slice);
	free(path);
	return err;
}

int container_confine(const struct vpool_info *info, int pid,
		      struct failure *failure)
{
	int err = check_slice(info, pid, failure);
	char *dir;

	if (err)
		return err;
	dir = cgroup_of_container(pid);
	err = dir ? limit_cpus(dir, info, failure) :
		    failure_set(failure, -EOPNOTSUPP, TOOL_CONTAINER_CGROUP,
				"the container has no cgroup with a cpuset: processes that the runtime adds to it later can leave the pool's CPUs");
	free(dir);
	return err;
}

static bool has_mark(const char *dir, const char *name)
{
	char value[VPOOL_NAME_SIZE];
	ssize_t len = getxattr(dir, MARK, value, sizeof(value));

	return len >= 0 && (size_t)len == strlen(name) &&
	       !memcmp(value, name, len);
}

/*
 * A user who owns a cgroup can mark it, but must not change the CPUs that an
 * administrator has set for it: the owner of both must be the same.
 */
static bool is_changeable(const char *dir)
{
	char *path = xprintf("%s/cpuset.cpus", dir);
	struct stat owner, file;
	bool same = !stat(dir, &owner) && !lstat(path, &file) &&
		    owner.st_uid == file.st_uid;

	free(path);
	return same;
}

static void follow(const char *dir, const struct vpool_info *info)
{
	char *list = cpus_text(&info->cpus);
	struct failure failure;

	if (cgroup_set(dir, "cpuset.cpus", list, &failure))
		fprintf(stderr, "vpoolctl: pool '%s': a container keeps its CPUs: %s\n",
			info->name, failure.text);
	free(list);
}

/* A container can have cgroups below its own, so try all above the member. */
static void follow_all(const char *path, const struct vpool_info *info)
{
	char *root = cgroup_root(), *dir = xprintf("%s%s", root, path);
	size_t least = root ? strlen(root) : 0;

	while (root && strlen(dir) > least + 1) {
		if (has_mark(dir, info->name) && is_changeable(dir))
			follow(dir, info);
		*strrchr(dir, '/') = '\0';
	}
	free(dir);
	free(root);
}

void container_follow(struct vpool *vp, const char *name)
{
	struct vpool_member_info *members;
	struct vpool_info *info;
	char *path, *last = NULL;
	size_t i, nr = 0;

	if (!may_change_host() || vpool_query(vp, name, &info))
		return;
	if (!vpool_cpus_count(&info->cpus) || vpool_members(vp, name, &members, &nr))
		members = NULL;
	for (i = 0; members && i < nr; i++) {
		path = cgroup_of(members[i].tid);
		if (path && (!last || strcmp(path, last)))
			follow_all(path, info);
		free(last);
		last = path;
	}
	free(last);
	free(members);
	vpool_info_free(info);
}
