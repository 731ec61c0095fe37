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
#include "cpuset.h"
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
 * @cpu: in: the CPU wanted, out: the one given; NULL if none is to be dedicated
 * @extack: told if it fails
 */
struct vpool_attach_call {
	struct vpool_member_set *members;
	u64 id;
	int *cpu;
	struct vpool_extack *extack;
};

static int vpool_members_gone(struct vpool_member_set *members,
			      struct vpool_extack *extack)
{
	return vpool_err(extack, -ENXIO, VPOOL_CODE_POOL_DESTROYED,
			 "pool '%s' has been destroyed", members->name);
}

static int vpool_task_gone(struct task_struct *task,
			   struct vpool_extack *extack)
{
	return vpool_err(extack, -ESRCH, VPOOL_CODE_TASK_EXITED,
			 "task %d has exited", task_pid_vnr(task));
}

static int vpool_too_many_members(struct vpool_member_set *members,
				  struct vpool_extack *extack)
{
	vpool_stat_inc(members->stat, VPOOL_STAT_LIMITED);
	return vpool_err(extack, -ENOSPC, VPOOL_CODE_TOO_MANY_MEMBERS,
			 "pool '%s' has %u members, and %u may be attached (max_members)",
			 members->name, members->nr, READ_ONCE(max_members));
}

/*
 * Make @task a member, and give it a CPU of its own if that was asked for. Sets @member
 * to NULL if it is used. Returns -EAGAIN, without a reason, for a task whose affinity
 * is just being restored because it has left a pool.
 */
static int vpool_attach_enter(struct vpool_attach_call *call,
			      struct task_struct *task,
			      struct vpool_member **member)
{
	struct vpool_member_set *members = call->members;
	struct vpool_member *old = vpool_member_find(task);
	int err;

	lockdep_assert_held(&vpool_member_lock);
	if (members->closed)
		return vpool_members_gone(members, call->extack);
	if (old && old->members && old->members != members)
		return vpool_err(call->extack, -EBUSY,
				 VPOOL_CODE_TASK_OTHER_POOL,
				 "task %d is a member of pool '%s'",
				 task_pid_vnr(task), old->members->name);
	if (old && old->unrestored)
		return -EAGAIN;
	if (old && !old->members) {
		vpool_leaver_forget(old);
		old = NULL;
	}
	if (old && !call->cpu)
		return 0;
	if (!old && members->nr >= READ_ONCE(max_members))
		return vpool_too_many_members(members, call->extack);
	err = call->cpu ? vpool_dedicate_check(members, old, call->cpu,
					       call->extack)
			: vpool_share_check(members, call->extack);
	if (err)
		return err;
	if (!old) {
		old = *member;
		*member = NULL;
		old->call = call->id;
		vpool_affinity_save(task, old);
		vpool_member_link(old, members, task);
	}
	if (call->cpu)
		vpool_dedicate(old, *call->cpu);
	return 0;
}

/* The membership of @task in @members, with references for vpool_member_done(). */
static struct vpool_member *vpool_member_of(struct vpool_member_set *members,
					    struct task_struct *task)
{
	struct vpool_member *member;

	raw_spin_lock(&vpool_member_lock);
	member = vpool_member_find(task);
	if (member && member->members == members) {
		vpool_member_get(member);
		get_task_struct(task);
	} else {
		member = NULL;
	}
	raw_spin_unlock(&vpool_member_lock);
	return member;
}

/* Restore a member's affinity, and end its membership after that. */
static void vpool_detach_member(struct vpool_member_set *members,
				struct vpool_member *member)
{
	bool linked;

	lockdep_assert_held(&members->moving);
	vpool_affinity_restore(member->task, member);
	raw_spin_lock(&vpool_member_lock);
	linked = vpool_member_unlink(member);
	if (linked)
		vpool_member_leave(member);
	raw_spin_unlock(&vpool_member_lock);
	if (linked)
		module_put(THIS_MODULE);
}

static bool vpool_detach_one(struct vpool_member_set *members,
			     struct task_struct *task)
{
	struct vpool_member *member = vpool_member_of(members, task);

