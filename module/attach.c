// SPDX-License-Identifier: GPL-2.0
/*
 * Attach tasks to a pool.
 *
 * The threads of a process are attached one by one. If one of them cannot be attached,
 * the call detaches those before it. So a call attaches all threads or none.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "affinity.h"
#include "attach.h"
#include "audit.h"
#include "budget.h"
#include "cpuset.h"
#include "dedicate.h"
#include "departed.h"
#include "detach.h"
#include "enforce.h"
#include "extack.h"
#include "fork.h"
#include "member_set.h"
#include "probes.h"
#include "target.h"
#include "trace.h"

/*
 * Children of members may exceed this, up to the limit on processes. Those of a user who
 * has more than the pool allows each user do not count.
 */
static uint max_members = 65536;
module_param(max_members, uint, 0644);
MODULE_PARM_DESC(max_members,
		 "limit on the members of a pool for attach calls; forks may exceed it");

/* Number of attach calls so far; the first call is 1. */
static atomic64_t vpool_attach_calls = ATOMIC64_INIT(0);

/**
 * struct vpool_attach_call - one attach call
 * @members: members of the pool
 * @id: number of the call
 * @cpu: NULL to dedicate no CPU; or in: number of the requested CPU, -1 for any; out:
 *	number of the chosen CPU
 * @spare: a user for the members' budget, or NULL if the budget has taken it
 * @extack: message of a failed call, or NULL
 */
struct vpool_attach_call {
	struct vpool_member_set *members;
	u64 id;
	int *cpu;
	struct vpool_user *spare;
	struct vpool_extack *extack;
};

static int vpool_attach_closed(struct vpool_attach_call *call)
{
	return vpool_err(call->extack, -ENXIO, VPOOL_CODE_POOL_DESTROYED,
			 "pool '%s' has been destroyed", call->members->name);
}

static int vpool_attach_exited(struct vpool_attach_call *call,
			       struct task_struct *task)
{
	return vpool_err(call->extack, -ESRCH, VPOOL_CODE_TASK_EXITED,
			 "task %d has exited", task_pid_vnr(task));
}

static int vpool_attach_interrupted(struct vpool_attach_call *call)
{
	return vpool_err(call->extack, -EINTR, VPOOL_CODE_INTERRUPTED,
			 "the attach was interrupted");
}

static int vpool_attach_no_cpu_online(struct vpool_attach_call *call)
{
	return vpool_err(call->extack, -ENODEV, VPOOL_CODE_POOL_CPUS_OFFLINE,
			 "no cpu of pool '%s' is online", call->members->name);
}

static int vpool_attach_too_many(struct vpool_attach_call *call)
{
	struct vpool_member_set *members = call->members;

	vpool_stat_inc(members->stat, VPOOL_STAT_LIMITED);
	return vpool_err(call->extack, -ENOSPC, VPOOL_CODE_TOO_MANY_MEMBERS,
			 "pool '%s' has %u members, but at most %u can be attached (max_members)",
			 members->name, members->nr, READ_ONCE(max_members));
}

/* Check that a CPU is left; @old is the task's membership of the pool, or NULL. */
static int vpool_attach_check_cpu(struct vpool_attach_call *call,
				  const struct vpool_member *old)
{
	if (!call->cpu)
		return vpool_dedicate_check_shared(call->members, call->extack);
	return vpool_dedicate_check(call->members, old, call->cpu,
				    call->extack);
}

/* Make @task, which has no entry in the table, a member. */
static int vpool_attach_link(struct vpool_attach_call *call,
			     struct task_struct *task,
			     struct vpool_member *member)
{
	struct vpool_member_set *members = call->members;
	struct vpool_user *user;

	user = vpool_budget_attach(members->budget, vpool_budget_uid(task),
				   &call->spare, call->extack);
	if (IS_ERR(user))
		return PTR_ERR(user);
	member->attach_id = call->id;
	vpool_affinity_save(task, member);
	vpool_members_link(members, member, task, user);
	return 0;
}

/*
 * Make @task a member, and dedicate a CPU to it if the call says so. Set *@member to
 * NULL if the table takes it over. Return -EAGAIN, without a message, for a departed
 * task whose affinity is being restored.
 */
static int vpool_attach_insert(struct vpool_attach_call *call,
			       struct task_struct *task,
			       struct vpool_member **member)
{
	struct vpool_member_set *members = call->members;
	struct vpool_member *old = vpool_member_find(task);
	int err;

