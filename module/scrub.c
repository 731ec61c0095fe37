// SPDX-License-Identifier: GPL-2.0
/*
 * The scrubbers: threads that zero what regions have left.
 *
 * Each node with memory has a few. The first one works in the background, at the
 * lowest priority, for one pool after the other. The others work only while a
 * caller waits for folios that are not zero yet; they share that work with the
 * caller, which zeroes too, so that a node's CPUs do it at once.
 *
 * They run on the CPUs of the pool they work for, or on the host's, but never on a
 * CPU that a task has for its own or that is isolated: vpool_cpus_background() says
 * which are left. That changes at any time, so a thread is sent where it may run
 * before it is woken, and looks again before each batch. Where no CPU is left, no
 * thread works; callers then zero all that they take themselves.
 */
#include <linux/cpumask.h>
#include <linux/highmem.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "compat.h"
#include "cpus.h"
#include "scrub.h"
#include "store.h"

/* Bytes scrubbed before another pool of the same node gets its turn. */
#define VPOOL_SCRUB_TURN (64UL << 20)

/**
 * struct vpool_scrubbers - the threads of one node
 * @nr: how many; 0 for a node without memory
 * @worker: the threads, that of the background first
 */
struct vpool_scrubbers {
	unsigned int nr;
	struct kthread_worker *worker[VPOOL_SCRUBBERS];
};

static struct vpool_scrubbers *vpool_scrubbers;

/*
 * The threads of a node; the nearest ones, where a node has gained its memory after
 * the module was loaded. Some node had memory then.
 */
static struct vpool_scrubbers *vpool_scrubbers_of(int nid)
{
	int node, best = NUMA_NO_NODE;

	for (node = 0; node < (int)nr_node_ids; node++)
		if (vpool_scrubbers[node].nr &&
		    (best == NUMA_NO_NODE || node_distance(nid, node) <
		     node_distance(nid, best)))
			best = node;
	return &vpool_scrubbers[best];
}

/**
 * vpool_folio_zero - zero a folio
 * @folio: the caller alone can reach its contents
 *
 * Return: true if all of it is zero, false if it has poisoned pages; those keep
 * their bytes, which no access can read.
 */
bool vpool_folio_zero(struct folio *folio)
{
	long i, nr = folio_nr_pages(folio);
	bool good = true;

	for (i = 0; i < nr; i++) {
		struct page *page = folio_page(folio, i);

		if (PageHWPoison(page))
			good = false;
		else
			clear_highpage(page);
	}
	return good;
}

/* Sends a thread where it may run; false if that is nowhere. */
static bool vpool_scrub_move(struct vpool_scrub *scrub,
			     struct task_struct *task)
{
	struct vpool_store_node *node = scrub->node;
	cpumask_var_t mask;
	bool may;

	if (!alloc_cpumask_var(&mask, GFP_KERNEL | __GFP_NOWARN))
		return false;
	vpool_cpus_background(node->store->cpus, vpool_store_node_id(node),
			      mask);
	may = !cpumask_empty(mask);
	/* The kernel resets masks when a CPU goes offline or a cpuset changes. */
	if (may && !data_race(cpumask_equal(mask, task->cpus_ptr)))
		may = !set_cpus_allowed_ptr(task, mask);
	free_cpumask_var(mask);
	return may;
}

static void vpool_scrub_work(struct kthread_work *work)
{
	struct vpool_scrub *scrub = container_of(work, struct vpool_scrub,
						 work);
	bool background = scrub == scrub->node->scrub;
	unsigned long done = 0, bytes;

	/* What a caller that waits for the scrubbers has lent; see the push. */
	if (background && task_nice(current) != MAX_NICE)
		set_user_nice(current, MAX_NICE);
	do {
		if (!vpool_scrub_move(scrub, current))
			return;
		bytes = vpool_store_scrub_batch(scrub->node);
		done += bytes;
		cond_resched();
	} while (bytes && done < VPOOL_SCRUB_TURN);
	if (bytes)
		kthread_queue_work(work->worker, work);
}

/**
 * vpool_scrub_init - a node of a store has nothing to scrub yet
 * @scrub: array of VPOOL_SCRUBBERS
 * @node: whose
 */
void vpool_scrub_init(struct vpool_scrub *scrub, struct vpool_store_node *node)
{
	unsigned int i;

	for (i = 0; i < VPOOL_SCRUBBERS; i++) {
		kthread_init_work(&scrub[i].work, vpool_scrub_work);
		scrub[i].node = node;
	}
}

