// SPDX-License-Identifier: GPL-2.0
/*
 * The CPUs of each pool, and the owner of each CPU.
 *
 * cpu_claim.c changes the owners, and hotplug.c reports CPUs that go online or offline.
 * Both publish the CPUs that members may use; see @publish of struct vpool_cpus.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "cpus.h"

/* Time in jiffies after which cpusets are updated for a CPU, even on a busy host. */
#define VPOOL_CPUSETS_DELAY HZ

/* Guards the owners and struct vpool_cpus of all pools; see cpus.h. */
DEFINE_MUTEX(vpool_cpus_lock);
/* Owner of each CPU, NULL for the host; under vpool_cpus_lock. */
static struct vpool_cpus **vpool_cpu_owners;
/*
 * Taken inside vpool_cpus_lock to change @assigned or @effective of a pool. A reader
 * takes only this lock, so that a user who reads cannot delay CPU hotplug.
 */
static DEFINE_RAW_SPINLOCK(vpool_cpus_masks_lock);

static void vpool_cpus_resync(struct work_struct *work);
static DECLARE_WORK(vpool_cpus_resync_now, vpool_cpus_resync);
static DECLARE_DELAYED_WORK(vpool_cpus_resync_again, vpool_cpus_resync);

/**
 * vpool_cpus_start - allocate the table of owners
 *
 * At first the host owns all CPUs.
 *
 * Return: 0 or -ENOMEM.
 */
int vpool_cpus_start(void)
{
	vpool_cpu_owners = kcalloc(nr_cpu_ids, sizeof(*vpool_cpu_owners),
				   GFP_KERNEL);
	return vpool_cpu_owners ? 0 : -ENOMEM;
}

/**
 * vpool_cpus_stop - undo vpool_cpus_start()
 *
 * Context: sleeps; no pool is left, and the hotplug callbacks are unregistered.
 */
void vpool_cpus_stop(void)
{
	cancel_work_sync(&vpool_cpus_resync_now);
	cancel_delayed_work_sync(&vpool_cpus_resync_again);
	kfree(vpool_cpu_owners);
}

/**
 * vpool_cpus_init - initialize an empty set of CPUs
 * @cpus: zeroed memory
 * @name: name of the pool; outlives @cpus
 *
 * Return: 0 or -ENOMEM.
 */
int vpool_cpus_init(struct vpool_cpus *cpus, const char *name)
{
	cpus->name = name;
	if (zalloc_cpumask_var(&cpus->assigned, GFP_KERNEL) &&
	    zalloc_cpumask_var(&cpus->effective, GFP_KERNEL) &&
	    zalloc_cpumask_var(&cpus->usable, GFP_KERNEL))
		return 0;
	vpool_cpus_exit(cpus);
	return -ENOMEM;
}

/**
 * vpool_cpus_exit - undo vpool_cpus_init()
 * @cpus: CPUs of the pool, released
 */
void vpool_cpus_exit(struct vpool_cpus *cpus)
{
	free_cpumask_var(cpus->assigned);
	free_cpumask_var(cpus->effective);
	free_cpumask_var(cpus->usable);
}

/**
 * vpool_cpus_owner - find the owner of a CPU
 * @cpu: number of a possible CPU
 *
 * Context: vpool_cpus_lock held.
 * Return: the owner, or NULL for the host.
 */
struct vpool_cpus *vpool_cpus_owner(unsigned int cpu)
{
	lockdep_assert_held(&vpool_cpus_lock);
	return vpool_cpu_owners[cpu];
}

/**
 * vpool_cpus_set_owner - change the owner of CPUs
 * @mask: the CPUs
 * @owner: their new owner, or NULL for the host
 *
 * Context: vpool_cpus_lock held.
 */
void vpool_cpus_set_owner(const struct cpumask *mask, struct vpool_cpus *owner)
{
	unsigned int cpu;

	lockdep_assert_held(&vpool_cpus_lock);
	for_each_cpu(cpu, mask)
		vpool_cpu_owners[cpu] = owner;
}

