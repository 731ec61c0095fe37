// SPDX-License-Identifier: GPL-2.0
/*
 * Attaching and detaching tasks by call.
 */
#include <linux/atomic.h>
#include <linux/moduleparam.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "audit.h"
#include "cpus.h"
#include "dedicate.h"
#include "member.h"
#include "trace.h"

/* Their children are members beyond that, as far as there may be processes. */
static uint max_members = 65536;
module_param(max_members, uint, 0644);
MODULE_PARM_DESC(max_members,
		 "members that a pool may have for another task to be attached");

/* Attaches so far; the first is 1. */
static atomic64_t vpool_calls = ATOMIC64_INIT(0);

/**
 * struct vpool_attach_call - one call
 * @members: of the pool
 * @id: its number
 * @cpu: where the CPU that is wanted stands, and goes to; NULL if none is to be
 *	dedicated
 * @why: told if it fails
 */
struct vpool_attach_call {
	struct vpool_member_set *members;
	u64 id;
	int *cpu;
	struct vpool_why *why;
};

static int vpool_members_gone(struct vpool_member_set *members,
			      struct vpool_why *why)
{
	return vpool_fail(why, -ENXIO, "pool '%s' has been destroyed",
			  members->name);
}

static int vpool_task_gone(struct task_struct *task, struct vpool_why *why)
{
	return vpool_fail(why, -ESRCH, "task %d has exited",
			  task_pid_vnr(task));
}

static int vpool_too_many_members(struct vpool_member_set *members,
				  struct vpool_why *why)
{
	vpool_stat_inc(members->stat, VPOOL_STAT_LIMITED);
	return vpool_fail(why, -ENOSPC,
			  "pool '%s' has %u members, and %u may be attached (max_members)",
			  members->name, members->nr, READ_ONCE(max_members));
}

/*
 * Enters @task, and gives it a CPU of its own if that was asked for. Sets @member
 * to NULL if it is used.
 */
static int vpool_member_enter(struct vpool_attach_call *call,
			      struct task_struct *task,
			      struct vpool_member **member)
{
	struct vpool_member_set *members = call->members;
	struct vpool_member *old = vpool_member_find(task);
	int err;

	lockdep_assert_held(&vpool_member_lock);
	if (members->closed)
		return vpool_members_gone(members, call->why);
	if (old && old->members != members)
		return vpool_fail(call->why, -EBUSY,
				  "task %d is a member of pool '%s'",
				  task_pid_vnr(task), old->members->name);
	if (old && !call->cpu)
		return 0;
	if (!old && members->nr >= READ_ONCE(max_members))
		return vpool_too_many_members(members, call->why);
	err = call->cpu ?
		vpool_dedicate_check(members, old, call->cpu, call->why) :
		vpool_share_check(members, call->why);
	if (err)
		return err;
	if (!old) {
		old = *member;
		*member = NULL;
		old->call = call->id;
		vpool_task_save(task, old);
		vpool_member_link(old, members, task);
	}
	if (call->cpu)
		vpool_dedicate(old, *call->cpu);
	return 0;
}

/* The mask of a new member, and those of all others if it has a CPU. */
static int vpool_member_settle(struct vpool_attach_call *call,
			       struct task_struct *task)
{
	struct vpool_member_set *members = call->members;
	struct vpool_member *member;
	int err = 0;

	if (call->cpu) {
		if (!vpool_members_follow(members))
			vpool_cpus_settle_later();
		return 0;
	}
	spin_lock(&vpool_member_lock);
	member = vpool_member_find(task);
	if (member)
		refcount_inc(&member->ref);
	spin_unlock(&vpool_member_lock);
	if (!member)
		return 0;
	err = vpool_member_set(member);
	vpool_member_put(member);
	return err;
}

static void vpool_detach_one(struct vpool_member_set *members,
			     struct task_struct *task)
{
	struct vpool_member *member;
	bool linked;

	lockdep_assert_held(&members->moving);
	spin_lock(&vpool_member_lock);
	member = vpool_member_find(task);
	if (!member || member->members != members) {
		spin_unlock(&vpool_member_lock);
		return;
	}
	refcount_inc(&member->ref);
	spin_unlock(&vpool_member_lock);

	vpool_task_restore(task, member);

	spin_lock(&vpool_member_lock);
	linked = vpool_member_unlink(member);
	spin_unlock(&vpool_member_lock);
	if (linked)
		vpool_member_put(member);
	vpool_member_put(member);
}

static int vpool_attach_one(struct vpool_attach_call *call,
			    struct task_struct *task)
{
	struct vpool_member *room = vpool_member_alloc(GFP_KERNEL);
	bool added;
	int err;

