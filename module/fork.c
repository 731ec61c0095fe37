// SPDX-License-Identifier: GPL-2.0
/*
 * Follow members that fork, exit or move to another cgroup.
 *
 * The child of a member is a member. copy_process() copies the parent's affinity to
 * the child when it begins, and the probe runs when it ends. If the parent's mask
 * changes in between, the child has the old mask. The probe cannot set a mask; it only
 * records the child. A kernel worker then sets the mask in process context:
 * vpool_enforce() for a member, the worker in departed.c for a child whose parent has
 * left its pool.
 *
 * These events race:
 *
 *  - Attach and exit. Exit sets PF_EXITING and then fires the tracepoint. Attach links
 *    the membership and then reads PF_EXITING. So at least one of them sees the other,
 *    and both may remove the membership.
 *  - Attach of a process and fork by one of its threads. If the parent is a member when
 *    the probe runs, the probe adds the child. Otherwise the child is already in the
 *    process's list of threads, and attach walks that list until it finds no new one.
 *  - A change of the pool's CPUs and fork. The child is stale if its parent is stale or
 *    if the two masks differ.
 *  - Detach, or destroy, and fork. The parent may have left the pool when the probe
 *    runs, while the child has the pool's mask. See departed.c.
 *  - Attach, destroy and fork. The child of a parent whose mask is just being set may
 *    have either mask. So vpool records a mask before setting it, and the membership
 *    keeps the previous one. vpool_detach() sets the mask of a child that it has not
 *    set yet, and restores the affinity then.
 *  - Unload and fork. See vpool_departed_stop().
 *
 * The probe for new tasks uses the tracepoint in copy_process(), not that in fork. Only
 * the former reports the threads that the kernel makes in a process, as io_uring and
 * vhost do.
 */
#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <trace/events/sched.h>
#include <trace/events/task.h>

#include "budget.h"
#include "compat.h"
#include "departed.h"
#include "fork.h"
#include "member_set.h"
#include "probes.h"

struct cgroup;

static bool vpool_fork_same_mask(const struct task_struct *a,
				 const struct task_struct *b)
{
	/* Another task may be setting one; then a worker compares them again. */
	return data_race(cpumask_equal(&a->cpus_mask, &b->cpus_mask));
}

static void vpool_fork_link(struct vpool_member *member,
			    struct vpool_member *of_parent,
			    struct task_struct *child)
{
	struct vpool_member_set *members = of_parent->members;

	vpool_budget_fork(of_parent->user);
	vpool_members_link(members, member, child, of_parent->user);
	/* A child does not inherit the dedicated CPU of its parent. */
	if (of_parent->cpu < 0 &&
	    of_parent->generation == members->generation &&
	    vpool_fork_same_mask(of_parent->task, child))
		member->generation = members->generation;
	else
		vpool_members_enforce_later(members, 0);
}

/* Tell whether the child of a task in the table needs an entry too. */
static bool vpool_fork_needs_entry(const struct vpool_member *of_parent,
				   const struct task_struct *child)
{
	if (vpool_member_find(child))
		/* Attach of the whole process has already added it. */
		return false;
	if (of_parent->members)
		return true;
	return of_parent->unrestored ||
	       !vpool_fork_same_mask(of_parent->task, child);
}

/* Insert @member into the table for @child. */
static void vpool_fork_record(struct vpool_member *member,
			      struct vpool_member *of_parent,
			      struct task_struct *child)
{
	struct vpool_member_set *members = of_parent->members;

	lockdep_assert_held(&vpool_member_lock);
	vpool_member_inherit(member, of_parent);
	if (members && !members->closed) {
		vpool_fork_link(member, of_parent, child);
	} else {
		vpool_member_hash(member, child);
		vpool_departed_add_unrestored(member);
	}
}

/*
 * A task forks. @child is complete, but has not run yet. Preemption is off; takes
 * vpool_member_lock.
 */
static void vpool_fork_probe_new(VPOOL_PROBE_FORK_ARGS)
{
	struct vpool_member *member, *of_parent;
	bool needed;

	rcu_read_lock();
	of_parent = vpool_member_find(current);
	rcu_read_unlock();
	if (!of_parent)
		return;
	member = vpool_member_alloc_atomic();
	raw_spin_lock(&vpool_member_lock);
	of_parent = vpool_member_find(current);
	needed = of_parent && vpool_fork_needs_entry(of_parent, child);
	if (needed && member)
		vpool_fork_record(member, of_parent, child);
	raw_spin_unlock(&vpool_member_lock);
	if (!needed)
		vpool_member_free(member);
	else if (!member)
		pr_warn_ratelimited("no memory to track task %d, the child of a member\n",
				    child->pid);
}

/**
 * vpool_fork_exit - remove an exiting task from its pool and from the table
 * @task: a task with PF_EXITING set, in the table or not
 *
 * Context: any, including a tracepoint with preemption off; takes vpool_member_lock.
 */
void vpool_fork_exit(struct task_struct *task)
{
	struct vpool_member *member;
	bool linked = false;

	/* Search after PF_EXITING was set: see the top of this file. */
	smp_mb();
	rcu_read_lock();
	member = vpool_member_find(task);
	rcu_read_unlock();
	if (!member)
		return;
	raw_spin_lock(&vpool_member_lock);
	member = vpool_member_find(task);
	if (member) {
		linked = vpool_members_unlink(member);
		if (!linked)
			list_del_init(&member->link);
		vpool_member_unhash(member);
	}
	raw_spin_unlock(&vpool_member_lock);
	if (linked)
		module_put(THIS_MODULE);
}

static void vpool_fork_probe_exit(VPOOL_PROBE_EXIT_ARGS)
{
	vpool_fork_exit(task);
}

/*
 * @task has moved to another cgroup; if @threadgroup, @task is the first thread of its
 * process, and all threads have moved.
 *
 * Interrupts are off and a lock of the cgroup core is held, so the probe must not wait
 * for vpool_member_lock. If another CPU holds that, vpool_enforce() handles the move
 * within a second.
 */
static void vpool_fork_probe_cgroup(void *data, struct cgroup *to,
				    const char *path, struct task_struct *task,
				    bool threadgroup)
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
			vpool_members_enforce_later(member->members, 0);
		raw_spin_unlock(&vpool_member_lock);
	}
	rcu_read_unlock();
}

static struct vpool_probe vpool_fork_probes[] = {
	{
		.name = "sched_process_exit",
		.func = vpool_fork_probe_exit,
	},
	{
		.name = "task_newtask",
		.func = vpool_fork_probe_new,
	},
	{
		/* On other kernels a move to another cgroup keeps the affinity. */
		.name = "cgroup_attach_task",
		.func = vpool_fork_probe_cgroup,
		.skip = !VPOOL_CPUSETS_RESET,
		.optional = true,
	},
};

/**
 * vpool_fork_start - find the tracepoints for fork and exit
 *
 * Return: 0, or -ENXIO if the kernel lacks them.
 */
int vpool_fork_start(void)
{
	/* The probes are found by name. The compiler checks their types here. */
	check_trace_callback_type_sched_process_exit(vpool_fork_probe_exit);
	check_trace_callback_type_task_newtask(vpool_fork_probe_new);
	return vpool_probes_start(vpool_fork_probes,
				  ARRAY_SIZE(vpool_fork_probes));
}

/**
 * vpool_fork_stop - remove the departed tasks, and unregister the probes
 *
 * Context: sleeps; no pool has a member.
 */
void vpool_fork_stop(void)
{
	vpool_departed_stop();
	vpool_probes_stop();
}
