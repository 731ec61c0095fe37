/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between the kernels that vpool supports, from 6.1 on. This is the only
 * file that tests for a version. It tests for a feature where the preprocessor can see
 * one. A comment names the version that made the difference.
 */
#ifndef VPOOL_COMPAT_H
#define VPOOL_COMPAT_H

#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/poison.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/string.h>
#include <linux/version.h>
#include <linux/workqueue.h>

/* By 7.1, struct folio_batch moved to another header. 6.9: this one includes either. */
#if KERNEL_VERSION(6, 9, 0) > LINUX_VERSION_CODE
#include <linux/pagevec.h>
#else
#include <linux/writeback.h>
#endif

/*
 * 6.2: a change of a cpuset keeps the mask that a task has set with
 * sched_setaffinity(2). Earlier kernels reset it to all CPUs of the cpuset.
 */
#define VPOOL_CPUSETS_RESET (KERNEL_VERSION(6, 2, 0) > LINUX_VERSION_CODE)

/* 6.3: the device argument of the devnode() callback is const. */
#if KERNEL_VERSION(6, 3, 0) > LINUX_VERSION_CODE
#define VPOOL_DEVNODE_CONST
#else
#define VPOOL_DEVNODE_CONST const
#endif

/* 6.4: class_create() does not take the module. */
#if KERNEL_VERSION(6, 4, 0) > LINUX_VERSION_CODE
#define vpool_class_create(name) class_create(THIS_MODULE, name)
#else
#define vpool_class_create(name) class_create(name)
#endif

/* 6.14: the function that creates and starts a worker was renamed. */
#ifndef kthread_run_worker
#define kthread_run_worker kthread_create_worker
#endif

/* 6.4: vhost runs as threads of the process that uses it, with this flag. */
#ifndef PF_USER_WORKER
#define PF_USER_WORKER 0
#endif

/* 6.17: the workqueue whose workers run on any CPU was renamed. */
#if KERNEL_VERSION(6, 17, 0) > LINUX_VERSION_CODE
#define vpool_unbound_wq system_unbound_wq
#else
#define vpool_unbound_wq system_dfl_wq
#endif

/*
 * 6.9: pidfds are files of pidfs. The kernel's pidfd_pid() is not exported. Userspace
 * cannot create other files that pass these tests.
 */
static inline struct pid *vpool_pidfd_pid(const struct file *file)
{
	const struct super_block *sb = file_inode(file)->i_sb;

#ifdef PID_FS_MAGIC
	if (sb->s_magic == PID_FS_MAGIC)
		return file_inode(file)->i_private;
#endif
	if (sb->s_magic == ANON_INODE_FS_MAGIC &&
	    !strcmp(file->f_path.dentry->d_name.name, "[pidfd]"))
		return file->private_data;
	return NULL;
}

/*
 * 6.12: if a process disables transparent huge pages, with prctl(2) or with madvise(2)
 * for this mapping, the kernel maps no file with huge pages.
 */
#if KERNEL_VERSION(6, 12, 0) > LINUX_VERSION_CODE || \
	!defined(CONFIG_TRANSPARENT_HUGEPAGE)
static inline bool vpool_vma_thp_disabled(struct vm_area_struct *vma)
{
	return false;
}
#else
static inline bool vpool_vma_thp_disabled(struct vm_area_struct *vma)
{
#ifdef PR_THP_DISABLE_EXCEPT_ADVISED
	/* 6.18: a file's huge page is mapped even if only advised mappings get them. */
	return vma_thp_disabled(vma, vma->vm_flags, true);
#else
	return vma_thp_disabled(vma, vma->vm_flags);
#endif
}
#endif

/*
 * 6.17: a module can map a folio by one PMD or PUD entry, without a page table, and zapping
 * or splitting such an entry drops the reference of the folio. The core looks at S_DAX for
 * the latter, and before it offers a PUD; it is 0 without CONFIG_FS_DAX. The essay in
 * huge.c has the consequences of the flag.
 */
#if KERNEL_VERSION(6, 17, 0) <= LINUX_VERSION_CODE && \
	defined(CONFIG_TRANSPARENT_HUGEPAGE)
#define VPOOL_HUGE_FAULT
#define VPOOL_INODE_FLAGS S_DAX
#else
#define VPOOL_INODE_FLAGS 0
#endif

/*
 * 6.17: a module can also map one page of a folio. Later kernels map all pages of a folio
 * for which ->fault returns one.
 */
