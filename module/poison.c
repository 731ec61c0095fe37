// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware memory errors in pools.
 *
 * The core's memory_failure() handles free pages and those of LRU lists, hugetlb and
 * device memory. It marks any other page PageHWPoison, logs "Ignored", and kills the
 * task that consumed the error with a SIGBUS that has no address. A module can neither
 * put its pages on an LRU list and remove them again, nor register a handler for them.
 * Therefore a kprobe at memory_failure() redirects calls for pages of a pool to
 * vpool_memory_failure(). All other calls reach the core unchanged.
 *
 * vpool_memory_failure() does what the core does for hugetlb. It marks the page. Then it
 * sets a free folio aside, or unmaps a used one and notifies the tasks that have asked
 * for it (mce.c). It returns 0, so the task that consumed the error restarts the
 * instruction, faults, and gets the SIGBUS of the fault: BUS_MCEERR_AR with the address.
 * KVM takes the same path, and tells its VMM or the guest.
 *
 * On a kernel without kprobes, the core handles the error first, as described above. The
 * module then learns of it from a tracepoint. Tracepoints run with preemption disabled,
 * so a work item handles the error a moment later. Scrubbing finds any poisoned page
 * that this misses.
 *
 * The module can be unloaded while vpool_memory_failure() handles an error. The probe
 * counts the call before it redirects it. vpool_poison_stop() waits until all calls have
 * finished, and vpool_exit() until the last one has returned to the core.
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

#include "compat.h"
#include "poison.h"
#include "pool_region.h"
#include VPOOL_TRACE_MEMORY_FAILURE

#define VPOOL_POISON_QUEUE 128

#if defined(CONFIG_KPROBES) && defined(CONFIG_MEMORY_FAILURE)
static atomic_t vpool_mf_running = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(vpool_mf_none);
/* Serializes the calls that vpool_memory_failure() passes on to the core. */
static DEFINE_MUTEX(vpool_mf_lock);
/* The task that makes such a call, or NULL; the probe does not redirect it. */
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

/* A cheap check without locks: true for all pages of pools and for few other pages. */
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

/* A post handler prevents optimization. An optimized probe could not redirect. */
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
/* Serializes writers of the FIFO. The work item is its only reader. */
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
	queue_work(vpool_unbound_wq, &vpool_poison_work);
}

static void vpool_poison_find(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "memory_failure_event"))
		vpool_tp_poison = tp;
}

/**
 * vpool_poison_start - start to handle memory errors
 *
 * Does nothing on a kernel that reports no memory errors.
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
	check_trace_callback_type_memory_failure_event(vpool_probe_poison);
	return tracepoint_probe_register(vpool_tp_poison, vpool_probe_poison,
					 NULL);
}

/**
 * vpool_poison_stop - leave memory errors to the core again
 *
 * Context: sleeps until no call handles a memory error.
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