	lockdep_assert_held(&vpool_member_lock);
	if (members->closed)
		return vpool_attach_closed(call);
	if (old && old->members && old->members != members)
		return vpool_err(call->extack, -EBUSY,
				 VPOOL_CODE_TASK_OTHER_POOL,
				 "task %d is a member of pool '%s'",
				 task_pid_vnr(task), old->members->name);
	if (old && old->unrestored)
		return -EAGAIN;
	if (old && !old->members) {
		vpool_departed_forget(old);
		old = NULL;
	}
	if (old && !call->cpu)
		return 0;
	if (!old && members->nr - vpool_budget_members_over(members->budget) >=
		    READ_ONCE(max_members))
		return vpool_attach_too_many(call);
	err = vpool_attach_check_cpu(call, old);
	if (!err && !old) {
		old = *member;
		err = vpool_attach_link(call, task, old);
		if (!err)
			*member = NULL;
	}
	if (err)
		return err;
	if (call->cpu)
		vpool_dedicate(old, *call->cpu);
	return 0;
}

/* Store the message, and return the errno, of a failed vpool_affinity_apply(). */
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
	return vpool_attach_no_cpu_online(call);
}

/* Set the mask of @task, and those of the other members if a CPU was dedicated. */
static int vpool_attach_apply(struct vpool_attach_call *call,
			      struct task_struct *task, bool added)
{
	struct vpool_member_set *members = call->members;
	struct vpool_member *member = vpool_members_find(members, task);
	int err;

	if (!member)
		return 0;
	err = vpool_affinity_apply(member, true);
	if (err)
		err = vpool_attach_refused(call, task, err);
	if (err && added)
		vpool_detach(members, member);
	else if (err && call->cpu)
		vpool_dedicate_undo(member);
	if (call->cpu)
		vpool_members_sync(members);
	vpool_member_put_task(member);
	return err;
}

static int vpool_attach_no_memory(struct vpool_attach_call *call,
				  struct vpool_member *member)
{
	vpool_member_free(member);
	return vpool_err(call->extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
			 "no kernel memory for a member");
}

static int vpool_attach_locked(struct vpool_attach_call *call,
			       struct task_struct *task)
{
	struct vpool_member *member = vpool_member_alloc();
	bool added;
	int err;

	lockdep_assert_held(&call->members->affinity_mutex);
	if (!call->spare)
		call->spare = vpool_budget_alloc_user();
	if (!member || !call->spare)
		return vpool_attach_no_memory(call, member);
	/* vpool_dedicate_check() prefers a CPU of this mask. */
	if (call->cpu)
		vpool_cpuset_allowed(task, call->members->allowed);
	raw_spin_lock(&vpool_member_lock);
	err = vpool_attach_insert(call, task, &member);
	raw_spin_unlock(&vpool_member_lock);
	added = !member;
	vpool_member_free(member);
	if (err || !(added || call->cpu))
		return err;

	/* Read PF_EXITING after the insertion: see the top of fork.c. */
	smp_mb();
	if (READ_ONCE(task->flags) & PF_EXITING) {
		vpool_fork_exit(task);
		return vpool_attach_exited(call, task);
	}
	return vpool_attach_apply(call, task, added);
}

static int vpool_attach_check(struct vpool_attach_call *call)
{
	struct vpool_member_set *members = call->members;
	bool closed, none, all_offline;

	raw_spin_lock(&vpool_member_lock);
	closed = members->closed;
	none = cpumask_empty(members->cpus);
	all_offline = members->all_offline;
	raw_spin_unlock(&vpool_member_lock);
	if (closed)
		return vpool_attach_closed(call);
	if (none)
		return vpool_err(call->extack, -EINVAL,
				 VPOOL_CODE_POOL_WITHOUT_CPUS,
				 "pool '%s' has no CPUs", members->name);
	if (all_offline)
		return vpool_attach_no_cpu_online(call);
	return 0;
}

/*
 * Attach one thread. The mutex is held for one thread at a time, so that a process
 * with many threads does not delay other callers.
 */
static int vpool_attach_one(struct vpool_attach_call *call,
			    struct task_struct *task)
{
	int err = vpool_target_check(task, call->extack);