#if KERNEL_VERSION(6, 17, 0) <= LINUX_VERSION_CODE
#define VPOOL_INSERT_BASE
#endif

/*
 * 6.3: operations of inodes get the id mapping of the mount, no user namespace. vpool's
 * filesystem has no mapping.
 */
#if KERNEL_VERSION(6, 3, 0) > LINUX_VERSION_CODE
#define VPOOL_IDMAP_ARG struct user_namespace *idmap
#define vpool_idmap (&init_user_ns)
#else
#define VPOOL_IDMAP_ARG struct mnt_idmap *idmap
#define vpool_idmap (&nop_mnt_idmap)
#endif

/* 6.6: the function gets a mask of the attributes that the caller wants. */
static inline void vpool_fillattr(u32 mask, struct inode *inode,
				  struct kstat *stat)
{
#if KERNEL_VERSION(6, 6, 0) > LINUX_VERSION_CODE
	generic_fillattr(vpool_idmap, inode, stat);
#else
	generic_fillattr(vpool_idmap, mask, inode, stat);
#endif
}

/* 6.6 and 6.7: the times of an inode are set by functions. */
static inline void vpool_inode_init_times(struct inode *inode)
{
#if KERNEL_VERSION(6, 6, 0) > LINUX_VERSION_CODE
	inode->i_ctime = current_time(inode);
	inode->i_mtime = inode->i_ctime;
	inode->i_atime = inode->i_ctime;
#elif KERNEL_VERSION(6, 7, 0) > LINUX_VERSION_CODE
	inode->i_mtime = inode_set_ctime_current(inode);
	inode->i_atime = inode->i_mtime;
#else
	simple_inode_init_ts(inode);
#endif
}

/* Set the time of a change to the inode of a directory. */
static inline void vpool_inode_changed(struct inode *inode)
{
#if KERNEL_VERSION(6, 6, 0) > LINUX_VERSION_CODE
	inode->i_ctime = current_time(inode);
	inode->i_mtime = inode->i_ctime;
#elif KERNEL_VERSION(6, 7, 0) > LINUX_VERSION_CODE
	inode->i_mtime = inode_set_ctime_current(inode);
#else
	inode_set_mtime_to_ts(inode, inode_set_ctime_current(inode));
#endif
}

/* 7.3: ->create() is not told if the caller insists on a new file. */
#if KERNEL_VERSION(7, 3, 0) > LINUX_VERSION_CODE
#define VPOOL_CREATE_ARGS						\
	VPOOL_IDMAP_ARG, struct inode *dir, struct dentry *dentry,	\
	umode_t mode, bool excl
#else
#define VPOOL_CREATE_ARGS						\
	VPOOL_IDMAP_ARG, struct inode *dir, struct dentry *dentry,	\
	umode_t mode
#endif

/* 6.15: ->mkdir() can return another dentry. */
#if KERNEL_VERSION(6, 15, 0) > LINUX_VERSION_CODE
#define VPOOL_MKDIR_TYPE int
#define VPOOL_MKDIR_RESULT(err) (err)
#else
#define VPOOL_MKDIR_TYPE struct dentry *
#define VPOOL_MKDIR_RESULT(err) ERR_PTR(err)
#endif

/*
 * 6.19: a dentry that only its filesystem keeps in memory is marked. Earlier, it had one
 * more reference, which unmounting dropped for all dentries.
 */
#if KERNEL_VERSION(6, 19, 0) > LINUX_VERSION_CODE
#define vpool_kill_super kill_litter_super
static inline void vpool_d_make_persistent(struct dentry *dentry,
					   struct inode *inode)
{
	d_instantiate(dentry, inode);
	dget(dentry);
}
#else
#define vpool_kill_super kill_anon_super
#define vpool_d_make_persistent d_make_persistent
#endif

/* 6.18: the function was renamed. */
#if KERNEL_VERSION(6, 18, 0) > LINUX_VERSION_CODE
#define vpool_drop_inode generic_delete_inode
#else
#define vpool_drop_inode inode_just_drop
#endif

/* 6.5: reading into a pipe by ->read_iter() is a function of its own. */
#if KERNEL_VERSION(6, 5, 0) > LINUX_VERSION_CODE
#define vpool_splice_read generic_file_splice_read
#else
#define vpool_splice_read copy_splice_read
#endif

/* 6.7: get_policy() also returns an interleave index. */
#if KERNEL_VERSION(6, 7, 0) > LINUX_VERSION_CODE
#define VPOOL_GET_POLICY_ARGS \
	struct vm_area_struct *vma, unsigned long addr
