/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Members: the tasks that run on a pool's CPUs only.
 *
 * member.c knows who is one, attach.c makes and unmakes them by call, affinity.c
 * sets their masks, escape.c looks after them, target.c finds the task that a call names.
 */
#ifndef VPOOL_MEMBER_H
#define VPOOL_MEMBER_H

#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/vpool.h>
#include <linux/workqueue.h>

#include "reason.h"
#include "stat.h"

/**
 * struct vpool_member_set - who is attached to one pool
 * @name: of the pool, for reasons
 * @moving: held by who sets the masks of members that are alive already
 * @cpus: what members may run on at all: the pool's CPUs that are online, or the
 *	host's as long as there are none; written under @moving and the lock of
 *	all members, so that either is enough to read it
 * @shared: those of them that members without a CPU of their own run on; as @cpus
 * @before: what @shared was before the last round; under @moving
 * @scratch: room for one mask; under @moving
 * @dedicated: CPUs that one member has for its own, whether online or not; under
 *	the lock of all members
 * @exiled: @cpus are the host's; as @cpus
 * @round: how often @cpus or @dedicated have changed; as @cpus
 * @list: of struct vpool_member, under the lock of all members
 * @nr: how many; under the same lock, which who only looks does not need
 * @nr_dedicated: those with a CPU of their own; as @nr
 * @look_nr: how often they have been looked at; under the same lock
 * @look: does that
 * @isolated: members that leave are put back
 * @stat: counts those
 * @closed: nobody may attach any more; as @nr
 * @emptied: called when the last one is gone, in any context, or NULL
 */
struct vpool_member_set {
	const char *name;
	struct mutex moving;	/* the masks of members */
	cpumask_var_t cpus;
	cpumask_var_t shared;
	cpumask_var_t before;
	cpumask_var_t scratch;
	cpumask_var_t dedicated;
	bool exiled;
	u64 round;
	struct list_head list;
	unsigned int nr;
	unsigned int nr_dedicated;
	u64 look_nr;
	struct delayed_work look;
	bool isolated;
	struct vpool_stat *stat;
	bool closed;
	void (*emptied)(struct vpool_member_set *members);
};

/**
 * struct vpool_member - one task's membership
 * @hash: found by task
 * @link: in the pool's list
 * @rcu: frees it
 * @ref: one for being linked, one for each who works on it
 * @task: the member; in the hash only as long as it is alive
 * @members: the pool's
 * @call: the attach that made it, or made its ancestor, a member
 * @round: the one of @members that its mask is of, 0 if it has none yet
 * @look: the one of @members that it was last seen at
 * @cpu: its own CPU, or -1
 * @late: no CPU was active for the mask that it is to have
 * @astray: it was seen with another mask, and left with it
 * @has_user: it came with a mask asked for by sched_setaffinity(2)
 * @saved: the mask it came with, and goes back to; behind it that other one
 */
struct vpool_member {
	struct hlist_node hash;
	struct list_head link;
	struct rcu_head rcu;
	refcount_t ref;
	struct task_struct *task;
	struct vpool_member_set *members;
	u64 call;
	u64 round;
	u64 look;
	int cpu;
	bool late;
	bool astray;
	bool has_user;
	unsigned long saved[];
};

int vpool_members_start(void);
void vpool_members_stop(void);

int vpool_members_init(struct vpool_member_set *members, const char *name,
		       struct vpool_stat *stat);
void vpool_members_exit(struct vpool_member_set *members);
void vpool_members_move(struct vpool_member_set *members,
			const struct cpumask *cpus, bool exiled);
bool vpool_members_close(struct vpool_member_set *members, bool force);

int vpool_member_attach(struct vpool_member_set *members,
			struct task_struct *task, bool process, int *cpu,
			struct vpool_why *why);
int vpool_member_detach(struct vpool_member_set *members,
			struct task_struct *task, bool process,
			struct vpool_why *why);
unsigned int vpool_members_list(struct vpool_member_set *members,
				struct vpool_member_info *info,
				unsigned int max);
void vpool_members_dedicated(struct vpool_member_set *members,
			     struct cpumask *mask);

/* target.c: whom a call means. */

struct task_struct *vpool_target_get(int pidfd, pid_t tid, bool process,
				     struct vpool_why *why);
int vpool_target_check(struct task_struct *task, struct vpool_why *why);

/* member.c, for the other files of members. */

extern spinlock_t vpool_member_lock;

struct vpool_member *vpool_member_find(const struct task_struct *task);
struct vpool_member *vpool_member_alloc(gfp_t gfp);
void vpool_member_free(struct vpool_member *member);
void vpool_member_link(struct vpool_member *member,
		       struct vpool_member_set *members,
		       struct task_struct *task);
bool vpool_member_unlink(struct vpool_member *member);
void vpool_member_put(struct vpool_member *member);
void vpool_member_remove(struct task_struct *task);
int vpool_probe_get(void);
void vpool_probe_put(void);

static inline struct cpumask *vpool_member_saved(struct vpool_member *member)
{
	return to_cpumask(member->saved);
}

static inline struct cpumask *vpool_member_user(struct vpool_member *member)
{
	return to_cpumask(member->saved + cpumask_size() / sizeof(long));
}

/* What its user asked for is to be when it is no member any more. */
static inline const struct cpumask *
vpool_member_old_user(struct vpool_member *member)
{
	return member->has_user ? vpool_member_user(member) :
		vpool_member_saved(member);
}

/* affinity.c: the masks of tasks. */

void vpool_task_save(struct task_struct *task, struct vpool_member *member);
void vpool_task_restore(struct task_struct *task, struct vpool_member *member);
void vpool_new_task_set(struct task_struct *child, const struct cpumask *mask,
			const struct cpumask *user);
void vpool_new_member_set(struct vpool_member *of_parent,
			  struct task_struct *child);
int vpool_member_set(struct vpool_member *member);
void vpool_members_round(struct vpool_member_set *members);
bool vpool_members_follow(struct vpool_member_set *members);

/* escape.c: who runs where it should not. */

void vpool_look_later(struct vpool_member_set *members, bool soon);
void vpool_look(struct work_struct *work);

#endif /* VPOOL_MEMBER_H */
