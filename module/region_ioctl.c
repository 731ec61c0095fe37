// SPDX-License-Identifier: GPL-2.0
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>

#include "budget.h"
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
		err = vpool_region_commit(call->handle->region, nid, &cmd->bytes,
					  cmd->flags & VPOOL_COMMIT_POPULATE,
					  call->extack);
	return err ?: vpool_call_respond(call);
}

static int vpool_err_user_regions(struct vpool_call *call)
{
	struct vpool_pool *pool = call->handle->pool;
	struct vpool_limits limits;
	kuid_t uid = vpool_budget_uid(current);

	vpool_budget_get_limits(&pool->budget, &limits);
	return vpool_err(call->extack, -EDQUOT, VPOOL_CODE_USER_REGIONS,
			 "user %u has as many regions of pool '%s' as it may have: %u",
			 from_kuid_munged(current_user_ns(), uid), pool->name,
			 limits.regions);
}

static int vpool_err_file(struct vpool_call *call, int err)
{
	struct vpool_pool *pool = call->handle->pool;

	if (err == -ENXIO)
		return vpool_region_err_revoked(call->extack);
	if (err == -ENOSPC)
		return vpool_err(call->extack, err, VPOOL_CODE_TOO_MANY_REGIONS,
				 "pool '%s' has %u regions, which max_regions allows",
				 pool->name, READ_ONCE(pool->nr_regions));
	if (err == -EDQUOT)
		return vpool_err_user_regions(call);
	return vpool_err(call->extack, err, VPOOL_CODE_NO_KERNEL_MEMORY,
			 "no kernel memory for a file");
}

/**
 * vpool_ioctl_file - VPOOL_FILE: create a file without a name
 * @call: call on the device of a pool
 *
 * Return: 0 or a negative errno as the UAPI describes.
 */
int vpool_ioctl_file(struct vpool_call *call)
{
	struct vpool_file *cmd = call->cmd;
	struct file *file;
	int err;

	err = vpool_pool_check_memory(call->handle->pool, call->extack);
	if (err)
		return err;
	cmd->out_fd = get_unused_fd_flags(cmd->flags & VPOOL_FILE_CLOEXEC ?
					  O_CLOEXEC : 0);
	if (cmd->out_fd < 0)
		return vpool_err(call->extack, cmd->out_fd,
				 VPOOL_CODE_NO_KERNEL_MEMORY,
				 "the process has no free descriptor");
	file = vpool_frontend->create_file(call->handle->pool);
	if (IS_ERR(file)) {
		err = vpool_err_file(call, PTR_ERR(file));
		goto put_fd;
	}
	err = vpool_call_respond(call);
	if (err)
		goto put_file;
	fd_install(cmd->out_fd, file);
	return 0;

put_file:
	fput(file);
put_fd:
	put_unused_fd(cmd->out_fd);
	return err;
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
