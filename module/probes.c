// SPDX-License-Identifier: GPL-2.0
/*
 * Tracepoint probes that are registered only while they are needed.
 *
 * The kernel does not export the tracepoints by name, so this file looks them up. The
 * probes are registered while the table of members has an entry, and for a second
 * after the last one. So a fork costs nothing on a host without members.
 *
 * Registration patches kernel text on all CPUs. It holds locks that module loading,
 * tracing and CPU hotplug wait for. A kernel worker does it, because a user can keep
 * their own task from running while it holds those locks.
 */
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "probes.h"
#include "worker.h"

/* Time in jiffies for which the probes stay registered without users. */
#define VPOOL_PROBE_LINGER HZ

static void vpool_probe_update(struct work_struct *work);
static DECLARE_DELAYED_WORK(vpool_probe_later, vpool_probe_update);
/* Keeps two updates from running at once; only kernel workers take it. */
static DEFINE_MUTEX(vpool_probe_mutex);

/* Guards the two variables below. A leaf lock, taken in tracepoints. */
static DEFINE_RAW_SPINLOCK(vpool_probe_lock);
/* Number of entries in the table of members, plus attach calls in progress. */
static unsigned int vpool_probe_users;
static bool vpool_probes_registered;

/* Set once, by vpool_probes_start(). */
static struct vpool_probe *vpool_probes;
static unsigned int vpool_nr_probes;

static void vpool_probe_find(struct tracepoint *tp, void *data)
{
	unsigned int i;

	for (i = 0; i < vpool_nr_probes; i++)
		if (!vpool_probes[i].skip &&
		    !strcmp(tp->name, vpool_probes[i].name))
			vpool_probes[i].tp = tp;
}

/* Unregister the first @nr probes, the last one first. */
static void vpool_probes_unregister(unsigned int nr)
{
	while (nr--)
		if (vpool_probes[nr].tp)
			tracepoint_probe_unregister(vpool_probes[nr].tp,
						    vpool_probes[nr].func,
						    NULL);
}

static int vpool_probes_register(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < vpool_nr_probes; i++) {
		if (!vpool_probes[i].tp)
			continue;
		err = tracepoint_probe_register(vpool_probes[i].tp,
						vpool_probes[i].func, NULL);
		if (err && !vpool_probes[i].optional) {
			vpool_probes_unregister(i);
			return err;
		}
	}
	return 0;
}

static void vpool_probe_update_locked(void)
{
	bool want, have;

	lockdep_assert_held(&vpool_probe_mutex);
	raw_spin_lock(&vpool_probe_lock);
	want = vpool_probe_users;
	have = vpool_probes_registered;
	/* Clear it first, so that vpool_probe_get() does not rely on the old probes. */
	if (!want)
		vpool_probes_registered = false;
	raw_spin_unlock(&vpool_probe_lock);

	if (have && !want)
		vpool_probes_unregister(vpool_nr_probes);
	if (have || !want || vpool_probes_register())
		return;
	raw_spin_lock(&vpool_probe_lock);
	vpool_probes_registered = true;
	raw_spin_unlock(&vpool_probe_lock);
}

static void vpool_probe_update(struct work_struct *work)
{
	mutex_lock(&vpool_probe_mutex);
	vpool_probe_update_locked();
	mutex_unlock(&vpool_probe_mutex);
}

static bool vpool_probes_are_registered(void)
{
	bool registered;

	raw_spin_lock(&vpool_probe_lock);
	registered = vpool_probes_registered;
	raw_spin_unlock(&vpool_probe_lock);
	return registered;
}

/**
 * vpool_probe_hold - keep the probes registered for another user
 *
 * Context: any; the caller knows that another user holds the probes.
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
		queue_delayed_work(vpool_unbound_wq, &vpool_probe_later,
				   VPOOL_PROBE_LINGER);
}

/**
 * vpool_probe_get - register the probes
 *
 * Context: sleeps, if they are not registered yet.
 * Return: 0, and the caller must call vpool_probe_put(); or -ENOMEM.
 */
int vpool_probe_get(void)
{
	struct work_struct work;

	vpool_probe_hold();
	if (vpool_probes_are_registered())
		return 0;
	INIT_WORK_ONSTACK(&work, vpool_probe_update);
	vpool_worker_run(&work);
	destroy_work_on_stack(&work);
	if (vpool_probes_are_registered())
		return 0;
	vpool_probe_put();
	return -ENOMEM;
}

/**
 * vpool_probes_start - find the tracepoints
 * @probes: array of @nr probes, registered in this order; must stay valid until
 *	vpool_probes_stop()
 * @nr: length of @probes
 *
 * Return: 0, or -ENXIO if the kernel lacks a tracepoint that is not optional.
 */
int vpool_probes_start(struct vpool_probe *probes, unsigned int nr)
{
	unsigned int i;

	vpool_probes = probes;
	vpool_nr_probes = nr;
	for_each_kernel_tracepoint(vpool_probe_find, NULL);
	for (i = 0; i < nr; i++) {
		if (probes[i].tp || probes[i].optional)
			continue;
		pr_err("this kernel has no tracepoint %s (CONFIG_TRACEPOINTS)\n",
		       probes[i].name);
		return -ENXIO;
	}
	return 0;
}

/**
 * vpool_probes_stop - unregister the probes, and wait for probes that are running
 *
 * Context: sleeps; the table of members is empty.
 */
void vpool_probes_stop(void)
{
	cancel_delayed_work_sync(&vpool_probe_later);
	if (vpool_probes_registered)
		vpool_probes_unregister(vpool_nr_probes);
	vpool_probes_registered = false;
	tracepoint_synchronize_unregister();
}
