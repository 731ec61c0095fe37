// SPDX-License-Identifier: GPL-2.0
/*
 * Who is a member of which pool.
 *
 * A task is a member from its attach, or from being forked by a member, until it
 * is detached, exits or its pool goes. One hash finds the membership of a task;
 * one lock guards the hash and all lists, because fork and exit come with nothing
 * but a task.
 *
 * New tasks and exit are seen through the kernel's own tracepoints, which are not
 * exported by name and are therefore looked up. They are registered only while
 * there is a member, and for a second after the last, so that without one a fork
 * costs nothing. The tracepoint for new tasks is that of copy_process(), not that
 * of fork: only there the threads are seen that the kernel itself makes in a
 * process, as io_uring and vhost do.
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
 *  - The masks of tasks that live already are set under the mutex of their pool's
 *    members, one after the other, so that of two changes the later one stays.
 *    Every change of what they are to be is a round. It is announced under the
 *    lock of all members first, and children born after that have the new mask;
 *    then the masks of those are set that are of an earlier round.
 *  - A task that is detached may fork meanwhile. It gets its old mask first and
 *    stops being a member after, so that the child is a member and has the pool's
 *    mask, or it is not and has the old one. What a task came with is saved in the
 *    moment it becomes a member, when it has no mask of a pool any more.
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
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "cpus.h"
#include "member.h"

/* So many members can be forked while no page can be had. */
#define VPOOL_MEMBER_RESERVE 128
#define VPOOL_MEMBER_HASH_BITS 10
/*
 * How long the probes stay after the last member: registering them rewrites the
 * kernel's code on all CPUs, which is not to happen for each short program.
 */
#define VPOOL_PROBE_LINGER HZ

/*
 * Guards the hash, all lists of members and everything in a member; a leaf, taken
 * in fork and exit. Looking up the hash needs only RCU.
 */
DEFINE_SPINLOCK(vpool_member_lock);
static DEFINE_HASHTABLE(vpool_member_hash, VPOOL_MEMBER_HASH_BITS);
static mempool_t *vpool_member_pool;

/* Guards the registration of the probes; taken before vpool_member_lock. */
static DEFINE_MUTEX(vpool_probe_lock);
static bool vpool_probed;
/* Members and attaches under way: what the probes are registered for. */
static atomic_t vpool_probe_users = ATOMIC_INIT(0);
static struct tracepoint *vpool_tp_new;
static struct tracepoint *vpool_tp_exit;

static void vpool_probe_release(struct work_struct *work);
static DECLARE_DELAYED_WORK(vpool_probe_work, vpool_probe_release);

/**
 * vpool_member_find - a task's membership
 * @task: which
 *
 * Context: in an RCU section, or with vpool_member_lock held.
 * Return: it, or NULL if the task is no member.
 */
struct vpool_member *vpool_member_find(const struct task_struct *task)
{
	struct vpool_member *member;

	hash_for_each_possible_rcu(vpool_member_hash, member, hash,
				   (unsigned long)task)
		if (member->task == task)
			return member;
	return NULL;
}

/**
 * vpool_member_alloc - room for one
 * @gfp: as mempool_alloc(), which see
 *
 * Return: not initialised; or NULL, if @gfp does not let it wait.
 */
struct vpool_member *vpool_member_alloc(gfp_t gfp)
{
	return mempool_alloc(vpool_member_pool, gfp);
}

/**
 * vpool_member_free - the end of one that was never linked
 * @member: which, or NULL
 */
void vpool_member_free(struct vpool_member *member)
{
	if (member)
		mempool_free(member, vpool_member_pool);
}

static void vpool_member_free_rcu(struct rcu_head *rcu)
{
	mempool_free(container_of(rcu, struct vpool_member, rcu),
		     vpool_member_pool);
}

/**
 * vpool_probe_put - the probes are not needed any more for what they were got for
 */
void vpool_probe_put(void)
{
	if (atomic_dec_and_test(&vpool_probe_users))
		schedule_delayed_work(&vpool_probe_work, VPOOL_PROBE_LINGER);
}

/**
 * vpool_member_put - drop a reference
 * @member: which
 */
void vpool_member_put(struct vpool_member *member)
{
	if (!refcount_dec_and_test(&member->ref))
		return;
	call_rcu(&member->rcu, vpool_member_free_rcu);
	vpool_probe_put();
	module_put(THIS_MODULE);
}

static void vpool_member_free_cpu(struct vpool_member *member)
{
	struct vpool_member_set *members = member->members;

	if (member->cpu < 0)
		return;
	cpumask_clear_cpu(member->cpu, members->dedicated);
	WRITE_ONCE(members->nr_dedicated, members->nr_dedicated - 1);
	/* The others may run there now. */
	vpool_cpus_settle_later();
}

/**
 * vpool_member_unlink - a task is no member any more
 * @member: its membership; may have been unlinked already
 *
 * Context: vpool_member_lock held.
 * Return: true if it was linked; then the reference for that is the caller's.
 */
bool vpool_member_unlink(struct vpool_member *member)
{
	struct vpool_member_set *members = member->members;

	lockdep_assert_held(&vpool_member_lock);
	if (!hash_hashed(&member->hash))
		return false;
	hash_del_rcu(&member->hash);
	list_del(&member->link);
	vpool_member_free_cpu(member);
	WRITE_ONCE(members->nr, members->nr - 1);
	if (!members->nr && members->emptied)
		members->emptied(members);
	return true;
}

