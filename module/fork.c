// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks that fork and exit, and tasks that have left their pool.
 *
 * The probes only record. A child has its parent's affinity, which copy_process()
 * copied when it began; the probe runs when it ends. If the parent's mask has changed
 * in between, the child's is old, and a kernel worker sets it in process context: for
 * a member, vpool_enforce(); for a child of a task that has left its pool meanwhile,
 * the worker below.
 *
 * What can race:
 *
 *  - Attach and exit. Exit sets PF_EXITING first and fires the tracepoint after;
 *    attach links first and looks at PF_EXITING after. One of them sees the other, and
 *    both may remove.
 *  - Attach of a process and fork of one of its threads. The parent is a member by the
 *    time the probe runs, and the probe adds the child; or it is not, and then the
 *    child is in the list of threads that attach walks until it finds no more.
 *  - A change of the pool's CPUs and fork. The parent's generation tells whether its
 *    mask, of which the child has a copy, is the present one. A child whose mask is
 *    not that of its parent, or whose parent is stale, is a stale member.
 *  - Detach, or destroy, and fork. Detach restores the parent's mask and unlinks it
 *    after. A fork that began before has copied the pool's mask and finds a parent that
 *    is no member when it ends. So a task that leaves stays in the table, as a leaver,
 *    until a fork that was under way must have ended: the task exits, or sleeps
 *    interruptibly, which copy_process() does not, or VPOOL_LEAVER_MAX is over. The
 *    child of a leaver with another mask than its parent's becomes a leaver too, one
 *    whose affinity is yet to be restored. Its own children, born before that is done,
 *    are treated the same.
 *  - Unload. Leavers hold no reference on the module; vpool_leavers_stop() gives
 *    those that may be forking a moment, then forgets them.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/workqueue.h>

#include "member.h"

/* How often leavers are looked at, and how long at most they stay. */
#define VPOOL_LEAVER_EVERY (HZ / 10)
#define VPOOL_LEAVER_MAX (60 * HZ)
/* What unloading waits for them, in steps of 20 ms. */
#define VPOOL_LEAVER_STOP 25

/* Leavers, in the order they left; under vpool_member_lock. */
static LIST_HEAD(vpool_leavers);

static void vpool_leavers_run(struct work_struct *work);
/* What restores affinities, and what forgets leavers now and then. */
static DECLARE_WORK(vpool_leavers_now, vpool_leavers_run);
static DECLARE_DELAYED_WORK(vpool_leavers_later, vpool_leavers_run);
/* Keeps the two from running at once; held by kernel workers only. */
static DEFINE_MUTEX(vpool_leavers_mutex);

/* The generation of a leaver is the time, in jiffies, when it left. */
static void vpool_leaver_add(struct vpool_member *member, bool unrestored)
{
	lockdep_assert_held(&vpool_member_lock);
	member->unrestored = unrestored;
	member->generation = get_jiffies_64();
	/* Those to be restored come first. */
	if (unrestored) {
		list_add(&member->link, &vpool_leavers);
		queue_work(system_unbound_wq, &vpool_leavers_now);
	} else {
		list_add_tail(&member->link, &vpool_leavers);
		queue_delayed_work(system_unbound_wq, &vpool_leavers_later,
				   VPOOL_LEAVER_EVERY);
	}
}

/* Could a fork that began before the task left still be under way? */
static bool vpool_may_be_forking(struct task_struct *task)
{
	/* The look at the state comes after the task has left. */
	smp_mb();
	return task != current &&
	       !(READ_ONCE(task->__state) & TASK_INTERRUPTIBLE);
}

/**
 * vpool_member_leave - remove a task that is no member any more from the table
 * @member: its membership, unlinked, its affinity restored
 *
 * It may stay for a while, see the top of this file.
 *
 * Context: vpool_member_lock held.
 */
void vpool_member_leave(struct vpool_member *member)
{
	lockdep_assert_held(&vpool_member_lock);
	if (!vpool_member_is_hashed(member))
		return;
	if (vpool_may_be_forking(member->task))
		vpool_leaver_add(member, false);
	else
		vpool_member_unhash(member);
}

