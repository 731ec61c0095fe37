/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mapping folios of a region by PMD and PUD entries, without page tables.
 */
#ifndef VPOOL_HUGE_H
#define VPOOL_HUGE_H

#include <linux/align.h>
#include <linux/mm.h>

#include "compat.h"

/*
 * True if one entry for a folio of order @order can map the page at @addr: the address and
 * the offset must be aligned alike, and the mapping must cover the whole folio. Inline
 * for the fault.
 */
static inline bool vpool_huge_fits(const struct vm_area_struct *vma,
				   unsigned long addr, unsigned int order)
{
	unsigned long size = PAGE_SIZE << order;
	unsigned long start = ALIGN_DOWN(addr, size);
	unsigned long first = vma->vm_pgoff - (vma->vm_start >> PAGE_SHIFT);

	return IS_ALIGNED(first, 1UL << order) &&
	       start >= vma->vm_start && start + size <= vma->vm_end;
}

#ifdef VPOOL_INSERT_BASE
vm_fault_t vpool_huge_insert_base(struct vm_fault *vmf, struct page *page);
#else
static inline vm_fault_t vpool_huge_insert_base(struct vm_fault *vmf,
						struct page *page)
{
	return 0;
}
#endif

#ifdef VPOOL_HUGE_FAULT
vm_fault_t vpool_huge_fault(struct vm_fault *vmf, unsigned int order);
unsigned long vpool_huge_populate(struct vm_area_struct *vma,
				  unsigned long start, unsigned long end);
#else
static inline unsigned long vpool_huge_populate(struct vm_area_struct *vma,
						unsigned long start,
						unsigned long end)
{
	return 0;
}
#endif

#endif /* VPOOL_HUGE_H */
