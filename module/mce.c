// SPDX-License-Identifier: GPL-2.0
/*
 * Notifying tasks of a memory error before they touch the page.
 *
 * A task asks for early notice with prctl(PR_MCE_KILL). It then gets a SIGBUS with
 * BUS_MCEERR_AO and the address. QEMU does so, and passes the error on to its guest. To
 * find these tasks, the core's memory_failure() walks the interval tree of a file's
 * mappings. Modules cannot use that tree, so this file searches the mappings of each
 * task that has asked for early notice. There are few such tasks, and errors are rare.
 *
 * A module cannot read vm.memory_failure_early_kill, which requests early notice for all
 * tasks, so that setting has no effect here.
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
 * struct vpool_mce_task - task to notify if it maps the page
 * @link: in a list on the stack of the caller
 * @task: the task, with a reference
 */
struct vpool_mce_task {
	struct list_head link;
	struct task_struct *task;
};

/* Find a thread of @process that has asked for early notice, or NULL. */
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
		/* Without an entry the task is notified when it touches the page. */
		entry = kmalloc(sizeof(*entry), GFP_ATOMIC | __GFP_NOWARN);
		if (!entry)
			continue;
		entry->task = thread;
		get_task_struct(thread);
		list_add_tail(&entry->link, tasks);
	}
	rcu_read_unlock();
}

/* Find the first address at which @mm maps page @pgoff of the file; 0 if none. */
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
 * vpool_mce_notify - send SIGBUS to tasks that have asked for early notice
 * @mapping: mapping of the file that has the poisoned page; the caller holds its inode
 * @pgoff: offset of the page in the file, in pages
 *
 * Context: sleeps; takes the mmap lock of other tasks.
 */
void vpool_mce_notify(struct address_space *mapping, pgoff_t pgoff)
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