/**
 * vpool_leaver_forget - remove a task that has left its pool from the table
 * @member: what is left of its membership
 *
 * Context: vpool_member_lock held.
 */
void vpool_leaver_forget(struct vpool_member *member)
{
	lockdep_assert_held(&vpool_member_lock);
	list_del_init(&member->link);
	vpool_member_unhash(member);
}

/* Take the next leaver to be restored, with references, or NULL. */
static struct vpool_member *vpool_leaver_next(void)
{
	struct vpool_member *member;

	raw_spin_lock(&vpool_member_lock);
	member = list_first_entry_or_null(&vpool_leavers, struct vpool_member,
					  link);
	if (member && !member->unrestored)
		member = NULL;
	if (member) {
		vpool_member_get(member);
		get_task_struct(member->task);
		list_move_tail(&member->link, &vpool_leavers);
	}
	raw_spin_unlock(&vpool_member_lock);
	return member;
}

static void vpool_leavers_restore(void)
{
	struct vpool_member *member;

	while ((member = vpool_leaver_next())) {
		vpool_affinity_restore(member->task, member);
		raw_spin_lock(&vpool_member_lock);
		/* It may have forked until now. */
		member->unrestored = false;
		member->generation = get_jiffies_64();
		raw_spin_unlock(&vpool_member_lock);
		vpool_member_done(member);
		cond_resched();
	}
}

/* Forget the leavers that are not forking; returns how many are left. */
static unsigned int vpool_leavers_expire(void)
{
	struct vpool_member *member, *next;
	unsigned int nr = 0;

	raw_spin_lock(&vpool_member_lock);
	list_for_each_entry_safe(member, next, &vpool_leavers, link) {
		if (member->unrestored ||
		    (vpool_may_be_forking(member->task) &&
		     time_before64(get_jiffies_64(),
				   member->generation + VPOOL_LEAVER_MAX)))
			nr++;
		else
			vpool_leaver_forget(member);
	}
	raw_spin_unlock(&vpool_member_lock);
	return nr;
}

static void vpool_leavers_run(struct work_struct *work)
{
	mutex_lock(&vpool_leavers_mutex);
	vpool_leavers_restore();
	if (vpool_leavers_expire())
		queue_delayed_work(system_unbound_wq, &vpool_leavers_later,
				   VPOOL_LEAVER_EVERY);
	mutex_unlock(&vpool_leavers_mutex);
}

/**
 * vpool_leavers_flush - wait until no affinity is to be restored
 *
 * Context: sleeps, for a kernel worker.
 */
void vpool_leavers_flush(void)
{
	queue_work(system_unbound_wq, &vpool_leavers_now);
	flush_work(&vpool_leavers_now);
}

/**
 * vpool_leavers_stop - forget all leavers
 *
 * Context: sleeps; the module is being unloaded, so no pool has a member.
 */
void vpool_leavers_stop(void)
{
	struct vpool_member *member, *next;
	int i;

	for (i = 0; i < VPOOL_LEAVER_STOP; i++) {
		vpool_leavers_flush();
		if (list_empty_careful(&vpool_leavers))
			break;
		msleep(20);
	}
	cancel_delayed_work_sync(&vpool_leavers_later);
	cancel_work_sync(&vpool_leavers_now);
	raw_spin_lock(&vpool_member_lock);
	list_for_each_entry_safe(member, next, &vpool_leavers, link)
		vpool_leaver_forget(member);
	raw_spin_unlock(&vpool_member_lock);
}

static bool vpool_same_mask(const struct task_struct *a,
			    const struct task_struct *b)
{
	/* Others may be setting one; then a worker looks again. */
	return data_race(cpumask_equal(&a->cpus_mask, &b->cpus_mask));
}

/* The child of a member is a member. */
static void vpool_fork_member(struct vpool_member *member,
			      struct vpool_member *of_parent,
			      struct task_struct *child)
{
	struct vpool_member_set *members = of_parent->members;

