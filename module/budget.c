// SPDX-License-Identifier: GPL-2.0
/*
 * Limits for the users of a pool.
 *
 * A pool can limit the memory, the regions and the members of each of its users, so that
 * one user cannot take all of it from the others. This file counts what each user has,
 * with or without limits.
 *
 * Who pays
 * --------
 *
 * The user of a region is the one who opened the device or created the file: the real
 * uid of that task at that time. The user of a member is the real uid of the task when it
 * was attached, and children of a member have the user of their parent. A later
 * setuid(2), and a descriptor that is passed to another user, change nothing: whoever
 * holds the memory, the user who asked for it pays until it is back in the store.
 *
 * A user can have many uids in a user namespace, because newuidmap(1) hands out ranges of
 * them. So the user of a task in a user namespace is the owner of the outermost namespace
 * that root does not own. Containers that root has made have users of their own.
 *
 * Root has no limits. Whoever is root can change them.
 *
 * Locks and races
 * ---------------
 *
 * vpool_budget.lock decides everything. It is a leaf. A check and the count that it
 * allows are one critical section, so two calls that race for the last page of a limit
 * cannot both get it.
 *
 * - Memory is counted before it is taken out of the store, and no longer counted once it
 *   is back. A folio that its region has released, and that is still pinned, stays
 *   counted: its user could otherwise have any number of them (store.c).
 * - A fork cannot be refused, so the members of a user can exceed the limit. These
 *   members do not count towards max_members, or one user's forks would keep other users
 *   from attaching.
 * - A limit that is lowered below what a user has takes nothing away. The user gets no
 *   more until it has less.
 * - Destroying a pool by force revokes its regions, which gives their memory back as
 *   a close does. The users are freed with the pool, after its last region and member.
 *
 * A user without regions, members and memory is freed when another one is added, because
 * a task that holds the raw lock must free nothing, and a member can leave in a
 * tracepoint.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "budget.h"
#include "extack.h"

/**
 * vpool_budget_init - set up the budget of a pool without users
 * @budget: zeroed structure to initialize
 * @name: name of the pool; must outlive @budget
 * @page_shift: binary logarithm of the pool's page size
 * @limits: limits of each user
 * @stat: counters of the pool; must outlive @budget
 */
void vpool_budget_init(struct vpool_budget *budget, const char *name,
		       unsigned int page_shift,
		       const struct vpool_limits *limits,
		       struct vpool_stat *stat)
{
	raw_spin_lock_init(&budget->lock);
	budget->name = name;
	budget->page_shift = page_shift;
	budget->limits = *limits;
	budget->users = RB_ROOT;
	budget->stat = stat;
}

/**
 * vpool_budget_exit - free the users
 * @budget: budget of a pool without regions and members, which no task can reach
 */
void vpool_budget_exit(struct vpool_budget *budget)
{
	struct vpool_user *user, *next;

	rbtree_postorder_for_each_entry_safe(user, next, &budget->users, node) {
		WARN_ON_ONCE(user->regions || user->members || user->folios);
		kfree(user);
	}
}

/* Return the number of members that @user has beyond the limit. */
static u32 vpool_user_members_over(const struct vpool_user *user)
{
	u32 limit = user->budget->limits.members;

	lockdep_assert_held(&user->budget->lock);
	if (!limit || uid_eq(user->uid, GLOBAL_ROOT_UID))
		return 0;
	return user->members - min(user->members, limit);
}

/**
 * vpool_budget_get_limits - read the limits of each user
 * @budget: budget of a pool
 * @limits: set to the limits
 */
void vpool_budget_get_limits(struct vpool_budget *budget,
			     struct vpool_limits *limits)
{
	raw_spin_lock(&budget->lock);
	*limits = budget->limits;
	raw_spin_unlock(&budget->lock);
}

/**
 * vpool_budget_set_limits - change the limits of each user
 * @budget: budget of a pool
 * @limits: new limits; a user can have more than these
 */
