// SPDX-License-Identifier: GPL-2.0
/*
 * Whom a call to attach or detach means, and whether the caller may do that.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "compat.h"
#include "member.h"

/* The pid of a process, or of a thread for a pidfd of one; with a reference. */
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
		  "descriptor %d is no pidfd", pidfd);
	return ERR_PTR(-EBADF);
}

/* A thread by its number, if it is of the process @pid. */
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
			  "the pidfd names thread %d, not a process",
			  pid_vnr(pid));
		return ERR_PTR(-EINVAL);
	}
	vpool_err(extack, -ESRCH, VPOOL_CODE_TASK_EXITED,
		  "the process of that pidfd is gone");
	return ERR_PTR(-ESRCH);
}

/**
 * vpool_target_get - find the task that a call names
 * @pidfd: of a process or thread, or VPOOL_SELF
 * @tid: a thread of that process in the caller's pid namespace, or 0
 * @process: the process is meant, with all its threads
 * @extack: told if there is none
 *
 * Return: the thread, or one of the process; with a reference. Or an ERR_PTR of
 * -EBADF for what is no pidfd, -ESRCH for who is gone, -EINVAL for a pidfd of a
 * thread where a process is meant.
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

static bool vpool_same_owner(struct task_struct *task)
{
	const struct cred *mine = current_cred(), *its = __task_cred(task);

	return uid_eq(mine->euid, its->euid) || uid_eq(mine->euid, its->uid);
}

static bool vpool_may_schedule(struct task_struct *task)
{
	bool may;

	rcu_read_lock();
	may = vpool_same_owner(task) ||
		ns_capable(__task_cred(task)->user_ns, CAP_SYS_NICE);
	rcu_read_unlock();
	return may;
}

/* Threads that the kernel makes in a process are that process's all the same. */
static bool vpool_is_bound(struct task_struct *task)
{
	return task->flags & PF_NO_SETAFFINITY &&
		!(task->flags & (PF_IO_WORKER | PF_USER_WORKER));
}

/**
 * vpool_target_check - may the caller decide where a task runs?
 * @task: which; the caller itself always may
 * @extack: told if not
 *
 * The rule of sched_setaffinity(2).
 *
 * Return: 0, -EPERM if it is another user's, -EINVAL if nobody may.
 */
int vpool_target_check(struct task_struct *task, struct vpool_extack *extack)
{
	if (task == current)
		return 0;
	if (task->flags & PF_KTHREAD)
		return vpool_err(extack, -EINVAL, VPOOL_CODE_TASK_KTHREAD,
				 "task %d (%s) is a kernel thread",
				 task_pid_vnr(task), task->comm);
	if (vpool_is_bound(task))
		return vpool_err(
			extack, -EINVAL, VPOOL_CODE_TASK_BOUND,
			"task %d (%s) is bound to its CPUs by the kernel",
			task_pid_vnr(task), task->comm);
	if (vpool_may_schedule(task))
		return 0;
	return vpool_err(
		extack, -EPERM, VPOOL_CODE_TASK_FOREIGN,
		"task %d (%s) is another user's, and that needs CAP_SYS_NICE",
		task_pid_vnr(task), task->comm);
}
