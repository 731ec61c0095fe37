// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers: kernel threads that do a part of a task's work.
 *
 * The work consists of pieces that may be done in any order and by any thread. The task
 * starts helpers, does pieces like each of them, and ends them before it returns from
 * its call. So a helper needs no reference to the module or to the pool, and no thread
 * is left when the call fails.
 *
 * The task never depends on a helper that it has not started: if the kernel has no
 * memory or no CPU for helpers, the task does all pieces. It does wait for each piece
 * that a helper has begun. Pieces are therefore small.
 *
 * Helpers use CPU time that is free. They have the lowest priority of ordinary threads
 * until the task waits for them. vpool_cpus_helpers() computes the CPUs on which they
 * may run: never those of another pool, dedicated ones or isolated ones. These can
 * change at any time, for example by CPU hotplug, so a helper checks them before each
 * piece. A helper that has no CPU left ends.
 *
 * The kernel's own means do not fit. padata_do_multithreaded() exists only while the
 * kernel boots. A module cannot set the CPUs of an unbound workqueue.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "cpus.h"
#include "helpers.h"

/**
 * struct vpool_helper - one helper
 * @helpers: owner of this structure
 * @link: entry in its list
 * @nid: NUMA node whose memory it works on first, and on whose CPUs it runs
 * @mask: the CPUs that it may use
 * @task: its thread; this structure holds a reference
 */
struct vpool_helper {
	struct vpool_helpers *helpers;
	struct list_head link;
	int nid;
	cpumask_var_t mask;
	struct task_struct *task;
};

/* Restrict a helper to the CPUs that it may use now; false if there are none. */
static bool vpool_helper_move(struct vpool_helper *helper,
			      struct task_struct *task)
{
	vpool_cpus_helpers(helper->helpers->cpus, helper->nid, helper->mask);
	if (cpumask_empty(helper->mask))
		return false;
	/* The kernel resets masks when a CPU goes offline. */
	return data_race(cpumask_equal(helper->mask, task->cpus_ptr)) ||
	       !set_cpus_allowed_ptr(task, helper->mask);
}

static int vpool_helper_run(void *arg)
{
	struct vpool_helper *helper = arg;
	struct vpool_helpers *helpers = helper->helpers;

	while (vpool_helper_move(helper, current) &&
	       helpers->step(helpers, helper->nid))
		cond_resched();
	return 0;
}

static struct vpool_helper *vpool_helper_alloc(struct vpool_helpers *helpers,
					       int nid)
{
	struct vpool_helper *helper = kzalloc(sizeof(*helper),
					      GFP_KERNEL | __GFP_NOWARN);

	if (!helper)
		return NULL;
	helper->helpers = helpers;
	helper->nid = nid;
	if (alloc_cpumask_var(&helper->mask, GFP_KERNEL | __GFP_NOWARN))
		return helper;
	kfree(helper);
	return NULL;
}

static void vpool_helper_free(struct vpool_helper *helper)
{
	free_cpumask_var(helper->mask);
	kfree(helper);
}

/* A new thread sleeps until it is woken, so it starts on a CPU that it may use. */
static bool vpool_helper_start(struct vpool_helper *helper, unsigned int i)
{
	struct task_struct *task;

	task = kthread_create_on_node(vpool_helper_run, helper, helper->nid,
				      "vpool_help/%d.%u", helper->nid, i);
	if (IS_ERR(task))
		return false;
	get_task_struct(task);
	set_user_nice(task, MAX_NICE);
	helper->task = task;
	list_add_tail(&helper->link, &helper->helpers->list);
	/* Without a CPU it ends at once. */
	vpool_helper_move(helper, task);
	wake_up_process(task);
	return true;
}

/* Count the CPUs for helpers beside that of current. */
static unsigned int vpool_helpers_max(struct vpool_helper *helper)
{
	unsigned int cpus;

	vpool_cpus_helpers(helper->helpers->cpus, helper->nid, helper->mask);
	cpus = cpumask_weight(helper->mask);
	if (cpumask_test_cpu(raw_smp_processor_id(), helper->mask))
		cpus--;
	return min(cpus, VPOOL_HELPERS);
}

/**
 * vpool_helpers_init - set up helpers, none of which runs yet
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
	INIT_LIST_HEAD(&helpers->list);
}

/**
 * vpool_helpers_start - start helpers for the memory of one NUMA node
 * @helpers: helpers, to which these are added
 * @nid: NUMA node id
 * @nr: number of helpers that are worth their start
 *
 * Starts fewer, or none, if the node has fewer free CPUs, memory is short or a signal
 * kills the caller.
 *
 * Context: sleeps.
 */
void vpool_helpers_start(struct vpool_helpers *helpers, int nid, u64 nr)
{
	struct vpool_helper *helper;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		helper = vpool_helper_alloc(helpers, nid);
		if (!helper)
			return;
		if (i >= vpool_helpers_max(helper) ||
		    !vpool_helper_start(helper, i)) {
			vpool_helper_free(helper);
			return;
		}
	}
}

/**
 * vpool_helpers_finish - do pieces until none is left, and end the helpers
 * @helpers: helpers; none is left afterwards
 *
 * Context: sleeps until each helper has finished its piece.
 */
void vpool_helpers_finish(struct vpool_helpers *helpers)
{
	struct vpool_helper *helper, *next;

	while (helpers->step(helpers, numa_mem_id()))
		cond_resched();
	list_for_each_entry(helper, &helpers->list, link)
		set_user_nice(helper->task, 0);
	list_for_each_entry_safe(helper, next, &helpers->list, link) {
		list_del(&helper->link);
		kthread_stop(helper->task);
		put_task_struct(helper->task);
		vpool_helper_free(helper);
	}
}