void vpool_budget_set_limits(struct vpool_budget *budget,
			     const struct vpool_limits *limits)
{
	struct rb_node *node;

	raw_spin_lock(&budget->lock);
	budget->limits = *limits;
	budget->members_over = 0;
	for (node = rb_first(&budget->users); node; node = rb_next(node))
		budget->members_over +=
			vpool_user_members_over(rb_entry(node, struct vpool_user,
							 node));
	raw_spin_unlock(&budget->lock);
}

static bool vpool_user_is_idle(const struct vpool_user *user)
{
	lockdep_assert_held(&user->budget->lock);
	return !user->regions && !user->members && !user->folios;
}

/**
 * vpool_budget_list - list the users that have anything of a pool
 * @budget: budget of the pool
 * @info: array to fill, in the user namespace of current; NULL if @max is 0
 * @max: length of @info
 *
 * Return: the number of users. If it exceeds @max, @info has the first @max of them.
 */
u32 vpool_budget_list(struct vpool_budget *budget,
		      struct vpool_user_info *info, u32 max)
{
	struct user_namespace *ns = current_user_ns();
	struct vpool_user *user;
	struct rb_node *node;
	u32 nr = 0;

	raw_spin_lock(&budget->lock);
	for (node = rb_first(&budget->users); node; node = rb_next(node)) {
		user = rb_entry(node, struct vpool_user, node);
		if (vpool_user_is_idle(user))
			continue;
		if (nr < max) {
			info[nr].uid = from_kuid_munged(ns, user->uid);
			info[nr].regions = user->regions;
			info[nr].members = user->members;
			info[nr].bytes = (u64)user->folios << budget->page_shift;
		}
		nr++;
	}
	raw_spin_unlock(&budget->lock);
	return nr;
}

/**
 * vpool_budget_uid - find the user who pays for what a task does
 * @task: the task; the caller holds a reference
 *
 * Context: any; the answer can be stale if @task is not current.
 * Return: the uid of the user.
 */
kuid_t vpool_budget_uid(struct task_struct *task)
{
	const struct user_namespace *ns;
	const struct cred *cred;
	kuid_t uid;

	/* The credentials, and the namespaces that they hold, outlive a grace period. */
	rcu_read_lock();
	cred = __task_cred(task);
	uid = cred->uid;
	for (ns = cred->user_ns; ns != &init_user_ns; ns = ns->parent)
		if (!uid_eq(ns->owner, GLOBAL_ROOT_UID))
			uid = ns->owner;
	rcu_read_unlock();
	return uid;
}

/**
 * vpool_budget_alloc_user - allocate a user for vpool_budget_attach()
 *
 * Context: sleeps.
 * Return: memory for kfree(), or NULL.
 */
struct vpool_user *vpool_budget_alloc_user(void)
{
	return kzalloc(sizeof(struct vpool_user), GFP_KERNEL_ACCOUNT);
}

/* Find the user @uid, or else add *@spare as that user and set it to NULL. */
static struct vpool_user *vpool_budget_find(struct vpool_budget *budget,
					    kuid_t uid,
					    struct vpool_user **spare)
{
	struct rb_node **link = &budget->users.rb_node, *parent = NULL;
	struct vpool_user *user;

	lockdep_assert_held(&budget->lock);
	while (*link) {
		parent = *link;
		user = rb_entry(parent, struct vpool_user, node);
		if (uid_eq(uid, user->uid))
			return user;
		link = uid_lt(uid, user->uid) ? &parent->rb_left :
						&parent->rb_right;
	}
	user = *spare;
	*spare = NULL;
	user->budget = budget;
	user->uid = uid;
	rb_link_node(&user->node, parent, link);
	rb_insert_color(&user->node, &budget->users);
	return user;
}

/**
 * vpool_budget_trim - free the users that have nothing
 * @budget: budget of a pool to which the caller has a reference
 *
 * A caller that has added a user calls this, so the number of users is bounded.
 *
 * Context: sleeps.
 */