	spin_lock(&vpool_member_lock);
	err = vpool_member_enter(call, task, &room);
	spin_unlock(&vpool_member_lock);
	added = !room;
	vpool_member_free(room);
	if (err || !(added || call->cpu))
		return err;

	/* After the insertion: see the top of member.c. */
	smp_mb();
	if (READ_ONCE(task->flags) & PF_EXITING) {
		vpool_member_remove(task);
		return vpool_task_gone(task, call->why);
	}
	err = vpool_member_settle(call, task);
	if (!err)
		return 0;
	if (added)
		vpool_detach_one(call->members, task);
	return vpool_fail(call->why, -ENODEV, "no cpu of pool '%s' is online",
			  call->members->name);
}

/* Which call made @task a member of @members, 0 if it is none. */
static u64 vpool_member_call(struct vpool_member_set *members,
			     struct task_struct *task)
{
	struct vpool_member *member;
	u64 call = 0;

	rcu_read_lock();
	member = vpool_member_find(task);
	if (member && member->members == members)
		call = member->call;
	rcu_read_unlock();
	return call;
}

static bool vpool_is_stranger(u64 call, u64 unused)
{
	return !call;
}

static bool vpool_is_member(u64 call, u64 unused)
{
	return call;
}

static bool vpool_is_of_call(u64 call, u64 which)
{
	return call == which;
}

/* A live thread of @of's process for which @wanted holds, or NULL. */
static struct task_struct *vpool_find_thread(struct vpool_member_set *members,
					     struct task_struct *of,
					     bool (*wanted)(u64 call, u64 arg),
					     u64 arg)
{
	struct task_struct *task;

	rcu_read_lock();
	for_each_thread(of, task) {
		if (READ_ONCE(task->flags) & PF_EXITING ||
		    !wanted(vpool_member_call(members, task), arg))
			continue;
		get_task_struct(task);
		rcu_read_unlock();
		return task;
	}
	rcu_read_unlock();
	return NULL;
}

static bool vpool_any_live(struct task_struct *of)
{
	struct task_struct *task;
	bool live = false;

	rcu_read_lock();
	for_each_thread(of, task)
		live |= !(READ_ONCE(task->flags) & PF_EXITING);
	rcu_read_unlock();
	return live;
}

/* All or none: threads that were added before one fails are detached. */
static int vpool_attach_process(struct vpool_attach_call *call,
				struct task_struct *of)
{
	struct vpool_member_set *members = call->members;
	struct task_struct *task;
	int err = 0;

	while (!err && (task = vpool_find_thread(members, of,
						 vpool_is_stranger, 0))) {
		err = vpool_target_check(task, call->why);
		if (!err)
			err = vpool_attach_one(call, task);
		/* One that has exited meanwhile is not missed. */
		if (READ_ONCE(task->flags) & PF_EXITING)
			err = 0;
		put_task_struct(task);
		cond_resched();
	}
	while (err && (task = vpool_find_thread(members, of, vpool_is_of_call,
						call->id))) {
		vpool_detach_one(members, task);
		put_task_struct(task);
	}
	if (!err && !vpool_any_live(of))
		return vpool_task_gone(of, call->why);
	return err;
}

static int vpool_attach_thread(struct vpool_attach_call *call,
			       struct task_struct *task)
{
	int err = vpool_target_check(task, call->why);

	if (err)
		return err;
	if (READ_ONCE(task->flags) & PF_EXITING)
		return vpool_task_gone(task, call->why);
	return vpool_attach_one(call, task);
}

/* With the members' moving mutex held. */
static int vpool_attach_any(struct vpool_attach_call *call,
			    struct task_struct *task, bool process)
{
	struct vpool_member_set *members = call->members;

	if (READ_ONCE(members->closed))
		return vpool_members_gone(members, call->why);
	if (cpumask_empty(members->cpus))
		return vpool_fail(call->why, -EINVAL, "pool '%s' has no CPUs",
				  members->name);
	if (members->exiled)
		return vpool_fail(call->why, -ENODEV,
				  "no cpu of pool '%s' is online",
				  members->name);
	return process ? vpool_attach_process(call, task) :
		vpool_attach_thread(call, task);
}

/**
 * vpool_member_attach - attach a task
 * @members: of the pool; the caller has a descriptor of it open
 * @task: which, or a thread of the process
 * @process: with all threads of its process
 * @cpu: NULL; or to give it a CPU of its own: the one wanted, or -1 for any; set
 *	to the one it has. Not for a process
 * @why: told if it fails
 *
 * When it returns, every thread attached, and every one forked by them so far,
 * has its mask; and those that had to make room, too.
 *
 * Context: sleeps; takes vpool_probe_lock, the members' moving mutex and
 * vpool_member_lock.
 * Return: 0, -EINVAL if the pool has no CPUs, or not that one, -EBUSY if a thread
 * belongs to another pool or no CPU is left, -ENODEV if none is online, -ENXIO if
 * the pool is going, -EPERM if the caller may not, -ESRCH if there is no such task
 * any more.
 */
