/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Populating: filling the page tables of a new mapping.
 */
#ifndef VPOOL_POPULATE_H
#define VPOOL_POPULATE_H

#include <linux/mm_types.h>

#include "extack.h"

int vpool_populate_later(struct vm_area_struct *vma,
			 const struct vm_operations_struct *vm_ops,
			 struct vpool_extack *extack);

#endif /* VPOOL_POPULATE_H */
