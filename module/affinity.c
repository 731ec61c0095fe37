// SPDX-License-Identifier: GPL-2.0
/*
 * The masks of tasks: what a member came with, and what it has as one.
 *
 * The scheduler itself writes masks too. When the last active CPU of a task goes
 * it lets the task run anywhere; that is seen by nobody and mended by setting the
 * masks of all members whenever a CPU of their pool comes or goes.
 */
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "cpus.h"
#include "member.h"

/**
 * vpool_task_save - remember what a task comes with
 * @task: which
 * @member: that remembers it
 */
void vpool_task_save(struct task_struct *task, struct vpool_member *member)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(vpool_member_saved(member), &task->cpus_mask);
	member->has_user = task->user_cpus_ptr;
	if (member->has_user)
		cpumask_copy(vpool_member_user(member), task->user_cpus_ptr);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}

static int vpool_task_set(struct task_struct *task, const struct cpumask *mask,
			  const struct cpumask *user)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	if (task->user_cpus_ptr)
		cpumask_copy(task->user_cpus_ptr, user);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return set_cpus_allowed_ptr(task, mask);
}

/**
 * vpool_task_restore - give a task back what it came with
 * @task: which
 * @member: that remembers it
 *
 * As far as those CPUs are still there; a task always has some CPU.
 */
void vpool_task_restore(struct task_struct *task, struct vpool_member *member)
{
	const struct cpumask *saved = vpool_member_saved(member);
	const struct cpumask *user = vpool_member_old_user(member);

	if (vpool_task_set(task, saved, user))
		vpool_task_set(task, cpu_possible_mask, user);
}

/**
 * vpool_new_task_set - set the mask of a task that is being born
 * @child: forked, and not woken yet: see the top of member.c
 * @mask: it is to have
 * @user: its user is to have asked for, if anything was
 */
void vpool_new_task_set(struct task_struct *child, const struct cpumask *mask,
			const struct cpumask *user)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&child->pi_lock, flags);
	cpumask_copy(&child->cpus_mask, mask);
	child->nr_cpus_allowed = cpumask_weight(mask);
	if (child->user_cpus_ptr)
		cpumask_copy(child->user_cpus_ptr, user);
	raw_spin_unlock_irqrestore(&child->pi_lock, flags);
}

/**
 * vpool_new_member_set - set the mask of a member that is being born
 * @of_parent: the membership of current, its parent
 * @child: forked, and not woken yet
 *
 * A parent that keeps itself to some of the CPUs that it shares passes that on,
 * as it does everywhere. Its own CPU is not passed on.
 *
 * Context: vpool_member_lock held.
 */
void vpool_new_member_set(struct vpool_member *of_parent,
			  struct task_struct *child)
{
	struct vpool_member_set *members = of_parent->members;
	const struct cpumask *mask = members->shared;

	lockdep_assert_held(&vpool_member_lock);
	if (of_parent->cpu < 0 && of_parent->round == members->round &&
	    cpumask_subset(&current->cpus_mask, mask))
		mask = &current->cpus_mask;
	vpool_new_task_set(child, mask, mask);
}

/* A task that keeps itself to some of what it shared goes on to do so. */
static const struct cpumask *vpool_member_narrowed(struct vpool_member *member)
{
	struct vpool_member_set *members = member->members;
	struct task_struct *task = member->task;
	struct cpumask *mask = members->scratch;
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(mask, &task->cpus_mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	if (!cpumask_subset(mask, members->before) ||
	    cpumask_equal(mask, members->before) ||
	    !cpumask_and(mask, mask, members->shared))
		return members->shared;
	return mask;
}

static const struct cpumask *vpool_member_mask(struct vpool_member *member)
{
	struct vpool_member_set *members = member->members;

	if (member->cpu >= 0)
		return cpumask_test_cpu(member->cpu, members->cpus) ?
			cpumask_of(member->cpu) : members->shared;
	return member->round ? vpool_member_narrowed(member) : members->shared;
}

/**
 * vpool_member_set - give a member the mask it is to have
 * @member: with a reference on it and on its task
 *
 * Context: sleeps; the members' moving mutex held.
 * Return: 0, or -EINVAL if none of those CPUs is active.
 */
int vpool_member_set(struct vpool_member *member)
{
	struct vpool_member_set *members = member->members;
	const struct cpumask *mask = vpool_member_mask(member);
	u64 round = members->round;
	int err;

	lockdep_assert_held(&members->moving);
	err = vpool_task_set(member->task, mask, mask);
	spin_lock(&vpool_member_lock);
	member->round = round;
	member->late = err;
	spin_unlock(&vpool_member_lock);
	return err;
}

/* A member whose mask is of an earlier round, with references, or NULL. */
static struct vpool_member *
vpool_member_behind(struct vpool_member_set *members)
{
	struct vpool_member *member;

	spin_lock(&vpool_member_lock);
	list_for_each_entry(member, &members->list, link) {
		if (member->round == members->round)
			continue;
		refcount_inc(&member->ref);
		get_task_struct(member->task);
		/* The next look starts behind it. */
		list_move_tail(&member->link, &members->list);
		spin_unlock(&vpool_member_lock);
		return member;
	}
	spin_unlock(&vpool_member_lock);
	return NULL;
}

/**
 * vpool_members_round - what members may run on has changed
 * @members: of the pool
 *
 * Staying within the pool is the stronger promise: where no other CPU is left,
 * members without a CPU of their own run on dedicated ones.
 *
 * Context: the members' moving mutex and vpool_member_lock held, by who changed it;
 * vpool_members_follow() is to come.
 */
void vpool_members_round(struct vpool_member_set *members)
{
	lockdep_assert_held(&members->moving);
	lockdep_assert_held(&vpool_member_lock);
	cpumask_copy(members->before, members->shared);
	if (!cpumask_andnot(members->shared, members->cpus, members->dedicated))
		cpumask_copy(members->shared, members->cpus);
	members->round++;
}

/**
 * vpool_members_follow - set the masks of all members that are of earlier rounds
 * @members: of the pool
 *
 * Context: sleeps; the members' moving mutex held.
 * Return: false if there was one that no CPU is active for.
 */
bool vpool_members_follow(struct vpool_member_set *members)
{
	struct vpool_member *member;
	struct task_struct *task;
	bool done = true;

	lockdep_assert_held(&members->moving);
	while ((member = vpool_member_behind(members))) {
		task = member->task;
		if (vpool_member_set(member))
			done = false;
		vpool_member_put(member);
		put_task_struct(task);
		cond_resched();
	}
	return done;
}

/**
 * vpool_members_move - let all members run on these CPUs
 * @members: of the pool
 * @cpus: the pool's that are online, or the host's if there are none
 * @exiled: it is the host's
 *
 * When it returns they have the mask, and so has what they fork. Where a CPU is
 * not active yet that is done as soon as it is.
 *
 * Context: sleeps; takes the members' moving mutex.
 */
void vpool_members_move(struct vpool_member_set *members,
			const struct cpumask *cpus, bool exiled)
{
	mutex_lock(&members->moving);
	spin_lock(&vpool_member_lock);
	cpumask_copy(members->cpus, cpus);
	members->exiled = exiled;
	vpool_members_round(members);
	spin_unlock(&vpool_member_lock);
	if (!vpool_members_follow(members))
		vpool_cpus_settle_later();
	mutex_unlock(&members->moving);
}
