// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks that have left their pool but must stay in the table of members for a while.
 *
 * Detach restores a task's affinity and then unlinks its membership. A fork that began
 * before has copied the pool's mask to the child. When that fork ends, the parent is no
 * longer a member. Without an entry in the table nothing would restore the child's
 * affinity. So a task that has left its pool is a departed task: its entry stays in the
 * table until no such fork can be in progress. That is the case when
 *
 *  - the task exits, or
 *  - the task sleeps interruptibly, which copy_process() does not, or
 *  - VPOOL_DEPARTED_MAX has passed.
 *
 * A child that has another mask than its departed parent is a departed task too, and
 * its affinity is unrestored: a kernel worker restores it in process context. The
 * children that it forks before that are treated in the same way.
 *
 * A departed task holds no reference on the module. vpool_departed_stop() waits up to
 * half a second for tasks that may be forking, and then removes all entries.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "affinity.h"
#include "compat.h"
#include "departed.h"
#include "member.h"
#include "worker.h"

/* Interval in jiffies between two checks of departed tasks. */
#define VPOOL_DEPARTED_EVERY (HZ / 10)
/* Longest time in jiffies that a departed task stays in the table. */
#define VPOOL_DEPARTED_MAX (60 * HZ)
/* Number of waits, of 20 ms each, for departed tasks when the module is unloaded. */
#define VPOOL_DEPARTED_STOP_TRIES 25

/* Unrestored tasks first, then in order of departure; under vpool_member_lock. */
static LIST_HEAD(vpool_departed);

static void vpool_departed_run(struct work_struct *work);
/* The first is queued to restore affinities, the second to expire entries. */
static DECLARE_WORK(vpool_departed_now, vpool_departed_run);
static DECLARE_DELAYED_WORK(vpool_departed_later, vpool_departed_run);
/* Keeps two runs from overlapping; only kernel workers take it. */
static DEFINE_MUTEX(vpool_departed_mutex);

/* Tell whether a fork that began before the task departed may still be in progress. */
static bool vpool_departed_may_fork(struct task_struct *task)
{
	/* Read the state after the task was unlinked. */
	smp_mb();
	return task != current &&
	       !(READ_ONCE(task->__state) & TASK_INTERRUPTIBLE);
}

/**
 * vpool_departed_add - turn a former member into a departed task
 * @member: its membership, unlinked, with its affinity restored
 *
 * If no fork can be in progress, the membership is removed from the table at once.
 *
 * Context: vpool_member_lock held.
 */
void vpool_departed_add(struct vpool_member *member)
{
	lockdep_assert_held(&vpool_member_lock);
	if (!vpool_member_is_hashed(member))
		return;
	if (!vpool_departed_may_fork(member->task)) {
		vpool_member_unhash(member);
		return;
	}
	member->unrestored = false;
	member->departed = get_jiffies_64();
	list_add_tail(&member->link, &vpool_departed);
	queue_delayed_work(vpool_unbound_wq, &vpool_departed_later,
			   VPOOL_DEPARTED_EVERY);
}

/**
 * vpool_departed_add_unrestored - add a departed task whose affinity must be restored
 * @member: membership of a new task, which is in the table
 *
 * Context: vpool_member_lock held.
 */
void vpool_departed_add_unrestored(struct vpool_member *member)
{
	lockdep_assert_held(&vpool_member_lock);
	member->unrestored = true;
	member->departed = get_jiffies_64();
	list_add(&member->link, &vpool_departed);
	queue_work(vpool_unbound_wq, &vpool_departed_now);
}

/**
 * vpool_departed_forget - remove a departed task from the table
 * @member: its membership
 *
 * Context: vpool_member_lock held.
 */
void vpool_departed_forget(struct vpool_member *member)
{
	lockdep_assert_held(&vpool_member_lock);
	list_del_init(&member->link);
	vpool_member_unhash(member);
}

/* Return the next unrestored task for vpool_member_put_task(), or NULL. */
static struct vpool_member *vpool_departed_next(void)
{
	struct vpool_member *member;

	raw_spin_lock(&vpool_member_lock);
	member = list_first_entry_or_null(&vpool_departed, struct vpool_member,
					  link);
	if (member && !member->unrestored)
		member = NULL;
	if (member) {
		vpool_member_get_task(member);
		list_move_tail(&member->link, &vpool_departed);
	}
	raw_spin_unlock(&vpool_member_lock);
	return member;
}

static void vpool_departed_restore(void)
{
	struct vpool_member *member;

	while ((member = vpool_departed_next())) {
		vpool_affinity_restore(member->task, member);
		raw_spin_lock(&vpool_member_lock);
		member->unrestored = false;
		/* Until now the task may have begun a fork with the old mask. */
		member->departed = get_jiffies_64();
		raw_spin_unlock(&vpool_member_lock);
		vpool_member_put_task(member);
		cond_resched();
	}
}

/* Remove the tasks that cannot be forking; return how many are left. */
static unsigned int vpool_departed_expire(void)
{
	struct vpool_member *member, *next;
	unsigned int nr = 0;

	raw_spin_lock(&vpool_member_lock);
	list_for_each_entry_safe(member, next, &vpool_departed, link) {
		if (member->unrestored ||
		    (vpool_departed_may_fork(member->task) &&
		     time_before64(get_jiffies_64(),
				   member->departed + VPOOL_DEPARTED_MAX)))
			nr++;
		else
			vpool_departed_forget(member);
	}
	raw_spin_unlock(&vpool_member_lock);
	return nr;
}

static void vpool_departed_run(struct work_struct *work)
{
	mutex_lock(&vpool_departed_mutex);
	vpool_departed_restore();
	if (vpool_departed_expire())
		queue_delayed_work(vpool_unbound_wq, &vpool_departed_later,
				   VPOOL_DEPARTED_EVERY);
	mutex_unlock(&vpool_departed_mutex);
}

/**
 * vpool_departed_flush - wait until the affinity of every departed task is restored
 *
 * Context: sleeps; waits for a kernel worker.
 */
void vpool_departed_flush(void)
{
	struct work_struct work;

	INIT_WORK_ONSTACK(&work, vpool_departed_run);
	vpool_worker_run(&work);
	destroy_work_on_stack(&work);
}

/**
 * vpool_departed_stop - remove all departed tasks
 *
 * Context: sleeps; the module is being unloaded, so no pool has a member.
 */
void vpool_departed_stop(void)
{
	struct vpool_member *member, *next;
	int i;

	for (i = 0; i < VPOOL_DEPARTED_STOP_TRIES; i++) {
		vpool_departed_flush();
		if (list_empty_careful(&vpool_departed))
			break;
		msleep(20);
	}
	cancel_delayed_work_sync(&vpool_departed_later);
	cancel_work_sync(&vpool_departed_now);
	raw_spin_lock(&vpool_member_lock);
	list_for_each_entry_safe(member, next, &vpool_departed, link)
		vpool_departed_forget(member);
	raw_spin_unlock(&vpool_member_lock);
}
