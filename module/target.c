// SPDX-License-Identifier: GPL-2.0
/*
 * The task or process that an attach or detach call names, and the caller's right to
 * move it.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "compat.h"
#include "extack.h"
#include "member_set.h"
#include "target.h"

/* Return the pid that @pidfd refers to, with a reference, or an ERR_PTR. */
static struct pid *vpool_target_pid(int pidfd, struct vpool_extack *extack)
{
	struct file *file;
	struct pid *pid;

	if (pidfd == VPOOL_SELF)
		return get_task_pid(current, PIDTYPE_TGID);
	file = fget(pidfd);
	pid = file ? get_pid(vpool_pidfd_pid(file)) : NULL;
	if (file)
		fput(file);
	if (pid)
		return pid;
	vpool_err(extack, -EBADF, VPOOL_CODE_PIDFD_INVALID,
		  "descriptor %d is not a pidfd", pidfd);
	return ERR_PTR(-EBADF);
}

/* Return thread @tid of the process @pid, with a reference, or an ERR_PTR. */
static struct task_struct *vpool_target_thread(struct pid *pid, pid_t tid,
					       struct vpool_extack *extack)
{
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(find_vpid(tid), PIDTYPE_PID);
	if (task && task_tgid(task) == pid)
		get_task_struct(task);
	else
		task = NULL;
	rcu_read_unlock();
	if (task)
		return task;
	vpool_err(extack, -ESRCH, VPOOL_CODE_TID_INVALID,
		  "there is no thread %d in that process", tid);
	return ERR_PTR(-ESRCH);
}

static struct task_struct *vpool_target_task(struct pid *pid, bool process,
					     struct vpool_extack *extack)
{
	struct task_struct *task;

	task = get_pid_task(pid, process ? PIDTYPE_TGID : PIDTYPE_PID);
	if (task)
		return task;
	task = get_pid_task(pid, PIDTYPE_PID);
	if (task) {
		put_task_struct(task);
		vpool_err(extack, -EINVAL, VPOOL_CODE_PIDFD_INVALID,
			  "the pidfd refers to thread %d, not a process",
			  pid_vnr(pid));
		return ERR_PTR(-EINVAL);
	}
	vpool_err(extack, -ESRCH, VPOOL_CODE_TASK_EXITED,
		  "the process of that pidfd has exited");
	return ERR_PTR(-ESRCH);
}

/**
 * vpool_target_get - find the task that a call names
 * @pidfd: file descriptor of a process or thread, or VPOOL_SELF
 * @tid: id of a thread of that process in the caller's pid namespace, or 0
 * @process: the call names the whole process
 * @extack: message of a failed call, or NULL
 *
 * Context: sleeps.
 * Return: the thread, or a thread of the process, with a reference that the caller
 * must drop; or an ERR_PTR: -EBADF if @pidfd is not a pidfd, -ESRCH if the process or
 * thread does not exist, -EINVAL if @process is set for the pidfd of a thread.
 */
struct task_struct *vpool_target_get(int pidfd, pid_t tid, bool process,
				     struct vpool_extack *extack)
{
	struct task_struct *task;
	struct pid *pid;

	if (pidfd == VPOOL_SELF && !tid)
		return get_task_struct(current);
	pid = vpool_target_pid(pidfd, extack);
	if (IS_ERR(pid))
		return ERR_CAST(pid);
	task = tid ? vpool_target_thread(pid, tid, extack)
		   : vpool_target_task(pid, process, extack);
	put_pid(pid);
	return task;
}

static bool vpool_target_same_owner(struct task_struct *task)
{
	const struct cred *mine = current_cred(), *its = __task_cred(task);

	return uid_eq(mine->euid, its->euid) || uid_eq(mine->euid, its->uid);
}

static bool vpool_target_may_schedule(struct task_struct *task)
{
	bool may;

	rcu_read_lock();
	may = vpool_target_same_owner(task) ||
		ns_capable(__task_cred(task)->user_ns, CAP_SYS_NICE);
	rcu_read_unlock();
	return may;
}

/* The kernel binds user workers too, but they belong to the process. */
static bool vpool_target_is_bound(struct task_struct *task)
{
	return task->flags & PF_NO_SETAFFINITY &&
		!vpool_task_is_user_worker(task);
}

/**
 * vpool_target_check - check the caller's right to decide where a task runs
 * @task: the task; a caller always has the right for itself
 * @extack: message of a failed call, or NULL
 *
 * The rule is that of sched_setaffinity(2).
 *
 * Context: any.
 * Return: 0, -EPERM if the task belongs to another user, -EINVAL if it is a kernel
 * thread or the kernel has bound it to its CPUs.
 */
int vpool_target_check(struct task_struct *task, struct vpool_extack *extack)
{
	if (task == current)
		return 0;
	if (task->flags & PF_KTHREAD)
		return vpool_err(extack, -EINVAL, VPOOL_CODE_TASK_KTHREAD,
				 "task %d (%s) is a kernel thread",
				 task_pid_vnr(task), task->comm);
	if (vpool_target_is_bound(task))
		return vpool_err(extack, -EINVAL, VPOOL_CODE_TASK_BOUND,
				 "task %d (%s) is bound to its CPUs by the kernel",
				 task_pid_vnr(task), task->comm);
	if (vpool_target_may_schedule(task))
		return 0;
	return vpool_err(extack, -EPERM, VPOOL_CODE_TASK_FOREIGN,
			 "task %d (%s) belongs to another user; attaching or detaching it needs CAP_SYS_NICE",
			 task_pid_vnr(task), task->comm);
}

/**
 * vpool_target_next - get the next live thread of a walk over a process
 * @members: members of a pool
 * @of: any thread of the process; the caller holds a reference
 * @last: the thread that the walk visited last, or NULL to start; the function takes
 *	over the reference on it
 * @member: visit the threads that are members, or those that are not
 *
 * If @last has exited, the walk starts again.
 *
 * Context: any.
 * Return: the next thread, with a reference; or NULL at the end.
 */
struct task_struct *vpool_target_next(struct vpool_member_set *members,
				      struct task_struct *of,
				      struct task_struct *last, bool member)
{
	struct list_head *head = &of->signal->thread_head, *pos = head;
	struct task_struct *task, *found = NULL;

	rcu_read_lock();
	if (last && pid_alive(last))
		pos = &last->thread_node;
	for (pos = rcu_dereference(list_next_rcu(pos)); pos != head;
	     pos = rcu_dereference(list_next_rcu(pos))) {
		task = container_of(pos, struct task_struct, thread_node);
		if (READ_ONCE(task->flags) & PF_EXITING ||
		    vpool_members_has(members, task) != member)
			continue;
		found = get_task_struct(task);
		break;
	}
	rcu_read_unlock();
	if (last)
		put_task_struct(last);
	return found;
}

/**
 * vpool_target_is_live - tell whether a process has a thread that is not exiting
 * @of: any thread of the process; the caller holds a reference
 *
 * Context: any.
 * Return: true if there is one.
 */
bool vpool_target_is_live(struct task_struct *of)
{
	struct task_struct *task;
	bool live = false;

	rcu_read_lock();
	for_each_thread(of, task)
		live |= !(READ_ONCE(task->flags) & PF_EXITING);
	rcu_read_unlock();
	return live;
}
