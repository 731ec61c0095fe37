// SPDX-License-Identifier: GPL-2.0
/*
 * Who is a member of which pool.
 *
 * A task is a member from its attach, or from being forked by a member, until it
 * is detached, exits or its pool goes. One hash finds the membership of a task;
 * one lock guards the hash and all lists, because fork and exit come with nothing
 * but a task.
 *
 * Fork and exit are seen through the kernel's own tracepoints, which are not
 * exported by name and are therefore looked up. They are registered only while
 * there is a member, and for a second after the last, so that without one a fork
 * costs nothing.
 *
 * Who can race with whom:
 *
 *  - A thread that is attached from another one may be exiting. Exit sets
 *    PF_EXITING first and fires the tracepoint after; attach inserts first and
 *    looks at PF_EXITING after. One of them sees the other, and both remove.
 *  - A thread may be forked while its process is being attached. Its parent is
 *    either a member by then, and the fork probe adds the child, or it is not,
 *    and then the child is in the thread list that attach walks again until it
 *    finds no more.
 *  - A child's mask is a copy of its parent's from before the fork probe, and that
 *    may be old. The child has not run yet, it is on no runqueue, and waking it
 *    takes its pi_lock: under that lock the probe just writes the right mask.
 *  - A task that is detached may fork meanwhile. It gets its old mask first and
 *    stops being a member after, so that the child is a member and has the pool's
 *    mask, or it is not and has the old one.
 *  - When a pool goes by force its members may fork faster than they can be
 *    detached. From then on their children are no members, and the probe gives
 *    them their parent's old mask.
 *  - What a user asked for with sched_setaffinity(2) is kept by the scheduler and
 *    intersected with every mask set later. So that a member gets all of the
 *    pool's CPUs, that too is replaced, and given back with the rest.
 *  - Each member holds a reference on the module: unloading waits for none.
 */
#include <linux/hashtable.h>
#include <linux/mempool.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "member.h"
#include "trace.h"

/* So many members can be forked while no page can be had. */
#define VPOOL_MEMBER_RESERVE 128
#define VPOOL_MEMBER_HASH_BITS 10
/*
 * How long the probes stay after the last member: registering them rewrites the
 * kernel's code on all CPUs, which is not to happen for each short program.
 */
#define VPOOL_PROBE_LINGER HZ

/**
 * struct vpool_member - one task's membership
 * @hash: found by task
 * @link: in the pool's list
 * @rcu: frees it
 * @ref: one for being linked, one for each detach under way
 * @task: the member; in the hash only as long as it is alive
 * @members: the pool's
 * @call: the attach that made it, or made its ancestor, a member
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
	bool has_user;
	unsigned long saved[];
};

/*
 * Guards the hash, all lists of members and everything in a member; a leaf, taken
 * in fork and exit. Looking up the hash needs only RCU.
 */
static DEFINE_SPINLOCK(vpool_member_lock);
static DEFINE_HASHTABLE(vpool_member_hash, VPOOL_MEMBER_HASH_BITS);
static mempool_t *vpool_member_pool;

/* Guards the registration of the probes; taken before vpool_member_lock. */
static DEFINE_MUTEX(vpool_probe_lock);
static bool vpool_probed;
/* Members and attaches under way: what the probes are registered for. */
static atomic_t vpool_probe_users = ATOMIC_INIT(0);
/* Attaches so far; the first is 1. */
static atomic64_t vpool_calls = ATOMIC64_INIT(0);
static struct tracepoint *vpool_tp_fork;
static struct tracepoint *vpool_tp_exit;

static void vpool_probe_release(struct work_struct *work);
static DECLARE_DELAYED_WORK(vpool_probe_work, vpool_probe_release);

static struct vpool_member *vpool_member_find(const struct task_struct *task)
{
	struct vpool_member *member;

	hash_for_each_possible_rcu(vpool_member_hash, member, hash,
				   (unsigned long)task)
		if (member->task == task)
			return member;
	return NULL;
}

static struct cpumask *vpool_member_saved(struct vpool_member *member)
{
	return to_cpumask(member->saved);
}

static struct cpumask *vpool_member_user(struct vpool_member *member)
{
	return to_cpumask(member->saved + cpumask_size() / sizeof(long));
}

/* What its user asked for is to be when it is no member any more. */
static const struct cpumask *vpool_member_old_user(struct vpool_member *member)
{
	return member->has_user ? vpool_member_user(member) :
		vpool_member_saved(member);
}