	if (!member)
		return false;
	vpool_detach_member(members, member);
	vpool_member_done(member);
	return true;
}

static int vpool_attach_refused(struct vpool_attach_call *call,
				struct task_struct *task, int err)
{
	struct vpool_member_set *members = call->members;

	if (err == -EBUSY)
		return vpool_err(call->extack, err, VPOOL_CODE_TASK_DEADLINE,
				 "task %d is SCHED_DEADLINE, and was admitted to more CPUs than it would have in pool '%s'",
				 task_pid_vnr(task), members->name);
	if (err == -EINVAL)
		return vpool_err(call->extack, err, VPOOL_CODE_TASK_CPUSET,
				 "the cpuset of task %d has no CPU of pool '%s', only %*pbl",
				 task_pid_vnr(task), members->name,
				 cpumask_pr_args(members->allowed));
	if (err == -ENOMEM)
		return vpool_err(call->extack, err, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for the affinity of task %d",
				 task_pid_vnr(task));
	return vpool_err(call->extack, -ENODEV, VPOOL_CODE_POOL_CPUS_OFFLINE,
			 "no cpu of pool '%s' is online", members->name);
}

/* The mask of a new member, and those of all others if it has got a CPU. */
static int vpool_attach_settle(struct vpool_attach_call *call,
			       struct task_struct *task, bool added)
{
	struct vpool_member_set *members = call->members;
	struct vpool_member *member = vpool_member_of(members, task);
	int err;

	if (!member)
		return 0;
	err = vpool_affinity_apply(member, true);
	if (err)
		err = vpool_attach_refused(call, task, err);
	if (err && added)
		vpool_detach_member(members, member);
	else if (err && call->cpu)
		vpool_dedicate_undo(member);
	if (call->cpu)
		vpool_members_sync(members);
	vpool_member_done(member);
	return err;
}

static int vpool_attach_locked(struct vpool_attach_call *call,
			       struct task_struct *task)
{
	struct vpool_member *room = vpool_member_alloc();
	bool added;
	int err;

	lockdep_assert_held(&call->members->moving);
	if (!room)
		return vpool_err(call->extack, -ENOMEM,
				 VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for a member");
	/* Any CPU that is asked for is one of these. */
	if (call->cpu)
		vpool_cpuset_allowed(task, call->members->allowed);
	raw_spin_lock(&vpool_member_lock);
	err = vpool_attach_enter(call, task, &room);
	raw_spin_unlock(&vpool_member_lock);
	added = !room;
	vpool_member_free(room);
	if (err || !(added || call->cpu))
		return err;

	/* After the insertion: see the top of fork.c. */
	smp_mb();
	if (READ_ONCE(task->flags) & PF_EXITING) {
		vpool_fork_exit(task);
		return vpool_task_gone(task, call->extack);
	}
	return vpool_attach_settle(call, task, added);
}

static int vpool_attach_check(struct vpool_attach_call *call)
{
	struct vpool_member_set *members = call->members;
	bool closed, none, exiled;

	raw_spin_lock(&vpool_member_lock);
	closed = members->closed;
	none = cpumask_empty(members->cpus);
	exiled = members->exiled;
	raw_spin_unlock(&vpool_member_lock);
	if (closed)
		return vpool_members_gone(members, call->extack);
	if (none)
		return vpool_err(call->extack, -EINVAL,
				 VPOOL_CODE_POOL_WITHOUT_CPUS,
				 "pool '%s' has no CPUs", members->name);
	if (exiled)
		return vpool_err(
			call->extack, -ENODEV, VPOOL_CODE_POOL_CPUS_OFFLINE,
			"no cpu of pool '%s' is online", members->name);
	return 0;
}

static int vpool_attach_interrupted(struct vpool_attach_call *call)
{
	return vpool_err(call->extack, -EINTR, VPOOL_CODE_INTERRUPTED,
			 "the attach was interrupted");
}

/*
 * Attach one thread. The mutex is held for one thread at a time, so that a process
 * with many does not keep others waiting.
 */
static int vpool_attach_one(struct vpool_attach_call *call,
			    struct task_struct *task)
{
	int err = vpool_target_check(task, call->extack);

