// SPDX-License-Identifier: GPL-2.0
/*
 * Telling tasks of memory errors before they touch the page.
 *
 * A task can ask for that by prctl(PR_MCE_KILL): it gets SIGBUS with BUS_MCEERR_AO
 * and the address. QEMU does so, and passes the error on to its guest. The core's
 * memory_failure() finds such tasks among the mappings of a file; its tree of
 * mappings is not for modules, so the mappings of each such task are looked at. They
 * are few, and errors are rare.
 *
 * The system-wide switch for all tasks (vm.memory_failure_early_kill) cannot be read
 * by a module.
 */
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "mce.h"

/**
 * struct vpool_mce_task - a task to look at
 * @link: in a list of the call
 * @task: with a reference
 */
struct vpool_mce_task {
	struct list_head link;
	struct task_struct *task;
};

/* The thread of @process that asked for early notice, or NULL. */
static struct task_struct *vpool_mce_thread(struct task_struct *process)
{
	struct task_struct *thread;

	for_each_thread(process, thread)
		if (thread->flags & PF_MCE_PROCESS &&
		    thread->flags & PF_MCE_EARLY)
			return thread;
	return NULL;
}

static void vpool_mce_collect(struct list_head *tasks)
{
	struct task_struct *process, *thread;
	struct vpool_mce_task *entry;

	rcu_read_lock();
	for_each_process(process) {
		thread = vpool_mce_thread(process);
		if (!thread)
			continue;
		/* Without memory for an entry it is told when it touches the page. */
		entry = kmalloc(sizeof(*entry), GFP_ATOMIC | __GFP_NOWARN);
		if (!entry)
			continue;
		entry->task = thread;
		get_task_struct(thread);
		list_add_tail(&entry->link, tasks);
	}
	rcu_read_unlock();
}

/* The first address at which @mm maps page @pgoff of the file, 0 for none. */
static unsigned long vpool_mce_address(struct mm_struct *mm,
				       struct address_space *mapping,
				       pgoff_t pgoff)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;
	unsigned long addr = 0;

	mmap_read_lock(mm);
	for_each_vma(vmi, vma) {
		if (!vma->vm_file || vma->vm_file->f_mapping != mapping ||
		    pgoff < vma->vm_pgoff ||
		    pgoff >= vma->vm_pgoff + vma_pages(vma))
			continue;
		addr = vma->vm_start + ((pgoff - vma->vm_pgoff) << PAGE_SHIFT);
		break;
	}
	mmap_read_unlock(mm);
	return addr;
}

/**
 * vpool_mce_tell - send SIGBUS to tasks that want early notice of a poisoned page
 * @mapping: of the file with that page; the caller holds its inode
 * @pgoff: the page, as an offset in pages
 *
 * Context: sleeps; takes the mmap lock of other tasks.
 */
void vpool_mce_tell(struct address_space *mapping, pgoff_t pgoff)
{
	struct vpool_mce_task *entry, *next;
	struct mm_struct *mm;
	unsigned long addr;
	LIST_HEAD(tasks);

	vpool_mce_collect(&tasks);
	list_for_each_entry_safe(entry, next, &tasks, link) {
		mm = get_task_mm(entry->task);
		if (mm) {
			addr = vpool_mce_address(mm, mapping, pgoff);
			mmput(mm);
			if (addr)
				send_sig_mceerr(BUS_MCEERR_AO,
						(void __user *)addr, PAGE_SHIFT,
						entry->task);
		}
		put_task_struct(entry->task);
		kfree(entry);
	}
}
