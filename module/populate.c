// SPDX-License-Identifier: GPL-2.0
/*
 * Populating: filling the page tables of a mapping that was just made.
 *
 * A mapping cannot be filled while mmap(2) makes it, and the core calls no module
 * when it is done. The mapping task's work list comes closest: it runs before that
 * task is back in userspace.
 *
 * What can race: another thread unmaps the range, closes the descriptor and unloads
 * the module while the work runs. What decides:
 *
 * - The work uses addresses only. It looks the mapping up again under the mmap lock
 *   for each step; the mapping holds its file, the file its region. Between that
 *   look and the step the mapping can change: then the step touches what is mapped
 *   there now, which any thread of the process could do.
 * - The work holds a reference to the module, so that unloading is refused. It drops
 *   that last. From there to the return into the core it runs a few instructions
 *   that do not sleep; vpool_exit() waits for tasks in such places by
 *   synchronize_rcu_tasks() before the text goes.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/task_work.h>

#include "populate.h"
#include "region.h"

/**
 * struct vpool_populate - a range to fill
 * @work: of the task that maps; has a reference to the module
 * @start: first address
 * @end: address after the last
 */
struct vpool_populate {
	struct callback_head work;
	unsigned long start;
	unsigned long end;
};

/*
 * Set @nr to the pages of one step from @addr, up to the end of a huge page, and
 * @flags to how GUP must touch them. False if no mapping of a region is there.
 */
static bool vpool_populate_step(struct mm_struct *mm, unsigned long addr,
				unsigned long end, unsigned long *nr,
				unsigned int *flags)
{
	struct vm_area_struct *vma;
	bool ours;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	ours = vma && vpool_region_maps(vma);
	if (ours) {
		end = min3(end, vma->vm_end, (addr & PMD_MASK) + PMD_SIZE);
		*nr = (end - addr) >> PAGE_SHIFT;
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

	/* A task that exits has no mapping any more. */
	while (mm && addr < populate->end &&
	       vpool_populate_step(mm, addr, populate->end, &nr, &flags)) {
		/* Without an array it only faults in, a huge mapping in one go. */
		done = get_user_pages_unlocked(addr, nr, NULL, flags);
		if (done == -EHWPOISON)
			done = 1;
		if (done <= 0)
			break;
		addr += done << PAGE_SHIFT;
		cond_resched();
	}
	kfree(populate);
	module_put(THIS_MODULE);
}

/**
 * vpool_populate_soon - fill a mapping before its mmap(2) returns to userspace
 * @vma: a mapping of a region that current is making
 * @extack: gets the message of a failure
 *
 * Context: under the mmap lock; the caller has a reference to the module.
 * Return: 0, or a negative errno with nothing queued.
 */
int vpool_populate_soon(struct vm_area_struct *vma, struct vpool_extack *extack)
{
	struct vpool_populate *populate;
	int err = -ENOMEM;

	populate = kmalloc(sizeof(*populate), GFP_KERNEL_ACCOUNT);
	if (!populate)
		goto fail;
	init_task_work(&populate->work, vpool_populate_run);
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
