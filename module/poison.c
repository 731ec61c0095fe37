// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware memory errors in pools.
 *
 * The kernel marks a broken page PageHWPoison, and for pages that are not on an
 * LRU list, as ours are, leaves it at that. It tells of it by a tracepoint, to
 * which we listen: a free folio with that page is set aside at once; one that is
 * in use is unmapped, so that the next touch faults, which gives whoever touches
 * the broken page the kernel's own SIGBUS, and all others their page. Whatever
 * the tracepoint might miss is seen when the folio is scrubbed.
 *
 * The probe runs with preemption off, and looking needs mutexes: it passes the
 * page's number on to a work item. If so many pages break at once that the queue
 * is full, scrubbing finds the rest.
 */
#include <linux/kfifo.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "poison.h"
#include "pool.h"

#define VPOOL_POISON_QUEUE 128

static DEFINE_KFIFO(vpool_poison_pfns, unsigned long, VPOOL_POISON_QUEUE);
/* Of those who put pfns in; the work item alone takes them out. */
static DEFINE_RAW_SPINLOCK(vpool_poison_lock);
static struct tracepoint *vpool_tp_poison;

static void vpool_poison_handle(struct work_struct *work)
{
	unsigned long pfn;

	while (kfifo_get(&vpool_poison_pfns, &pfn))
		vpool_pools_poisoned(pfn);
}

static DECLARE_WORK(vpool_poison_work, vpool_poison_handle);

static void vpool_probe_poison(void *data, unsigned long pfn, int type,
			       int result)
{
	raw_spin_lock(&vpool_poison_lock);
	kfifo_put(&vpool_poison_pfns, pfn);
	raw_spin_unlock(&vpool_poison_lock);
	schedule_work(&vpool_poison_work);
}

static void vpool_poison_find(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "memory_failure_event"))
		vpool_tp_poison = tp;
}

/**
 * vpool_poison_start - listen for memory errors
 *
 * A kernel that cannot tell of any is fine.
 *
 * Return: 0 or a negative errno.
 */
int vpool_poison_start(void)
{
	for_each_kernel_tracepoint(vpool_poison_find, NULL);
	if (!vpool_tp_poison)
		return 0;
	return tracepoint_probe_register(vpool_tp_poison, vpool_probe_poison,
					 NULL);
}

/**
 * vpool_poison_stop - no more; no pool is left
 */
void vpool_poison_stop(void)
{
	if (!vpool_tp_poison)
		return;
	tracepoint_probe_unregister(vpool_tp_poison, vpool_probe_poison, NULL);
	tracepoint_synchronize_unregister();
	cancel_work_sync(&vpool_poison_work);
}