void vpool_budget_trim(struct vpool_budget *budget)
{
	struct vpool_user *user, *idle = NULL;
	struct rb_node *node, *next;

	raw_spin_lock(&budget->lock);
	for (node = rb_first(&budget->users); node; node = next) {
		next = rb_next(node);
		user = rb_entry(node, struct vpool_user, node);
		if (!vpool_user_is_idle(user))
			continue;
		rb_erase(node, &budget->users);
		user->next = idle;
		idle = user;
	}
	raw_spin_unlock(&budget->lock);
	while ((user = idle)) {
		idle = user->next;
		kfree(user);
	}
}

/* True if a user who has @have may have one more. */
static bool vpool_user_may_have(const struct vpool_user *user, u32 have,
				u32 limit)
{
	return !limit || have < limit || uid_eq(user->uid, GLOBAL_ROOT_UID);
}

/**
 * vpool_budget_add_region - count a region, or a directory
 * @budget: budget of the pool
 * @uid: the user, from vpool_budget_uid()
 *
 * Context: sleeps.
 * Return: the user, for vpool_budget_remove_region(); or an ERR_PTR: -EDQUOT if the user
 * has as many as the limit allows, or -ENOMEM.
 */
struct vpool_user *vpool_budget_add_region(struct vpool_budget *budget,
					   kuid_t uid)
{
	struct vpool_user *spare = vpool_budget_alloc_user(), *user;
	bool added, may;

	if (!spare)
		return ERR_PTR(-ENOMEM);
	raw_spin_lock(&budget->lock);
	user = vpool_budget_find(budget, uid, &spare);
	may = vpool_user_may_have(user, user->regions, budget->limits.regions);
	if (may)
		user->regions++;
	raw_spin_unlock(&budget->lock);
	added = !spare;
	kfree(spare);
	if (added)
		vpool_budget_trim(budget);
	if (may)
		return user;
	vpool_stat_inc(budget->stat, VPOOL_STAT_LIMITED);
	return ERR_PTR(-EDQUOT);
}

/**
 * vpool_budget_remove_region - undo vpool_budget_add_region()
 * @user: the user, which the caller must not use any more; or NULL
 *
 * Context: any.
 */
void vpool_budget_remove_region(struct vpool_user *user)
{
	struct vpool_budget *budget;

	if (!user)
		return;
	budget = user->budget;
	raw_spin_lock(&budget->lock);
	user->regions--;
	raw_spin_unlock(&budget->lock);
}

/* Check that @user may have @nr more folios. */
static bool vpool_user_may_charge(const struct vpool_user *user,
				  unsigned long nr)
{
	const struct vpool_budget *budget = user->budget;
	u64 limit = budget->limits.bytes >> budget->page_shift;

	lockdep_assert_held(&budget->lock);
	if (!budget->limits.bytes || uid_eq(user->uid, GLOBAL_ROOT_UID))
		return true;
	return nr <= limit && user->folios <= limit - nr;
}

/**
 * vpool_budget_charge - count memory that a region will take from the store
 * @user: user of the region, or NULL to count nothing
 * @nr: number of folios
 *
 * Context: any; called before the folios are taken.
 * Return: false, with nothing counted, if the user would have more than the limit allows.
 */
bool vpool_budget_charge(struct vpool_user *user, unsigned long nr)
{
	struct vpool_budget *budget;
	bool may;

	if (!user)
		return true;
	budget = user->budget;
	raw_spin_lock(&budget->lock);
	may = vpool_user_may_charge(user, nr);
	if (may)
		user->folios += nr;
	raw_spin_unlock(&budget->lock);
	return may;
}

/**
 * vpool_budget_err_bytes - fail a call after vpool_budget_charge() has failed
 * @user: user of the region
 * @nr: number of folios
 * @extack: message of a failed call, or NULL
 *
 * Return: -EDQUOT.
 */
int vpool_budget_err_bytes(struct vpool_user *user, unsigned long nr,
			   struct vpool_extack *extack)
{
	struct vpool_budget *budget = user->budget;
	unsigned long have;
	u64 limit;