/**
 * vpool_member_link - a task becomes a member
 * @member: to be its membership
 * @members: of the pool
 * @task: that has no membership
 *
 * The reference on the module stands in for one that the caller has: an open
 * descriptor, or the parent's membership.
 *
 * Context: vpool_member_lock held.
 */
void vpool_member_link(struct vpool_member *member,
		       struct vpool_member_set *members,
		       struct task_struct *task)
{
	lockdep_assert_held(&vpool_member_lock);
	refcount_set(&member->ref, 1);
	member->task = task;
	member->members = members;
	member->round = 0;
	member->look = members->look_nr;
	member->cpu = -1;
	member->late = false;
	member->astray = false;
	__module_get(THIS_MODULE);
	atomic_inc(&vpool_probe_users);
	hash_add_rcu(vpool_member_hash, &member->hash, (unsigned long)task);
	list_add_tail(&member->link, &members->list);
	WRITE_ONCE(members->nr, members->nr + 1);
	vpool_look_later(members,
			 task->flags & (PF_IO_WORKER | PF_USER_WORKER));
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
	vpool_new_member_set(of_parent, child);
	if (!member) {
		pr_warn_ratelimited("no memory to follow task %d into pool '%s'\n",
				    child->pid, members->name);
		return false;
	}
	memcpy(member->saved, of_parent->saved, 2 * cpumask_size());
	member->has_user = of_parent->has_user;
	member->call = of_parent->call;
	vpool_member_link(member, members, child);
	member->round = members->round;
	return true;
}

static void vpool_fork_child(struct task_struct *parent,
			     struct task_struct *child)
{
	struct vpool_member *member, *of_parent;
	bool entered = false;

	member = vpool_member_alloc(GFP_ATOMIC | __GFP_NOWARN);
	spin_lock(&vpool_member_lock);
	of_parent = vpool_member_find(parent);
	if (of_parent)
		entered = vpool_fork_enter(member, of_parent, child);
	spin_unlock(&vpool_member_lock);
	if (!entered)
		vpool_member_free(member);
}

/* In the parent, when the child is all there and has not been woken. */
static void vpool_probe_new(void *data, struct task_struct *child,
			    unsigned long clone_flags)
{
	bool follow;

	rcu_read_lock();
	follow = vpool_member_find(current);
	rcu_read_unlock();
	if (follow)
		vpool_fork_child(current, child);
}

/**
 * vpool_member_remove - a task has exited, or was never quite a member
 * @task: which; need not be one
 */
void vpool_member_remove(struct task_struct *task)
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
	if (!strcmp(tp->name, "task_newtask"))
		vpool_tp_new = tp;
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
	err = tracepoint_probe_register(vpool_tp_new, vpool_probe_new, NULL);
	if (err) {
		tracepoint_probe_unregister(vpool_tp_exit, vpool_probe_exit,
					    NULL);
		return err;
	}
	vpool_probed = true;
	return 0;
}

/**
 * vpool_probe_get - have the probes registered
 *
 * Context: sleeps; takes vpool_probe_lock.
 * Return: 0, then vpool_probe_put() is to follow, or a negative errno.
 */
int vpool_probe_get(void)
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
		tracepoint_probe_unregister(vpool_tp_new, vpool_probe_new,
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
	if (!vpool_tp_new || !vpool_tp_exit) {
		pr_err("this kernel has no task_newtask and sched_process_exit tracepoints (CONFIG_TRACEPOINTS)\n");
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
 * @members: to initialise, all of it 0
 * @name: the pool's, which outlives @members
 * @stat: the pool's, too
 *
 * Return: 0 or -ENOMEM with nothing left behind.
 */
int vpool_members_init(struct vpool_member_set *members, const char *name,
		       struct vpool_stat *stat)
{
	members->name = name;
	members->stat = stat;
	INIT_DELAYED_WORK(&members->look, vpool_look);
	mutex_init(&members->moving);
	INIT_LIST_HEAD(&members->list);
	if (zalloc_cpumask_var(&members->cpus, GFP_KERNEL) &&
	    zalloc_cpumask_var(&members->shared, GFP_KERNEL) &&
	    zalloc_cpumask_var(&members->before, GFP_KERNEL) &&
	    zalloc_cpumask_var(&members->scratch, GFP_KERNEL) &&
	    zalloc_cpumask_var(&members->dedicated, GFP_KERNEL))
		return 0;
	vpool_members_exit(members);
	return -ENOMEM;
}

/**
 * vpool_members_exit - the end of one
 * @members: closed, or never used
 */
void vpool_members_exit(struct vpool_member_set *members)
{
	free_cpumask_var(members->cpus);
	free_cpumask_var(members->shared);
	free_cpumask_var(members->before);
	free_cpumask_var(members->scratch);
	free_cpumask_var(members->dedicated);
	mutex_destroy(&members->moving);
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

/**
 * vpool_members_dedicated - which CPUs one member has for its own
 * @members: of the pool
 * @mask: set to them
 */
void vpool_members_dedicated(struct vpool_member_set *members,
			     struct cpumask *mask)
{
	spin_lock(&vpool_member_lock);
	cpumask_copy(mask, members->dedicated);
	spin_unlock(&vpool_member_lock);
}
