// SPDX-License-Identifier: GPL-2.0
#include <linux/err.h>
#include <linux/sched/task.h>

#include "attach.h"
#include "call.h"
#include "detach.h"
#include "member_ioctl.h"
#include "pool.h"
#include "target.h"

static int vpool_check_attach(struct vpool_call *call)
{
	struct vpool_attach *cmd = call->cmd;
	bool process = cmd->flags & VPOOL_ATTACH_PROCESS;
	bool dedicated = cmd->flags & VPOOL_ATTACH_DEDICATED;

	if (process && dedicated)
		return vpool_err(call->extack, -EINVAL,
				 VPOOL_CODE_DEDICATED_PROCESS,
				 "a CPU is dedicated to one thread, not to a process");
	if (cmd->tid && process)
		return vpool_err(call->extack, -EINVAL, VPOOL_CODE_TID_INVALID,
				 "thread id %d was given with VPOOL_ATTACH_PROCESS, which requires thread id 0",
				 cmd->tid);
	if (cmd->tid < 0)
		return vpool_err(call->extack, -EINVAL, VPOOL_CODE_TID_INVALID,
				 "thread id %d is negative", cmd->tid);
	if (dedicated && cmd->cpu < -1)
		return vpool_err(call->extack, -EINVAL,
				 VPOOL_CODE_CPU_NUMBER_INVALID,
				 "cpu %d is neither a number nor -1", cmd->cpu);
	return 0;
}

/* Check the call and return its task with a reference, or an ERR_PTR. */
static struct task_struct *vpool_attach_target(struct vpool_call *call)
{
	struct vpool_attach *cmd = call->cmd;
	int err = vpool_check_attach(call);

	if (err)
		return ERR_PTR(err);
	return vpool_target_get(cmd->pidfd, cmd->tid,
				cmd->flags & VPOOL_ATTACH_PROCESS,
				call->extack);
}

/**
 * vpool_ioctl_attach - VPOOL_ATTACH: make a thread or a process a member
 * @call: call on the device of a pool
 *
 * Return: 0 or a negative errno as the UAPI describes.
 */
int vpool_ioctl_attach(struct vpool_call *call)
{
	struct vpool_attach *cmd = call->cmd;
	struct vpool_pool *pool = call->handle->pool;
	bool dedicated = cmd->flags & VPOOL_ATTACH_DEDICATED;
	struct task_struct *task = vpool_attach_target(call);
	int err;

	if (IS_ERR(task))
		return PTR_ERR(task);
	err = vpool_member_attach(&pool->members, task,
				  cmd->flags & VPOOL_ATTACH_PROCESS,
				  dedicated ? &cmd->cpu : NULL, call->extack);
	put_task_struct(task);
	if (err)
		return err;
	vpool_stat_inc(&pool->stat, VPOOL_STAT_ATTACHES);
	return dedicated ? vpool_call_respond(call) : 0;
}

/**
 * vpool_ioctl_detach - VPOOL_DETACH: end the membership of a thread or a process
 * @call: call on the device of a pool
 *
 * Return: 0 or a negative errno as the UAPI describes.
 */
int vpool_ioctl_detach(struct vpool_call *call)
{
	struct vpool_attach *cmd = call->cmd;
	struct task_struct *task = vpool_attach_target(call);
	int err;

	if (IS_ERR(task))
		return PTR_ERR(task);
	err = vpool_member_detach(&call->handle->pool->members, task,
				  cmd->flags & VPOOL_ATTACH_PROCESS,
				  call->extack);
	put_task_struct(task);
	return err;
}

static u32 vpool_fill_members(struct vpool_pool *pool, void *array, u32 max)
{
	return vpool_members_list(&pool->members, array, max);
}

/**
 * vpool_ioctl_members - VPOOL_MEMBERS: list the members of a pool
 * @call: call on either kind of device
 *
 * Return: 0 or a negative errno of vpool_call_list_of_pool().
 */
int vpool_ioctl_members(struct vpool_call *call)
{
	struct vpool_members *cmd = call->cmd;
	struct vpool_listing listing = {
		.fill = vpool_fill_members,
		.entry_size = sizeof(struct vpool_member_info),
		.nr = &cmd->nr,
		.uptr = cmd->members_uptr,
	};

	return vpool_call_list_of_pool(call, cmd->name, &listing);
}