	raw_spin_lock(&budget->lock);
	have = user->folios;
	limit = budget->limits.bytes;
	raw_spin_unlock(&budget->lock);
	vpool_stat_inc(budget->stat, VPOOL_STAT_LIMITED);
	return vpool_err(extack, -EDQUOT, VPOOL_CODE_USER_BYTES,
			 "user %u has %s of pool '%s', and may have %s, but %s more requested",
			 from_kuid_munged(current_user_ns(), user->uid),
			 vpool_size((u64)have << budget->page_shift).s,
			 budget->name, vpool_size(limit).s,
			 vpool_size((u64)nr << budget->page_shift).s);
}

/**
 * vpool_budget_uncharge - undo vpool_budget_charge()
 * @user: the user, which the caller must not use any more unless it counts for a region;
 *	or NULL
 * @nr: number of folios that are back in the store, or that were not taken
 *
 * Context: any.
 */
void vpool_budget_uncharge(struct vpool_user *user, unsigned long nr)
{
	struct vpool_budget *budget;

	if (!user || !nr)
		return;
	budget = user->budget;
	raw_spin_lock(&budget->lock);
	user->folios -= nr;
	raw_spin_unlock(&budget->lock);
}

/**
 * vpool_budget_attach - count a member that an attach call makes
 * @budget: budget of the pool, or NULL to count nothing
 * @uid: the user, from vpool_budget_uid()
 * @spare: user from vpool_budget_alloc_user(); set to NULL if it is used
 * @extack: message of a failed call, or NULL
 *
 * Context: vpool_member_lock held.
 * Return: the user, for vpool_budget_remove_member(), NULL without a budget, or
 * ERR_PTR(-EDQUOT) if the user has as many members as the limit allows.
 */
struct vpool_user *vpool_budget_attach(struct vpool_budget *budget, kuid_t uid,
				       struct vpool_user **spare,
				       struct vpool_extack *extack)
{
	struct vpool_user *user;
	u32 have, limit;
	bool may;

	if (!budget)
		return NULL;
	raw_spin_lock(&budget->lock);
	user = vpool_budget_find(budget, uid, spare);
	have = user->members;
	limit = budget->limits.members;
	may = vpool_user_may_have(user, have, limit);
	if (may)
		user->members++;
	raw_spin_unlock(&budget->lock);
	if (may)
		return user;
	vpool_stat_inc(budget->stat, VPOOL_STAT_LIMITED);
	vpool_err(extack, -EDQUOT, VPOOL_CODE_USER_MEMBERS,
		  "user %u has %u members in pool '%s', but at most %u of each user can be attached",
		  from_kuid_munged(current_user_ns(), uid), have, budget->name,
		  limit);
	return ERR_PTR(-EDQUOT);
}

/**
 * vpool_budget_fork - count the child of a member
 * @user: user of the parent, or NULL
 *
 * Context: vpool_member_lock held; the parent is a member.
 */
void vpool_budget_fork(struct vpool_user *user)
{
	struct vpool_budget *budget;

	if (!user)
		return;
	budget = user->budget;
	raw_spin_lock(&budget->lock);
	user->members++;
	if (vpool_user_members_over(user))
		budget->members_over++;
	raw_spin_unlock(&budget->lock);
}

/**
 * vpool_budget_remove_member - undo vpool_budget_attach() or vpool_budget_fork()
 * @user: the user, which the caller must not use any more; or NULL
 *
 * Context: any; vpool_member_lock held.
 */
void vpool_budget_remove_member(struct vpool_user *user)
{
	struct vpool_budget *budget;

	if (!user)
		return;
	budget = user->budget;
	raw_spin_lock(&budget->lock);
	if (vpool_user_members_over(user))
		budget->members_over--;
	user->members--;
	raw_spin_unlock(&budget->lock);
}

/**
 * vpool_budget_members_over - return how many members do not count for max_members
 * @budget: budget of the pool, or NULL
 *
 * Context: any.
 * Return: the number of members that users have beyond their limits.
 */
u32 vpool_budget_members_over(struct vpool_budget *budget)
{
	u32 over;

	if (!budget)
		return 0;
	raw_spin_lock(&budget->lock);
	over = budget->members_over;
	raw_spin_unlock(&budget->lock);
	return over;
}
