// SPDX-License-Identifier: GPL-2.0
/*
 * Populating: filling the page tables of a new mapping.
 *
 * A mapping cannot be filled while mmap(2) creates it, and the core has no callback for
 * a module when mmap(2) is done. So the module queues task work, which runs before the
 * task returns to userspace.
 *
 * Where the kernel lets a module insert huge entries, the work inserts them (huge.c).
 * It faults for all others, and for the first in each table of PMD entries, because only
 * the core can allocate the table.
 *
 * While the work runs, another thread can unmap the range, close the descriptor and try
 * to unload the module:
 *
 * - The work stores addresses only. For each step it looks the mapping up again under
 *   the mmap lock. The mapping holds its file, and the file its region. The mapping can
 *   still change between the lookup and the step. The step then faults in what is mapped
 *   there now, which any thread of the process could do as well.
 * - The work holds a reference to the module, so unloading is refused, and drops it
 *   last. It then returns to the core in a few instructions that do not sleep.
 *   vpool_exit() waits for such tasks with synchronize_rcu_tasks() before the text of
 *   the module goes away.
 */
#include <linux/align.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/task_work.h>

#include "huge.h"
#include "populate.h"
#include "region.h"

/**
 * struct vpool_populate - range to fill
 * @work: task work of the task that maps; has a reference to the module
 * @vm_ops: operations that identify a mapping of a region
 * @start: first address
 * @end: address after the last
 */
struct vpool_populate {
	struct callback_head work;
	const struct vm_operations_struct *vm_ops;
	unsigned long start;
	unsigned long end;
};

/*
 * Huge pages that are faulted in for one lookup of the mapping. More would save little,
 * and writers of the mmap lock wait for them. One is enough where its fault creates the
 * table of PMD entries, and the others need no fault.
 */
#ifdef VPOOL_HUGE_FAULT
#define VPOOL_POPULATE_PAGES 1
#else
#define VPOOL_POPULATE_PAGES 16
#endif

/* Address up to which the mapping is filled before the next lookup. */
static unsigned long vpool_populate_end(const struct vm_area_struct *vma,
					unsigned long addr)
{
	const struct vpool_region *region = vma->vm_private_data;
	unsigned long size = max_t(unsigned long,
				   VPOOL_POPULATE_PAGES * PMD_SIZE,
				   vpool_store_page_size(region->store));

	return ALIGN_DOWN(addr, size) + size;
}

/*
 * Map what needs no fault from @addr on, and move @addr behind it. Set @nr to the number
 * of pages to fault in next, and @flags to the GUP flags of the mapping. False if no
 * region is mapped at @addr.
 */
static bool vpool_populate_step(struct mm_struct *mm,
				const struct vpool_populate *populate,
				unsigned long *addr, unsigned long *nr,
				unsigned int *flags)
{
	unsigned long end;
	struct vm_area_struct *vma;
	bool ours;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, *addr);
	ours = vma && vma->vm_ops == populate->vm_ops;
	if (ours) {
		end = min(populate->end, vma->vm_end);
		*addr += vpool_huge_populate(vma, *addr, end);
		end = min(end, vpool_populate_end(vma, *addr));
		*nr = (end - *addr) >> PAGE_SHIFT;
		*flags = vma->vm_flags & VM_WRITE ? FOLL_WRITE : 0;
	}
	mmap_read_unlock(mm);
	return ours;
}

static void vpool_populate_run(struct callback_head *work)
{
	struct vpool_populate *populate =
		container_of(work, struct vpool_populate, work);
	struct mm_struct *mm = current->mm;
	unsigned long addr = populate->start, nr;
	unsigned int flags;
	long done;

	/* The work of an exiting task runs without an mm. */
	while (mm && addr < populate->end && !fatal_signal_pending(current) &&
	       vpool_populate_step(mm, populate, &addr, &nr, &flags)) {
		cond_resched();
		if (!nr)
			continue;
		/* Without an array GUP only faults, once for a huge entry. */
		done = get_user_pages_unlocked(addr, nr, NULL, flags);
		if (done == -EHWPOISON)
			done = 1;
		if (done <= 0)
			break;
		addr += done << PAGE_SHIFT;
	}
	kfree(populate);
	module_put(THIS_MODULE);
}

/**
 * vpool_populate_later - fill a mapping before mmap(2) returns to userspace
 * @vma: mapping of a region that current is creating
 * @vm_ops: operations that @vma will have; owned by the module
 * @extack: message of a failed call, or NULL
 *
 * Context: under the mmap lock; the caller has a reference to the module.
 * Return: 0, or a negative errno with nothing queued.
 */
int vpool_populate_later(struct vm_area_struct *vma,
			 const struct vm_operations_struct *vm_ops,
			 struct vpool_extack *extack)
{
	struct vpool_populate *populate;
	int err = -ENOMEM;

	populate = kmalloc(sizeof(*populate), GFP_KERNEL_ACCOUNT);
	if (!populate)
		goto fail;
	init_task_work(&populate->work, vpool_populate_run);
	populate->vm_ops = vm_ops;
	populate->start = vma->vm_start;
	populate->end = vma->vm_end;
	__module_get(THIS_MODULE);
	err = task_work_add(current, &populate->work, TWA_RESUME);
	if (!err)
		return 0;
	module_put(THIS_MODULE);
	kfree(populate);
fail:
	return vpool_err(extack, err, VPOOL_CODE_POPULATE_FAILED,
			 "the mapping cannot be populated");
}
