/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls on both kinds of node.
 */
#ifndef VPOOL_IOCTL_H
#define VPOOL_IOCTL_H

#include "extack.h"
#include "region.h"

struct vpool_pool;

/**
 * struct vpool_file - one open of a node
 * @extack: of its last failure
 * @pool: of which it has a reference; NULL for the control node
 * @has_ephemeral: it may have made pools that go with it; never unset
 * @region: which it shares with others that were opened by its path in /proc;
 *on a pool's node
 */
struct vpool_file {
	struct vpool_extack extack;
	struct vpool_pool *pool;
	bool has_ephemeral;
	struct vpool_region *region;
};

long vpool_file_ioctl(struct vpool_file *file, unsigned int num,
		      unsigned long arg);

#endif /* VPOOL_IOCTL_H */
