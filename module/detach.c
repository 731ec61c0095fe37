// SPDX-License-Identifier: GPL-2.0
/*
 * Detach tasks from their pool: by a call, or because the pool is destroyed.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>

#include "affinity.h"
#include "audit.h"
#include "departed.h"
#include "detach.h"
#include "enforce.h"
#include "extack.h"
#include "member_set.h"
#include "target.h"

/**
 * vpool_detach - restore a member's affinity, then end its membership
 * @members: members of the pool
 * @member: a member; the caller holds references on it and on its task
 *
 * The caller must call vpool_members_sync() if the member had a dedicated CPU and
 * the other members should use that CPU at once.
 *
 * Context: sleeps; affinity_mutex held; takes vpool_member_lock.
 */
void vpool_detach(struct vpool_member_set *members, struct vpool_member *member)
{
	bool linked;

	lockdep_assert_held(&members->affinity_mutex);
	/*
	 * vpool has not set the mask of this child yet. The fork copied it from the parent
	 * before or after a change, and user_cpus_ptr does not tell which.
	 */
	if (!READ_ONCE(member->generation))
		vpool_affinity_apply(member, false);
	vpool_affinity_restore(member->task, member);
	raw_spin_lock(&vpool_member_lock);
	linked = vpool_members_unlink(member);
	if (linked)
		vpool_departed_add(member);
	raw_spin_unlock(&vpool_member_lock);
	if (linked)
		module_put(THIS_MODULE);
}

/* Return true if @task was a member. */
static bool vpool_detach_one(struct vpool_member_set *members,
			     struct task_struct *task)
{
	struct vpool_member *member = vpool_members_find(members, task);

	if (!member)
		return false;
	vpool_detach(members, member);
	vpool_member_put_task(member);
	return true;
}

/* Detach all threads of a process. Return false if none was a member. */
static bool vpool_detach_process(struct vpool_member_set *members,
				 struct task_struct *of)
{
	struct task_struct *task;
	bool again, any = false;

	/* The next walk finds threads that are forked during this one. */
	do {
		task = NULL;
		again = false;
		while ((task = vpool_target_next(members, of, task, true))) {
			again |= vpool_detach_one(members, task);
			cond_resched();
		}
		any |= again;
	} while (again);
	return any;
}

/* Check that the caller may detach every thread that the call names. */
static int vpool_detach_check(struct vpool_member_set *members,
			      struct task_struct *of, bool process,
			      struct vpool_extack *extack)
{
	struct task_struct *task;
	int err = 0;

	if (!process)
		return vpool_target_check(of, extack);
	rcu_read_lock();
	for_each_thread(of, task) {
		if (vpool_members_has(members, task))
			err = vpool_target_check(task, extack);
		if (err)
			break;
	}
	rcu_read_unlock();
	return err;
}

/**
 * vpool_member_detach - detach a task or a process
 * @members: members of the pool
 * @task: the task, or any thread of the process; the caller holds a reference
 * @process: detach all threads of the process that are members
 * @extack: message of a failed call, or NULL
 *
 * Context: sleeps; takes affinity_mutex and vpool_member_lock.
 * Return: 0; or, with nothing changed: -EPERM if the caller may not set the affinity of
 * a thread, -ESRCH if no thread is a member, or -EINTR if the caller is killed.
 */
int vpool_member_detach(struct vpool_member_set *members,
			struct task_struct *task, bool process,
			struct vpool_extack *extack)
{
	bool any;
	int err;

	if (mutex_lock_killable(&members->affinity_mutex))
		return vpool_err(extack, -EINTR, VPOOL_CODE_INTERRUPTED,
				 "the detach was interrupted");
	err = vpool_detach_check(members, task, process, extack);
	if (err)
		goto unlock;
	any = process ? vpool_detach_process(members, task) :
		vpool_detach_one(members, task);
	/* The other members may use a CPU that was dedicated. */
	vpool_members_sync(members);
	if (!any)
		err = vpool_err(extack, -ESRCH, VPOOL_CODE_TASK_NOT_MEMBER,
				"task %d is not a member of pool '%s'",
				task_pid_vnr(task), members->name);
unlock:
	mutex_unlock(&members->affinity_mutex);
	vpool_audit_task("detach", members->name, task->pid, err);
	return err;
}

/**
 * vpool_members_close - end all memberships and refuse new ones
 * @members: members of the pool
 * @force: detach the members that the pool has
 *
 * A child whose fork ends later does not become a member; see departed.c.
 *
 * Context: sleeps; takes affinity_mutex and vpool_member_lock.
 * Return: false, with nothing changed, if there are members and @force is false.
 */
bool vpool_members_close(struct vpool_member_set *members, bool force)
{
	struct vpool_member *member;
	bool closed;

	raw_spin_lock(&vpool_member_lock);
	closed = !members->nr || force;
	if (closed)
		WRITE_ONCE(members->closed, true);
	raw_spin_unlock(&vpool_member_lock);
	if (!closed)
		return false;
	mutex_lock(&members->affinity_mutex);
	members->pass++;
	while ((member = vpool_members_next(members))) {
		vpool_detach(members, member);
		vpool_member_put_task(member);
		cond_resched();
	}
	mutex_unlock(&members->affinity_mutex);
	cancel_delayed_work_sync(&members->enforce);
	vpool_departed_flush();
	return true;
}
