// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cgroups in which Slurm runs a step: its CPUs and its limits of memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <libvpool.h>

#include "refusal.h"
#include "step_cgroup.h"

/* Room for a limit or a list of CPUs. */
#define VALUE_SIZE 4096

/* Read a file of a cgroup without its newline. Return 0 or a negative errno. */
static int read_value(const char *dir, const char *file, char *value)
{
	char path[PATH_MAX];
	ssize_t len;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, value, VALUE_SIZE - 1);
	close(fd);
	if (len < 0)
		return -EIO;
	value[len] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

/* Cut the last component of a path, which must begin with @prefix. */
static bool cut_component(char *path, const char *prefix)
{
	char *last = strrchr(path, '/');

	if (!last || strncmp(last + 1, prefix, strlen(prefix)))
		return false;
	*last = '\0';
	return true;
}

int step_cgroup_split(const char *root, const char *path, struct step_cgroup *cgroup,
		      struct refusal *refusal)
{
	char *job = cgroup->job;
	bool known;

	if (snprintf(job, PATH_MAX, "%s%s", root, path) >= PATH_MAX)
		return refuse(refusal, "the path of the step's cgroup is too long");
	known = cut_component(job, "task_");
	memcpy(cgroup->step, job, strlen(job) + 1);
	known = known && cut_component(job, "user") && cut_component(job, "step_");
	if (known && strncmp(strrchr(job, '/') + 1, "job_", 4))
		known = false;
	if (!known)
		return refuse(refusal,
			      "Slurm does not run the step in a cgroup: set TaskPlugin=task/affinity,task/cgroup and CgroupPlugin=cgroup/v2");
	return 0;
}

/* Copy the directory on which cgroup2 is mounted to @root. */
static bool find_root(char *root)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;
	bool found = false;

	while (mounts && !found && (entry = getmntent(mounts)))
		if (!strcmp(entry->mnt_type, "cgroup2"))
			found = snprintf(root, PATH_MAX, "%s", entry->mnt_dir) < PATH_MAX;
	if (mounts)
		endmntent(mounts);
	return found;
}

int step_cgroup_find(pid_t pid, struct step_cgroup *cgroup, struct refusal *refusal)
{
	char root[PATH_MAX], dir[32], value[VALUE_SIZE];
	int err;

	if (!find_root(root))
		return refuse(refusal, "cgroup2 is not mounted on this node");
	snprintf(dir, sizeof(dir), "/proc/%d", pid);
	err = read_value(dir, "cgroup", value);
	if (err)
		return refuse(refusal, "the cgroup of the task cannot be read: %s",
			      strerror(-err));
	/* A host with cgroup2 alone has one line. */
	if (strncmp(value, "0::", 3))
		return refuse(refusal, "this node uses cgroup v1, but the plugin needs cgroup v2");
	return step_cgroup_split(root, value + 3, cgroup, refusal);
}

int step_cgroup_cpus(const struct step_cgroup *cgroup, struct vpool_cpus *cpus,
		     struct refusal *refusal)
{
	char value[VALUE_SIZE], why[VPOOL_REASON_SIZE];

	/* Without its own list, the step could use the CPUs of all jobs. */
	if (read_value(cgroup->step, "cpuset.cpus", value) || !*value ||
	    read_value(cgroup->step, "cpuset.cpus.effective", value))
		return refuse(refusal,
			      "Slurm does not constrain the CPUs of the step: set ConstrainCores=yes in cgroup.conf");
	if (vpool_cpus_parse(value, cpus, why, sizeof(why)))
		return refuse(refusal, "the CPUs of the step cannot be read: %s", why);
	return 0;
}

__u64 memory_limit(const char *dir)
{
	char value[VALUE_SIZE], *end;
	__u64 bytes;

	if (read_value(dir, "memory.max", value))
		return MEMORY_UNLIMITED;
	bytes = strtoull(value, &end, 10);
	return end == value || *end ? MEMORY_UNLIMITED : bytes;
}

int set_memory_limit(const char *dir, __u64 bytes)
{
	char path[PATH_MAX], value[32];
	int fd, len, err = 0;

	if (snprintf(path, sizeof(path), "%s/memory.max", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = snprintf(value, sizeof(value), "%llu\n", bytes);
	if (write(fd, value, len) != len)
		err = -errno;
	close(fd);
	return err;
}

int job_lock(const struct step_cgroup *cgroup)
{
	int fd = open(cgroup->job, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX)) {
		close(fd);
		fd = -1;
	}
	return fd;
}
