// SPDX-License-Identifier: GPL-2.0
/*
 * The scrubbers: threads that zero what regions have left.
 *
 * Each node with memory has a few. The first one works in the background, at the
 * lowest priority, for one pool after the other. The others work only while a
 * caller waits for folios that are not zero yet; they share that work with the
 * caller, which zeroes too, so that a node's CPUs do it at once.
 *
 * They run where the pool they work for has CPUs that are not in use, else on
 * the host's, near the memory if there are any.
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

/* A node may have gained its memory after we were loaded. */
static struct vpool_scrubbers *vpool_scrubbers_of(int nid)
{
	return vpool_scrubbers[nid].nr ? &vpool_scrubbers[nid] :
		&vpool_scrubbers[first_memory_node];
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

static void vpool_scrub_move(struct vpool_store *store, int nid)
{
	cpumask_var_t mask;

	if (!alloc_cpumask_var(&mask, GFP_KERNEL | __GFP_NOWARN))
		return;
	vpool_cpus_background(store->cpus, nid, mask);
	if (!cpumask_equal(mask, current->cpus_ptr))
		set_cpus_allowed_ptr(current, mask);
	free_cpumask_var(mask);
}

static void vpool_scrub_work(struct kthread_work *work)
{
	struct vpool_scrub *scrub = container_of(work, struct vpool_scrub,
						 work);
	struct vpool_store_node *node = scrub->node;
	unsigned long done = 0, bytes;

	vpool_scrub_move(node->store, vpool_store_node_id(node));
	do {
		bytes = vpool_store_scrub_batch(node);
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

/**
 * vpool_scrub_kick - there is something to scrub
 * @scrub: array of VPOOL_SCRUBBERS
 * @nid: the node
 * @urgent: somebody waits for it
 *
 * Context: any.
 */
void vpool_scrub_kick(struct vpool_scrub *scrub, int nid, bool urgent)
{
	struct vpool_scrubbers *threads = vpool_scrubbers_of(nid);
	unsigned int i, nr = urgent ? threads->nr : 1;

	for (i = 0; i < nr; i++)
		kthread_queue_work(threads->worker[i], &scrub[i].work);
}

/**
 * vpool_scrub_cancel - no thread works for that node any more
 * @scrub: array of VPOOL_SCRUBBERS
 *
 * Context: sleeps.
 */
void vpool_scrub_cancel(struct vpool_scrub *scrub)
{
	unsigned int i;

	for (i = 0; i < VPOOL_SCRUBBERS; i++)
		kthread_cancel_work_sync(&scrub[i].work);
}

/**
 * vpool_scrub_later - have a thread of the background do something
 * @work: what
 * @delay: when, in jiffies
 */
void vpool_scrub_later(struct kthread_delayed_work *work, unsigned long delay)
{
	kthread_queue_delayed_work(vpool_scrubbers_of(first_memory_node)->worker[0],
				   work, delay);
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
