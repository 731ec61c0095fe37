/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mbind(2): moving folios of a region to other NUMA nodes.
 */
#ifndef VPOOL_MOVE_H
#define VPOOL_MOVE_H

#include <linux/types.h>

#include "extack.h"

struct mempolicy;
struct vpool_region;

int vpool_move_folios(struct vpool_region *region, pgoff_t pgoff,
		      unsigned long pages, const struct mempolicy *mpol,
		      struct vpool_extack *extack);

#endif /* VPOOL_MOVE_H */
