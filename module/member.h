/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Members: the tasks that run on a pool's CPUs only.
 *
 * member.c has the membership of one task, member_set.c the members of one pool,
 * fork.c follows tasks that fork and exit, probes.c registers it for that, attach.c
 * serves the calls that attach and detach, affinity.c sets affinity masks, enforce.c
 * keeps them right, target.c finds the task that a call names.
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

#include "extack.h"
#include "stat.h"

/**
 * struct vpool_member_set - the members of one pool
 * @name: of the pool, for reasons
 * @moving: held to set the masks of living members, so that of two changes the later
 *	one stays. Taken by tasks that use the pool, so nothing that the rest of the
 *	host waits for may wait for it
 * @want: scratch mask; under @moving
 * @scratch: scratch mask; under @moving
 * @allowed: scratch mask; under @moving
 * @pass: number of the current walk over @list; under @moving
 * @assigned: the pool's CPUs, online or not; under vpool_member_lock, as all that
 *	follows
 * @cpus: what members may run on: those that are online, or the host's while none is
 * @shared: those of @cpus that are not dedicated, for members without a CPU of
 *	their own
 * @dedicated: CPUs that one member has for itself, online or not
 * @exiled: @cpus are the host's
 * @generation: counts the changes of @cpus and @dedicated
 * @list: of struct vpool_member
 * @nr: length of @list; may be read without the lock
 * @nr_dedicated: members with a CPU of their own; as @nr
 * @closed: no task may attach any more; as @nr
 * @enforce: compares the members' masks with what they should be
 * @isolated: members that leave the pool's CPUs are put back
 * @stat: the pool's counters
 * @emptied: called when the last member is gone, with vpool_member_lock held, or NULL
 */
struct vpool_member_set {
	const char *name;
	struct mutex moving;	/* the masks of living members */
	cpumask_var_t want;
	cpumask_var_t scratch;
	cpumask_var_t allowed;
	u64 pass;
	cpumask_var_t assigned;
	cpumask_var_t cpus;
	cpumask_var_t shared;
	cpumask_var_t dedicated;
	bool exiled;
	u64 generation;
	struct list_head list;
	unsigned int nr;
	unsigned int nr_dedicated;
	bool closed;
	struct delayed_work enforce;
	bool isolated;
	struct vpool_stat *stat;
	void (*emptied)(struct vpool_member_set *members);
};

/**
 * struct vpool_member - one task's membership
 * @hash: in the table of tasks
 * @link: in the pool's list; or in the list of tasks that left, see fork.c; or of
 *	spares
 * @rcu: frees it
 * @ref: one for being in the table, one for each user
 * @task: the task; valid without a reference while @hash is in the table
 * @members: the pool's, NULL once the task has left it
 * @call: number of the attach that made the task, or its ancestor, a member
 * @generation: of @members, that the task's mask is of; 0 before it is first set
 * @pass: number of the last walk that came by
 * @cpu: its own CPU, or -1
 * @pending: its mask could not be set, another try will be made
 * @escaped: it was last seen with a mask of its own outside the pool, and counted
 * @unrestored: it has left, and its affinity has yet to be restored
 * @whole: before attach it could use its whole cpuset
 * @has_user: before attach it had an affinity from sched_setaffinity(2)
 * @masks: its affinity before attach, the one from sched_setaffinity(2) then, and
 *	the one that vpool asked for last; see vpool_member_saved() and below
 */
struct vpool_member {
	struct hlist_node hash;
	struct list_head link;
	struct rcu_head rcu;
	refcount_t ref;
	struct task_struct *task;
	struct vpool_member_set *members;
	u64 call;
	u64 generation;
	u64 pass;
	int cpu;
	bool pending;
	bool escaped;
	bool unrestored;
	bool whole;
	bool has_user;
	unsigned long masks[];
};

#define VPOOL_MEMBER_MASKS 3

static inline struct cpumask *vpool_member_nth_mask(struct vpool_member *member,
						    unsigned int i)
{
	return to_cpumask(member->masks + i * cpumask_size() / sizeof(long));
}

/* The affinity before attach, to be restored. */
static inline struct cpumask *vpool_member_saved(struct vpool_member *member)
{
	return vpool_member_nth_mask(member, 0);
}

