/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOL_SLURM_STEP_POOL_H
#define VPOOL_SLURM_STEP_POOL_H

#include <linux/vpool.h>
#include <sys/types.h>

#include "settings.h"
#include "step_cgroup.h"

struct refusal;
struct vpool;

/* Memory that the tasks of a step, and those of a job, must keep beside pools. */
#define TASKS_MIN_BYTES (16ULL << 20)

/**
 * struct step - a step on this node
 * @job_id: number of the job
 * @step_id: number of the step
 * @uid: user of the job
 * @gid: group of the job
 * @job_bytes: memory that Slurm gave to the job on this node; 0 if it sets no limit
 * @step_bytes: part of it for the step; 0 if Slurm sets no limit
 * @settings: what the user wants
 * @name: name of the pool
 * @control: handle that the pool lives as long as; NULL while the step has no pool
 * @cgroup: cgroups of the step
 *
 * slurmstepd keeps it. The kernel closes the descriptor of @control when slurmstepd ends
 * for any reason, and destroys the pool as soon as no task uses it.
 */
struct step {
	__u32 job_id;
	__u32 step_id;
	uid_t uid;
	gid_t gid;
	__u64 job_bytes;
	__u64 step_bytes;
	struct settings settings;
	char name[VPOOL_NAME_SIZE];
	struct vpool *control;
	struct step_cgroup cgroup;
};

/**
 * step_set_name() - set the name of the pool of a step
 * @step: the step; its numbers are set
 */
void step_set_name(struct step *step);

/**
 * step_create_pool() - create the pool of a step, and take its memory from the limits
 * @step: the step
 * @pid: a task of the step, which Slurm has put into its cgroup
 * @refusal: receives the reason if the call fails
 *
 * Return: 0 or -1
 */
int step_create_pool(struct step *step, pid_t pid, struct refusal *refusal);

/**
 * step_attach() - make a task a member of the pool of its step
 * @step: the step, with a pool
 * @pid: the task, which has not called exec(2) yet
 * @refusal: receives the reason if the call fails
 *
 * The task keeps the CPUs to which Slurm has bound it. A task that has already been killed
 * is no failure.
 *
 * Return: 0 or -1
 */
int step_attach(const struct step *step, pid_t pid, struct refusal *refusal);

/**
 * step_release_pool() - destroy the pool of a step whose tasks have ended
 * @step: the step; without a pool the call does nothing
 */
void step_release_pool(struct step *step);

/**
 * step_respect_pools() - lower the limit of the job for pools of its other steps
 * @step: a step without a pool
 * @pid: a task of the step, which Slurm has put into its cgroup
 *
 * Slurm sets the limit of the job to its whole memory whenever a step of it starts.
 */
void step_respect_pools(struct step *step, pid_t pid);

#endif /* VPOOL_SLURM_STEP_POOL_H */
