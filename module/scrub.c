// SPDX-License-Identifier: GPL-2.0
/*
 * Scrubbers: the kernel threads that zero free folios.
 *
 * Each NUMA node with memory has several threads. The first is the background
 * thread: it runs at the lowest priority and serves one pool after another. The
 * other threads work only while a task waits for zeroed folios. They share the work
 * with that task, which zeroes too, so several CPUs of the node zero in parallel.
 *
 * A thread runs on the CPUs of the pool that it serves, or on the CPUs of the host.
 * It never runs on an isolated CPU, nor on a CPU dedicated to a task;
 * vpool_cpus_background() computes the CPUs that remain. These can change at any
 * time. A thread is therefore moved to an allowed CPU before it is woken, and checks
 * its affinity before each batch. If no CPU is allowed, no thread works, and tasks
 * zero the folios that they take themselves.
 */
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "cpus.h"
#include "scrub.h"
#include "threads.h"

/* Bytes zeroed for one pool before the thread serves the next one. */
#define VPOOL_SCRUB_SLICE (64UL << 20)

static struct vpool_threads vpool_scrubbers = {
	.name = "vpool_scrub",
	.max = VPOOL_SCRUBBERS,
};

/* Restrict a thread to its allowed CPUs; false if it has none. */
static bool vpool_scrub_move(struct vpool_scrub *scrub,
			     struct task_struct *task)
{
	cpumask_var_t mask;
	bool may;

	if (!alloc_cpumask_var(&mask, GFP_KERNEL | __GFP_NOWARN))
		return false;
	vpool_cpus_background(scrub->cpus, scrub->nid, mask);
	may = vpool_thread_move(task, mask);
	free_cpumask_var(mask);
	return may;
}

static void vpool_scrub_run(struct kthread_work *work)
{
	struct vpool_scrub_job *job = container_of(work, struct vpool_scrub_job,
						   work);
	struct vpool_scrub *scrub = job->scrub;
	bool background = job == scrub->job;
	unsigned long done = 0, bytes;

	/* Drop the priority that vpool_scrub_push() has lent. */
	if (background && task_nice(current) != MAX_NICE)
		set_user_nice(current, MAX_NICE);
	do {
		if (!vpool_scrub_move(scrub, current))
			return;
		bytes = scrub->ops->batch(scrub);
		done += bytes;
		cond_resched();
	} while (bytes && done < VPOOL_SCRUB_SLICE);
	if (bytes)
		kthread_queue_work(work->worker, work);
}

/**
 * vpool_scrub_init - prepare scrubbing for one pool on one NUMA node
 * @scrub: structure to initialize
 * @nid: NUMA node id
 * @cpus: CPUs of the pool, or NULL; must outlive @scrub
 * @ops: callbacks; must outlive @scrub
 */
void vpool_scrub_init(struct vpool_scrub *scrub, int nid,
		      const struct vpool_cpus *cpus,
		      const struct vpool_scrub_ops *ops)
{
	unsigned int i;

	scrub->nid = nid;
	scrub->cpus = cpus;
	scrub->ops = ops;
	for (i = 0; i < VPOOL_SCRUBBERS; i++) {
		kthread_init_work(&scrub->job[i].work, vpool_scrub_run);
		scrub->job[i].scrub = scrub;
	}
}

/**
 * vpool_scrub_kick - wake threads to zero dirty folios
 * @scrub: scrubbing of one pool on one node
 * @urgent: true if a task waits: wake all threads, not only the background thread
 *
 * Context: sleeps.
 */
void vpool_scrub_kick(struct vpool_scrub *scrub, bool urgent)
{
	struct vpool_node_threads *threads =
		vpool_threads_of(&vpool_scrubbers, scrub->nid);
	unsigned int i, nr = urgent ? threads->nr : 1;

	for (i = 0; i < nr; i++) {
		struct kthread_worker *worker = threads->worker[i];

		/* A sleeping thread must not wake up on a CPU it may not use. */
		if (vpool_thread_is_idle(worker) &&
		    !vpool_scrub_move(scrub, worker->task))
			continue;
		kthread_queue_work(worker, &scrub->job[i].work);
	}
}

/**
 * vpool_scrub_push - raise the priority of the background thread
 * @scrub: scrubbing of one pool on one node
 *
 * A task that waits for a batch of the background thread calls this, and repeats it
 * while it waits: the thread keeps the priority only until it starts its next job.
 *
 * Context: any that may take a run queue lock.
 */
void vpool_scrub_push(struct vpool_scrub *scrub)
{
	struct vpool_node_threads *threads =
		vpool_threads_of(&vpool_scrubbers, scrub->nid);
	struct task_struct *task = threads->worker[0]->task;

	if (task_nice(task) > 0)
		set_user_nice(task, 0);
}

/**
 * vpool_scrub_cancel - stop all threads from working for one pool on one node
 * @scrub: scrubbing of one pool on one node
 *
 * Context: sleeps until the batches in progress are finished.
 */
void vpool_scrub_cancel(struct vpool_scrub *scrub)
{
	unsigned int i;

	for (i = 0; i < VPOOL_SCRUBBERS; i++)
		kthread_cancel_work_sync(&scrub->job[i].work);
}

/**
 * vpool_scrubbers_start - create the threads of all nodes with memory
 *
 * Return: 0, -ENOMEM, or -EINTR if a signal kills the caller.
 */
int vpool_scrubbers_start(void)
{
	return vpool_threads_start(&vpool_scrubbers);
}

/**
 * vpool_scrubbers_stop - stop all threads
 *
 * The caller has cancelled every struct vpool_scrub.
 *
 * Context: sleeps.
 */
void vpool_scrubbers_stop(void)
{
	vpool_threads_stop(&vpool_scrubbers);
}
