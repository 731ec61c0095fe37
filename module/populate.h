/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Populating: filling the page tables of a mapping that was just made.
 */
#ifndef VPOOL_POPULATE_H
#define VPOOL_POPULATE_H

#include "extack.h"

struct vm_area_struct;

int vpool_populate_soon(struct vm_area_struct *vma,
			struct vpool_extack *extack);

#endif /* VPOOL_POPULATE_H */