	if (!err && READ_ONCE(task->flags) & PF_EXITING)
		err = vpool_task_gone(task, call->extack);
	if (err)
		return err;
	do {
		if (mutex_lock_killable(&call->members->moving))
			return vpool_attach_interrupted(call);
		err = vpool_attach_check(call);
		if (!err)
			err = vpool_attach_locked(call, task);
		mutex_unlock(&call->members->moving);
		if (err == -EAGAIN)
			vpool_leavers_flush();
	} while (err == -EAGAIN);
	return err;
}

/* Is @task a member of @members? */
static bool vpool_is_member(struct vpool_member_set *members,
			    struct task_struct *task)
{
	struct vpool_member *member;
	bool is;

	rcu_read_lock();
	member = vpool_member_find(task);
	is = member && READ_ONCE(member->members) == members;
	rcu_read_unlock();
	return is;
}

/*
 * The next live thread of a process, in the order of its list, that is a member or
 * that is none. Takes over the reference on @last, which is NULL to begin; begins anew
 * if that thread has exited.
 */
static struct task_struct *vpool_next_thread(struct vpool_member_set *members,
					     struct task_struct *of,
					     struct task_struct *last,
					     bool member)
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
		    vpool_is_member(members, task) != member)
			continue;
		found = get_task_struct(task);
		break;
	}
	rcu_read_unlock();
	if (last)
		put_task_struct(last);
	return found;
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

/* One walk over the threads that are no members; counts those it attached in @nr. */
static int vpool_attach_threads(struct vpool_attach_call *call,
				struct task_struct *of, unsigned int *nr)
{
	struct task_struct *task = NULL;
	int err = 0;

	while (!err && (task = vpool_next_thread(call->members, of, task,
						 false))) {
		err = vpool_attach_one(call, task);
		/* One that has exited meanwhile is not missed. */
		if (READ_ONCE(task->flags) & PF_EXITING && err != -EINTR)
			err = 0;
		++*nr;
		if (!err && fatal_signal_pending(current))
			err = vpool_attach_interrupted(call);
		cond_resched();
	}
	if (task)
		put_task_struct(task);
	return err;
}

/*
 * Detach what a call that failed has attached: threads, and the children that they
 * forked since, which may have forked too.
 */
static void vpool_attach_rollback(struct vpool_attach_call *call)
{
	struct vpool_member_set *members = call->members;
	struct vpool_member *member;
	bool found;

	mutex_lock(&members->moving);
	do {
		found = false;
		members->pass++;
		while ((member = vpool_members_next(members))) {
			if (member->call == call->id) {
				vpool_detach_member(members, member);
				found = true;
			}
			vpool_member_done(member);
			cond_resched();
		}
	} while (found);
	mutex_unlock(&members->moving);
}

/* All or none. */
static int vpool_attach_process(struct vpool_attach_call *call,
				struct task_struct *of)
{
	unsigned int nr;
	int err;

	/* Threads that come while we walk are found by the next walk. */
	do {
		nr = 0;
		err = vpool_attach_threads(call, of, &nr);
	} while (!err && nr);
	if (err)
		vpool_attach_rollback(call);
	else if (!vpool_any_live(of))
		err = vpool_task_gone(of, call->extack);
	return err;
}

/**
 * vpool_member_attach - attach a task
 * @members: of the pool; the caller has a descriptor of it open
 * @task: the task, or a thread of the process
 * @process: attach all threads of its process
 * @cpu: NULL; or, to dedicate a CPU to the thread, in: the CPU, or -1 for any,
 *out: the one given. Not together with @process
 * @extack: told if it fails
 *
 * When it returns, every thread attached has its mask, and so have the members
 *that had to make room for a dedicated CPU. A child that was being forked
 *follows within moments.
 *
 * Context: sleeps; takes the set's moving mutex and vpool_member_lock.
 * Return: 0, -EINVAL if the pool has no CPUs, or not that one, or if a thread's
 * cpuset has none of them, -EBUSY if a thread belongs to another pool, no CPU
 *is left, or a SCHED_DEADLINE thread would lose a CPU, -ENODEV if none is
 *online, -ENXIO if the pool is being destroyed, -EPERM if the caller may not,
 *-ESRCH if the task has exited, -EINTR if the caller is killed, -ENOMEM. Then
 *no thread is attached.
 */