	vpool_member_link(member, members, child);
	/* A CPU of the parent's own is not passed on. */
	if (of_parent->cpu < 0 &&
	    of_parent->generation == members->generation &&
	    vpool_same_mask(of_parent->task, child))
		member->generation = members->generation;
	else
		vpool_enforce_later(members, 0);
}

/* True if the child of a task in the table needs an entry of its own. */
static bool vpool_fork_wants(const struct vpool_member *of_parent,
			     const struct task_struct *child)
{
	if (vpool_member_find(child))
		/* An attach of the whole process was faster. */
		return false;
	if (of_parent->members)
		return true;
	return of_parent->unrestored ||
	       !vpool_same_mask(of_parent->task, child);
}

/* Enter @member, if there is one, for @child. False if it is not used. */
static bool vpool_fork_record(struct vpool_member *member,
			      struct vpool_member *of_parent,
			      struct task_struct *child)
{
	struct vpool_member_set *members = of_parent->members;

	lockdep_assert_held(&vpool_member_lock);
	if (!vpool_fork_wants(of_parent, child))
		return false;
	if (!member) {
		pr_warn_ratelimited("no memory to follow task %d into its pool\n",
				    child->pid);
		return false;
	}
	vpool_member_inherit(member, of_parent);
	if (members && !members->closed) {
		vpool_fork_member(member, of_parent, child);
	} else {
		vpool_member_hash(member, child);
		vpool_leaver_add(member, true);
	}
	return true;
}

/**
 * vpool_fork_new - follow a fork
 * @parent: the task that forks
 * @child: the new task, complete, not woken yet
 *
 * Context: a tracepoint, with preemption off; takes vpool_member_lock.
 */
void vpool_fork_new(struct task_struct *parent, struct task_struct *child)
{
	struct vpool_member *member, *of_parent;
	bool used = false;

	rcu_read_lock();
	of_parent = vpool_member_find(parent);
	rcu_read_unlock();
	if (!of_parent)
		return;
	member = vpool_member_alloc_atomic();
	raw_spin_lock(&vpool_member_lock);
	of_parent = vpool_member_find(parent);
	if (of_parent)
		used = vpool_fork_record(member, of_parent, child);
	raw_spin_unlock(&vpool_member_lock);
	if (!used)
		vpool_member_free(member);
}

/**
 * vpool_fork_exit - remove a task from its pool and from the table
 * @task: a task with PF_EXITING set; it need not be in the table
 *
 * Context: any, a tracepoint with preemption off too; takes vpool_member_lock.
 */
void vpool_fork_exit(struct task_struct *task)
{
	struct vpool_member *member;
	bool linked = false;

	/* After PF_EXITING, before the look: see the top of this file. */
	smp_mb();
	rcu_read_lock();
	member = vpool_member_find(task);
	rcu_read_unlock();
	if (!member)
		return;
	raw_spin_lock(&vpool_member_lock);
	member = vpool_member_find(task);
	if (member) {
		linked = vpool_member_unlink(member);
		if (!linked)
			list_del_init(&member->link);
		vpool_member_unhash(member);
	}
	raw_spin_unlock(&vpool_member_lock);
	if (linked)
		module_put(THIS_MODULE);
}

/**
 * vpool_fork_moved - follow a move to another cgroup
 * @task: the task; if @threadgroup, the first of its process
 * @threadgroup: all threads of the process have moved
 *
 * Context: a tracepoint, with interrupts off and a lock of the cgroup core held, so
 * this must not wait for vpool_member_lock. If another CPU holds that, vpool_enforce()
 * will see the move when its second is over.
 */
void vpool_fork_moved(struct task_struct *task, bool threadgroup)
{
	struct task_struct *thread;
	struct vpool_member *member;

	rcu_read_lock();
	for_each_thread(task, thread) {
		if (!threadgroup && thread != task)
			continue;
		if (!vpool_member_find(thread) ||
		    !raw_spin_trylock(&vpool_member_lock))
			continue;
		member = vpool_member_find(thread);
		if (member && member->members)
			vpool_enforce_later(member->members, 0);
		raw_spin_unlock(&vpool_member_lock);
	}
	rcu_read_unlock();
}
