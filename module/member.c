// SPDX-License-Identifier: GPL-2.0
/*
 * The membership of one task.
 *
 * A task is a member from its attach, or from being forked by a member, until it is
 * detached, exits or its pool is destroyed. One table finds the membership of a task.
 * One lock guards the table and all lists, because the tracepoints for fork and exit
 * bring nothing but a task.
 *
 * Each member of a pool holds a reference on the module, so the module cannot be
 * unloaded while there is one. What is in the table for a task that has left its
 * pool (see fork.c) holds none; unloading removes it.
 */
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "cpuset.h"
#include "member.h"

#define VPOOL_MEMBER_HASH_BITS 10
/*
 * Memberships set aside for children that are born while no memory can be had. A
 * real-time kernel cannot allocate in a tracepoint at all, so there all children
 * take theirs from these.
 */
#define VPOOL_SPARES (IS_ENABLED(CONFIG_PREEMPT_RT) ? 2048 : 128)

DEFINE_RAW_SPINLOCK(vpool_member_lock);
static DEFINE_HASHTABLE(vpool_member_table, VPOOL_MEMBER_HASH_BITS);

/* Guards the spares; a leaf, taken in tracepoints. */
static DEFINE_RAW_SPINLOCK(vpool_spares_lock);
static LIST_HEAD(vpool_spares);
static unsigned int vpool_nr_spares;

static void vpool_spares_fill(struct work_struct *work);
static DECLARE_WORK(vpool_spares_work, vpool_spares_fill);

/**
 * vpool_member_find - find the membership of a task
 * @task: the task
 *
 * Context: in an RCU section, or with vpool_member_lock held.
 * Return: it, or NULL. The caller must check @members: NULL there means that the task
 * has left its pool.
 */
struct vpool_member *vpool_member_find(const struct task_struct *task)
{
	struct vpool_member *member;

	hash_for_each_possible_rcu(vpool_member_table, member, hash,
				   (unsigned long)task)
		if (member->task == task)
			return member;
	return NULL;
}

static struct vpool_member *vpool_member_kmalloc(gfp_t gfp)
{
	return kmalloc(sizeof(struct vpool_member) +
		       VPOOL_MEMBER_MASKS * cpumask_size(), gfp);
}

/**
 * vpool_member_alloc - allocate a membership
 *
 * Context: sleeps.
 * Return: it, not initialised, for vpool_member_free() or vpool_member_link(); or
 * NULL.
 */
struct vpool_member *vpool_member_alloc(void)
{
	return vpool_member_kmalloc(GFP_KERNEL);
}

static bool vpool_spares_add(struct vpool_member *member)
{
	bool added;

	raw_spin_lock(&vpool_spares_lock);
	added = vpool_nr_spares < VPOOL_SPARES;
	if (added) {
		list_add(&member->link, &vpool_spares);
		vpool_nr_spares++;
	}
	raw_spin_unlock(&vpool_spares_lock);
	return added;
}

static struct vpool_member *vpool_spares_take(void)
{
	struct vpool_member *member;

	raw_spin_lock(&vpool_spares_lock);
	member = list_first_entry_or_null(&vpool_spares, struct vpool_member,
					  link);
	if (member) {
		list_del(&member->link);
		vpool_nr_spares--;
	}
	raw_spin_unlock(&vpool_spares_lock);
	return member;
}

static void vpool_spares_fill(struct work_struct *work)
{
	struct vpool_member *member;

	while (READ_ONCE(vpool_nr_spares) < VPOOL_SPARES) {
		member = vpool_member_alloc();
		if (!member)
			return;
		if (!vpool_spares_add(member))
			kfree(member);
		cond_resched();
	}
}

/**
 * vpool_member_alloc_atomic - allocate a membership without sleeping
 *
 * Context: any that can be preempted by nothing but interrupts; takes raw locks only
 * on a real-time kernel.
 * Return: as vpool_member_alloc().
 */
struct vpool_member *vpool_member_alloc_atomic(void)
{
	struct vpool_member *member = NULL;

	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		member = vpool_member_kmalloc(GFP_ATOMIC | __GFP_NOWARN);
	if (member)
		return member;
	member = vpool_spares_take();
	if (READ_ONCE(vpool_nr_spares) < VPOOL_SPARES / 2)
		schedule_work(&vpool_spares_work);
	return member;
}

static void vpool_member_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct vpool_member, rcu));
}

/**
 * vpool_member_free - free a membership that was never used
 * @member: it, or NULL
 *
 * Context: any that vpool_member_alloc_atomic() may be called in.
 */
void vpool_member_free(struct vpool_member *member)
{
	if (!member)
		return;
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		kfree(member);
	else if (!vpool_spares_add(member))
		call_rcu(&member->rcu, vpool_member_free_rcu);
}

/**
 * vpool_member_get - take a reference
 * @member: it
 */
void vpool_member_get(struct vpool_member *member)
{
	refcount_inc(&member->ref);
}

/**
 * vpool_member_put - drop a reference
 * @member: it
 *
 * Context: any.
 */
void vpool_member_put(struct vpool_member *member)
{
	if (refcount_dec_and_test(&member->ref))
		call_rcu(&member->rcu, vpool_member_free_rcu);
}

