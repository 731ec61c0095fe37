// SPDX-License-Identifier: GPL-2.0
/*
 * Set and restore the affinity of one member.
 *
 * The rules:
 *
 *  - vpool never makes a task run outside its cpuset. It intersects every mask that it
 *    sets with the CPUs that the cpuset allows. The cpuset can change between the read
 *    and the set. So vpool reads it again after it has set a mask, and retries if the
 *    mask no longer fits.
 *  - A member stays on the pool's CPUs when a cpuset changes. The scheduler stores the
 *    mask of the last sched_setaffinity(2) in user_cpus_ptr, and vpool stores the pool's
 *    CPUs there. From 6.2 on, a cpuset change gives each task the CPUs that are both in
 *    the cpuset and in user_cpus_ptr. Older kernels give the task the whole cpuset, and
 *    vpool_enforce() repairs that within a second.
 *  - If the task or its administrator sets the affinity while the task is a member,
 *    that affinity belongs to them. vpool recognizes it by user_cpus_ptr, which
 *    sched_setaffinity(2) replaces. vpool narrows such a mask when the pool loses CPUs,
 *    but never replaces it by the saved one on detach.
 *  - The scheduler has admitted a SCHED_DEADLINE task to all CPUs of its mask. vpool
 *    removes none of them, just as sched_setaffinity(2) refuses to.
 *
 * vpool sets the masks of living tasks with set_cpus_allowed_ptr(), in process context
 * only. It swaps user_cpus_ptr under the task's pi_lock, as the scheduler does.
 */
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "affinity.h"
#include "cpuset.h"
#include "member.h"
#include "member_set.h"

/* Number of tries to set one mask while the cpuset changes. */
#define VPOOL_CPUSET_TRIES 16