static void vpool_member_free_rcu(struct rcu_head *rcu)
{
	mempool_free(container_of(rcu, struct vpool_member, rcu),
		     vpool_member_pool);
}

static void vpool_probe_put(void)
{
	if (atomic_dec_and_test(&vpool_probe_users))
		schedule_delayed_work(&vpool_probe_work, VPOOL_PROBE_LINGER);
}

static void vpool_member_put(struct vpool_member *member)
{
	if (!refcount_dec_and_test(&member->ref))
		return;
	call_rcu(&member->rcu, vpool_member_free_rcu);
	vpool_probe_put();
	module_put(THIS_MODULE);
}

/* Leaves the reference for being linked to the caller, if it was linked. */
static bool vpool_member_unlink(struct vpool_member *member)
{
	struct vpool_member_set *members = member->members;

	lockdep_assert_held(&vpool_member_lock);
	if (!hash_hashed(&member->hash))
		return false;
	hash_del_rcu(&member->hash);
	list_del(&member->link);
	members->nr--;
	if (!members->nr && members->emptied)
		members->emptied(members);
	return true;
}

/*
 * Adds @task, which has no membership. The reference on the module stands in for
 * one that the caller has: an open descriptor, or the parent's membership.
 */
static void vpool_member_link(struct vpool_member *member,
			      struct vpool_member_set *members,
			      struct task_struct *task)
{
	lockdep_assert_held(&vpool_member_lock);
	refcount_set(&member->ref, 1);
	member->task = task;
	member->members = members;
	__module_get(THIS_MODULE);
	atomic_inc(&vpool_probe_users);
	hash_add_rcu(vpool_member_hash, &member->hash, (unsigned long)task);
	list_add_tail(&member->link, &members->list);
	members->nr++;
}

/* @child has been forked and not been woken yet: see the top of this file. */
static void vpool_new_task_set(struct task_struct *child,
			       const struct cpumask *mask,
			       const struct cpumask *user)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&child->pi_lock, flags);
	cpumask_copy(&child->cpus_mask, mask);
	child->nr_cpus_allowed = cpumask_weight(mask);
	if (child->user_cpus_ptr)
		cpumask_copy(child->user_cpus_ptr, user);
	raw_spin_unlock_irqrestore(&child->pi_lock, flags);
}

/* Enters @member for @child, if that is to be one. */
static bool vpool_fork_enter(struct vpool_member *member,
			     struct vpool_member *of_parent,
			     struct task_struct *child)
{
	struct vpool_member_set *members = of_parent->members;

	lockdep_assert_held(&vpool_member_lock);
	/* An attach of the whole process may have been here before us. */
	if (vpool_member_find(child))
		return false;
	if (members->closed) {
		vpool_new_task_set(child, vpool_member_saved(of_parent),
				   vpool_member_old_user(of_parent));
		return false;
	}
	vpool_new_task_set(child, members->cpus, members->cpus);
	if (!member) {
		pr_warn_ratelimited("no memory to follow task %d into pool '%s'\n",
				    child->pid, members->name);
		return false;
	}
	memcpy(member->saved, of_parent->saved, 2 * cpumask_size());
	member->has_user = of_parent->has_user;
	member->call = of_parent->call;
	vpool_member_link(member, members, child);
	return true;
}

static void vpool_fork_child(struct task_struct *parent,
			     struct task_struct *child)
{
	struct vpool_member *member, *of_parent;
	bool entered = false;

	member = mempool_alloc(vpool_member_pool, GFP_ATOMIC | __GFP_NOWARN);
	spin_lock(&vpool_member_lock);
	of_parent = vpool_member_find(parent);
	if (of_parent)
		entered = vpool_fork_enter(member, of_parent, child);
	spin_unlock(&vpool_member_lock);
	if (member && !entered)
		mempool_free(member, vpool_member_pool);
}

static void vpool_probe_fork(void *data, struct task_struct *parent,
			     struct task_struct *child)
{
	bool follow;

	rcu_read_lock();
	follow = vpool_member_find(parent);
	rcu_read_unlock();
	if (follow)
		vpool_fork_child(parent, child);
}

static void vpool_member_remove(struct task_struct *task)
{
	struct vpool_member *member;

	spin_lock(&vpool_member_lock);
	member = vpool_member_find(task);
	if (member)
		vpool_member_unlink(member);
	spin_unlock(&vpool_member_lock);
	if (member)
		vpool_member_put(member);
}