	if (!err && READ_ONCE(task->flags) & PF_EXITING)
		err = vpool_attach_exited(call, task);
	if (err)
		return err;
	do {
		if (mutex_lock_killable(&call->members->affinity_mutex))
			return vpool_attach_interrupted(call);
		err = vpool_attach_check(call);
		if (!err)
			err = vpool_attach_locked(call, task);
		mutex_unlock(&call->members->affinity_mutex);
		if (err == -EAGAIN)
			vpool_departed_flush();
	} while (err == -EAGAIN);
	return err;
}

/*
 * Walk once over the threads that are not members, and attach them. Count them in @nr.
 */
static int vpool_attach_threads(struct vpool_attach_call *call,
				struct task_struct *of, unsigned int *nr)
{
	struct task_struct *task = NULL;
	int err = 0;

	while (!err && (task = vpool_target_next(call->members, of, task,
						 false))) {
		err = vpool_attach_one(call, task);
		/* A thread that exits during its attach is no failure. */
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
 * Detach what a failed call has attached: threads, and the children that they have
 * forked since. These may fork during a walk, so walk until none is found.
 */
static void vpool_attach_rollback(struct vpool_attach_call *call)
{
	struct vpool_member_set *members = call->members;
	struct vpool_member *member;
	bool found;

	mutex_lock(&members->affinity_mutex);
	do {
		found = false;
		members->pass++;
		while ((member = vpool_members_next(members))) {
			if (member->attach_id == call->id) {
				vpool_detach(members, member);
				found = true;
			}
			vpool_member_put_task(member);
			cond_resched();
		}
	} while (found);
	mutex_unlock(&members->affinity_mutex);
}

/* Attach all threads of a process, or none. */
static int vpool_attach_process(struct vpool_attach_call *call,
				struct task_struct *of)
{
	unsigned int nr;
	int err;

	/* The next walk finds threads that are forked during this one. */
	do {
		nr = 0;
		err = vpool_attach_threads(call, of, &nr);
	} while (!err && nr);
	if (err)
		vpool_attach_rollback(call);
	else if (!vpool_target_is_live(of))
		err = vpool_attach_exited(call, of);
	return err;
}

/**
 * vpool_member_attach - attach a task or a process
 * @members: members of the pool; the caller has a descriptor of the pool open
 * @task: the task, or any thread of the process; the caller holds a reference
 * @process: attach all threads of the process; then @cpu must be NULL
 * @cpu: NULL to dedicate no CPU; or in: number of the requested CPU, -1 for any; out:
 *	number of the dedicated CPU
 * @extack: message of a failed call, or NULL
 *
 * On return the mask of every attached thread is set. So are the masks of the members
 * that had to leave a dedicated CPU. The mask of a child whose fork is in progress is
 * set within moments.
 *
 * Context: sleeps; takes affinity_mutex and vpool_member_lock.
 * Return: 0; or, with no thread attached: -EINVAL if the pool has no CPUs, if it lacks
 * the requested one, or if a thread's cpuset allows none of its CPUs; -EBUSY if a
 * thread is a member of another pool, no CPU is left, or a SCHED_DEADLINE thread would
 * lose a CPU; -ENODEV if no CPU of the pool is online; -ENOSPC if the pool has
 * max_members members; -EDQUOT if the user of a thread has as many as the pool allows;
 * -ENXIO if the pool is being destroyed; -EPERM if the caller may not set the affinity of
 * a thread; -ESRCH if the task has exited; -EINTR if the caller is killed; or -ENOMEM.
 */
int vpool_member_attach(struct vpool_member_set *members,
			struct task_struct *task, bool process, int *cpu,
			struct vpool_extack *extack)
{
	struct vpool_attach_call call = {
		.members = members,
		.id = atomic64_inc_return(&vpool_attach_calls),
		.cpu = cpu,
		.extack = extack,
	};
	int err;

	err = vpool_probe_get();
	if (err)
		return vpool_err(extack, err, VPOOL_CODE_NO_TRACEPOINTS,
				 "the fork and exit tracepoints cannot be used");
	err = vpool_attach_check(&call);
	if (!err)
		err = process ? vpool_attach_process(&call, task) :
			vpool_attach_one(&call, task);
	vpool_probe_put();
	if (members->budget)
		vpool_budget_trim(members->budget);
	kfree(call.spare);
	trace_vpool_attach(members->name, task->pid, err);
	vpool_audit_task("attach", members->name, task->pid, err);
	return err;
}
