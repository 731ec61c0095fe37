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
 * - The work is the release of a file, which holds a reference to the module. So
 *   unloading is refused, and the core drops the reference when release has returned.
 */
#include <linux/align.h>
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "huge.h"
#include "populate.h"
#include "region.h"

/**
 * struct vpool_populate - range to fill
 * @vm_ops: operations that identify a mapping of a region
 * @start: first address
 * @end: address after the last
 */
struct vpool_populate {
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

static int vpool_populate_release(struct inode *inode, struct file *file)
{
	struct vpool_populate *populate = file->private_data;
	struct mm_struct *mm = current->mm;
	unsigned long addr = populate->start, nr;
	unsigned int flags;
	long done;

	/* An exiting task calls this without an mm. */
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
	return 0;
}

static const struct file_operations vpool_populate_fops = {
	.owner = THIS_MODULE,
	.release = vpool_populate_release,
};

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
	struct file *file = ERR_PTR(-ENOMEM);

	populate = kmalloc(sizeof(*populate), GFP_KERNEL_ACCOUNT);
	if (!populate)
		goto fail;
	populate->vm_ops = vm_ops;
	populate->start = vma->vm_start;
	populate->end = vma->vm_end;
	/*
	 * task_work_add() is not exported, except by Debian. The core uses it to release
	 * a file.
	 */
	file = anon_inode_getfile("[vpool-populate]", &vpool_populate_fops, populate,
				  O_RDONLY);
	if (IS_ERR(file)) {
		kfree(populate);
		goto fail;
	}
	fput(file);
	return 0;
fail:
	return vpool_err(extack, PTR_ERR(file), VPOOL_CODE_POPULATE_FAILED,
			 "the mapping cannot be populated");
}
