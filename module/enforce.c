// SPDX-License-Identifier: GPL-2.0
/*
 * Keep the masks of all members of a pool correct.
 *
 * The kernel does not notify a module when a mask is set: by sched_setaffinity(2), by a
 * cpuset change, or by io_uring, which sets the masks of its threads before they first
 * run. So once a second a worker compares the masks of all members with the CPUs that
 * they may use. A pool without members has no such worker. A probe on every migration
 * would react sooner, but would slow down every task on the host.
 *
 * The worker corrects a wrong mask unless the task chose it. A task that chose a mask
 * outside the pool has escaped. The worker counts the escape once, and brings the task
 * back only if the pool is isolated.
 */
#include <linux/cpumask.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/workqueue.h>

#include "affinity.h"
#include "enforce.h"
#include "member_set.h"
#include "trace.h"

/* Tell whether the member's mask is wrong; end its escape if it is right. */
static bool vpool_enforce_is_needed(struct vpool_member *member)
{
	bool needed;

	raw_spin_lock(&vpool_member_lock);
	needed = member->members && vpool_affinity_is_outside(member) &&
		 !(READ_ONCE(member->task->flags) & PF_EXITING);
	if (!needed)
		member->escaped = false;
	raw_spin_unlock(&vpool_member_lock);
	return needed;
}

/*
 * Tell whether to replace a mask that the task may have chosen. The kernel, not the
 * task, chose the mask of a user worker.
 */
static bool vpool_enforce_is_forced(struct vpool_member_set *members,
				    const struct vpool_member *member)
{
	return members->isolated || member->pending ||
	       vpool_task_is_user_worker(member->task);
}

static void vpool_enforce_count_escape(struct vpool_member_set *members,
				       struct vpool_member *member)
{
	raw_spin_lock(&vpool_member_lock);
	if (!member->escaped && !member->pending) {
		vpool_stat_inc(members->stat, VPOOL_STAT_ESCAPES);
		trace_vpool_escape(members->name, member->task->pid);
	}
	member->escaped = true;
	raw_spin_unlock(&vpool_member_lock);
}

static bool vpool_enforce_is_stale(struct vpool_member_set *members,
				   const struct vpool_member *member)
{
	return READ_ONCE(member->generation) != READ_ONCE(members->generation);
}

static void vpool_enforce_member(struct vpool_member_set *members,
				 struct vpool_member *member)
{
	bool stale = vpool_enforce_is_stale(members, member);

	if (stale || member->pending)
		vpool_affinity_apply(member, false);
	if (!vpool_enforce_is_needed(member))
		return;
	if (!stale)
		vpool_affinity_apply(member, false);
	if (!vpool_enforce_is_needed(member))
		return;
	/* The task chose that mask, or its cpuset has no CPU of the pool. */
	if (!vpool_task_is_user_worker(member->task))
		vpool_enforce_count_escape(members, member);
	if (!vpool_enforce_is_forced(members, member))
		return;
	if (!vpool_affinity_apply(member, true)) {
		raw_spin_lock(&vpool_member_lock);
		member->escaped = false;
		raw_spin_unlock(&vpool_member_lock);
	}
}

static void vpool_enforce_members(struct vpool_member_set *members)
{
	struct vpool_member *member;

	members->pass++;
	while ((member = vpool_members_next(members))) {
		vpool_enforce_member(members, member);
		vpool_member_put_task(member);
		cond_resched();
	}
}

/**
 * vpool_enforce - check the masks of all members of a pool, and correct wrong ones
 * @work: &vpool_member_set.enforce of the pool
 *
 * Context: a kernel worker; takes the set's affinity_mutex and vpool_member_lock.
 */
void vpool_enforce(struct work_struct *work)
{
	struct vpool_member_set *members =
		container_of(to_delayed_work(work), struct vpool_member_set,
			     enforce);
	unsigned long delay = VPOOL_ENFORCE_SOON;

	/*
	 * The holder of the mutex may itself wait for a worker, see cpuset.c. The
	 * number of workers is limited, so a worker must not wait for the holder.
	 */
	if (mutex_trylock(&members->affinity_mutex)) {
		vpool_enforce_members(members);
		mutex_unlock(&members->affinity_mutex);
		delay = VPOOL_ENFORCE_EVERY;
	}
	raw_spin_lock(&vpool_member_lock);
	vpool_members_enforce_later(members, delay);
	raw_spin_unlock(&vpool_member_lock);
}

/**
 * vpool_members_sync - set the masks of all stale members
 * @members: members of the pool
 *
 * If a mask cannot be set, vpool_enforce() will try again.
 *
 * Context: sleeps; affinity_mutex held; takes vpool_member_lock.
 */
void vpool_members_sync(struct vpool_member_set *members)
{
	struct vpool_member *member;

	members->pass++;
	while ((member = vpool_members_next(members))) {
		if (vpool_enforce_is_stale(members, member))
			vpool_affinity_apply(member, false);
		vpool_member_put_task(member);
		cond_resched();
	}
}

/**
 * vpool_members_sync_now - lock affinity_mutex and set the masks of all stale members
 * @members: members of the pool
 *
 * Two kinds of members may still have an old mask on return: a child whose fork is not
 * complete, and a member whose cpuset has no CPU of the pool. vpool_enforce() sets
 * those masks later.
 *
 * Context: sleeps; takes affinity_mutex and vpool_member_lock. The caller must not
 * hold a lock that the rest of the host waits for, such as that of CPU hotplug.
 */
void vpool_members_sync_now(struct vpool_member_set *members)
{
	mutex_lock(&members->affinity_mutex);
	vpool_members_sync(members);
	mutex_unlock(&members->affinity_mutex);
}
