// SPDX-License-Identifier: GPL-2.0
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/sched/isolation.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "cpus.h"

static unsigned int host_cpus_floor = 1;
module_param(host_cpus_floor, uint, 0644);
MODULE_PARM_DESC(host_cpus_floor,
		 "online CPUs that pools never take from the host, at least 1");

/* The pool of each CPU, NULL for the host's. Under vpool_cpus_lock, a leaf. */
static struct vpool_cpus **vpool_cpu_owner;
static DEFINE_MUTEX(vpool_cpus_lock);

/**
 * vpool_cpus_start - the host has all CPUs
 *
 * Return: 0 or -ENOMEM.
 */
int vpool_cpus_start(void)
{
	vpool_cpu_owner = kcalloc(nr_cpu_ids, sizeof(*vpool_cpu_owner),
				  GFP_KERNEL);
	return vpool_cpu_owner ? 0 : -ENOMEM;
}

/**
 * vpool_cpus_stop - no pool is left
 */
void vpool_cpus_stop(void)
{
	kfree(vpool_cpu_owner);
}

/**
 * vpool_cpus_init - a pool without CPUs
 * @cpus: to initialise
 * @name: the pool's, which outlives @cpus
 *
 * Return: 0 or -ENOMEM.
 */
int vpool_cpus_init(struct vpool_cpus *cpus, const char *name)
{
	cpus->name = name;
	return zalloc_cpumask_var(&cpus->assigned, GFP_KERNEL) ? 0 : -ENOMEM;
}

/**
 * vpool_cpus_exit - the end of one; it must have been released
 * @cpus: which
 */
void vpool_cpus_exit(struct vpool_cpus *cpus)
{
	free_cpumask_var(cpus->assigned);
}

static int vpool_cpu_check(unsigned int cpu, const struct cpumask *wanted,
			   const struct vpool_cpu_rules *rules,
			   struct vpool_why *why)
{
	const struct cpumask *core = topology_sibling_cpumask(cpu);
	unsigned int sibling;

	if (!cpu_online(cpu))
		return vpool_fail(why, -ENODEV, "cpu %u is %s", cpu,
				  cpu_present(cpu) ? "offline" :
				  "not there");
	if (vpool_cpu_owner[cpu])
		return vpool_fail(why, -EBUSY, "cpu %u belongs to pool '%s'",
				  cpu, vpool_cpu_owner[cpu]->name);
	if (!rules->boot_core && cpumask_test_cpu(0, core))
		return vpool_fail(why, -EBUSY,
				  "cpu %u is of the core that the host booted on, which stays with the host",
				  cpu);
	if (rules->split_cores)
		return 0;
	for_each_cpu(sibling, core)
		if (!cpumask_test_cpu(sibling, wanted))
			return vpool_fail(why, -EBUSY,
					  "cpu %u shares its core with cpu %u, which was not asked for",
					  cpu, sibling);
	return 0;
}

/* Is what remains enough for the host? Housekeeping CPUs are what counts. */
static int vpool_cpus_check_floor(const struct cpumask *wanted,
				  struct vpool_why *why)
{
	const struct cpumask *hk = housekeeping_cpumask(HK_TYPE_DOMAIN);
	unsigned int cpu, left = 0;
	unsigned int floor = max(READ_ONCE(host_cpus_floor), 1U);

	for_each_cpu_and(cpu, hk, cpu_online_mask)
		if (!vpool_cpu_owner[cpu] && !cpumask_test_cpu(cpu, wanted))
			left++;
	if (left >= floor)
		return 0;
	return vpool_fail(why, -EBUSY,
			  "that would leave the host %u CPUs, it keeps %u (host_cpus_floor)",
			  left, floor);
}

/* With the CPU hotplug lock held too, which cannot be asserted from a module. */
static int vpool_cpus_check_locked(const struct cpumask *wanted,
				   const struct vpool_cpu_rules *rules,
				   struct vpool_why *why)
{
	unsigned int cpu;
	int err;

