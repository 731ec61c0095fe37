// SPDX-License-Identifier: GPL-2.0
/*
 * Affinity masks: the one that a member has, and the one that it gets back.
 *
 * The rules:
 *
 *  - A task never runs outside its cpuset because of vpool. A mask that vpool sets is
 *    always cut to what the cpuset allows. The cpuset can change between the look at
 *    it and the setting, so vpool looks again after it has set a mask, and starts
 *    over if the mask no longer fits.
 *  - A member keeps its mask when cpusets change elsewhere. The scheduler remembers
 *    what sched_setaffinity(2) asked for in user_cpus_ptr and, from 6.2 on, cuts
 *    every mask that a cpuset gives a task to it. vpool puts the pool's CPUs there.
 *    Older kernels give the task the whole cpuset instead, and vpool_enforce() mends
 *    that within a second.
 *  - An affinity that the task, or its administrator, chose while it was a member is
 *    not vpool's. It is told by user_cpus_ptr, which sched_setaffinity(2) replaces.
 *    vpool cuts such a mask when CPUs leave the pool, but never restores another one
 *    in its place.
 *  - A SCHED_DEADLINE task was admitted to the CPUs that it has. Its mask is never
 *    cut, as sched_setaffinity(2) would not.
 *
 * Masks of living tasks are set with set_cpus_allowed_ptr() in process context only.
 * user_cpus_ptr is exchanged under the task's pi_lock, as the scheduler does.
 */
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "cpuset.h"
#include "member.h"

/* How often a cpuset may change under the setting of one mask. */
#define VPOOL_CPUSET_TRIES 16

static void vpool_affinity_read(struct task_struct *task, struct cpumask *mask)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(mask, &task->cpus_mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}