static bool vpool_scrubber_is_idle(struct kthread_worker *worker)
{
	/* A thread that gets work only now looks itself where it may run. */
	return !data_race(worker->current_work) &&
		/* Likewise. */
		data_race(list_empty(&worker->work_list));
}

/**
 * vpool_scrub_kick - have dirty folios of a node zeroed
 * @scrub: array of VPOOL_SCRUBBERS
 * @nid: the node
 * @urgent: a task waits for it
 *
 * Context: sleeps.
 */
void vpool_scrub_kick(struct vpool_scrub *scrub, int nid, bool urgent)
{
	struct vpool_scrubbers *threads = vpool_scrubbers_of(nid);
	unsigned int i, nr = urgent ? threads->nr : 1;

	for (i = 0; i < nr; i++) {
		struct kthread_worker *worker = threads->worker[i];

		/* It wakes up on a CPU where it may run, or not at all. */
		if (vpool_scrubber_is_idle(worker) &&
		    !vpool_scrub_move(&scrub[i], worker->task))
			continue;
		kthread_queue_work(worker, &scrub[i].work);
	}
}

/**
 * vpool_scrub_push - lend a node's background thread the priority of others
 * @nid: the node
 *
 * For a task that waits for what the thread has in hand. The thread keeps that
 * priority until its next turn at most, so call this again as long as you wait.
 *
 * Context: any that may take a run queue lock.
 */
void vpool_scrub_push(int nid)
{
	struct task_struct *task = vpool_scrubbers_of(nid)->worker[0]->task;

	if (task_nice(task) > 0)
		set_user_nice(task, 0);
}

/**
 * vpool_scrub_cancel - no thread works for that node any more
 * @scrub: array of VPOOL_SCRUBBERS
 *
 * Context: sleeps; for a batch of zeroing at most.
 */
void vpool_scrub_cancel(struct vpool_scrub *scrub)
{
	unsigned int i;

	for (i = 0; i < VPOOL_SCRUBBERS; i++)
		kthread_cancel_work_sync(&scrub[i].work);
}

static struct kthread_worker *vpool_scrubber_create(int nid, unsigned int i)
{
	const struct cpumask *cpus = cpumask_of_node(nid);
	struct kthread_worker *worker;
	struct task_struct *task;

	worker = kthread_run_worker(0, "vpool_scrub/%d.%u", nid, i);
	if (IS_ERR(worker))
		return worker;
	/* Was set before the thread runs, which then sets the same once more. */
	task = data_race(worker->task);
	if (!i)
		set_user_nice(task, MAX_NICE);
	if (cpumask_intersects(cpus, cpu_online_mask))
		set_cpus_allowed_ptr(task, cpus);
	return worker;
}

static int vpool_scrubbers_create(int nid)
{
	struct vpool_scrubbers *threads = &vpool_scrubbers[nid];
	unsigned int max = min(max(nr_cpus_node(nid), 1), VPOOL_SCRUBBERS);

	while (threads->nr < max) {
		struct kthread_worker *worker =
			vpool_scrubber_create(nid, threads->nr);

		if (IS_ERR(worker))
			return PTR_ERR(worker);
		threads->worker[threads->nr++] = worker;
	}
	return 0;
}

/**
 * vpool_scrubbers_start - the threads of all nodes with memory
 *
 * Return: 0, -ENOMEM, or -EINTR if the caller is killed meanwhile.
 */
int vpool_scrubbers_start(void)
{
	int nid, err;

	vpool_scrubbers = kcalloc(nr_node_ids, sizeof(*vpool_scrubbers),
				  GFP_KERNEL);
	if (!vpool_scrubbers)
		return -ENOMEM;
	for_each_node_state(nid, N_MEMORY) {
		err = vpool_scrubbers_create(nid);
		if (err) {
			vpool_scrubbers_stop();
			return err;
		}
	}
	return 0;
}

/**
 * vpool_scrubbers_stop - end the threads; every store must be closed
 */
void vpool_scrubbers_stop(void)
{
	unsigned int nid, i;

	for (nid = 0; nid < nr_node_ids; nid++)
		for (i = 0; i < vpool_scrubbers[nid].nr; i++)
			kthread_destroy_worker(vpool_scrubbers[nid].worker[i]);
	kfree(vpool_scrubbers);
}