int vpool_member_attach(struct vpool_member_set *members,
			struct task_struct *task, bool process, int *cpu,
			struct vpool_extack *extack)
{
	struct vpool_attach_call call = {
		.members = members,
		.id = atomic64_inc_return(&vpool_calls),
		.cpu = cpu,
		.extack = extack,
	};
	int err;

	err = vpool_probe_get();
	if (err)
		return vpool_err(
			extack, err, VPOOL_CODE_NO_TRACEPOINTS,
			"the fork and exit tracepoints cannot be used");
	err = vpool_attach_check(&call);
	if (!err)
		err = process ? vpool_attach_process(&call, task) :
			vpool_attach_one(&call, task);
	vpool_probe_put();
	trace_vpool_attach(members->name, task->pid, err);
	vpool_audit_task("attach", members->name, task->pid, err);
	return err;
}

/* May the caller detach every member that is meant? */
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
		if (vpool_is_member(members, task))
			err = vpool_target_check(task, extack);
		if (err)
			break;
	}
	rcu_read_unlock();
	return err;
}

/* Returns how many threads were detached. */
static unsigned int vpool_detach_process(struct vpool_member_set *members,
					 struct task_struct *of)
{
	struct task_struct *task;
	unsigned int walk, nr = 0;

	/* Threads that come while we walk are found by the next walk. */
	do {
		task = NULL;
		walk = 0;
		while ((task = vpool_next_thread(members, of, task, true))) {
			walk += vpool_detach_one(members, task);
			cond_resched();
		}
		nr += walk;
	} while (walk);
	return nr;
}

/**
 * vpool_member_detach - detach a task
 * @members: of the pool
 * @task: the task, or a thread of the process
 * @process: detach all threads of its process that are members
 * @extack: told if it fails
 *
 * Context: sleeps; takes the set's moving mutex and vpool_member_lock.
 * Return: 0, -EPERM if the caller may not, -ESRCH if none of them is a member,
 * -EINTR if the caller is killed before anything was done.
 */
int vpool_member_detach(struct vpool_member_set *members,
			struct task_struct *task, bool process,
			struct vpool_extack *extack)
{
	unsigned int nr;
	int err;

	if (mutex_lock_killable(&members->moving))
		return vpool_err(extack, -EINTR, VPOOL_CODE_INTERRUPTED,
				 "the detach was interrupted");
	err = vpool_detach_check(members, task, process, extack);
	if (err)
		goto unlock;
	nr = process ? vpool_detach_process(members, task) :
		vpool_detach_one(members, task);
	/* A CPU of their own, if they had one, is the others' now. */
	vpool_members_sync(members);
	if (!nr)
		err = vpool_err(extack, -ESRCH, VPOOL_CODE_TASK_NOT_MEMBER,
				"task %d is no member of pool '%s'",
				task_pid_vnr(task), members->name);
unlock:
	mutex_unlock(&members->moving);
	vpool_audit_task("detach", members->name, task->pid, err);
	return err;
}

/**
 * vpool_members_close - let no task attach any more
 * @members: of the pool
 * @force: detach those that are attached
 *
 * Children that are being forked meanwhile are no members; see fork.c.
 *
 * Context: sleeps; takes the set's moving mutex and vpool_member_lock.
 * Return: false, with nothing changed, if there are members and @force is not
 * given.
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
	mutex_lock(&members->moving);
	members->pass++;
	while ((member = vpool_members_next(members))) {
		vpool_detach_member(members, member);
		vpool_member_done(member);
		cond_resched();
	}
	mutex_unlock(&members->moving);
	cancel_delayed_work_sync(&members->enforce);
	vpool_leavers_flush();
	return true;
}