static void vpool_probe_exit(void *data, struct task_struct *task)
{
	bool gone;

	/* After PF_EXITING, before the look: see the top of this file. */
	smp_mb();
	rcu_read_lock();
	gone = !vpool_member_find(task);
	rcu_read_unlock();
	if (!gone)
		vpool_member_remove(task);
}

static void vpool_probe_find(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "sched_process_fork"))
		vpool_tp_fork = tp;
	else if (!strcmp(tp->name, "sched_process_exit"))
		vpool_tp_exit = tp;
}

static int vpool_probe_register(void)
{
	int err;

	lockdep_assert_held(&vpool_probe_lock);
	if (vpool_probed)
		return 0;
	err = tracepoint_probe_register(vpool_tp_exit, vpool_probe_exit, NULL);
	if (err)
		return err;
	err = tracepoint_probe_register(vpool_tp_fork, vpool_probe_fork, NULL);
	if (err) {
		tracepoint_probe_unregister(vpool_tp_exit, vpool_probe_exit,
					    NULL);
		return err;
	}
	vpool_probed = true;
	return 0;
}

static int vpool_probe_get(void)
{
	int err;

	mutex_lock(&vpool_probe_lock);
	atomic_inc(&vpool_probe_users);
	err = vpool_probe_register();
	mutex_unlock(&vpool_probe_lock);
	if (err)
		vpool_probe_put();
	return err;
}

static void vpool_probe_release(struct work_struct *work)
{
	mutex_lock(&vpool_probe_lock);
	if (vpool_probed && !atomic_read(&vpool_probe_users)) {
		tracepoint_probe_unregister(vpool_tp_fork, vpool_probe_fork,
					    NULL);
		tracepoint_probe_unregister(vpool_tp_exit, vpool_probe_exit,
					    NULL);
		vpool_probed = false;
	}
	mutex_unlock(&vpool_probe_lock);
}

/**
 * vpool_members_start - find the tracepoints and set memory aside
 *
 * Return: 0, -ENOMEM, or -ENXIO if the kernel has no such tracepoints.
 */
int vpool_members_start(void)
{
	size_t size = sizeof(struct vpool_member) + 2 * cpumask_size();

	for_each_kernel_tracepoint(vpool_probe_find, NULL);
	if (!vpool_tp_fork || !vpool_tp_exit) {
		pr_err("this kernel has no sched_process tracepoints (CONFIG_TRACEPOINTS)\n");
		return -ENXIO;
	}
	vpool_member_pool = mempool_create_kmalloc_pool(VPOOL_MEMBER_RESERVE,
							size);
	return vpool_member_pool ? 0 : -ENOMEM;
}

/**
 * vpool_members_stop - no member is left; wait for what is under way
 */
void vpool_members_stop(void)
{
	cancel_delayed_work_sync(&vpool_probe_work);
	vpool_probe_release(NULL);
	tracepoint_synchronize_unregister();
	rcu_barrier();
	mempool_destroy(vpool_member_pool);
}

/**
 * vpool_members_init - a pool without members
 * @members: to initialise
 * @name: the pool's, which outlives @members
 * @cpus: the pool's, which do so too
 */
void vpool_members_init(struct vpool_member_set *members, const char *name,
			const struct cpumask *cpus)
{
	members->name = name;
	members->cpus = cpus;
	INIT_LIST_HEAD(&members->list);
}

static void vpool_task_save(struct task_struct *task,
			    struct vpool_member *member)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(vpool_member_saved(member), &task->cpus_mask);
	member->has_user = task->user_cpus_ptr;
	if (member->has_user)
		cpumask_copy(vpool_member_user(member), task->user_cpus_ptr);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}

static int vpool_task_set(struct task_struct *task, const struct cpumask *mask,
			  const struct cpumask *user)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	if (task->user_cpus_ptr)
		cpumask_copy(task->user_cpus_ptr, user);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return set_cpus_allowed_ptr(task, mask);
}

/* As far as those CPUs are still there; a task always has some CPU. */
static void vpool_task_restore(struct task_struct *task,
			       struct vpool_member *member)
{
	const struct cpumask *saved = vpool_member_saved(member);
	const struct cpumask *user = vpool_member_old_user(member);

	if (vpool_task_set(task, saved, user))
		vpool_task_set(task, cpu_possible_mask, user);
}