#else
#define VPOOL_GET_POLICY_ARGS \
	struct vm_area_struct *vma, unsigned long addr, pgoff_t *ilx
#endif

/* 6.18: f_path is const, and the writable member has another name. */
static inline void vpool_file_set_path(struct file *file,
				       const struct path *path)
{
	*(struct path *)&file->f_path = *path;
}

/* 6.4: cpu_is_isolated() exists; from 6.8 on it includes isolated cpusets. */
static inline bool vpool_cpu_is_isolated(int cpu)
{
#if KERNEL_VERSION(6, 4, 0) > LINUX_VERSION_CODE
	return !housekeeping_test_cpu(cpu, HK_TYPE_DOMAIN) ||
	       !housekeeping_test_cpu(cpu, HK_TYPE_TICK);
#else
	return cpu_is_isolated(cpu);
#endif
}

/* 6.2: the RSS counters of an address space are per-CPU counters. */
static inline void vpool_mm_add_file_pages(struct mm_struct *mm, long pages)
{
#if KERNEL_VERSION(6, 2, 0) > LINUX_VERSION_CODE
	atomic_long_add(pages, &mm->rss_stat.count[MM_FILEPAGES]);
#else
	percpu_counter_add(&mm->rss_stat[MM_FILEPAGES], pages);
#endif
}

/*
 * True if the driver that owns @page can migrate it. 6.17: a page flag tells this, not a
 * bit of the mapping.
 */
static inline bool vpool_page_moves(struct page *page)
{
#ifdef PAGE_MAPPING_MOVABLE
	return __PageMovable(page);
#else
	return page_has_movable_ops(page);
#endif
}

/* 6.16: the probe of sched_process_exit is told if the task is the last of its process. */
#if KERNEL_VERSION(6, 16, 0) > LINUX_VERSION_CODE
#define VPOOL_PROBE_EXIT_ARGS \
	void *data, struct task_struct *task
#else
#define VPOOL_PROBE_EXIT_ARGS \
	void *data, struct task_struct *task, bool group_dead
#endif

/* 6.18: clone flags have 64 bits on all architectures. */
#if KERNEL_VERSION(6, 18, 0) > LINUX_VERSION_CODE
#define VPOOL_PROBE_FORK_ARGS \
	void *data, struct task_struct *child, unsigned long clone_flags
#else
#define VPOOL_PROBE_FORK_ARGS \
	void *data, struct task_struct *child, u64 clone_flags
#endif

/*
 * By 7.1, the tracepoint of memory errors has a header of its own. sparse 0.6.4 cannot
 * test for a header.
 */
#ifdef __has_include
#if __has_include("trace/events/memory-failure.h")
#define VPOOL_TRACE_MEMORY_FAILURE "trace/events/memory-failure.h"
#endif
#elif KERNEL_VERSION(7, 1, 0) <= LINUX_VERSION_CODE
#define VPOOL_TRACE_MEMORY_FAILURE "trace/events/memory-failure.h"
#endif
#ifndef VPOOL_TRACE_MEMORY_FAILURE
#define VPOOL_TRACE_MEMORY_FAILURE "ras/ras_event.h"
#endif

/*
 * vpool_contig_folio() empties a block of the host's memory and makes it a folio. It
 * returns NULL if a page in the block cannot be migrated.
 *
 * 7.0: alloc_contig_range() refuses to return a compound page. Its new variant returns
 * one without a reference.
 *
 * 6.16: the third argument is a set of flags. Earlier it was a migrate type.
 *
 * 6.12: alloc_contig_range() can return a compound page.
 *
 * On 6.1 it returns single pages, each with a reference, and prep_compound_page() is
 * not exported. vpool therefore builds the compound page itself, with the inline
 * helpers that the page allocator uses. Freeing the block and allocating it again as a
 * whole would give another task the chance to take it. Until the compound page is
 * complete, a task that walks all pages may hold a reference to one of them. A tail
 * page must have none, so the block is given back in that case.
 *
 * The layout of a compound page changed often from 6.2 to 6.11. On these kernels
 * blocks are not emptied.
 */
#define VPOOL_CONTIG_GFP (GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