static bool vpool_affinity_within(struct task_struct *task,
				  const struct cpumask *mask)
{
	unsigned long flags;
	bool within;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	within = cpumask_subset(&task->cpus_mask, mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return within;
}

/* Make @user what sched_setaffinity(2) asked for; NULL for nothing. */
static int vpool_user_set(struct task_struct *task, const struct cpumask *user)
{
	/* The scheduler frees it by RCU, with the head in the same place. */
	size_t size = max(cpumask_size(), sizeof(struct rcu_head));
	struct cpumask *mask = NULL;
	unsigned long flags;

	if (user) {
		mask = kmalloc(size, GFP_KERNEL);
		if (!mask)
			return -ENOMEM;
		cpumask_copy(mask, user);
	}
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	swap(task->user_cpus_ptr, mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	kfree(mask);
	return 0;
}

/* -EBUSY if the task is SCHED_DEADLINE and @mask lacks a CPU that it has. */
static int vpool_deadline_check(struct task_struct *task,
				const struct cpumask *mask)
{
	if (READ_ONCE(task->policy) == SCHED_DEADLINE &&
	    !vpool_affinity_within(task, mask))
		return -EBUSY;
	return 0;
}

/*
 * Set a task's mask to what its cpuset allows of @want.
 *
 * @mask and @allowed are scratch; @allowed is the cpuset's CPUs in the end. Returns 0,
 * -EBUSY for a SCHED_DEADLINE task, -EINVAL if the cpuset has none of @want, -EAGAIN
 * if none of them is active now or the cpuset does not stop changing.
 */
static int vpool_affinity_set(struct task_struct *task,
			      const struct cpumask *want,
			      struct cpumask *mask, struct cpumask *allowed)
{
	int i, err;

	/* What the mask has already, the cpuset allows. */
	vpool_affinity_read(task, allowed);
	if (!cpumask_subset(want, allowed))
		vpool_cpuset_allowed(task, allowed);
	for (i = 0; i < VPOOL_CPUSET_TRIES; i++) {
		if (!cpumask_and(mask, want, allowed))
			return -EINVAL;
		err = vpool_deadline_check(task, mask);
		if (err)
			return err;
		err = set_cpus_allowed_ptr(task, mask);
		vpool_cpuset_allowed(task, allowed);
		if (!err && cpumask_subset(mask, allowed))
			return 0;
		if (err && cpumask_subset(mask, allowed))
			break;
	}
	return -EAGAIN;
}

/**
 * vpool_affinity_save - remember a task's affinity before it becomes a member
 * @task: the task
 * @member: its membership to be; its masks are set
 *
 * Context: any; takes the task's pi_lock.
 */
void vpool_affinity_save(struct task_struct *task, struct vpool_member *member)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(vpool_member_saved(member), &task->cpus_mask);
	cpumask_clear(vpool_member_user(member));
	member->has_user = task->user_cpus_ptr;
	if (member->has_user)
		cpumask_copy(vpool_member_user(member), task->user_cpus_ptr);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	cpumask_clear(vpool_member_set_mask(member));
	member->whole = false;
}

/*
 * Has the task, or another one on its behalf, chosen its affinity since vpool set it?
 * If what sched_setaffinity(2) asked for is gone, either that was called, on a kernel
 * that does not keep it, or the scheduler has let the task run on its whole cpuset,
 * because no CPU of its mask was left.
 */
static bool vpool_affinity_is_own(struct task_struct *task,
				  const struct cpumask *set,
				  struct cpumask *allowed)
{
	unsigned long flags;
	bool known, own = false;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	known = task->user_cpus_ptr;
	if (known)
		own = !cpumask_equal(task->user_cpus_ptr, set);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	if (known)
		return own;
	vpool_cpuset_allowed(task, allowed);
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	own = !cpumask_subset(allowed, &task->cpus_mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return own;
}

/* What a member should run on. */
static void vpool_member_want(struct vpool_member *member, struct cpumask *want)
{
	struct vpool_member_set *members = member->members;

	lockdep_assert_held(&vpool_member_lock);
	if (member->cpu >= 0 && cpumask_test_cpu(member->cpu, members->cpus))
		cpumask_copy(want, cpumask_of(member->cpu));
	else
		cpumask_copy(want, members->shared);
}

/*
 * Cut @want for a task that chose its affinity itself. False if it left the pool by
 * that: then vpool_enforce() decides.
 */
static bool vpool_affinity_narrow(struct task_struct *task,
				  const struct cpumask *set,
				  struct cpumask *want, struct cpumask *scratch)
{
	vpool_affinity_read(task, scratch);
	if (!cpumask_subset(scratch, set))
		return false;
	if (cpumask_intersects(scratch, want))
		cpumask_and(want, scratch, want);
	return true;
}

/* @members are those it had under the lock; an exit may have cleared the pointer. */
static int vpool_affinity_apply_mask(struct vpool_member_set *members,
				     struct vpool_member *member, bool own)
{
	struct cpumask *want = members->want, *scratch = members->scratch;
	struct task_struct *task = member->task;
	int err;

	err = own ? 0 : vpool_user_set(task, want);
	if (!err)
		err = vpool_affinity_set(task, want, scratch, members->allowed);
	return err;
}

/**
 * vpool_affinity_apply - give a member the mask that it should have
 * @member: it; with references on it and its task
 * @force: also if the task chose another one itself
 *
 * Context: sleeps; the set's moving mutex held; takes vpool_member_lock.
 * Return: 0, also if the task is no member any more; -EBUSY for a SCHED_DEADLINE task
 * that would lose a CPU, -EINVAL if its cpuset has no CPU of the pool, -EAGAIN if
 * none of them is active, -ENOMEM.
 */
int vpool_affinity_apply(struct vpool_member *member, bool force)
{
	struct vpool_member_set *members;
	struct task_struct *task = member->task;
	bool fresh, own;
	u64 generation;
	int err = 0;

	raw_spin_lock(&vpool_member_lock);
	members = member->members;
	if (!members) {
		raw_spin_unlock(&vpool_member_lock);
		return 0;
	}
	vpool_member_want(member, members->want);
	generation = members->generation;
	fresh = !member->generation;
	raw_spin_unlock(&vpool_member_lock);

	lockdep_assert_held(&members->moving);
	own = !force && !fresh &&
		vpool_affinity_is_own(task, vpool_member_set_mask(member),
				      members->allowed);
	if (!own || vpool_affinity_narrow(task, vpool_member_set_mask(member),
					  members->want, members->scratch))
		err = vpool_affinity_apply_mask(members, member, own);

	raw_spin_lock(&vpool_member_lock);
	if (!own && err != -ENOMEM)
		cpumask_copy(vpool_member_set_mask(member), members->want);
	if (fresh && !err)
		member->whole |= cpumask_subset(members->allowed,
						vpool_member_saved(member));
	member->generation = generation;
	member->pending = err;
	raw_spin_unlock(&vpool_member_lock);
	return err;
}

/* Is the affinity of a task that leaves vpool's doing, and to be undone? */
static bool vpool_affinity_is_ours(struct task_struct *task,
				   struct vpool_member *member,
				   struct cpumask *allowed)
{
	const struct cpumask *set = vpool_member_set_mask(member);

	/*
	 * The affinity of a child was copied from a parent that was just being
	 * restored, the mask first and user_cpus_ptr after, so those may disagree.
	 */
	if (member->unrestored)
		return vpool_affinity_within(task, set);
	return !cpumask_empty(set) &&
		!vpool_affinity_is_own(task, set, allowed);
}

/*
 * The mask of a task that leaves: the one that it came with, as far as its cpuset
 * allows that now. One that could use all of its cpuset then can do so again, and for
 * one that sched_setaffinity(2) was called for, the scheduler cuts it.
 */
static void vpool_affinity_target(struct vpool_member *member,
				  struct cpumask *mask,
				  const struct cpumask *allowed)
{
	const struct cpumask *saved = vpool_member_saved(member);

	cpumask_copy(mask, allowed);
	if (member->has_user && cpumask_intersects(vpool_member_user(member),
						   allowed))
		cpumask_and(mask, vpool_member_user(member), allowed);
	else if (!member->whole && cpumask_intersects(saved, allowed))
		cpumask_and(mask, saved, allowed);
}

static void vpool_affinity_undo(struct task_struct *task,
				struct vpool_member *member,
				struct cpumask *mask, struct cpumask *allowed)
{
	int i;

	vpool_user_set(task, member->has_user ? vpool_member_user(member) :
		       NULL);
	vpool_cpuset_allowed(task, allowed);
	for (i = 0; i < VPOOL_CPUSET_TRIES; i++) {
		vpool_affinity_target(member, mask, allowed);
		if (vpool_deadline_check(task, mask))
			return;
		/* None of them is active: what the cpuset has is better. */
		if (set_cpus_allowed_ptr(task, mask))
			set_cpus_allowed_ptr(task, allowed);
		vpool_cpuset_allowed(task, allowed);
		if (cpumask_subset(mask, allowed))
			return;
	}
}

/**
 * vpool_affinity_restore - undo what vpool did to the affinity of a task
 * @task: the task; the caller holds a reference
 * @member: its membership, or what is left of it; the caller holds a reference
 *
 * An affinity that is not vpool's stays as it is.
 *
 * Context: sleeps.
 */
void vpool_affinity_restore(struct task_struct *task,
			    struct vpool_member *member)
{
	cpumask_var_t mask, allowed;

	if (!alloc_cpumask_var(&mask, GFP_KERNEL | __GFP_NOFAIL))
		return;
	if (alloc_cpumask_var(&allowed, GFP_KERNEL | __GFP_NOFAIL)) {
		if (vpool_affinity_is_ours(task, member, allowed))
			vpool_affinity_undo(task, member, mask, allowed);
		free_cpumask_var(allowed);
	}
	free_cpumask_var(mask);
}

/**
 * vpool_affinity_escapes - tell whether a task may run outside its pool
 * @member: its membership
 *
 * Context: vpool_member_lock held.
 * Return: true if its mask has a CPU that is not for it.
 */
bool vpool_affinity_escapes(struct vpool_member *member)
{
	struct vpool_member_set *members = member->members;
	const struct cpumask *may = members->shared;

	lockdep_assert_held(&vpool_member_lock);
	if (member->cpu >= 0 && cpumask_test_cpu(member->cpu, members->cpus))
		may = cpumask_of(member->cpu);
	return !vpool_affinity_within(member->task, may);
}