/**
 * vpool_cpus_assign - set the CPUs that a pool has
 * @cpus: CPUs of the pool
 * @assigned: the new CPUs, none or all of which belong to the pool
 *
 * Context: vpool_cpus_lock held. The CPU hotplug lock is held too, unless @assigned is
 * empty.
 */
void vpool_cpus_assign(struct vpool_cpus *cpus, const struct cpumask *assigned)
{
	lockdep_assert_held(&vpool_cpus_lock);
	raw_spin_lock(&vpool_cpus_masks_lock);
	cpumask_copy(cpus->assigned, assigned);
	cpumask_and(cpus->effective, assigned, cpu_online_mask);
	raw_spin_unlock(&vpool_cpus_masks_lock);
}

/* Fallback mask when a pool has no online CPU: the online CPUs that no pool owns. */
static void vpool_cpus_fallback(struct cpumask *mask)
{
	unsigned int cpu;

	cpumask_copy(mask, cpu_online_mask);
	for_each_online_cpu(cpu)
		if (vpool_cpu_owners[cpu])
			cpumask_clear_cpu(cpu, mask);
	if (cpumask_empty(mask))
		cpumask_copy(mask, cpu_online_mask);
}

/**
 * vpool_cpus_publish - compute and publish the CPUs that a pool's members may use
 * @cpus: CPUs of the pool, with @assigned and @effective set
 * @changed: passed to @publish of @cpus
 *
 * Context: vpool_cpus_lock held.
 */
void vpool_cpus_publish(struct vpool_cpus *cpus, bool changed)
{
	lockdep_assert_held(&vpool_cpus_lock);
	WRITE_ONCE(cpus->degraded,
		   !cpumask_equal(cpus->assigned, cpus->effective));
	cpus->all_offline = cpus->degraded && cpumask_empty(cpus->effective);
	if (cpus->all_offline)
		vpool_cpus_fallback(cpus->usable);
	else
		cpumask_copy(cpus->usable, cpus->effective);
	if (cpus->publish)
		cpus->publish(cpus, changed);
}

/**
 * vpool_cpus_set_online - record that a CPU goes online or offline
 * @cpu: number of the CPU
 * @online: its new state
 *
 * This changes the CPUs of the CPU's owner only. Members of pools without an online
 * CPU use the host's CPUs, which the next resync updates.
 *
 * Context: sleeps; CPU hotplug callback; takes vpool_cpus_lock.
 */
void vpool_cpus_set_online(unsigned int cpu, bool online)
{
	struct vpool_cpus *owner;

	mutex_lock(&vpool_cpus_lock);
	owner = vpool_cpu_owners[cpu];
	/* A resize in progress may own a CPU that is not assigned yet. */
	if (owner && cpumask_test_cpu(cpu, owner->assigned)) {
		raw_spin_lock(&vpool_cpus_masks_lock);
		if (online)
			cpumask_set_cpu(cpu, owner->effective);
		else
			cpumask_clear_cpu(cpu, owner->effective);
		raw_spin_unlock(&vpool_cpus_masks_lock);
		vpool_cpus_publish(owner, true);
	}
	mutex_unlock(&vpool_cpus_lock);
}

/* Publish the CPUs of all pools again, so that all members' masks are set again. */
static void vpool_cpus_resync(struct work_struct *work)
{
	struct vpool_cpus *owner;
	unsigned int cpu;

	/* Wait until no CPU is between online and active. */
	cpus_read_lock();
	mutex_lock(&vpool_cpus_lock);
	for_each_possible_cpu(cpu) {
		owner = vpool_cpu_owners[cpu];
		/* Each pool once, at its first CPU. */
		if (owner && cpumask_first(owner->assigned) == cpu)
			vpool_cpus_publish(owner, false);
	}
	mutex_unlock(&vpool_cpus_lock);
	cpus_read_unlock();
}

/**
 * vpool_cpus_resync_later - queue a resync of the masks of all members
 *
 * Context: any.
 */
void vpool_cpus_resync_later(void)
{
	queue_work(vpool_unbound_wq, &vpool_cpus_resync_now);
}

/**
 * vpool_cpus_resync_after_cpusets - queue a resync for when cpusets are updated
 *
 * Context: any.
 */
