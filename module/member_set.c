// SPDX-License-Identifier: GPL-2.0
/*
 * The members of one pool.
 *
 * What members may run on changes under vpool_member_lock alone, which is held for a
 * moment only: see vpool_members_publish(). Each change is a new generation. The masks
 * of living members are set after that, one by one, by a task that holds the set's
 * mutex and may be slow; members whose generation is older are stale until then. So
 * CPU hotplug, which only publishes, never waits for a member.
 */
#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "member.h"

/**
 * vpool_members_init - initialise the members of a pool: none
 * @members: to initialise, zeroed
 * @name: the pool's, outlives @members
 * @stat: the pool's, outlives @members
 *
 * Return: 0, or -ENOMEM with nothing left behind.
 */
int vpool_members_init(struct vpool_member_set *members, const char *name,
		       struct vpool_stat *stat)
{
	members->name = name;
	members->stat = stat;
	INIT_DELAYED_WORK(&members->enforce, vpool_enforce);
	mutex_init(&members->moving);
	INIT_LIST_HEAD(&members->list);
	if (zalloc_cpumask_var(&members->assigned, GFP_KERNEL) &&
	    zalloc_cpumask_var(&members->cpus, GFP_KERNEL) &&
	    zalloc_cpumask_var(&members->shared, GFP_KERNEL) &&
	    zalloc_cpumask_var(&members->dedicated, GFP_KERNEL) &&
	    zalloc_cpumask_var(&members->want, GFP_KERNEL) &&
	    zalloc_cpumask_var(&members->scratch, GFP_KERNEL) &&
	    zalloc_cpumask_var(&members->allowed, GFP_KERNEL))
		return 0;
	vpool_members_exit(members);
	return -ENOMEM;
}

/**
 * vpool_members_exit - undo vpool_members_init()
 * @members: closed, or never used
 */
void vpool_members_exit(struct vpool_member_set *members)
{
	cancel_delayed_work_sync(&members->enforce);
	free_cpumask_var(members->assigned);
	free_cpumask_var(members->cpus);
	free_cpumask_var(members->shared);
	free_cpumask_var(members->dedicated);
	free_cpumask_var(members->want);
	free_cpumask_var(members->scratch);
	free_cpumask_var(members->allowed);
	mutex_destroy(&members->moving);
}

/**
 * vpool_members_changed - begin a new generation
 * @members: @cpus or @dedicated of it have just changed
 *
 * Staying within the pool is the stronger promise: where no other CPU is left,
 * members without a CPU of their own run on dedicated ones.
 *
 * Context: vpool_member_lock held.
 */
void vpool_members_changed(struct vpool_member_set *members)
{
	lockdep_assert_held(&vpool_member_lock);
	if (!cpumask_andnot(members->shared, members->cpus, members->dedicated))
		cpumask_copy(members->shared, members->cpus);
	members->generation++;
	vpool_enforce_later(members, 0);
}

/* A dedicated CPU that the pool no longer has is dedicated to no member. */
static void vpool_members_drop_dedicated(struct vpool_member_set *members)
{
	struct vpool_member *member;

	if (!members->nr_dedicated)
		return;
	list_for_each_entry(member, &members->list, link) {
		if (member->cpu < 0 ||
		    cpumask_test_cpu(member->cpu, members->assigned))
			continue;
		cpumask_clear_cpu(member->cpu, members->dedicated);
		WRITE_ONCE(members->nr_dedicated, members->nr_dedicated - 1);
		member->cpu = -1;
	}
}

/**
 * vpool_members_publish - change what members may run on
 * @members: of the pool
 * @assigned: the pool's CPUs, online or not
 * @cpus: those that are online, or the host's if there are none
 * @exiled: @cpus are the host's
 *
 * Members follow soon, by themselves. A caller that needs them to have followed calls
 * vpool_members_sync_now().
 *
 * Context: takes vpool_member_lock; waits for no other task.
 */
