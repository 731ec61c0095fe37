// SPDX-License-Identifier: GPL-2.0
/*
 * The members of one pool.
 *
 * The CPUs that members may use change under vpool_member_lock alone, which is held
 * briefly: see vpool_members_publish(). Each change starts a new generation. A task
 * that holds the set's affinity_mutex then sets the masks of living members, one by
 * one; it may be slow. A member is stale while its generation is older than that of
 * the set. CPU hotplug only publishes, so it never waits for a member.
 */
#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "budget.h"
#include "compat.h"
#include "member_set.h"

/**
 * vpool_members_init - initialize an empty set of members
 * @members: zeroed memory
 * @name: name of the pool; outlives @members
 * @stat: counters of the pool; outlives @members
 * @enforce: work function that enforces affinities, vpool_enforce()
 *
 * Return: 0, or -ENOMEM with nothing allocated.
 */
int vpool_members_init(struct vpool_member_set *members, const char *name,
		       struct vpool_stat *stat, work_func_t enforce)
{
	members->name = name;
	members->stat = stat;
	INIT_DELAYED_WORK(&members->enforce, enforce);
	mutex_init(&members->affinity_mutex);
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
 *
 * Context: sleeps.
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
	mutex_destroy(&members->affinity_mutex);
}

/**
 * vpool_members_enforce_later - queue vpool_enforce() for a pool
 * @members: members of the pool
 * @delay: longest delay, in jiffies
 *
 * Context: any; vpool_member_lock held, so that @members cannot be closed.
 */
void vpool_members_enforce_later(struct vpool_member_set *members,
				 unsigned long delay)
{
	lockdep_assert_held(&vpool_member_lock);
	if (members->closed || !members->nr)
		return;
	if (delay < VPOOL_ENFORCE_EVERY)
		mod_delayed_work(vpool_unbound_wq, &members->enforce, delay);
	else
		queue_delayed_work(vpool_unbound_wq, &members->enforce,
				   delay);
}

/**
 * vpool_members_changed - start a new generation
 * @members: members of the pool, after a change of @cpus or @dedicated
 *
 * Staying within the pool matters more than keeping off a dedicated CPU. If every CPU
 * of the pool is dedicated, the other members run on all of them.
 *
 * Context: vpool_member_lock held.
 */
void vpool_members_changed(struct vpool_member_set *members)
{
	lockdep_assert_held(&vpool_member_lock);
	if (!cpumask_andnot(members->shared, members->cpus, members->dedicated))
		cpumask_copy(members->shared, members->cpus);
	members->generation++;
	vpool_members_enforce_later(members, 0);
}

/**
 * vpool_members_drop_cpu - take a member's dedicated CPU away
 * @member: linked member
 *
 * Context: vpool_member_lock held.
 * Return: true if it had one; then the caller must call vpool_members_changed().
 */
bool vpool_members_drop_cpu(struct vpool_member *member)
{
	struct vpool_member_set *members = member->members;

	lockdep_assert_held(&vpool_member_lock);
	if (member->cpu < 0)
		return false;
	cpumask_clear_cpu(member->cpu, members->dedicated);
	member->cpu = -1;
	WRITE_ONCE(members->nr_dedicated, members->nr_dedicated - 1);
	return true;
}

/* Take back dedicated CPUs that the pool has lost. */
static void vpool_members_drop_lost(struct vpool_member_set *members)
{
	struct vpool_member *member;

	if (!members->nr_dedicated)
		return;
	list_for_each_entry(member, &members->list, link)
		if (member->cpu >= 0 &&
		    !cpumask_test_cpu(member->cpu, members->assigned))
			vpool_members_drop_cpu(member);
}

/**
 * vpool_members_publish - change the CPUs that members may use
 * @members: members of the pool
 * @assigned: the pool's CPUs, online or offline
 * @cpus: the online CPUs of @assigned; CPUs of the host if none is online
 * @all_offline: no CPU of @assigned is online
 *
 * vpool_enforce() sets the members' masks soon after. A caller that must wait for
 * that calls vpool_members_sync_now().
 *
 * Context: takes vpool_member_lock; waits for no other task.
 */
void vpool_members_publish(struct vpool_member_set *members,
			   const struct cpumask *assigned,
			   const struct cpumask *cpus, bool all_offline)
{
	raw_spin_lock(&vpool_member_lock);
	cpumask_copy(members->assigned, assigned);
	cpumask_copy(members->cpus, cpus);
	members->all_offline = all_offline;
	vpool_members_drop_lost(members);
	vpool_members_changed(members);
	raw_spin_unlock(&vpool_member_lock);
}

