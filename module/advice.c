// SPDX-License-Identifier: GPL-2.0
/*
 * MADV_COLD and MADV_PAGEOUT on a kernel without transparent huge pages.
 *
 * If this advice is for a part of a large folio, the core's
 * madvise_cold_or_pageout_pte_range() splits the folio and then looks at the same page
 * again. Without transparent huge pages, split_folio() does nothing and returns 0. So
 * the core tries again forever: the task cannot be killed, and the pool cannot be
 * destroyed. A real-time kernel is such a kernel.
 *
 * The advice has no effect on pool memory anyway, because that is on no LRU list. On
 * these kernels a kprobe therefore makes the core skip the mappings of regions.
 *
 * The core calls the function with the mmap lock of the address space held. Until it
 * has returned, the mapping holds its file, and the file the module. So the module
 * cannot be unloaded while a task is in vpool_advice_skip().
 */
#include <linux/fs.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/pagewalk.h>
#include <linux/printk.h>
#include <linux/ptrace.h>

#include "advice.h"
#include "super.h"

#ifdef CONFIG_KPROBES
/* Replaces the core's function for one mapping; 0 continues the walk. */
static int vpool_advice_skip(pmd_t *pmd, unsigned long addr, unsigned long end,
			     struct mm_walk *walk)
{
	return 0;
}

static int vpool_advice_before(struct kprobe *probe, struct pt_regs *regs)
{
	const struct mm_walk *walk = (void *)regs_get_kernel_argument(regs, 3);
	const struct file *file = walk->vma->vm_file;

	if (!file || !vpool_super_has_inode(file->f_mapping->host))
		return 0;
	instruction_pointer_set(regs, (unsigned long)vpool_advice_skip);
	return 1;
}

/* A post handler prevents optimization. An optimized probe could not redirect. */
static void vpool_advice_after(struct kprobe *probe, struct pt_regs *regs,
			       unsigned long flags)
{
}

static struct kprobe vpool_advice_probe = {
	.symbol_name = "madvise_cold_or_pageout_pte_range",
	.pre_handler = vpool_advice_before,
	.post_handler = vpool_advice_after,
};

static bool vpool_advice_register(void)
{
	return !register_kprobe(&vpool_advice_probe);
}

static void vpool_advice_unregister(void)
{
	unregister_kprobe(&vpool_advice_probe);
}
#else
static bool vpool_advice_register(void)
{
	return false;
}

static void vpool_advice_unregister(void)
{
}
#endif

static bool vpool_advice_started;

/**
 * vpool_advice_start - make the core skip regions where it could not handle advice
 *
 * Does nothing on a kernel with transparent huge pages.
 */
void vpool_advice_start(void)
{
	if (IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		return;
	vpool_advice_started = vpool_advice_register();
	if (!vpool_advice_started)
		pr_warn("MADV_COLD or MADV_PAGEOUT for a part of a huge page can hang a task: this kernel lacks kprobes and transparent huge pages\n");
}

/**
 * vpool_advice_stop - undo vpool_advice_start()
 *
 * Context: sleeps; no region is mapped.
 */
void vpool_advice_stop(void)
{
	if (vpool_advice_started)
		vpool_advice_unregister();
}
