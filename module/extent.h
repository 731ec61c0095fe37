/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parts of a file: committing, releasing, zeroing.
 */
#ifndef VPOOL_EXTENT_H
#define VPOOL_EXTENT_H

#include <linux/types.h>

#include "extack.h"

struct folio;
struct vm_area_struct;
struct vpool_region;

int vpool_extent_commit(struct vpool_region *region, unsigned long first,
			unsigned long end, struct vpool_extack *extack);
int vpool_extent_fault_in(struct vpool_region *region,
			  struct vm_area_struct *vma, pgoff_t pgoff);
int vpool_extent_set_size(struct vpool_region *region, loff_t size);
int vpool_extent_zero_tail(struct vpool_region *region, loff_t end);
int vpool_extent_punch(struct vpool_region *region, loff_t start, loff_t end);
struct folio *vpool_extent_get_folio(struct vpool_region *region,
				     unsigned long i, bool write);
loff_t vpool_extent_seek(struct vpool_region *region, loff_t pos, bool data);

#endif /* VPOOL_EXTENT_H */
