// SPDX-License-Identifier: GPL-2.0
#include "call.h"
#include "pool.h"
#include "pool_region.h"
#include "region.h"
#include "region_ioctl.h"
#include "spec.h"

/**
 * vpool_ioctl_commit - VPOOL_COMMIT: give the region its size and its memory
 * @call: call on the device of a pool
 *
 * Return: 0 or a negative errno as the UAPI describes.
 */
int vpool_ioctl_commit(struct vpool_call *call)
{
	struct vpool_commit *cmd = call->cmd;
	int nid = VPOOL_ANY_NODE;
	int err = 0;

	if (cmd->flags & VPOOL_COMMIT_NODE) {
		nid = cmd->node;
		err = vpool_spec_check_node(nid, call->extack);
	}
	if (!err)
		err = vpool_region_commit(call->file->region, nid, &cmd->bytes,
					  cmd->flags & VPOOL_COMMIT_POPULATE,
					  call->extack);
	return err ?: vpool_call_respond(call);
}

static u32 vpool_fill_regions(struct vpool_pool *pool, void *array, u32 max)
{
	return vpool_pool_list_regions(pool, array, max);
}

/**
 * vpool_ioctl_regions - VPOOL_REGIONS: list the regions of a pool
 * @call: call on either kind of device
 *
 * Return: 0 or a negative errno of vpool_call_list_of_pool().
 */
int vpool_ioctl_regions(struct vpool_call *call)
{
	struct vpool_regions *cmd = call->cmd;
	struct vpool_listing listing = {
		.fill = vpool_fill_regions,
		.entry_size = sizeof(struct vpool_region_info),
		.nr = &cmd->nr,
		.uptr = cmd->regions_uptr,
	};

	return vpool_call_list_of_pool(call, cmd->name, &listing);
}
