// SPDX-License-Identifier: GPL-2.0
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/nodemask.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "call.h"
#include "pool.h"
#include "query.h"
#include "registry.h"

/**
 * vpool_ioctl_reason - VPOOL_REASON: read the message of the last failed call
 * @call: call on either kind of device
 *
 * Return: 0, -EMSGSIZE or -EFAULT.
 */
int vpool_ioctl_reason(struct vpool_call *call)
{
	struct vpool_reason *cmd = call->cmd;
	char text[VPOOL_REASON_SIZE];
	u32 room = cmd->len;
	int err;

	cmd->len = vpool_extack_read(call->extack, text, &cmd->code);
	if (cmd->len > room) {
		/* No message here: the caller has yet to read the present one. */
		err = vpool_call_respond(call);
		return err ?: -EMSGSIZE;
	}
	err = vpool_call_copy_out(call, cmd->buf_uptr, text, cmd->len);
	return err ?: vpool_call_respond(call);
}

static u32 vpool_fill_pools(struct vpool_pool *pool, void *array, u32 max)
{
	return vpool_pools_list(array, max);
}

/**
 * vpool_ioctl_list - VPOOL_LIST: list all pools
 * @call: call on the control device
 *
 * Return: 0 or a negative errno of vpool_call_list().
 */
int vpool_ioctl_list(struct vpool_call *call)
{
	struct vpool_list *cmd = call->cmd;
	struct vpool_listing listing = {
		.fill = vpool_fill_pools,
		.entry_size = sizeof(struct vpool_list_entry),
		.nr = &cmd->nr,
		.uptr = cmd->entries_uptr,
	};

	return vpool_call_list(call, &listing);
}

static u32 vpool_fill_users(struct vpool_pool *pool, void *array, u32 max)
{
	return vpool_budget_list(&pool->budget, array, max);
}

/**
 * vpool_ioctl_users - VPOOL_USERS: list the users of a pool
 * @call: call on either kind of device
 *
 * Return: 0 or a negative errno of vpool_call_list_of_pool().
 */
int vpool_ioctl_users(struct vpool_call *call)
{
	struct vpool_users *cmd = call->cmd;
	struct vpool_listing listing = {
		.fill = vpool_fill_users,
		.entry_size = sizeof(struct vpool_user_info),
		.nr = &cmd->nr,
		.uptr = cmd->users_uptr,
	};

	return vpool_call_list_of_pool(call, cmd->name, &listing);
}

static void vpool_query_usage(struct vpool_query *cmd, struct vpool_pool *pool)
{
	struct vpool_usage usage;

	vpool_store_usage(&pool->store, &usage);
	cmd->total_bytes = usage.total;
	cmd->free_bytes = usage.free;
	cmd->used_bytes = usage.used;
	cmd->peak_bytes = usage.peak;
	cmd->clean_bytes = usage.clean;
	cmd->scrubbing_bytes = usage.scrubbing;
	cmd->poisoned_bytes = usage.poisoned;
	cmd->target_bytes = usage.target;
	cmd->gathered_bytes = usage.gathered;
}

static void vpool_query_fill(struct vpool_query *cmd, struct vpool_pool *pool)
{
	struct vpool_limits limits;

	memcpy(cmd->name, pool->name, sizeof(cmd->name));
	cmd->id = pool->id;
	cmd->state = vpool_pool_state(pool);
	cmd->page_size = vpool_store_page_size(&pool->store);
	cmd->uid = from_kuid_munged(current_user_ns(), pool->uid);
	cmd->gid = from_kgid_munged(current_user_ns(), pool->gid);
	cmd->mode = pool->mode;
	cmd->regions = READ_ONCE(pool->nr_regions);
	cmd->members = READ_ONCE(pool->members.nr);
	cmd->created_ns = pool->created_ns;
	cmd->create_flags = pool->create_flags;
	vpool_budget_get_limits(&pool->budget, &limits);
	cmd->user_bytes = limits.bytes;
	cmd->user_regions = limits.regions;
	cmd->user_members = limits.members;
	vpool_query_usage(cmd, pool);
}

/* @nodes was read once, because a node may get memory at any time. */
static int vpool_query_nodes(struct vpool_call *call, struct vpool_pool *pool,
			     const nodemask_t *nodes)
{
	struct vpool_query *cmd = call->cmd;
	struct vpool_node_info __user *out = u64_to_user_ptr(cmd->nodes_uptr);
	struct vpool_usage usage;
	int nid;

	if (!out)
		return 0;
	for_each_node_mask(nid, *nodes) {
		struct vpool_node_info info = { .node = nid };

		vpool_store_node_usage(&pool->store, nid, &usage);
		info.total_bytes = usage.total;
		info.free_bytes = usage.free;
		info.used_bytes = usage.used;
		if (copy_to_user(out++, &info, sizeof(info)))
			return vpool_err(call->extack, -EFAULT,
					 VPOOL_CODE_BUFFER_UNWRITABLE,
					 "the array of nodes cannot be written back");
	}
	return 0;
}

static int vpool_query_cpus(struct vpool_call *call, struct vpool_pool *pool,
			    u32 bytes)
{
	struct vpool_query *cmd = call->cmd;
	cpumask_var_t mask;
	int err;

	if (!alloc_cpumask_var(&mask, GFP_KERNEL))
		return vpool_err(call->extack, -ENOMEM,
				 VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for the CPU mask");
	vpool_cpus_read(&pool->cpus, mask, NULL);
	err = vpool_call_copy_out(call, cmd->cpus_uptr, cpumask_bits(mask),
				  bytes);
	free_cpumask_var(mask);
	return err;
}

static int vpool_query_out(struct vpool_call *call, struct vpool_pool *pool)
{
	struct vpool_query *cmd = call->cmd;
	u32 room_nodes = cmd->nr_nodes, room_cpus = cmd->cpus_bytes;
	u32 mask_bytes = BITS_TO_LONGS(nr_cpu_ids) * sizeof(long);
	nodemask_t nodes = node_states[N_MEMORY];
	int err;

	if (room_cpus % sizeof(u64))
		return vpool_err(call->extack, -EINVAL,
				 VPOOL_CODE_CPU_MASK_SIZE,
				 "the buffer has room for %u bytes of CPU mask, which is not a multiple of 8",
				 room_cpus);
	cmd->nr_nodes = nodes_weight(nodes);
	cmd->cpus_bytes = mask_bytes;
	if (cmd->nodes_uptr && room_nodes < cmd->nr_nodes)
		return vpool_call_too_small(call, room_nodes, cmd->nr_nodes);
	if (cmd->cpus_uptr && room_cpus < mask_bytes)
		return vpool_call_too_small(call, room_cpus, mask_bytes);
	err = vpool_query_nodes(call, pool, &nodes);
	if (!err && cmd->cpus_uptr)
		err = vpool_query_cpus(call, pool, mask_bytes);
	if (err)
		return err;
	vpool_query_fill(cmd, pool);
	return vpool_call_respond(call);
}

/**
 * vpool_ioctl_query - VPOOL_QUERY: read all figures of a pool
 * @call: call on either kind of device
 *
 * Return: 0, -EINVAL, -EMSGSIZE, -EFAULT, -ENOMEM, or a negative errno of
 * vpool_call_pool().
 */
int vpool_ioctl_query(struct vpool_call *call)
{
	struct vpool_query *cmd = call->cmd;
	struct vpool_pool *pool = vpool_call_pool(call, cmd->name);
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = vpool_query_out(call, pool);
	vpool_pool_put(pool);
	return err;
}