/* The affinity from sched_setaffinity(2) before attach, if @has_user. */
static inline struct cpumask *vpool_member_user(struct vpool_member *member)
{
	return vpool_member_nth_mask(member, 1);
}

/* The affinity that vpool asked for last. */
static inline struct cpumask *vpool_member_set_mask(struct vpool_member *member)
{
	return vpool_member_nth_mask(member, 2);
}

/* member.c */

/*
 * Guards the table of tasks, all lists of members and what a member says. Taken in
 * tracepoints, so it is a raw lock.
 */
extern raw_spinlock_t vpool_member_lock;

int vpool_members_start(void);
void vpool_members_stop(void);

struct vpool_member *vpool_member_find(const struct task_struct *task);
struct vpool_member *vpool_member_alloc(void);
struct vpool_member *vpool_member_alloc_atomic(void);
void vpool_member_free(struct vpool_member *member);
void vpool_member_inherit(struct vpool_member *member,
			  const struct vpool_member *of_parent);
void vpool_member_hash(struct vpool_member *member, struct task_struct *task);
bool vpool_member_is_hashed(const struct vpool_member *member);
void vpool_member_link(struct vpool_member *member,
		       struct vpool_member_set *members,
		       struct task_struct *task);
bool vpool_member_unlink(struct vpool_member *member);
void vpool_member_unhash(struct vpool_member *member);
void vpool_member_get(struct vpool_member *member);
void vpool_member_put(struct vpool_member *member);
void vpool_member_done(struct vpool_member *member);

/* member_set.c */

int vpool_members_init(struct vpool_member_set *members, const char *name,
		       struct vpool_stat *stat);
void vpool_members_exit(struct vpool_member_set *members);
void vpool_members_publish(struct vpool_member_set *members,
			   const struct cpumask *assigned,
			   const struct cpumask *cpus, bool exiled);
void vpool_members_changed(struct vpool_member_set *members);
struct vpool_member *vpool_members_next(struct vpool_member_set *members);
bool vpool_members_sync(struct vpool_member_set *members);
void vpool_members_sync_now(struct vpool_member_set *members);
unsigned int vpool_members_list(struct vpool_member_set *members,
				struct vpool_member_info *info,
				unsigned int max);
void vpool_members_dedicated(struct vpool_member_set *members,
			     struct cpumask *mask);

/* fork.c */

void vpool_fork_new(struct task_struct *parent, struct task_struct *child);
void vpool_fork_exit(struct task_struct *task);
void vpool_fork_moved(struct task_struct *task, bool threadgroup);
void vpool_member_leave(struct vpool_member *member);
void vpool_leaver_forget(struct vpool_member *member);
void vpool_leavers_flush(void);
void vpool_leavers_stop(void);

/* probes.c */

int vpool_probes_start(void);
void vpool_probes_stop(void);
int vpool_probe_get(void);
void vpool_probe_hold(void);
void vpool_probe_put(void);

/* attach.c */

int vpool_member_attach(struct vpool_member_set *members,
			struct task_struct *task, bool process, int *cpu,
			struct vpool_extack *extack);
int vpool_member_detach(struct vpool_member_set *members,
			struct task_struct *task, bool process,
			struct vpool_extack *extack);
bool vpool_members_close(struct vpool_member_set *members, bool force);

/* affinity.c */

void vpool_affinity_save(struct task_struct *task, struct vpool_member *member);
int vpool_affinity_apply(struct vpool_member *member, bool force);
void vpool_affinity_restore(struct task_struct *task,
			    struct vpool_member *member);
bool vpool_affinity_escapes(struct vpool_member *member);

/* enforce.c */

void vpool_enforce_later(struct vpool_member_set *members,
			 unsigned long delay);
void vpool_enforce(struct work_struct *work);

/* Until a mask that another task is about to set has been set. */
#define VPOOL_ENFORCE_SOON msecs_to_jiffies(20)
#define VPOOL_ENFORCE_EVERY HZ

/* target.c */

struct task_struct *vpool_target_get(int pidfd, pid_t tid, bool process,
				     struct vpool_extack *extack);
int vpool_target_check(struct task_struct *task, struct vpool_extack *extack);

#endif /* VPOOL_MEMBER_H */
