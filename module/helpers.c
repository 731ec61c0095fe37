// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers: kernel threads that do a part of a task's work.
 *
 * The work consists of pieces, which any thread may do, in any order. The task queues a
 * job to each of several helpers, does pieces itself, and cancels the jobs before it
 * returns from its call. Nothing of the call is then left in another thread, so a job
 * needs no reference to the pool.
 *
 * The task never depends on a helper that has not begun: if there is no CPU or no memory
 * for helpers, or if they are busy with other calls, the task does all pieces. It does
 * wait for each piece that a helper has begun. Pieces are therefore small.
 *
 * Helpers use CPU time that is free. They have the lowest priority of ordinary threads,
 * until a task waits for them. vpool_cpus_helpers() computes the CPUs on which they may
 * run: never those of another pool, dedicated ones or isolated ones. These can change at
 * any time, also because a CPU goes offline, so a helper checks them before each piece.
 * A helper without a CPU leaves its job.
 *
 * Helpers are not frozen for a suspend. The task has to return from its call first.
 */
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "cpus.h"
#include "helpers.h"
#include "threads.h"

/* Pieces done for one call before the helper serves the next one. */
#define VPOOL_HELP_SLICE 32

/**
 * struct vpool_help_job - part of one helper in the work of a task
 * @work: does pieces until none is left
 * @link: entry in the list of jobs; used by the task only
 * @helpers: owner of this job
 * @worker: the helper
 * @nid: NUMA node whose memory comes first, and near which the helper runs
 * @mask: CPUs that it may use; scratch mask of the helper while the job is queued
 */
struct vpool_help_job {
	struct kthread_work work;
	struct list_head link;
	struct vpool_helpers *helpers;
	struct kthread_worker *worker;
	int nid;
	cpumask_var_t mask;
};

static struct vpool_threads vpool_helper_threads = {
	.name = "vpool_help",
	.max = VPOOL_THREADS,
};

/* Restrict a helper to the CPUs that it may use now; false if there are none. */
static bool vpool_help_move(struct vpool_help_job *job,
			    struct task_struct *task)
{
	vpool_cpus_helpers(job->helpers->cpus, job->nid, job->mask);
	return vpool_thread_move(task, job->mask);
}

static void vpool_help(struct kthread_work *work)
{
	struct vpool_help_job *job = container_of(work, struct vpool_help_job,
						  work);
	unsigned int i;

	/* Drop the priority that vpool_helpers_finish() has lent. */
	if (task_nice(current) != MAX_NICE)
		set_user_nice(current, MAX_NICE);
	for (i = 0; i < VPOOL_HELP_SLICE; i++) {
		if (!vpool_help_move(job, current) ||
		    !job->helpers->step(job->helpers, job->nid))
			return;
		cond_resched();
	}
	kthread_queue_work(job->worker, work);
}

static struct vpool_help_job *vpool_help_alloc(struct vpool_helpers *helpers,
					       struct kthread_worker *worker,
					       int nid)
{
	struct vpool_help_job *job = kzalloc(sizeof(*job),
					     GFP_KERNEL | __GFP_NOWARN);

	if (!job)
		return NULL;
	kthread_init_work(&job->work, vpool_help);
	job->helpers = helpers;
	job->worker = worker;
	job->nid = nid;
	if (alloc_cpumask_var(&job->mask, GFP_KERNEL | __GFP_NOWARN))
		return job;
	kfree(job);
	return NULL;
}

static void vpool_help_free(struct vpool_help_job *job)
{
	free_cpumask_var(job->mask);
	kfree(job);
}

/* Count the CPUs that helpers may use, without that of current. */
static unsigned int vpool_help_cpus(struct vpool_help_job *job)
{
	unsigned int cpus;

	vpool_cpus_helpers(job->helpers->cpus, job->nid, job->mask);
	cpus = cpumask_weight(job->mask);
	if (cpumask_test_cpu(raw_smp_processor_id(), job->mask))
		cpus--;
	return cpus;
}

/**
 * vpool_helpers_init - set up work without helpers
 * @helpers: structure to initialize
 * @cpus: CPUs of the pool that the work is for, or NULL
 * @step: does one piece; see struct vpool_helpers
 */
void vpool_helpers_init(struct vpool_helpers *helpers,
			const struct vpool_cpus *cpus,
			bool (*step)(struct vpool_helpers *helpers, int nid))
{
	helpers->cpus = cpus;
	helpers->step = step;
	INIT_LIST_HEAD(&helpers->jobs);
}

/**
 * vpool_helpers_queue - let helpers begin to work
 * @helpers: the work
 * @nid: NUMA node whose memory they work on first
 * @nr: number of helpers for which there is enough to do
 *
 * There are fewer helpers, or none, if the node has fewer free CPUs or if memory is
 * short.
 *
 * Context: sleeps.
 */
void vpool_helpers_queue(struct vpool_helpers *helpers, int nid, u64 nr)
{
	struct vpool_node_threads *threads =
		vpool_threads_of(&vpool_helper_threads, nid);
	unsigned int i;

	for (i = 0; i < threads->nr && i < nr; i++) {
		struct kthread_worker *worker = threads->worker[i];
		struct vpool_help_job *job = vpool_help_alloc(helpers, worker,
							      nid);

		if (!job)
			return;
		/* A sleeping thread must not wake up on a CPU it may not use. */
		if (i >= vpool_help_cpus(job) ||
		    (vpool_thread_is_idle(worker) &&
		     !vpool_help_move(job, worker->task))) {
			vpool_help_free(job);
			return;
		}
		list_add_tail(&job->link, &helpers->jobs);
		kthread_queue_work(worker, &job->work);
	}
}

/* A helper that is in the middle of a piece must not keep the task waiting. */
static void vpool_help_push(struct vpool_help_job *job)
{
	struct kthread_worker *worker = job->worker;

	/* A stale answer costs time at most. */
	if (data_race(worker->current_work) == &job->work)
		set_user_nice(worker->task, 0);
}

/**
 * vpool_helpers_finish - do pieces until none is left, and let the helpers go
 * @helpers: the work; no helper uses it afterwards
 *
 * Context: sleeps until each helper has finished its piece.
 */
void vpool_helpers_finish(struct vpool_helpers *helpers)
{
	struct vpool_help_job *job, *next;

	while (helpers->step(helpers, numa_mem_id()))
		cond_resched();
	list_for_each_entry(job, &helpers->jobs, link)
		vpool_help_push(job);
	list_for_each_entry_safe(job, next, &helpers->jobs, link) {
		list_del(&job->link);
		kthread_cancel_work_sync(&job->work);
		vpool_help_free(job);
	}
}

/**
 * vpool_helpers_start - create the threads of all nodes with memory
 *
 * Return: 0, -ENOMEM, or -EINTR if a signal kills the caller.
 */
int vpool_helpers_start(void)
{
	return vpool_threads_start(&vpool_helper_threads);
}

/**
 * vpool_helpers_stop - stop all threads
 *
 * No call is in progress.
 *
 * Context: sleeps.
 */
void vpool_helpers_stop(void)
{
	vpool_threads_stop(&vpool_helper_threads);
}
