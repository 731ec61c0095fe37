/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An open descriptor of a device or of a file: its pool, its region and its message.
 */
#ifndef VPOOL_HANDLE_H
#define VPOOL_HANDLE_H

#include <linux/types.h>

#include "extack.h"

struct vpool_pool;
struct vpool_region;

/**
 * struct vpool_handle - an open descriptor of a device or of a file
 * @extack: message of the last failed call
 * @pool: pool to which the descriptor has a reference; NULL for the control device
 * @has_ephemeral: the descriptor may have created ephemeral pools
 * @region: region, shared with descriptors that were opened by its path in /proc;
 *	NULL for the control device
 * @is_file: the descriptor is that of a file
 */
struct vpool_handle {
	struct vpool_extack extack;
	struct vpool_pool *pool;
	bool has_ephemeral;
	struct vpool_region *region;
	bool is_file;
};

struct vpool_handle *vpool_handle_alloc(void);

#endif /* VPOOL_HANDLE_H */