static int vpool_members_gone(struct vpool_member_set *members,
			      struct vpool_why *why)
{
	return vpool_fail(why, -ENXIO, "pool '%s' has been destroyed",
			  members->name);
}

/* What became of a try to add one task. */
enum vpool_added {
	VPOOL_ADDED,
	VPOOL_WAS_THERE,
	VPOOL_IN_OTHER,
	VPOOL_CLOSED,
};

static enum vpool_added vpool_member_add(struct vpool_member_set *members,
					 struct task_struct *task,
					 struct vpool_member *member,
					 struct vpool_why *why)
{
	enum vpool_added added = VPOOL_ADDED;
	struct vpool_member *old;

	spin_lock(&vpool_member_lock);
	old = vpool_member_find(task);
	if (members->closed) {
		added = VPOOL_CLOSED;
		vpool_members_gone(members, why);
	} else if (!old) {
		vpool_member_link(member, members, task);
	} else if (old->members == members) {
		added = VPOOL_WAS_THERE;
	} else {
		added = VPOOL_IN_OTHER;
		vpool_fail(why, -EBUSY, "task %d is a member of pool '%s'",
			   task->pid, old->members->name);
	}
	spin_unlock(&vpool_member_lock);
	return added;
}

static int vpool_attach_task(struct vpool_member_set *members,
			     struct task_struct *task, u64 call,
			     struct vpool_why *why)
{
	struct vpool_member *member;
	enum vpool_added added;
	int err;

	member = mempool_alloc(vpool_member_pool, GFP_KERNEL);
	vpool_task_save(task, member);
	member->call = call;
	added = vpool_member_add(members, task, member, why);
	if (added != VPOOL_ADDED)
		mempool_free(member, vpool_member_pool);
	if (added == VPOOL_CLOSED)
		return -ENXIO;
	if (added == VPOOL_IN_OTHER)
		return -EBUSY;
	if (added == VPOOL_WAS_THERE)
		return 0;

	/* After the insertion: see the top of this file. */
	smp_mb();
	if (READ_ONCE(task->flags) & PF_EXITING) {
		vpool_member_remove(task);
		return 0;
	}
	err = vpool_task_set(task, members->cpus, members->cpus);
	if (!err)
		return 0;
	vpool_member_remove(task);
	return vpool_fail(why, err, "no cpu of pool '%s' is online",
			  members->name);
}

/* Which call made @task a member of @members, 0 if it is none. */
static u64 vpool_member_call(struct vpool_member_set *members,
			     struct task_struct *task)
{
	struct vpool_member *member;
	u64 call = 0;

	rcu_read_lock();
	member = vpool_member_find(task);
	if (member && member->members == members)
		call = member->call;
	rcu_read_unlock();
	return call;
}

static bool vpool_is_stranger(u64 call, u64 unused)
{
	return !call;
}

static bool vpool_is_member(u64 call, u64 unused)
{
	return call;
}

static bool vpool_is_of_call(u64 call, u64 which)
{
	return call == which;
}

/* A thread of current's process for which @wanted holds, or NULL. */
static struct task_struct *vpool_find_thread(struct vpool_member_set *members,
					     bool (*wanted)(u64 call, u64 arg),
					     u64 arg)
{
	struct task_struct *task;

	rcu_read_lock();
	for_each_thread(current, task) {
		if (READ_ONCE(task->flags) & PF_EXITING ||
		    !wanted(vpool_member_call(members, task), arg))
			continue;
		get_task_struct(task);
		rcu_read_unlock();
		return task;
	}
	rcu_read_unlock();
	return NULL;
}

static void vpool_detach_task(struct vpool_member_set *members,
			      struct task_struct *task)
{
	struct vpool_member *member;
	bool linked;

	spin_lock(&vpool_member_lock);
	member = vpool_member_find(task);
	if (!member || member->members != members) {
		spin_unlock(&vpool_member_lock);
		return;
	}
	refcount_inc(&member->ref);
	spin_unlock(&vpool_member_lock);

	vpool_task_restore(task, member);

	spin_lock(&vpool_member_lock);
	linked = vpool_member_unlink(member);
	spin_unlock(&vpool_member_lock);
	if (linked)
		vpool_member_put(member);
	vpool_member_put(member);
}

/* All or none: threads that were added before one fails are detached. */
static int vpool_attach_process(struct vpool_member_set *members, u64 call,
				struct vpool_why *why)
{
	struct task_struct *task;
	int err = 0;

