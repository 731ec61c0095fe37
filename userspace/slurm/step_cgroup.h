/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOL_SLURM_STEP_CGROUP_H
#define VPOOL_SLURM_STEP_CGROUP_H

#include <limits.h>
#include <linux/types.h>
#include <sys/types.h>

struct refusal;
struct vpool_cpus;

/* Value of memory_limit() for a cgroup without a limit. */
#define MEMORY_UNLIMITED (~0ULL)

/**
 * struct step_cgroup - directories of the cgroups of a step on this node
 * @job: cgroup of the job, which also has its batch script and its other steps
 * @step: cgroup of the tasks of the step, on which Slurm sets its limits
 *
 * Slurm puts a task into JOB/step_N/user/task_M. It names JOB job_N.
 */
struct step_cgroup {
	char job[PATH_MAX];
	char step[PATH_MAX];
};

/**
 * step_cgroup_split() - find the cgroups of a step by the path of a task's cgroup
 * @root: directory on which cgroup2 is mounted
 * @path: path of the task's cgroup below @root, with a leading slash
 * @cgroup: receives the directories
 * @refusal: receives the reason if the call fails
 *
 * Return: 0; -1 if @path is not that of a step
 */
int step_cgroup_split(const char *root, const char *path, struct step_cgroup *cgroup,
		      struct refusal *refusal);

/**
 * step_cgroup_find() - find the cgroups of the step of a task
 * @pid: the task
 * @cgroup: receives the directories
 * @refusal: receives the reason if the call fails
 *
 * Return: 0; -1 if the task is not in the cgroup of a step
 */
int step_cgroup_find(pid_t pid, struct step_cgroup *cgroup, struct refusal *refusal);

/**
 * step_cgroup_cpus() - get the CPUs that Slurm gave to a step
 * @cgroup: cgroups of the step
 * @cpus: receives the CPUs; for vpool_cpus_free()
 * @refusal: receives the reason if the call fails
 *
 * Return: 0; -1 if Slurm does not constrain the CPUs of the step
 */
int step_cgroup_cpus(const struct step_cgroup *cgroup, struct vpool_cpus *cpus,
		     struct refusal *refusal);

/**
 * memory_limit() - get the limit of memory of a cgroup
 * @dir: directory of the cgroup
 *
 * Return: the limit in bytes; MEMORY_UNLIMITED if the cgroup has none
 */
__u64 memory_limit(const char *dir);

/**
 * set_memory_limit() - set the limit of memory of a cgroup
 * @dir: directory of the cgroup
 * @bytes: the limit in bytes
 *
 * Return: 0 or a negative errno
 */
int set_memory_limit(const char *dir, __u64 bytes);

/**
 * job_lock() - keep other steps of a job from changing its limit
 * @cgroup: cgroups of a step of the job
 *
 * Return: a descriptor that holds the lock until it is closed; -1 if the cgroup of the job
 * is gone
 */
int job_lock(const struct step_cgroup *cgroup);

#endif /* VPOOL_SLURM_STEP_CGROUP_H */