/**
 * vpool_members_link - make a task a member
 * @members: members of the pool, not closed
 * @member: membership with masks and @attach_id set; the table takes ownership
 * @task: a task that has no entry in the table
 * @user: user for whom the caller has counted the member, or NULL
 *
 * The caller holds the module by an open descriptor or by the parent's membership.
 * The member takes another reference.
 *
 * Context: vpool_member_lock held.
 */
void vpool_members_link(struct vpool_member_set *members,
			struct vpool_member *member, struct task_struct *task,
			struct vpool_user *user)
{
	lockdep_assert_held(&vpool_member_lock);
	vpool_member_hash(member, task);
	member->members = members;
	member->user = user;
	member->pass = members->pass;
	__module_get(THIS_MODULE);
	list_add_tail(&member->link, &members->list);
	WRITE_ONCE(members->nr, members->nr + 1);
	/* io_uring sets the masks of its threads after it has created them. */
	vpool_members_enforce_later(members,
				    vpool_task_is_user_worker(task) ?
				    VPOOL_ENFORCE_SOON : VPOOL_ENFORCE_EVERY);
}

/**
 * vpool_members_unlink - end a task's membership of its pool
 * @member: the membership; it stays in the table
 *
 * Context: vpool_member_lock held.
 * Return: true if the task was a member. Then the caller must call module_put() after
 * it has dropped the lock.
 */
bool vpool_members_unlink(struct vpool_member *member)
{
	struct vpool_member_set *members = member->members;

	lockdep_assert_held(&vpool_member_lock);
	if (!members || !vpool_member_is_hashed(member))
		return false;
	list_del_init(&member->link);
	if (vpool_members_drop_cpu(member))
		vpool_members_changed(members);
	member->members = NULL;
	vpool_budget_remove_member(member->user);
	member->user = NULL;
	WRITE_ONCE(members->nr, members->nr - 1);
	if (!members->nr && members->emptied)
		members->emptied(members);
	return true;
}

/**
 * vpool_members_has - tell whether a task is a member of a pool
 * @members: members of the pool
 * @task: the task
 *
 * Context: any.
 * Return: true if the task is a member; it may leave at any time.
 */
bool vpool_members_has(struct vpool_member_set *members,
		       const struct task_struct *task)
{
	struct vpool_member *member;
	bool has;

	rcu_read_lock();
	member = vpool_member_find(task);
	has = member && READ_ONCE(member->members) == members;
	rcu_read_unlock();
	return has;
}

/**
 * vpool_members_find - find the membership of a task in a pool
 * @members: members of the pool
 * @task: the task; the caller holds a reference
 *
 * Context: takes vpool_member_lock.
 * Return: the membership, which the caller must release with vpool_member_put_task();
 * or NULL if the task is not a member.
 */
struct vpool_member *vpool_members_find(struct vpool_member_set *members,
					const struct task_struct *task)
{
	struct vpool_member *member;

	raw_spin_lock(&vpool_member_lock);
	member = vpool_member_find(task);
	if (member && member->members == members)
		vpool_member_get_task(member);
	else
		member = NULL;
	raw_spin_unlock(&vpool_member_lock);
	return member;
}

/**
 * vpool_members_next - get the next member of a walk over all members
 * @members: members of the pool; to start a walk the caller increments @pass
 *
 * Members may be linked and unlinked during the walk. The walk does not visit those
 * that are linked after it has started.
 *
 * Context: affinity_mutex held; takes vpool_member_lock.
 * Return: a member not visited yet, which the caller must release with
 * vpool_member_put_task(); or NULL at the end.
 */
struct vpool_member *vpool_members_next(struct vpool_member_set *members)
{
	struct vpool_member *member;

	lockdep_assert_held(&members->affinity_mutex);
	raw_spin_lock(&vpool_member_lock);
	member = list_first_entry_or_null(&members->list, struct vpool_member,
					  link);
	if (member && member->pass == members->pass)
		member = NULL;
	if (member) {
		member->pass = members->pass;
		list_move_tail(&member->link, &members->list);
		vpool_member_get_task(member);
	}
	raw_spin_unlock(&vpool_member_lock);
	return member;
}

/**
 * vpool_members_list - list the members of a pool
 * @members: members of the pool
 * @info: array of @max entries; filled with ids in the caller's pid namespace
 * @max: length of @info
 *
 * Context: takes vpool_member_lock.
 * Return: the number of members. If it is more than @max, @info is undefined.
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
 * vpool_members_dedicated - read which CPUs are dedicated
 * @members: members of the pool
 * @mask: set to the dedicated CPUs
 *
 * Context: any; takes vpool_member_lock.
 */
void vpool_members_dedicated(struct vpool_member_set *members,
			     struct cpumask *mask)
{
	raw_spin_lock(&vpool_member_lock);
	cpumask_copy(mask, members->dedicated);
	raw_spin_unlock(&vpool_member_lock);
}
