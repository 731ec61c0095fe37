// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware memory errors in pools.
 *
 * memory_failure() of the core handles pages on LRU lists, of hugetlb, of device
 * memory and free ones. Any other page it marks PageHWPoison, says "Ignored", and
 * kills the task that consumed the error by a SIGBUS without an address. A module
 * cannot put a page on an LRU list and take it off again, nor register a handler for
 * pages of its own. So a kprobe stands before memory_failure(): a page of a pool
 * goes to vpool_memory_failure(), every other one to the core as ever.
 *
 * What is done for a pool's page is what the core does for hugetlb. The page is
 * marked, its folio is set aside if it is free, or else unmapped. Tasks that want early
 * notice get it (mce.c). The call returns 0, so the task that consumed the error goes
 * back to the instruction that did, faults, and gets the fault's SIGBUS: BUS_MCEERR_AR
 * with the address. KVM sees the same, and tells its VMM or the guest.
 *
 * A kernel without kprobes does as described at the top; there the module listens to
 * the core's tracepoint and does the same a moment later, from a work item, because
 * tracepoints run with preemption off. Whatever is missed is seen by scrubbing.
 *
 * What can race: the module goes while a memory error is in vpool_memory_failure().
 * The probe counts the call before it sends it there; vpool_poison_stop() waits until
 * all have ended, and vpool_exit() until the last of them is back in the core.
 */
#include <linux/kfifo.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/ptrace.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "poison.h"
#include "pool_region.h"

#define VPOOL_POISON_QUEUE 128

#if defined(CONFIG_KPROBES) && defined(CONFIG_MEMORY_FAILURE)
static atomic_t vpool_mf_running = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(vpool_mf_none);
/* Held by the task whose call the probe must let through to the core. */
static DEFINE_MUTEX(vpool_mf_lock);
static struct task_struct *vpool_mf_through;

static int vpool_memory_failure(unsigned long pfn, int flags)
{
	int err = 0;

	if (!vpool_pools_poisoned(pfn, flags & MF_COUNT_INCREASED)) {
		mutex_lock(&vpool_mf_lock);
		WRITE_ONCE(vpool_mf_through, current);
		err = memory_failure(pfn, flags);
		WRITE_ONCE(vpool_mf_through, NULL);
		mutex_unlock(&vpool_mf_lock);
	}
	if (atomic_dec_and_test(&vpool_mf_running))
		wake_up_all(&vpool_mf_none);
	return err;
}

/* Cheap and without locks: true for every page of a pool, and for few others. */
static bool vpool_mf_may_be_ours(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);
	struct folio *folio;

	if (!page)
		return false;
	folio = page_folio(page);
	return folio->private && !folio_test_lru(folio);
}

static int vpool_mf_before(struct kprobe *probe, struct pt_regs *regs)
{
	unsigned long pfn = regs_get_kernel_argument(regs, 0);

	if (READ_ONCE(vpool_mf_through) == current ||
	    !vpool_mf_may_be_ours(pfn))
		return 0;
	atomic_inc(&vpool_mf_running);
	instruction_pointer_set(regs, (unsigned long)vpool_memory_failure);
	return 1;
}

/* To have one tells kprobes that the probe may change where execution goes on. */
static void vpool_mf_after(struct kprobe *probe, struct pt_regs *regs,
			   unsigned long flags)
{
}

static struct kprobe vpool_mf_probe = {
	.symbol_name = "memory_failure",
	.pre_handler = vpool_mf_before,
	.post_handler = vpool_mf_after,
};

static bool vpool_mf_start(void)
{
	return !register_kprobe(&vpool_mf_probe);
}

static void vpool_mf_stop(void)
{
	unregister_kprobe(&vpool_mf_probe);
	wait_event(vpool_mf_none, !atomic_read(&vpool_mf_running));
}
#else
static bool vpool_mf_start(void)
{
	return false;
}

static void vpool_mf_stop(void)
{
}
#endif

static bool vpool_mf_started;
static DEFINE_KFIFO(vpool_poison_pfns, unsigned long, VPOOL_POISON_QUEUE);
/* Of those who put pfns in; the work item alone takes them out. */
static DEFINE_RAW_SPINLOCK(vpool_poison_lock);
static struct tracepoint *vpool_tp_poison;

static void vpool_poison_handle(struct work_struct *work)
{
	unsigned long pfn;

	while (kfifo_get(&vpool_poison_pfns, &pfn))
		vpool_pools_poisoned(pfn, false);
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
 * vpool_poison_start - handle memory errors, or listen for them
 *
 * A kernel that cannot tell of any is fine.
 *
 * Return: 0 or a negative errno.
 */
int vpool_poison_start(void)
{
	vpool_mf_started = vpool_mf_start();
	if (vpool_mf_started)
		return 0;
	for_each_kernel_tracepoint(vpool_poison_find, NULL);
	if (!vpool_tp_poison)
		return 0;
	return tracepoint_probe_register(vpool_tp_poison, vpool_probe_poison,
					 NULL);
}

/**
 * vpool_poison_stop - leave memory errors to the core
 *
 * Context: sleeps until no memory error is being handled.
 */
void vpool_poison_stop(void)
{
	if (vpool_mf_started)
		vpool_mf_stop();
	if (!vpool_tp_poison)
		return;
	tracepoint_probe_unregister(vpool_tp_poison, vpool_probe_poison, NULL);
	tracepoint_synchronize_unregister();
	cancel_work_sync(&vpool_poison_work);
}