void vpool_members_publish(struct vpool_member_set *members,
			   const struct cpumask *assigned,
			   const struct cpumask *cpus, bool exiled)
{
	raw_spin_lock(&vpool_member_lock);
	cpumask_copy(members->assigned, assigned);
	cpumask_copy(members->cpus, cpus);
	members->exiled = exiled;
	vpool_members_drop_dedicated(members);
	vpool_members_changed(members);
	raw_spin_unlock(&vpool_member_lock);
}

/**
 * vpool_members_next - walk over all members
 * @members: of the pool; the caller has counted its @pass up to begin
 *
 * Members that come or go during the walk do not disturb it; those that come are not
 * visited.
 *
 * Context: the set's moving mutex held; takes vpool_member_lock.
 * Return: a member not yet visited, for vpool_member_done(); or NULL at the end.
 */
struct vpool_member *vpool_members_next(struct vpool_member_set *members)
{
	struct vpool_member *member;

	lockdep_assert_held(&members->moving);
	raw_spin_lock(&vpool_member_lock);
	member = list_first_entry_or_null(&members->list, struct vpool_member,
					  link);
	if (member && member->pass == members->pass)
		member = NULL;
	if (member) {
		member->pass = members->pass;
		list_move_tail(&member->link, &members->list);
		vpool_member_get(member);
		get_task_struct(member->task);
	}
	raw_spin_unlock(&vpool_member_lock);
	return member;
}

/**
 * vpool_members_sync - set the masks of all stale members
 * @members: of the pool
 *
 * Context: sleeps; the set's moving mutex held; takes vpool_member_lock.
 * Return: false if the mask of one could not be set; vpool_enforce() will try again.
 */
bool vpool_members_sync(struct vpool_member_set *members)
{
	struct vpool_member *member;
	bool done = true;

	members->pass++;
	while ((member = vpool_members_next(members))) {
		if (READ_ONCE(member->generation) !=
		    READ_ONCE(members->generation) &&
		    vpool_affinity_apply(member, false))
			done = false;
		vpool_member_done(member);
		cond_resched();
	}
	return done;
}

/**
 * vpool_members_sync_now - wait until the members have followed
 * @members: of the pool
 *
 * When it returns each of them has its mask, but for a child whose fork has not
 * ended, or a member that runs nowhere else: vpool_enforce() sees to those.
 *
 * Context: sleeps; takes the set's moving mutex and vpool_member_lock. No lock may be
 * held that the rest of the host waits for, as that of CPU hotplug.
 */
void vpool_members_sync_now(struct vpool_member_set *members)
{
	mutex_lock(&members->moving);
	vpool_members_sync(members);
	mutex_unlock(&members->moving);
}

/**
 * vpool_members_list - list the members of a pool
 * @members: of the pool
 * @info: array, filled with ids in the current pid namespace
 * @max: length of @info
 *
 * Return: how many members there are; if more than @max, @info is undefined.
 */
unsigned int vpool_members_list(struct vpool_member_set *members,
				struct vpool_member_info *info,
				unsigned int max)
{
	struct vpool_member *member;
	unsigned int nr = 0;

	raw_spin_lock(&vpool_member_lock);
	list_for_each_entry(member, &members->list, link) {
		if (members->nr > max)
			break;
		info[nr].tid = task_pid_vnr(member->task);
		info[nr].pid = task_tgid_vnr(member->task);
		nr++;
	}
	nr = members->nr;
	raw_spin_unlock(&vpool_member_lock);
	return nr;
}

/**
 * vpool_members_dedicated - tell which CPUs are dedicated
 * @members: of the pool
 * @mask: set to them
 */
void vpool_members_dedicated(struct vpool_member_set *members,
			     struct cpumask *mask)
{
	raw_spin_lock(&vpool_member_lock);
	cpumask_copy(mask, members->dedicated);
	raw_spin_unlock(&vpool_member_lock);
}
