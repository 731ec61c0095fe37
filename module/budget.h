/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the users of one pool have of it, and how much each of them may have.
 */
#ifndef VPOOL_BUDGET_H
#define VPOOL_BUDGET_H

#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/vpool.h>

#include "stat.h"

struct task_struct;
struct vpool_extack;

/**
 * struct vpool_limits - how much of a pool each user may have; 0 is no limit
 * @bytes: memory, in bytes
 * @regions: number of regions
 * @members: number of members that attach calls make
 */
struct vpool_limits {
	u64 bytes;
	u32 regions;
	u32 members;
};

/**
 * struct vpool_user - what one user has of a pool
 * @node: entry in &vpool_budget.users
 * @budget: budget of the pool
 * @uid: the user
 * @next: next user to free; used by vpool_budget_trim() only
 * @regions: number of regions, and of directories in filesystems of the pool
 * @members: number of members
 * @folios: number of folios in the user's regions, on their way there, or released and
 *	still pinned
 */
struct vpool_user {
	struct rb_node node;
	struct vpool_budget *budget;
	kuid_t uid;
	struct vpool_user *next;
	u32 regions;
	u32 members;
	unsigned long folios;
};

/**
 * struct vpool_budget - the users of one pool
 * @lock: guards this structure and all &struct vpool_user in it. A leaf, raw because it
 *	nests inside vpool_member_lock
 * @name: name of the pool, for messages; owned by the pool
 * @page_shift: binary logarithm of the pool's page size
 * @limits: limits of each user except root
 * @users: the users that have anything, and some that had; ordered by uid
 * @members_over: number of members that users have beyond @limits, by forking
 * @stat: counters of the pool; owned by the pool
 */
struct vpool_budget {
	raw_spinlock_t lock;	/* the users and their limits */
	const char *name;
	unsigned int page_shift;
	struct vpool_limits limits;
	struct rb_root users;
	u32 members_over;
	struct vpool_stat *stat;
};

void vpool_budget_init(struct vpool_budget *budget, const char *name,
		       unsigned int page_shift,
		       const struct vpool_limits *limits,
		       struct vpool_stat *stat);
void vpool_budget_exit(struct vpool_budget *budget);
void vpool_budget_get_limits(struct vpool_budget *budget,
			     struct vpool_limits *limits);
void vpool_budget_set_limits(struct vpool_budget *budget,
			     const struct vpool_limits *limits);
u32 vpool_budget_list(struct vpool_budget *budget,
		      struct vpool_user_info *info, u32 max);

kuid_t vpool_budget_uid(struct task_struct *task);
struct vpool_user *vpool_budget_alloc_user(void);
void vpool_budget_trim(struct vpool_budget *budget);

struct vpool_user *vpool_budget_add_region(struct vpool_budget *budget,
					   kuid_t uid);
void vpool_budget_remove_region(struct vpool_user *user);

bool vpool_budget_charge(struct vpool_user *user, unsigned long nr);
int vpool_budget_err_bytes(struct vpool_user *user, unsigned long nr,
			   struct vpool_extack *extack);
void vpool_budget_uncharge(struct vpool_user *user, unsigned long nr);

struct vpool_user *vpool_budget_attach(struct vpool_budget *budget, kuid_t uid,
				       struct vpool_user **spare,
				       struct vpool_extack *extack);
void vpool_budget_fork(struct vpool_user *user);
void vpool_budget_remove_member(struct vpool_user *user);
u32 vpool_budget_members_over(struct vpool_budget *budget);

#endif /* VPOOL_BUDGET_H */