#if !defined(CONFIG_CONTIG_ALLOC)
static inline struct folio *vpool_contig_folio(unsigned long pfn,
					       unsigned int order)
{
	return NULL;
}
#elif defined(alloc_contig_frozen_range)
static inline struct folio *vpool_contig_folio(unsigned long pfn,
					       unsigned int order)
{
	if (alloc_contig_frozen_range(pfn, pfn + (1UL << order), ACR_FLAGS_NONE,
				      VPOOL_CONTIG_GFP | __GFP_COMP))
		return NULL;
	set_page_count(pfn_to_page(pfn), 1);
	return page_folio(pfn_to_page(pfn));
}
#elif KERNEL_VERSION(6, 12, 0) <= LINUX_VERSION_CODE
#ifdef ACR_FLAGS_NONE
#define VPOOL_CONTIG_TYPE ACR_FLAGS_NONE
#else
#define VPOOL_CONTIG_TYPE MIGRATE_MOVABLE
#endif

static inline struct folio *vpool_contig_folio(unsigned long pfn,
					       unsigned int order)
{
	if (alloc_contig_range(pfn, pfn + (1UL << order), VPOOL_CONTIG_TYPE,
			       VPOOL_CONTIG_GFP | __GFP_COMP))
		return NULL;
	return page_folio(pfn_to_page(pfn));
}
#elif KERNEL_VERSION(6, 2, 0) > LINUX_VERSION_CODE
/* Drop the references of all tail pages; undo it if a page has another reference. */
static inline bool vpool_pages_freeze(struct page *page, unsigned long nr)
{
	unsigned long i;

	for (i = 1; i < nr; i++)
		if (!page_ref_freeze(page + i, 1))
			break;
	if (i == nr)
		return true;
	while (--i)
		page_ref_unfreeze(page + i, 1);
	return false;
}

static inline void vpool_pages_join(struct page *page, unsigned int order)
{
	unsigned long i;

	__SetPageHead(page);
	for (i = 1; i < 1UL << order; i++) {
		page[i].mapping = TAIL_MAPPING;
		set_page_private(page + i, 0);
		set_compound_head(page + i, page);
	}
	set_compound_page_dtor(page, COMPOUND_PAGE_DTOR);
	set_compound_order(page, order);
	atomic_set(compound_mapcount_ptr(page), -1);
	atomic_set(compound_pincount_ptr(page), 0);
}

static inline struct folio *vpool_contig_folio(unsigned long pfn,
					       unsigned int order)
{
	unsigned long i, nr = 1UL << order;
	struct page *page = pfn_to_page(pfn);

	if (alloc_contig_range(pfn, pfn + nr, MIGRATE_MOVABLE,
			       VPOOL_CONTIG_GFP))
		return NULL;
	if (vpool_pages_freeze(page, nr)) {
		vpool_pages_join(page, order);
		return page_folio(page);
	}
	for (i = 0; i < nr; i++)
		__free_page(page + i);
	return NULL;
}
#else
static inline struct folio *vpool_contig_folio(unsigned long pfn,
					       unsigned int order)
{
	return NULL;
}
#endif

/*
 * 7.0: a module can allocate a folio that is larger than the blocks of the page
 * allocator. 6.17: it can map such a folio with one PUD entry, if the inode has S_DAX.
 * SPARSEMEM without VMEMMAP has no folios of this size.
 */
#if defined(alloc_contig_frozen_range) && defined(CONFIG_CONTIG_ALLOC) && \
	defined(CONFIG_TRANSPARENT_HUGEPAGE) && defined(CONFIG_FS_DAX) && \
	defined(CONFIG_HAVE_ARCH_TRANSPARENT_HUGEPAGE_PUD)
#define VPOOL_HAS_GIGANTIC (PUD_SHIFT - PAGE_SHIFT <= MAX_FOLIO_ORDER)
#else
#define VPOOL_HAS_GIGANTIC false
#endif

/*
 * Wait for the faults of a mapping that hold only its own lock. No fault can follow
 * until the caller drops the mmap lock, which it holds for writing.
 */
static inline void vpool_vma_stop_faults(struct vm_area_struct *vma)
{
#ifdef alloc_contig_frozen_range
	vma_start_write(vma);
#endif
}

/* The core does not merge a mapping with this flag, nor move a part to its neighbour. */
static inline void vpool_vma_forbid_merge(struct vm_area_struct *vma)
{
#ifdef alloc_contig_frozen_range
	vm_flags_set(vma, VM_DONTEXPAND);
#endif
}

/* The kernel's has_transparent_pud_hugepage() does not ask the CPU. */
static inline bool vpool_cpu_maps_pud(void)
{
#ifdef CONFIG_X86
	return boot_cpu_has(X86_FEATURE_GBPAGES);
#else
	return true;
#endif
}

#endif /* VPOOL_COMPAT_H */
