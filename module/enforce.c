// SPDX-License-Identifier: GPL-2.0
/*
 * Keep the members' masks as they should be.
 *
 * Nothing tells a module that a mask was set: not sched_setaffinity(2), not a change of
 * a cpuset, not io_uring, which sets the masks of its threads before they first run. So
 * once a second the masks of all members are compared with what they should be. That
 * costs an idle pool nothing. A probe on every migration of every task on the host
 * would see it sooner, at a cost to all of them.
 *
 * A mask that is wrong and that the task did not choose itself is set again. A task
 * that chose a mask outside the pool has escaped: it is counted once, and set back only
 * if the pool is isolated.
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "member.h"

/**
 * vpool_enforce_later - have the members' masks compared
 * @members: of the pool
 * @delay: in jiffies, at the latest
 *
 * Context: any, with vpool_member_lock held, which keeps @members from being closed.
 */
void vpool_enforce_later(struct vpool_member_set *members,
			 unsigned long delay)
{
	lockdep_assert_held(&vpool_member_lock);
	if (members->closed || !members->nr)
		return;
	if (delay < VPOOL_ENFORCE_EVERY)
		mod_delayed_work(system_unbound_wq, &members->enforce, delay);
	else
		queue_delayed_work(system_unbound_wq, &members->enforce,
				   delay);
}

/* Is the member's mask wrong? */
static bool vpool_member_escapes(struct vpool_member *member)
{
	bool escapes;

	raw_spin_lock(&vpool_member_lock);
	escapes = member->members && vpool_affinity_escapes(member) &&
		  !(READ_ONCE(member->task->flags) & PF_EXITING);
	if (!escapes)
		member->escaped = false;
	raw_spin_unlock(&vpool_member_lock);
	return escapes;
}

/* Threads of the kernel's making did not choose their mask, the kernel did. */
static bool vpool_member_is_forced(struct vpool_member_set *members,
				   const struct vpool_member *member)
{
	return members->isolated || member->pending ||
	       member->task->flags & (PF_IO_WORKER | PF_USER_WORKER);
}

static void vpool_member_escaped(struct vpool_member_set *members,
				 struct vpool_member *member)
{
	raw_spin_lock(&vpool_member_lock);
	if (!member->escaped && !member->pending)
		vpool_stat_inc(members->stat, VPOOL_STAT_ESCAPES);
	member->escaped = true;
	raw_spin_unlock(&vpool_member_lock);
}

static void vpool_member_enforce(struct vpool_member_set *members,
				 struct vpool_member *member)
{
	bool stale = READ_ONCE(member->generation) !=
		     READ_ONCE(members->generation);

	if (stale || member->pending)
		vpool_affinity_apply(member, false);
	if (!vpool_member_escapes(member))
		return;
	if (!stale)
		vpool_affinity_apply(member, false);
	if (!vpool_member_escapes(member))
		return;
	/* It chose that mask, or its cpuset has no other. */
	if (!(member->task->flags & (PF_IO_WORKER | PF_USER_WORKER)))
		vpool_member_escaped(members, member);
	if (!vpool_member_is_forced(members, member))
		return;
	if (!vpool_affinity_apply(member, true)) {
		raw_spin_lock(&vpool_member_lock);
		member->escaped = false;
		raw_spin_unlock(&vpool_member_lock);
	}
}

static void vpool_members_enforce(struct vpool_member_set *members)
{
	struct vpool_member *member;

	members->pass++;
	while ((member = vpool_members_next(members))) {
		vpool_member_enforce(members, member);
		vpool_member_done(member);
		cond_resched();
	}
}

/**
 * vpool_enforce - compare the masks of all members of a pool
 * @work: the pool's
 *
 * Context: a kernel worker; takes the set's moving mutex and vpool_member_lock.
 */
void vpool_enforce(struct work_struct *work)
{
	struct vpool_member_set *members =
		container_of(to_delayed_work(work), struct vpool_member_set,
			     enforce);
	unsigned long delay = VPOOL_ENFORCE_SOON;

	/*
	 * The holder may wait for a worker itself, see cpuset.c, so no worker may
	 * wait for the holder: there is an end to their number.
	 */
	if (mutex_trylock(&members->moving)) {
		vpool_members_enforce(members);
		mutex_unlock(&members->moving);
		delay = VPOOL_ENFORCE_EVERY;
	}
	raw_spin_lock(&vpool_member_lock);
	vpool_enforce_later(members, delay);
	raw_spin_unlock(&vpool_member_lock);
}
