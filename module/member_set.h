/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The members of one pool.
 */
#ifndef VPOOL_MEMBER_SET_H
#define VPOOL_MEMBER_SET_H

#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/vpool.h>
#include <linux/workqueue.h>

#include "member.h"
#include "stat.h"

struct vpool_budget;

/**
 * struct vpool_member_set - the members of one pool
 * @name: name of the pool, for messages; owned by the pool
 * @affinity_mutex: held while masks of living members are set, so that the later of two
 *	changes prevails. Any task that uses the pool can hold it for long, so a task
 *	that the rest of the host waits for must not wait for it
 * @want: scratch mask; under @affinity_mutex
 * @scratch: scratch mask; under @affinity_mutex
 * @allowed: scratch mask; under @affinity_mutex
 * @pass: number of the current walk over @list; under @affinity_mutex
 * @assigned: the pool's CPUs, online or offline; under vpool_member_lock
 * @cpus: the online CPUs of @assigned; if there are none, those of the host that
 *	members run on instead; under vpool_member_lock
 * @shared: the CPUs of @cpus that are not dedicated, for members without a dedicated
 *	CPU; under vpool_member_lock
 * @dedicated: CPUs that are dedicated to one member each, online or offline; under
 *	vpool_member_lock
 * @all_offline: no CPU of @assigned is online, and @cpus are the host's; under
 *	vpool_member_lock
 * @generation: counts the changes of @cpus and @dedicated; under vpool_member_lock
 * @list: list of &vpool_member.link; under vpool_member_lock
 * @nr: length of @list; written under vpool_member_lock, read without
 * @nr_dedicated: number of members with a dedicated CPU; locking as for @nr
 * @closed: no task can become a member any more; locking as for @nr
 * @enforce: runs vpool_enforce(); queued under vpool_member_lock
 * @isolated: vpool_enforce() brings back a member that sets a mask outside the pool;
 *	set before the pool has members
 * @stat: counters of the pool; owned by the pool
 * @budget: limits of users; owned by the pool; NULL for no limits
 * @emptied: called with vpool_member_lock held when the last member is unlinked; or
 *	NULL
 */
struct vpool_member_set {
	const char *name;
	struct mutex affinity_mutex;	/* masks of living members */
	cpumask_var_t want;
	cpumask_var_t scratch;
	cpumask_var_t allowed;
	u64 pass;
	cpumask_var_t assigned;
	cpumask_var_t cpus;
	cpumask_var_t shared;
	cpumask_var_t dedicated;
	bool all_offline;
	u64 generation;
	struct list_head list;
	unsigned int nr;
	unsigned int nr_dedicated;
	bool closed;
	struct delayed_work enforce;
	bool isolated;
	struct vpool_stat *stat;
	struct vpool_budget *budget;
	void (*emptied)(struct vpool_member_set *members);
};

/* Delay in jiffies for a mask that another task is about to set. */
#define VPOOL_ENFORCE_SOON msecs_to_jiffies(20)
/* Interval in jiffies between two checks of all masks. */
#define VPOOL_ENFORCE_EVERY HZ

int vpool_members_init(struct vpool_member_set *members, const char *name,
		       struct vpool_stat *stat, work_func_t enforce);
void vpool_members_exit(struct vpool_member_set *members);
void vpool_members_publish(struct vpool_member_set *members,
			   const struct cpumask *assigned,
			   const struct cpumask *cpus, bool all_offline);
void vpool_members_changed(struct vpool_member_set *members);
void vpool_members_enforce_later(struct vpool_member_set *members,
				 unsigned long delay);
void vpool_members_link(struct vpool_member_set *members,
			struct vpool_member *member, struct task_struct *task,
			struct vpool_user *user);
bool vpool_members_unlink(struct vpool_member *member);
bool vpool_members_drop_cpu(struct vpool_member *member);
bool vpool_members_has(struct vpool_member_set *members,
		       const struct task_struct *task);
struct vpool_member *vpool_members_find(struct vpool_member_set *members,
					const struct task_struct *task);
struct vpool_member *vpool_members_next(struct vpool_member_set *members);
unsigned int vpool_members_list(struct vpool_member_set *members,
				struct vpool_member_info *info,
				unsigned int max);
void vpool_members_dedicated(struct vpool_member_set *members,
			     struct cpumask *mask);

#endif /* VPOOL_MEMBER_SET_H */