static bool vpool_affinity_is_within(struct task_struct *task,
				     const struct cpumask *mask)
{
	unsigned long flags;
	bool within;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	within = cpumask_subset(&task->cpus_mask, mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return within;
}

/* Copy @user to a mask that the scheduler can own, or return NULL. */
static struct cpumask *vpool_affinity_dup_user(const struct cpumask *user)
{
	/* The scheduler frees the mask by RCU and puts the rcu_head into it. */
	size_t size = max(cpumask_size(), sizeof(struct rcu_head));
	struct cpumask *mask = kmalloc(size, GFP_KERNEL);

	if (mask)
		cpumask_copy(mask, user);
	return mask;
}

/* Set user_cpus_ptr of @task to @mask, which may be NULL. The task owns it then. */
static void vpool_affinity_set_user(struct task_struct *task,
				    struct cpumask *mask)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	swap(task->user_cpus_ptr, mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	kfree(mask);
}

/* Return -EBUSY if @task is SCHED_DEADLINE and @mask lacks one of its CPUs. */
static int vpool_affinity_check_deadline(struct task_struct *task,
					 const struct cpumask *mask)
{
	if (READ_ONCE(task->policy) == SCHED_DEADLINE &&
	    !vpool_affinity_is_within(task, mask))
		return -EBUSY;
	return 0;
}

/*
 * Set the task's mask to the CPUs of @want that its cpuset allows.
 *
 * @mask and @allowed are scratch masks; on return @allowed holds the CPUs of the cpuset.
 * Return 0, -EBUSY for a SCHED_DEADLINE task that would lose a CPU, -EINVAL if the
 * cpuset allows no CPU of @want, or -EAGAIN if none of them is active or the cpuset
 * keeps changing.
 */
static int vpool_affinity_set(struct task_struct *task,
			      const struct cpumask *want,
			      struct cpumask *mask, struct cpumask *allowed)
{
	int i, err;

	/* The cpuset allows every CPU of the present mask. */
	vpool_cpuset_task_mask(task, allowed);
	if (!cpumask_subset(want, allowed))
		vpool_cpuset_allowed(task, allowed);
	for (i = 0; i < VPOOL_CPUSET_TRIES; i++) {
		if (!cpumask_and(mask, want, allowed))
			return -EINVAL;
		err = vpool_affinity_check_deadline(task, mask);
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
 * vpool_affinity_save - save a task's affinity before it becomes a member
 * @task: the task
 * @member: membership that is not linked yet; its masks are set
 *
 * Context: any; takes the task's pi_lock.
 */
void vpool_affinity_save(struct task_struct *task, struct vpool_member *member)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(vpool_member_saved_mask(member), &task->cpus_mask);
	cpumask_clear(vpool_member_user_mask(member));
	member->has_user = task->user_cpus_ptr;
	if (member->has_user)
		cpumask_copy(vpool_member_user_mask(member),
			     task->user_cpus_ptr);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	cpumask_clear(vpool_member_applied_mask(member));
	cpumask_clear(vpool_member_previous_mask(member));
	member->whole_cpuset = false;
}

/*
 * Tell whether the task, or another task on its behalf, has set its affinity since
 * vpool applied @applied. @allowed is a scratch mask.
 *
 * If user_cpus_ptr is NULL, there are two explanations. On a kernel that does not
 * store it, sched_setaffinity(2) was called. Or no CPU of the mask was left, and the
 * scheduler lets the task run on its whole cpuset. Only the first of these is a choice.
 */
static bool vpool_affinity_is_chosen(struct task_struct *task,
				     const struct cpumask *applied,
				     struct cpumask *allowed)
{
	unsigned long flags;
	bool known, chosen = false;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	known = task->user_cpus_ptr;
	if (known)
		chosen = !cpumask_equal(task->user_cpus_ptr, applied);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	if (known)
		return chosen;
	vpool_cpuset_allowed(task, allowed);
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	chosen = !cpumask_subset(allowed, &task->cpus_mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return chosen;
}

/* Return the CPUs that a linked member may use; under vpool_member_lock. */
static const struct cpumask *
vpool_affinity_of(const struct vpool_member *member)
{
	const struct vpool_member_set *members = member->members;

	lockdep_assert_held(&vpool_member_lock);
	if (member->cpu >= 0 && cpumask_test_cpu(member->cpu, members->cpus))
		return cpumask_of(member->cpu);
	return members->shared;
}

/*
 * Narrow @want to the affinity that the task has chosen. Return false if that affinity
 * has a CPU outside @applied: then vpool_enforce() decides.
 */
static bool vpool_affinity_narrow(struct task_struct *task,
				  const struct cpumask *applied,
				  struct cpumask *want, struct cpumask *scratch)
{
	vpool_cpuset_task_mask(task, scratch);
	if (!cpumask_subset(scratch, applied))
		return false;
	if (cpumask_intersects(scratch, want))
		cpumask_and(want, scratch, want);
	return true;
}

/*
 * Record the mask that vpool is about to apply. A fork that copies the new mask ends
 * later, so its child inherits the record. The child of a fork that copied the old mask
 * is recognized by the previous record.
 */
static void vpool_affinity_record(struct vpool_member *member,
				  const struct cpumask *want)
{
	struct cpumask *applied = vpool_member_applied_mask(member);

	raw_spin_lock(&vpool_member_lock);
	if (!cpumask_equal(applied, want)) {
		cpumask_copy(vpool_member_previous_mask(member), applied);
		cpumask_copy(applied, want);
	}
	raw_spin_unlock(&vpool_member_lock);
}

/* Set the mask to members->want. An exit may have cleared member->members. */
static int vpool_affinity_apply_want(struct vpool_member_set *members,
				     struct vpool_member *member, bool chosen)
{
	struct cpumask *want = members->want, *user;
	struct task_struct *task = member->task;

	if (!chosen) {
		user = vpool_affinity_dup_user(want);
		if (!user)
			return -ENOMEM;
		vpool_affinity_record(member, want);
		vpool_affinity_set_user(task, user);
	}
	return vpool_affinity_set(task, want, members->scratch,
				  members->allowed);
}

/**
 * vpool_affinity_apply - set a member's mask to the CPUs that it may use
 * @member: the membership; the caller holds references on it and on its task
 * @force: replace an affinity that the task has chosen
 *
 * Context: sleeps; the set's affinity_mutex held; takes vpool_member_lock.
 * Return: 0, also if the task is no longer a member; -EBUSY for a SCHED_DEADLINE task
 * that would lose a CPU, -EINVAL if its cpuset has no CPU of the pool, -EAGAIN if
 * none of them is active, or -ENOMEM.
 */
int vpool_affinity_apply(struct vpool_member *member, bool force)
{
	struct cpumask *applied = vpool_member_applied_mask(member);
	struct vpool_member_set *members;
	struct task_struct *task = member->task;
	bool fresh, chosen;
	u64 generation;
	int err = 0;

	raw_spin_lock(&vpool_member_lock);
	members = member->members;
	if (!members) {
		raw_spin_unlock(&vpool_member_lock);
		return 0;
	}
	cpumask_copy(members->want, vpool_affinity_of(member));
	generation = members->generation;
	fresh = !member->generation;
	raw_spin_unlock(&vpool_member_lock);

	lockdep_assert_held(&members->affinity_mutex);
	chosen = !force && !fresh &&
		vpool_affinity_is_chosen(task, applied, members->allowed);
	if (!chosen || vpool_affinity_narrow(task, applied, members->want,
					     members->scratch))
		err = vpool_affinity_apply_want(members, member, chosen);

	raw_spin_lock(&vpool_member_lock);
	if (fresh && !err)
		member->whole_cpuset |=
			cpumask_subset(members->allowed,
				       vpool_member_saved_mask(member));
	member->generation = generation;
	member->pending = err;
	raw_spin_unlock(&vpool_member_lock);
	return err;
}

/* Tell whether vpool set the task's affinity, so that it must be restored. */
static bool vpool_affinity_is_ours(struct task_struct *task,
				   struct vpool_member *member,
				   struct cpumask *allowed)
{
	const struct cpumask *applied = vpool_member_applied_mask(member);

	/*
	 * The fork copied the affinity while vpool was changing the parent's, or
	 * restoring it: first the mask, then user_cpus_ptr. So these two may disagree.
	 */
	if (member->unrestored)
		return vpool_affinity_is_within(task, applied) ||
		       vpool_affinity_is_within(task,
						vpool_member_previous_mask(member));
	return !cpumask_empty(applied) &&
		!vpool_affinity_is_chosen(task, applied, allowed);
}

/*
 * Compute the mask to restore: the affinity before attach, intersected with @allowed,
 * the CPUs that the cpuset allows now. A task that could run on its whole cpuset before
 * attach gets the whole present cpuset.
 */
static void vpool_affinity_target(struct vpool_member *member,
				  struct cpumask *mask,
				  const struct cpumask *allowed)
{
	const struct cpumask *saved = vpool_member_saved_mask(member);
	const struct cpumask *user = vpool_member_user_mask(member);

	cpumask_copy(mask, allowed);
	if (member->has_user && cpumask_intersects(user, allowed))
		cpumask_and(mask, user, allowed);
	else if (!member->whole_cpuset && cpumask_intersects(saved, allowed))
		cpumask_and(mask, saved, allowed);
}

static void vpool_affinity_undo(struct task_struct *task,
				struct vpool_member *member,
				struct cpumask *mask, struct cpumask *allowed)
{
	struct cpumask *user = NULL;
	int i;

	/* Without memory, only the mask is restored. */
	if (member->has_user)
		user = vpool_affinity_dup_user(vpool_member_user_mask(member));
	vpool_affinity_set_user(task, user);
	vpool_cpuset_allowed(task, allowed);
	for (i = 0; i < VPOOL_CPUSET_TRIES; i++) {
		vpool_affinity_target(member, mask, allowed);
		if (vpool_affinity_check_deadline(task, mask))
			return;
		/* If no CPU of the mask is active, use the whole cpuset. */
		if (set_cpus_allowed_ptr(task, mask))
			set_cpus_allowed_ptr(task, allowed);
		vpool_cpuset_allowed(task, allowed);
		if (cpumask_subset(mask, allowed))
			return;
	}
}

/**
 * vpool_affinity_restore - restore the affinity that a task had before attach
 * @task: the task; the caller holds a reference
 * @member: its membership, linked or departed; the caller holds a reference
 *
 * An affinity that vpool did not set stays as it is.
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
 * vpool_affinity_is_outside - tell whether a member may run outside its CPUs
 * @member: linked membership
 *
 * Context: vpool_member_lock held.
 * Return: true if the mask of the task has a CPU that the member may not use.
 */
bool vpool_affinity_is_outside(struct vpool_member *member)
{
	return !vpool_affinity_is_within(member->task,
					 vpool_affinity_of(member));
}