int vpool_member_attach(struct vpool_member_set *members,
			struct task_struct *task, bool process, int *cpu,
			struct vpool_why *why)
{
	struct vpool_attach_call call = {
		.members = members,
		.id = atomic64_inc_return(&vpool_calls),
		.cpu = cpu,
		.why = why,
	};
	int err;

	err = vpool_probe_get();
	if (err)
		return vpool_fail(why, err,
				  "the fork and exit tracepoints cannot be used");
	mutex_lock(&members->moving);
	err = vpool_attach_any(&call, task, process);
	mutex_unlock(&members->moving);
	vpool_probe_put();
	trace_vpool_attach(members->name, task->pid, err);
	vpool_audit_task("attach", members->name, task->pid, err);
	return err;
}

/* May the caller do that to every member that is meant? */
static int vpool_detach_check(struct vpool_member_set *members,
			      struct task_struct *of, bool process,
			      struct vpool_why *why)
{
	struct task_struct *task;
	int err = 0;

	if (!process)
		return vpool_target_check(of, why);
	rcu_read_lock();
	for_each_thread(of, task) {
		if (vpool_member_call(members, task))
			err = vpool_target_check(task, why);
		if (err)
			break;
	}
	rcu_read_unlock();
	return err;
}

/* How many there were. */
static unsigned int vpool_detach_any(struct vpool_member_set *members,
				     struct task_struct *of, bool process)
{
	struct task_struct *task;
	unsigned int nr = 0;

	if (!process) {
		nr = !!vpool_member_call(members, of);
		vpool_detach_one(members, of);
		return nr;
	}
	while ((task = vpool_find_thread(members, of, vpool_is_member, 0))) {
		vpool_detach_one(members, task);
		put_task_struct(task);
		nr++;
	}
	return nr;
}

/* What the CPUs of those who left are good for again. */
static void vpool_members_reshare(struct vpool_member_set *members)
{
	spin_lock(&vpool_member_lock);
	vpool_members_round(members);
	spin_unlock(&vpool_member_lock);
	vpool_members_follow(members);
}

/**
 * vpool_member_detach - detach a task
 * @members: of the pool
 * @task: which, or a thread of the process
 * @process: with all threads of its process that are members
 * @why: told if it fails
 *
 * Context: sleeps; takes the members' moving mutex and vpool_member_lock.
 * Return: 0, -EPERM if the caller may not, or -ESRCH if there is nothing to detach.
 */
int vpool_member_detach(struct vpool_member_set *members,
			struct task_struct *task, bool process,
			struct vpool_why *why)
{
	unsigned int nr, nr_dedicated;
	int err;

	mutex_lock(&members->moving);
	err = vpool_detach_check(members, task, process, why);
	if (err)
		goto unlock;
	nr_dedicated = READ_ONCE(members->nr_dedicated);
	nr = vpool_detach_any(members, task, process);
	if (READ_ONCE(members->nr_dedicated) != nr_dedicated)
		vpool_members_reshare(members);
	if (!nr)
		err = vpool_fail(why, -ESRCH,
				 "task %d is no member of pool '%s'",
				 task_pid_vnr(task), members->name);
unlock:
	mutex_unlock(&members->moving);
	vpool_audit_task("detach", members->name, task->pid, err);
	return err;
}

static struct task_struct *vpool_members_first(struct vpool_member_set *members)
{
	struct task_struct *task = NULL;
	struct vpool_member *member;

	spin_lock(&vpool_member_lock);
	member = list_first_entry_or_null(&members->list, struct vpool_member,
					  link);
	if (member)
		task = get_task_struct(member->task);
	spin_unlock(&vpool_member_lock);
	return task;
}

/**
 * vpool_members_close - let nobody attach any more
 * @members: of the pool
 * @force: detach those that are
 *
 * Context: sleeps; takes the members' moving mutex and vpool_member_lock; waits for
 * who holds the CPU hotplug lock.
 * Return: false, with nothing changed, if there are members and @force is not
 * given.
 */
bool vpool_members_close(struct vpool_member_set *members, bool force)
{
	struct task_struct *task;
	bool closed;

	spin_lock(&vpool_member_lock);
	closed = !members->nr || force;
	if (closed)
		WRITE_ONCE(members->closed, true);
	spin_unlock(&vpool_member_lock);
	if (!closed)
		return false;
	mutex_lock(&members->moving);
	while ((task = vpool_members_first(members))) {
		vpool_detach_one(members, task);
		put_task_struct(task);
		cond_resched();
	}
	mutex_unlock(&members->moving);
	cancel_delayed_work_sync(&members->look);
	return true;
}
