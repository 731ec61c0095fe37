/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The membership of one task, and the table that finds it.
 */
#ifndef VPOOL_MEMBER_H
#define VPOOL_MEMBER_H

#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "compat.h"

struct vpool_member_set;
struct vpool_user;

/**
 * struct vpool_member - one task's membership of a pool
 * @hash: entry in the table of members; under vpool_member_lock, read under RCU
 * @link: entry in &vpool_member_set.list, in the list of departed tasks (departed.c)
 *	or in the list of spares; under the lock of that list
 * @rcu: frees the membership
 * @ref: one reference for the table entry, and one for each user
 * @task: the task; valid without a reference while @hash is in the table
 * @members: members of the task's pool, or NULL after the task has left the pool;
 *	under vpool_member_lock. An exit clears it at any time, so a function must not
 *	read it again after it has dropped the lock
 * @user: user whom the member counts for (budget.c), or NULL; set while @members is set,
 *	under vpool_member_lock
 * @attach_id: number of the attach call that made the task, or its ancestor, a member
 * @generation: &vpool_member_set.generation that the task's mask belongs to; 0 before
 *	the mask is first set; under vpool_member_lock
 * @departed: time in jiffies when the task departed; under vpool_member_lock
 * @pass: &vpool_member_set.pass of the last walk that visited the member
 * @cpu: number of the CPU that is dedicated to the task, or -1; under
 *	vpool_member_lock
 * @pending: affinity pending: the mask could not be set, and vpool_enforce() will try
 *	again
 * @escaped: the task has set a mask outside the pool, and the escape is counted
 * @unrestored: the task has departed, and its affinity must still be restored
 * @whole_cpuset: before attach the task could run on its whole cpuset
 * @has_user: before attach the task had an affinity from sched_setaffinity(2)
 * @masks: VPOOL_MEMBER_MASKS masks of cpumask_size() bytes; see the functions below
 */
struct vpool_member {
	struct hlist_node hash;
	struct list_head link;
	struct rcu_head rcu;
	refcount_t ref;
	struct task_struct *task;
	struct vpool_member_set *members;
	struct vpool_user *user;
	u64 attach_id;
	u64 generation;
	u64 departed;
	u64 pass;
	int cpu;
	bool pending;
	bool escaped;
	bool unrestored;
	bool whole_cpuset;
	bool has_user;
	unsigned long masks[];
};

#define VPOOL_MEMBER_MASKS 4

static inline struct cpumask *vpool_member_nth_mask(struct vpool_member *member,
						    unsigned int i)
{
	return to_cpumask(member->masks + i * cpumask_size() / sizeof(long));
}

/* Affinity before attach, restored on detach. */
static inline struct cpumask *vpool_member_saved_mask(struct vpool_member *member)
{
	return vpool_member_nth_mask(member, 0);
}

/* Mask that sched_setaffinity(2) had set before attach; valid if @has_user. */
static inline struct cpumask *vpool_member_user_mask(struct vpool_member *member)
{
	return vpool_member_nth_mask(member, 1);
}

/* Mask that vpool set last, or is setting. */
static inline struct cpumask *
vpool_member_applied_mask(struct vpool_member *member)
{
	return vpool_member_nth_mask(member, 2);
}

/* Mask that vpool had set before that one; empty if there was none. */
static inline struct cpumask *
vpool_member_previous_mask(struct vpool_member *member)
{
	return vpool_member_nth_mask(member, 3);
}

/*
 * Guards the table of members, the lists of members and of departed tasks, and the
 * fields of struct vpool_member_set whose comments name it. The tracepoints take it, so
 * it is a raw lock.
 */
extern raw_spinlock_t vpool_member_lock;

/* True for a thread that the kernel makes in a process, as io_uring and vhost do. */
static inline bool vpool_task_is_user_worker(const struct task_struct *task)
{
	return task->flags & (PF_IO_WORKER | PF_USER_WORKER);
}

void vpool_member_start(void);
void vpool_member_stop(void);

struct vpool_member *vpool_member_find(const struct task_struct *task);
struct vpool_member *vpool_member_alloc(void);
struct vpool_member *vpool_member_alloc_atomic(void);
void vpool_member_free(struct vpool_member *member);
void vpool_member_inherit(struct vpool_member *member,
			  const struct vpool_member *of_parent);
void vpool_member_hash(struct vpool_member *member, struct task_struct *task);
bool vpool_member_is_hashed(const struct vpool_member *member);
void vpool_member_unhash(struct vpool_member *member);
void vpool_member_get_task(struct vpool_member *member);
void vpool_member_put_task(struct vpool_member *member);

#endif /* VPOOL_MEMBER_H */