	lockdep_assert_held(&vpool_cpus_lock);
	if (cpumask_empty(wanted))
		return vpool_fail(why, -EINVAL, "the list of CPUs is empty");
	err = vpool_cpus_check_floor(wanted, why);
	for_each_cpu(cpu, wanted) {
		int bad = vpool_cpu_check(cpu, wanted, rules, why);

		if (bad)
			return bad;
	}
	return err;
}

/**
 * vpool_cpus_check - could these CPUs be claimed now?
 * @wanted: which
 * @rules: what is allowed
 * @why: told if not
 *
 * Context: sleeps; takes the CPU hotplug lock and vpool_cpus_lock.
 * Return: 0, -EINVAL for none, -ENODEV for one that is not online, -EBUSY for
 * one that is another pool's or must stay with the host.
 */
int vpool_cpus_check(const struct cpumask *wanted,
		     const struct vpool_cpu_rules *rules,
		     struct vpool_why *why)
{
	int err;

	cpus_read_lock();
	mutex_lock(&vpool_cpus_lock);
	err = vpool_cpus_check_locked(wanted, rules, why);
	mutex_unlock(&vpool_cpus_lock);
	cpus_read_unlock();
	return err;
}

/**
 * vpool_cpus_claim - take CPUs from the host
 * @cpus: the pool's, which has none
 * @wanted: which
 * @rules: what is allowed
 * @why: told if it fails
 *
 * Context: sleeps; takes the CPU hotplug lock and vpool_cpus_lock.
 * Return: 0 with all of them, or as vpool_cpus_check() with none.
 */
int vpool_cpus_claim(struct vpool_cpus *cpus, const struct cpumask *wanted,
		     const struct vpool_cpu_rules *rules,
		     struct vpool_why *why)
{
	unsigned int cpu;
	int err;

	cpus_read_lock();
	mutex_lock(&vpool_cpus_lock);
	err = vpool_cpus_check_locked(wanted, rules, why);
	if (!err) {
		for_each_cpu(cpu, wanted)
			vpool_cpu_owner[cpu] = cpus;
		cpumask_copy(cpus->assigned, wanted);
	}
	mutex_unlock(&vpool_cpus_lock);
	cpus_read_unlock();
	return err;
}

/**
 * vpool_cpus_background - where work for a pool that nobody waits for may run
 * @cpus: the pool's, or NULL
 * @nid: the node whose memory it is about
 * @mask: set to the pool's own CPUs, if any is online; else to the host's, those
 *	of the node if there are any
 *
 * Context: sleeps; takes vpool_cpus_lock.
 */
void vpool_cpus_background(const struct vpool_cpus *cpus, int nid,
			   struct cpumask *mask)
{
	unsigned int cpu;
	bool near = false;

	if (cpus && cpumask_and(mask, cpus->assigned, cpu_online_mask))
		return;
	cpumask_clear(mask);
	mutex_lock(&vpool_cpus_lock);
	for_each_online_cpu(cpu) {
		if (vpool_cpu_owner[cpu])
			continue;
		cpumask_set_cpu(cpu, mask);
		near |= cpu_to_node(cpu) == nid;
	}
	mutex_unlock(&vpool_cpus_lock);
	if (near)
		cpumask_and(mask, mask, cpumask_of_node(nid));
}

/**
 * vpool_cpus_release - give all of a pool's CPUs back to the host
 * @cpus: the pool's; no task may be held to them any more
 *
 * Context: sleeps; takes vpool_cpus_lock.
 */
void vpool_cpus_release(struct vpool_cpus *cpus)
{
	unsigned int cpu;

	mutex_lock(&vpool_cpus_lock);
	for_each_cpu(cpu, cpus->assigned)
		vpool_cpu_owner[cpu] = NULL;
	cpumask_clear(cpus->assigned);
	mutex_unlock(&vpool_cpus_lock);
}