	while (!err && (task = vpool_find_thread(members, vpool_is_stranger,
						 0))) {
		err = vpool_attach_task(members, task, call, why);
		put_task_struct(task);
		cond_resched();
	}
	while (err && (task = vpool_find_thread(members, vpool_is_of_call,
						call))) {
		vpool_detach_task(members, task);
		put_task_struct(task);
	}
	return err;
}

/**
 * vpool_member_attach - attach current
 * @members: of the pool; the caller has a descriptor of it open
 * @process: with all threads of its process
 * @why: told if it fails
 *
 * When it returns, every thread attached, and every one forked by them so far,
 * has the pool's mask.
 *
 * Context: sleeps; takes vpool_probe_lock and vpool_member_lock.
 * Return: 0, -EINVAL if the pool has no CPUs, -EBUSY if a thread belongs to
 * another pool, -ENXIO if the pool is going, -ENOMEM.
 */
int vpool_member_attach(struct vpool_member_set *members, bool process,
			struct vpool_why *why)
{
	u64 call = atomic64_inc_return(&vpool_calls);
	int err;

	if (READ_ONCE(members->closed))
		return vpool_members_gone(members, why);
	if (cpumask_empty(members->cpus))
		return vpool_fail(why, -EINVAL, "pool '%s' has no CPUs",
				  members->name);
	err = vpool_probe_get();
	if (err)
		return vpool_fail(why, err,
				  "the fork and exit tracepoints cannot be used");
	if (process)
		err = vpool_attach_process(members, call, why);
	else
		err = vpool_attach_task(members, current, call, why);
	vpool_probe_put();
	trace_vpool_attach(members->name, current->pid, err);
	return err;
}

/**
 * vpool_member_detach - detach current
 * @members: of the pool
 * @process: with all threads of its process that are members
 * @why: told if it fails
 *
 * Context: sleeps; takes vpool_member_lock.
 * Return: 0 or -ESRCH if there is nothing to detach.
 */
int vpool_member_detach(struct vpool_member_set *members, bool process,
			struct vpool_why *why)
{
	struct task_struct *task;
	unsigned int nr = 0;

	if (!process) {
		nr = !!vpool_member_call(members, current);
		vpool_detach_task(members, current);
	}
	while (process &&
	       (task = vpool_find_thread(members, vpool_is_member, 0))) {
		vpool_detach_task(members, task);
		put_task_struct(task);
		nr++;
	}
	if (nr)
		return 0;
	return vpool_fail(why, -ESRCH, "task %d is no member of pool '%s'",
			  current->pid, members->name);
}

static struct task_struct *vpool_members_first(struct vpool_member_set *members)
{
	struct task_struct *task = NULL;
	struct vpool_member *member;

	spin_lock(&vpool_member_lock);
	member = list_first_entry_or_null(&members->list, struct vpool_member,
					  link);
	if (member)
		task = get_task_struct(member->task);
	spin_unlock(&vpool_member_lock);
	return task;
}

/**
 * vpool_members_close - let nobody attach any more
 * @members: of the pool
 * @force: detach those that are
 *
 * Context: sleeps; takes vpool_member_lock.
 * Return: false, with nothing changed, if there are members and @force is not
 * given.
 */
bool vpool_members_close(struct vpool_member_set *members, bool force)
{
	struct task_struct *task;
	bool closed;

	spin_lock(&vpool_member_lock);
	closed = !members->nr || force;
	members->closed |= closed;
	spin_unlock(&vpool_member_lock);
	if (!closed)
		return false;
	while ((task = vpool_members_first(members))) {
		vpool_detach_task(members, task);
		put_task_struct(task);
		cond_resched();
	}
	return true;
}

/**
 * vpool_members_list - who is attached
 * @members: of the pool
 * @info: filled in, in the current pid namespace
 * @max: room in @info
 *
 * Return: how many there are; with more than @max, @info is of no use.
 */
unsigned int vpool_members_list(struct vpool_member_set *members,
				struct vpool_member_info *info,
				unsigned int max)
{
	struct vpool_member *member;
	unsigned int nr = 0;

	spin_lock(&vpool_member_lock);
	list_for_each_entry(member, &members->list, link) {
		if (members->nr > max)
			break;
		info[nr].tid = task_pid_vnr(member->task);
		info[nr].pid = task_tgid_vnr(member->task);
		nr++;
	}
	nr = members->nr;
	spin_unlock(&vpool_member_lock);
	return nr;
}
