// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints that tell of fork and exit; and of moves between cgroups, where
 * those take members off their CPUs.
 *
 * They are not exported by name and are therefore looked up. The probes are
 * registered only while the table of members has an entry, and for a second after
 * the last, so that without members a fork costs nothing. The tracepoint for new tasks
 * is that of copy_process(), not that of fork: only there are the threads seen that
 * the kernel itself makes in a process, as io_uring and vhost do.
 *
 * Registering rewrites kernel code on all CPUs, under locks for which loading modules,
 * tracing and CPU hotplug wait. A kernel worker does it, so that those locks are never
 * held by a task that its user keeps from running.
 */
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "member.h"

#define VPOOL_PROBE_LINGER HZ

static void vpool_probe_update(struct work_struct *work);
/*
 * Two of them, because mod_delayed_work() takes a pending one off its queue for a
 * moment, in which flush_work() would not wait for it.
 */
static DECLARE_WORK(vpool_probe_now, vpool_probe_update);
static DECLARE_DELAYED_WORK(vpool_probe_later, vpool_probe_update);
/* Keeps the two from running at once; held by kernel workers only. */
static DEFINE_MUTEX(vpool_probe_mutex);

/* Guards the two below; a leaf, taken in tracepoints. */
static DEFINE_RAW_SPINLOCK(vpool_probe_lock);
/* Entries in the table of members and attaches under way. */
static unsigned int vpool_probe_users;
static bool vpool_probed;

static struct tracepoint *vpool_tp_new;
static struct tracepoint *vpool_tp_exit;
/* NULL where cpusets leave affinities alone, or without cgroups. */
static struct tracepoint *vpool_tp_cgroup;

static void vpool_probe_new(void *data, struct task_struct *child,
			    unsigned long clone_flags)
{
	vpool_fork_new(current, child);
}

static void vpool_probe_exit(void *data, struct task_struct *task)
{
	vpool_fork_exit(task);
}

static void vpool_probe_cgroup(void *data, struct cgroup *to, const char *path,
			       struct task_struct *task, bool threadgroup)
{
	vpool_fork_moved(task, threadgroup);
}

static void vpool_probe_find(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "task_newtask"))
		vpool_tp_new = tp;
	else if (!strcmp(tp->name, "sched_process_exit"))
		vpool_tp_exit = tp;
	else if (VPOOL_CPUSETS_RESET && !strcmp(tp->name, "cgroup_attach_task"))
		vpool_tp_cgroup = tp;
}

static void vpool_probe_unregister(void)
{
	tracepoint_probe_unregister(vpool_tp_new, vpool_probe_new, NULL);
	tracepoint_probe_unregister(vpool_tp_exit, vpool_probe_exit, NULL);
	if (vpool_tp_cgroup)
		tracepoint_probe_unregister(vpool_tp_cgroup,
					    vpool_probe_cgroup, NULL);
}

static int vpool_probe_register(void)
{
	int err;

	err = tracepoint_probe_register(vpool_tp_exit, vpool_probe_exit, NULL);
	if (err)
		return err;
	err = tracepoint_probe_register(vpool_tp_new, vpool_probe_new, NULL);
	if (err) {
		tracepoint_probe_unregister(vpool_tp_exit, vpool_probe_exit,
					    NULL);
		return err;
	}
	/* Without it, vpool_enforce() sees a second later what it would tell. */
	if (vpool_tp_cgroup)
		tracepoint_probe_register(vpool_tp_cgroup, vpool_probe_cgroup,
					  NULL);
	return 0;
}

static void vpool_probe_update_locked(void)
{
	bool want, have;

	lockdep_assert_held(&vpool_probe_mutex);
	raw_spin_lock(&vpool_probe_lock);
	want = vpool_probe_users;
	have = vpool_probed;
	/* Before they are gone: vpool_probe_get() must not rely on them. */
	if (!want)
		vpool_probed = false;
	raw_spin_unlock(&vpool_probe_lock);

	if (have && !want)
		vpool_probe_unregister();
	if (have || !want || vpool_probe_register())
		return;
	raw_spin_lock(&vpool_probe_lock);
	vpool_probed = true;
	raw_spin_unlock(&vpool_probe_lock);
}

static void vpool_probe_update(struct work_struct *work)
{
	mutex_lock(&vpool_probe_mutex);
	vpool_probe_update_locked();
	mutex_unlock(&vpool_probe_mutex);
}

static bool vpool_probe_is_there(void)
{
	bool there;

	raw_spin_lock(&vpool_probe_lock);
	there = vpool_probed;
	raw_spin_unlock(&vpool_probe_lock);
	return there;
}

/**
 * vpool_probe_hold - keep the probes registered for one more user
 *
 * Context: any; they are registered, as the caller knows.
 */
void vpool_probe_hold(void)
{
	raw_spin_lock(&vpool_probe_lock);
	vpool_probe_users++;
	raw_spin_unlock(&vpool_probe_lock);
}

/**
 * vpool_probe_put - undo vpool_probe_hold() or vpool_probe_get()
 *
 * Context: any.
 */
void vpool_probe_put(void)
{
	bool last;

	raw_spin_lock(&vpool_probe_lock);
	last = !--vpool_probe_users;
	raw_spin_unlock(&vpool_probe_lock);
	if (last)
		queue_delayed_work(system_wq, &vpool_probe_later,
				   VPOOL_PROBE_LINGER);
}

/**
 * vpool_probe_get - have the probes registered
 *
 * Context: sleeps, if they are not registered yet.
 * Return: 0, then vpool_probe_put() must follow; or -ENOMEM.
 */
int vpool_probe_get(void)
{
	vpool_probe_hold();
	if (vpool_probe_is_there())
		return 0;
	queue_work(system_wq, &vpool_probe_now);
	flush_work(&vpool_probe_now);
	if (vpool_probe_is_there())
		return 0;
	vpool_probe_put();
	return -ENOMEM;
}

/**
 * vpool_probes_start - find the tracepoints
 *
 * Return: 0, or -ENXIO if the kernel has no such tracepoints.
 */
int vpool_probes_start(void)
{
	for_each_kernel_tracepoint(vpool_probe_find, NULL);
	if (vpool_tp_new && vpool_tp_exit)
		return 0;
	pr_err("this kernel has no task_newtask and sched_process_exit tracepoints (CONFIG_TRACEPOINTS)\n");
	return -ENXIO;
}

/**
 * vpool_probes_stop - unregister the probes and wait for those that run
 *
 * Context: sleeps; the table of members is empty.
 */
void vpool_probes_stop(void)
{
	cancel_work_sync(&vpool_probe_now);
	cancel_delayed_work_sync(&vpool_probe_later);
	if (vpool_probed)
		vpool_probe_unregister();
	vpool_probed = false;
	tracepoint_synchronize_unregister();
}