void vpool_cpus_resync_after_cpusets(void)
{
	mod_delayed_work(vpool_unbound_wq, &vpool_cpus_resync_again,
			 VPOOL_CPUSETS_DELAY);
}

/**
 * vpool_cpus_read - read which CPUs a pool has
 * @cpus: CPUs of the pool
 * @assigned: set to the pool's CPUs; or NULL
 * @effective: set to those of them that are online; or NULL
 *
 * Context: any; does not wait for another task.
 */
void vpool_cpus_read(struct vpool_cpus *cpus, struct cpumask *assigned,
		     struct cpumask *effective)
{
	raw_spin_lock(&vpool_cpus_masks_lock);
	if (assigned)
		cpumask_copy(assigned, cpus->assigned);
	if (effective)
		cpumask_copy(effective, cpus->effective);
	raw_spin_unlock(&vpool_cpus_masks_lock);
}

/*
 * Set @mask to the pool's online CPUs that are neither dedicated nor isolated by the
 * kernel. False if there is none.
 */
static bool vpool_cpus_own_background(const struct vpool_cpus *cpus,
				      struct cpumask *mask)
{
	unsigned int cpu;

	if (cpus->dedicated)
		cpus->dedicated(cpus, mask);
	else
		cpumask_clear(mask);
	/* This races with a change of CPUs; the caller reads the mask repeatedly. */
	data_race(cpumask_andnot(mask, cpus->assigned, mask));
	cpumask_and(mask, mask, cpu_online_mask);
	for_each_cpu(cpu, mask)
		if (vpool_cpu_is_isolated(cpu))
			cpumask_clear_cpu(cpu, mask);
	return !cpumask_empty(mask);
}

/* Add the online CPUs that no pool owns and the kernel does not isolate. */
static void vpool_cpus_add_host(struct cpumask *mask)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		/* This races, too; the owner is not dereferenced. */
		if (data_race(vpool_cpu_owners[cpu]) ||
		    vpool_cpu_is_isolated(cpu))
			continue;
		cpumask_set_cpu(cpu, mask);
	}
}

/* Leave only the CPUs of a NUMA node in @mask, if it has any of them. */
static void vpool_cpus_prefer_node(int nid, struct cpumask *mask)
{
	if (nid != NUMA_NO_NODE &&
	    cpumask_intersects(mask, cpumask_of_node(nid)))
		cpumask_and(mask, mask, cpumask_of_node(nid));
}

/**
 * vpool_cpus_background - find the CPUs for work that no task has requested
 * @cpus: CPUs of the pool that the work is for, or NULL
 * @nid: NUMA node of the memory that the work uses
 * @mask: set to the CPUs of the pool; if it has none for this, to those of the host, on
 *	that node if possible; may be empty
 *
 * @mask has no dedicated CPU, no CPU of a pool with isolation, and no CPU that the
 * kernel isolates (isolcpus=, nohz_full=, a cpuset).
 *
 * Context: any. It takes no lock that a change of CPUs holds for long, so @mask can be
 * old when it is used. The caller must call it again before each piece of work.
 */
void vpool_cpus_background(const struct vpool_cpus *cpus, int nid,
			   struct cpumask *mask)
{
	if (cpus && !cpus->isolated && vpool_cpus_own_background(cpus, mask))
		return;
	cpumask_clear(mask);
	vpool_cpus_add_host(mask);
	vpool_cpus_prefer_node(nid, mask);
}

/**
 * vpool_cpus_helpers - find the CPUs for threads that help a task with its work
 * @cpus: CPUs of the pool that the work is for, or NULL
 * @nid: NUMA node of the memory that the work uses
 * @mask: set to the CPUs of the pool and those of the host, on that node if possible;
 *	may be empty
 *
 * The CPUs that vpool_cpus_background() leaves out are left out here, too.
 *
 * Context: as vpool_cpus_background().
 */
void vpool_cpus_helpers(const struct vpool_cpus *cpus, int nid,
			struct cpumask *mask)
{
	cpumask_clear(mask);
	if (cpus && !cpus->isolated)
		vpool_cpus_own_background(cpus, mask);
	vpool_cpus_add_host(mask);
	vpool_cpus_prefer_node(nid, mask);
}
