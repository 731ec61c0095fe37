/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Choosing the addresses of mappings, so that huge page table entries fit.
 */
#ifndef VPOOL_AREA_H
#define VPOOL_AREA_H

#include <linux/mm.h>

struct file;

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
unsigned long vpool_get_area(struct file *filp, unsigned long addr,
			     unsigned long len, unsigned long pgoff,
			     unsigned long flags);
#else
#define vpool_get_area thp_get_unmapped_area
#endif

#endif /* VPOOL_AREA_H */
