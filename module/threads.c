// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel threads for each NUMA node.
 *
 * The threads exist as long as the module, because the kernel starts a thread on any of
 * its housekeeping CPUs. That could be a CPU of a pool. A thread that sleeps is moved to
 * an allowed CPU before it is woken.
 *
 * The kernel's own means do not fit. padata_do_multithreaded() exists only while the
 * kernel boots, and a module cannot set the CPUs of an unbound workqueue.
 */
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "compat.h"
#include "threads.h"

/**
 * vpool_threads_of - find the threads for the memory of a NUMA node
 * @threads: threads that have been started
 * @nid: NUMA node id
 *
 * A node that got its memory after the module was loaded has no threads. At least one
 * node has threads.
 *
 * Return: the threads of the node, or of the nearest node that has some.
 */
struct vpool_node_threads *vpool_threads_of(struct vpool_threads *threads,
					    int nid)
{
	int node, best = NUMA_NO_NODE;

	for (node = 0; node < (int)nr_node_ids; node++)
		if (threads->node[node].nr &&
		    (best == NUMA_NO_NODE || node_distance(nid, node) <
		     node_distance(nid, best)))
			best = node;
	return &threads->node[best];
}

/**
 * vpool_thread_is_idle - tell whether a thread sleeps and has nothing to do
 * @worker: the thread
 *
 * Return: true if it does; the answer can be stale.
 */
bool vpool_thread_is_idle(struct kthread_worker *worker)
{
	/* The thread checks its affinity itself, so a stale answer is harmless. */
	return !data_race(worker->current_work) &&
		/* Likewise. */
		data_race(list_empty(&worker->work_list));
}

/**
 * vpool_thread_move - restrict a thread to the CPUs that it may use
 * @task: a thread that sleeps, or current
 * @mask: the CPUs
 *
 * Context: sleeps.
 * Return: false if there is none.
 */
bool vpool_thread_move(struct task_struct *task, const struct cpumask *mask)
{
	if (cpumask_empty(mask))
		return false;
	/* The kernel resets masks when a CPU goes offline or a cpuset changes. */
	return data_race(cpumask_equal(mask, task->cpus_ptr)) ||
	       !set_cpus_allowed_ptr(task, mask);
}

static struct kthread_worker *vpool_thread_create(const char *name, int nid,
						  unsigned int i)
{
	const struct cpumask *cpus = cpumask_of_node(nid);
	struct kthread_worker *worker;
	struct task_struct *task;

	worker = kthread_run_worker(0, "%s/%d.%u", name, nid, i);
	if (IS_ERR(worker))
		return worker;
	/* The thread itself stores the same value when it starts to run. */
	task = data_race(worker->task);
	if (cpumask_intersects(cpus, cpu_online_mask))
		set_cpus_allowed_ptr(task, cpus);
	return worker;
}

static int vpool_node_threads_create(struct vpool_threads *threads, int nid)
{
	unsigned int max = min_t(unsigned int, max(nr_cpus_node(nid), 1),
				 threads->max);
	struct vpool_node_threads *node = &threads->node[nid];

	while (node->nr < max) {
		struct kthread_worker *worker =
			vpool_thread_create(threads->name, nid, node->nr);

		if (IS_ERR(worker))
			return PTR_ERR(worker);
		node->worker[node->nr++] = worker;
	}
	return 0;
}

/**
 * vpool_threads_start - create the threads of all nodes with memory
 * @threads: threads to create
 *
 * Return: 0, -ENOMEM, or -EINTR if a signal kills the caller.
 */
int vpool_threads_start(struct vpool_threads *threads)
{
	int nid, err;

	threads->node = kcalloc(nr_node_ids, sizeof(*threads->node),
				GFP_KERNEL);
	if (!threads->node)
		return -ENOMEM;
	for_each_node_state(nid, N_MEMORY) {
		err = vpool_node_threads_create(threads, nid);
		if (err) {
			vpool_threads_stop(threads);
			return err;
		}
	}
	return 0;
}

/**
 * vpool_threads_stop - stop all threads
 * @threads: threads that have no work left
 *
 * Context: sleeps.
 */
void vpool_threads_stop(struct vpool_threads *threads)
{
	unsigned int nid, i;

	for (nid = 0; nid < nr_node_ids; nid++)
		for (i = 0; i < threads->node[nid].nr; i++)
			kthread_destroy_worker(threads->node[nid].worker[i]);
	kfree(threads->node);
}
