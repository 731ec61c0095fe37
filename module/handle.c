// SPDX-License-Identifier: GPL-2.0
#include <linux/slab.h>

#include "handle.h"

/**
 * vpool_handle_alloc - allocate the data of a descriptor that is being opened
 *
 * Return: zeroed structure with an empty message, for kfree(), or NULL.
 */
struct vpool_handle *vpool_handle_alloc(void)
{
	struct vpool_handle *handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);

	if (handle)
		vpool_extack_init(&handle->extack);
	return handle;
}
