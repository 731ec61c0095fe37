// SPDX-License-Identifier: GPL-2.0
/*
 * Members that run where they should not.
 *
 * Nobody tells a module that a mask was set: not sched_setaffinity(2), not a cpuset
 * that a task is moved to, not io_uring, which sets the masks of its threads before
 * they first run. So there is a look at all members once a second, which costs an
 * idle pool nothing and a busy one a copy of each mask; a probe on every migration
 * of every task on the host would be told sooner, and cost all of them.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "member.h"

#define VPOOL_LOOK_EVERY HZ
/* After a thread was made whose mask is about to be set by another. */
#define VPOOL_LOOK_SOON msecs_to_jiffies(20)

/**
 * vpool_look_later - there are members: have a look at them now and then
 * @members: of the pool
 * @soon: something is likely to be wrong
 *
 * Context: any, with vpool_member_lock held, so that @members is not closed.
 */
void vpool_look_later(struct vpool_member_set *members, bool soon)
{
	lockdep_assert_held(&vpool_member_lock);
	if (soon)
		mod_delayed_work(system_unbound_wq, &members->look,
				 VPOOL_LOOK_SOON);
	else
		queue_delayed_work(system_unbound_wq, &members->look,
				   VPOOL_LOOK_EVERY);
}

/* Does its mask have any CPU in it that is not for it? */
static bool vpool_is_astray(struct vpool_member *member)
{
	struct vpool_member_set *members = member->members;
	struct task_struct *task = member->task;
	const struct cpumask *may = members->shared;
	unsigned long flags;
	bool astray;

	if (member->cpu >= 0 && cpumask_test_cpu(member->cpu, members->cpus))
		may = cpumask_of(member->cpu);
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	astray = !cpumask_subset(&task->cpus_mask, may);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return astray;
}

/*
 * What is to be done about a member. Threads of the kernel's making are put back
 * in any case: it was not the process that sent them away.
 */
static bool vpool_member_judge(struct vpool_member *member)
{
	struct vpool_member_set *members = member->members;
	bool astray = vpool_is_astray(member);

	lockdep_assert_held(&vpool_member_lock);
	if (!astray || READ_ONCE(member->task->flags) & PF_EXITING) {
		member->astray = false;
		return false;
	}
	if (member->late ||
	    member->task->flags & (PF_IO_WORKER | PF_USER_WORKER))
		return true;
	if (!member->astray)
		vpool_stat_inc(members->stat, VPOOL_STAT_ESCAPES);
	member->astray = !members->isolated;
	return members->isolated;
}

/* The next one that is to be put back, with references, or NULL. */
static struct vpool_member *vpool_look_next(struct vpool_member_set *members)
{
	struct vpool_member *member;
	int i;

	/* Not too many with the lock held. */
	for (i = 0; i < 64; i++) {
		member = list_first_entry_or_null(&members->list,
						  struct vpool_member, link);
		if (!member || member->look == members->look_nr)
			break;
		member->look = members->look_nr;
		list_move_tail(&member->link, &members->list);
		if (!vpool_member_judge(member))
			continue;
		refcount_inc(&member->ref);
		get_task_struct(member->task);
		return member;
	}
	return NULL;
}

static bool vpool_look_on(struct vpool_member_set *members)
{
	struct vpool_member *member, *first;
	struct task_struct *task;
	bool more;

	spin_lock(&vpool_member_lock);
	member = vpool_look_next(members);
	task = member ? member->task : NULL;
	first = list_first_entry_or_null(&members->list, struct vpool_member,
					 link);
	more = first && first->look != members->look_nr;
	spin_unlock(&vpool_member_lock);
	if (!member)
		return more;
	vpool_member_set(member);
	vpool_member_put(member);
	put_task_struct(task);
	return more;
}

/**
 * vpool_look - look at all members of a pool, and put back who is to be
 * @work: the pool's
 *
 * While a CPU comes or goes the masks are not right yet, and that is nobody's
 * escape; so this waits for it.
 */
void vpool_look(struct work_struct *work)
{
	struct vpool_member_set *members =
		container_of(to_delayed_work(work), struct vpool_member_set,
			     look);

	cpus_read_lock();
	mutex_lock(&members->moving);
	spin_lock(&vpool_member_lock);
	members->look_nr++;
	spin_unlock(&vpool_member_lock);
	while (vpool_look_on(members))
		cond_resched();
	spin_lock(&vpool_member_lock);
	if (members->nr && !members->closed)
		vpool_look_later(members, false);
	spin_unlock(&vpool_member_lock);
	mutex_unlock(&members->moving);
	cpus_read_unlock();
}
