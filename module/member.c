// SPDX-License-Identifier: GPL-2.0
/*
 * The membership of one task.
 *
 * A task is a member from its attach, or from its fork by a member, until it is
 * detached, exits or its pool is destroyed. One table finds the membership of a task.
 * One lock guards the table and all lists of members, because the fork and exit
 * tracepoints pass only a task.
 *
 * Each member of a pool holds a reference on the module, so the module cannot be
 * unloaded while a pool has members. The entry of a departed task (see departed.c)
 * holds no reference; unloading removes it.
 */
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "member.h"
#include "probes.h"

#define VPOOL_MEMBER_HASH_BITS 10
/*
 * Spare memberships for children that are forked when an atomic allocation fails. A
 * real-time kernel cannot allocate in a tracepoint, so there every child uses a spare.
 */
#define VPOOL_SPARES (IS_ENABLED(CONFIG_PREEMPT_RT) ? 2048 : 128)

DEFINE_RAW_SPINLOCK(vpool_member_lock);
static DEFINE_HASHTABLE(vpool_member_table, VPOOL_MEMBER_HASH_BITS);

/* Guards the spares. A leaf lock, taken in tracepoints. */
static DEFINE_RAW_SPINLOCK(vpool_spares_lock);
static LIST_HEAD(vpool_spares);
static unsigned int vpool_nr_spares;

static void vpool_spares_fill(struct work_struct *work);
static DECLARE_WORK(vpool_spares_work, vpool_spares_fill);

/**
 * vpool_member_find - find the membership of a task
 * @task: the task
 *
 * Context: in an RCU read-side section, or with vpool_member_lock held.
 * Return: the membership, or NULL. The caller must check @members of it: NULL there
 * means that the task has left its pool.
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
 * Return: an uninitialized membership, which the caller must link, hash or free with
 * vpool_member_free(); or NULL.
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
 * Context: atomic, but not in an interrupt. On a real-time kernel it takes raw locks
 * only.
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
		queue_work(vpool_unbound_wq, &vpool_spares_work);
	return member;
}

static void vpool_member_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct vpool_member, rcu));
}

/**
 * vpool_member_free - free a membership that was never in the table
 * @member: the membership, or NULL
 *
 * Context: as vpool_member_alloc_atomic().
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

static void vpool_member_put(struct vpool_member *member)
{
	if (refcount_dec_and_test(&member->ref))
		call_rcu(&member->rcu, vpool_member_free_rcu);
}

/**
 * vpool_member_get_task - take references on a membership and on its task
 * @member: the membership, which is in the table
 *
 * Context: vpool_member_lock held. vpool_member_put_task() drops the references.
 */
void vpool_member_get_task(struct vpool_member *member)
{
	lockdep_assert_held(&vpool_member_lock);
	refcount_inc(&member->ref);
	get_task_struct(member->task);
}

/**
 * vpool_member_put_task - drop the references of vpool_member_get_task()
 * @member: the membership
 *
 * Context: sleeps.
 */
void vpool_member_put_task(struct vpool_member *member)
{
	put_task_struct(member->task);
	vpool_member_put(member);
}

/**
 * vpool_member_inherit - copy to a child's membership what it shares with its parent's
 * @member: membership of the child, to be filled
 * @of_parent: membership of the parent
 *
 * Context: vpool_member_lock held.
 */
void vpool_member_inherit(struct vpool_member *member,
			  const struct vpool_member *of_parent)
{
	lockdep_assert_held(&vpool_member_lock);
	memcpy(member->masks, of_parent->masks,
	       VPOOL_MEMBER_MASKS * cpumask_size());
	member->whole_cpuset = of_parent->whole_cpuset;
	member->has_user = of_parent->has_user;
	member->attach_id = of_parent->attach_id;
}

/**
 * vpool_member_hash - insert a membership into the table
 * @member: membership with masks and @attach_id set; the table takes ownership
 * @task: its task, for which the table has no other entry
 *
 * Context: vpool_member_lock held.
 */
void vpool_member_hash(struct vpool_member *member, struct task_struct *task)
{
	lockdep_assert_held(&vpool_member_lock);
	refcount_set(&member->ref, 1);
	member->task = task;
	member->members = NULL;
	member->user = NULL;
	member->generation = 0;
	member->cpu = -1;
	member->pending = false;
	member->escaped = false;
	member->unrestored = false;
	hash_add_rcu(vpool_member_table, &member->hash, (unsigned long)task);
	/* vpool_member_unhash() drops it. */
	vpool_probe_hold();
}

/**
 * vpool_member_is_hashed - tell whether a membership is in the table
 * @member: the membership; the caller holds a reference
 *
 * Context: vpool_member_lock held.
 * Return: false if the task has exited or is no longer a departed task.
 */
bool vpool_member_is_hashed(const struct vpool_member *member)
{
	lockdep_assert_held(&vpool_member_lock);
	return !hlist_unhashed(&member->hash);
}

/**
 * vpool_member_unhash - remove a membership from the table
 * @member: the membership, which is in no list; the table's reference is dropped
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
 * vpool_member_start - allocate the spare memberships
 *
 * Context: sleeps.
 */
void vpool_member_start(void)
{
	vpool_spares_fill(NULL);
}

/**
 * vpool_member_stop - free the spares, and wait until every membership is freed
 *
 * Context: sleeps; the table is empty.
 */
void vpool_member_stop(void)
{
	struct vpool_member *member;

	cancel_work_sync(&vpool_spares_work);
	while ((member = vpool_spares_take()))
		kfree(member);
	rcu_barrier();
}