/**
 * vpool_member_done - drop the references of vpool_members_next()
 * @member: it
 *
 * Context: sleeps.
 */
void vpool_member_done(struct vpool_member *member)
{
	put_task_struct(member->task);
	vpool_member_put(member);
}

/**
 * vpool_member_inherit - copy what a child gets from its parent's membership
 * @member: of the child, to be filled
 * @of_parent: of the parent
 *
 * Context: vpool_member_lock held.
 */
void vpool_member_inherit(struct vpool_member *member,
			  const struct vpool_member *of_parent)
{
	lockdep_assert_held(&vpool_member_lock);
	memcpy(member->masks, of_parent->masks,
	       VPOOL_MEMBER_MASKS * cpumask_size());
	member->whole = of_parent->whole;
	member->has_user = of_parent->has_user;
	member->call = of_parent->call;
}

/**
 * vpool_member_hash - enter a membership into the table
 * @member: it; its masks and its call number are set
 * @task: its task, which is in the table with no other
 *
 * Context: vpool_member_lock held.
 */
void vpool_member_hash(struct vpool_member *member, struct task_struct *task)
{
	lockdep_assert_held(&vpool_member_lock);
	refcount_set(&member->ref, 1);
	member->task = task;
	member->members = NULL;
	member->generation = 0;
	member->cpu = -1;
	member->pending = false;
	member->escaped = false;
	member->unrestored = false;
	hash_add_rcu(vpool_member_table, &member->hash, (unsigned long)task);
	/* For as long as it is in the table; see vpool_member_unhash(). */
	vpool_probe_hold();
}

/**
 * vpool_member_is_hashed - tell whether a membership is in the table
 * @member: it, with a reference
 *
 * Context: vpool_member_lock held.
 * Return: false after its task has exited, or was forgotten.
 */
bool vpool_member_is_hashed(const struct vpool_member *member)
{
	lockdep_assert_held(&vpool_member_lock);
	return !hlist_unhashed(&member->hash);
}

/**
 * vpool_member_link - make a task a member
 * @member: its membership, with masks and call number
 * @members: of the pool
 * @task: a task that is not in the table
 *
 * The caller has something that keeps the module loaded, an open descriptor or the
 * parent's membership; the member takes a reference of its own.
 *
 * Context: vpool_member_lock held.
 */
void vpool_member_link(struct vpool_member *member,
		       struct vpool_member_set *members,
		       struct task_struct *task)
{
	lockdep_assert_held(&vpool_member_lock);
	vpool_member_hash(member, task);
	member->members = members;
	member->pass = members->pass;
	__module_get(THIS_MODULE);
	list_add_tail(&member->link, &members->list);
	WRITE_ONCE(members->nr, members->nr + 1);
	vpool_enforce_later(members,
			    task->flags & (PF_IO_WORKER | PF_USER_WORKER) ?
			    VPOOL_ENFORCE_SOON : VPOOL_ENFORCE_EVERY);
}

static void vpool_member_free_cpu(struct vpool_member *member)
{
	struct vpool_member_set *members = member->members;

	if (member->cpu < 0)
		return;
	cpumask_clear_cpu(member->cpu, members->dedicated);
	member->cpu = -1;
	WRITE_ONCE(members->nr_dedicated, members->nr_dedicated - 1);
	/* The other members may run there now. */
	vpool_members_changed(members);
}

/**
 * vpool_member_unlink - end a task's membership of its pool
 * @member: its membership; it stays in the table
 *
 * Context: vpool_member_lock held.
 * Return: true, and the caller must call module_put() after it has unlocked; false if
 * the task was no member any more.
 */
bool vpool_member_unlink(struct vpool_member *member)
{
	struct vpool_member_set *members = member->members;

	lockdep_assert_held(&vpool_member_lock);
	if (!members || !vpool_member_is_hashed(member))
		return false;
	list_del_init(&member->link);
	vpool_member_free_cpu(member);
	member->members = NULL;
	WRITE_ONCE(members->nr, members->nr - 1);
	if (!members->nr && members->emptied)
		members->emptied(members);
	return true;
}

/**
 * vpool_member_unhash - remove a membership from the table
 * @member: it, unlinked
 *
 * Context: vpool_member_lock held.
 */
void vpool_member_unhash(struct vpool_member *member)
{
	lockdep_assert_held(&vpool_member_lock);
	hash_del_rcu(&member->hash);
	vpool_probe_put();
	vpool_member_put(member);
}

/**
 * vpool_members_start - prepare for members
 *
 * Return: 0, -ENOMEM, or -ENXIO if the kernel lacks the tracepoints.
 */
int vpool_members_start(void)
{
	int err = vpool_probes_start();

	if (err)
		return err;
	vpool_cpuset_start();
	vpool_spares_fill(NULL);
	return 0;
}

/**
 * vpool_members_stop - undo vpool_members_start()
 *
 * Context: sleeps; no pool has a member.
 */
void vpool_members_stop(void)
{
	struct vpool_member *member;

	vpool_leavers_stop();
	vpool_probes_stop();
	vpool_cpuset_stop();
	cancel_work_sync(&vpool_spares_work);
	while ((member = vpool_spares_take()))
		kfree(member);
	rcu_barrier();
}
