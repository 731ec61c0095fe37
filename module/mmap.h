/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mapping a region, and handling its faults.
 */
#ifndef VPOOL_MMAP_H
#define VPOOL_MMAP_H

#include "extack.h"

struct vm_area_struct;
struct vpool_region;

int vpool_mmap_region(struct vpool_region *region, struct vm_area_struct *vma,
		      struct vpool_extack *extack);
int vpool_mmap_file(struct vpool_region *region, struct vm_area_struct *vma,
		    struct vpool_extack *extack);

#endif /* VPOOL_MMAP_H */
