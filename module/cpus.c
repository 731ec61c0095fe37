// SPDX-License-Identifier: GPL-2.0
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/sched/isolation.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "compat.h"
#include "cpus.h"
#include "cpu_select.h"

static unsigned int host_cpus_floor = 1;
module_param(host_cpus_floor, uint, 0644);
MODULE_PARM_DESC(host_cpus_floor,
		 "online CPUs that pools never take from the host, at least 1");

/* The pool of each CPU, NULL for the host's. Under vpool_cpus_lock. */
static struct vpool_cpus **vpool_cpu_owner;
static DEFINE_MUTEX(vpool_cpus_lock);
/*
 * Taken inside vpool_cpus_lock to change @assigned or @effective of a pool, so that
 * any user may read them without keeping CPU hotplug waiting.
 */
static DEFINE_RAW_SPINLOCK(vpool_cpus_masks_lock);

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
 * @cpus: to initialise, all of it 0
 * @name: the pool's, which outlives @cpus
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
 * vpool_cpus_exit - the end of one; it must have been released
 * @cpus: which
 */
void vpool_cpus_exit(struct vpool_cpus *cpus)
{
	free_cpumask_var(cpus->assigned);
	free_cpumask_var(cpus->effective);
	free_cpumask_var(cpus->usable);
}

/* What is nobody's, for members whose pool has no CPU online. */
static void vpool_cpus_of_host(struct cpumask *mask)
{
	unsigned int cpu;

	cpumask_copy(mask, cpu_online_mask);
	for_each_online_cpu(cpu)
		if (vpool_cpu_owner[cpu])
			cpumask_clear_cpu(cpu, mask);
	if (cpumask_empty(mask))
		cpumask_copy(mask, cpu_online_mask);
}

/* Works out all that follows from @assigned and @effective, and says so. */
static void vpool_cpus_moved(struct vpool_cpus *cpus, bool changed)
{
	lockdep_assert_held(&vpool_cpus_lock);
	WRITE_ONCE(cpus->degraded,
		   !cpumask_equal(cpus->assigned, cpus->effective));
	cpus->exiled = cpus->degraded && cpumask_empty(cpus->effective);
	if (cpus->exiled)
		vpool_cpus_of_host(cpus->usable);
	else
		cpumask_copy(cpus->usable, cpus->effective);
	if (cpus->moved)
		cpus->moved(cpus, changed);
}

/**
 * vpool_cpus_turn - a CPU goes online or offline
 * @cpu: which
 * @online: which of that
 *
 * Members of pools that have none online, and so are on the host, follow when they
 * are settled.
 *
 * Context: sleeps; CPU hotplug's; takes vpool_cpus_lock.
 */
void vpool_cpus_turn(unsigned int cpu, bool online)
{
	struct vpool_cpus *owner;

	mutex_lock(&vpool_cpus_lock);
	owner = vpool_cpu_owner[cpu];
	/* Not one that a resize has taken only just. */
	if (owner && cpumask_test_cpu(cpu, owner->assigned)) {
		raw_spin_lock(&vpool_cpus_masks_lock);
		if (online)
			cpumask_set_cpu(cpu, owner->effective);
		else
			cpumask_clear_cpu(cpu, owner->effective);
		raw_spin_unlock(&vpool_cpus_masks_lock);
		vpool_cpus_moved(owner, true);
	}
	mutex_unlock(&vpool_cpus_lock);
}

/**
 * vpool_cpus_settle - set all members' masks anew
 *
 * Context: sleeps; the CPU hotplug lock held; takes vpool_cpus_lock.
 */
void vpool_cpus_settle(void)
{
	struct vpool_cpus *owner;
	unsigned int cpu;

	mutex_lock(&vpool_cpus_lock);
	for_each_possible_cpu(cpu) {
		owner = vpool_cpu_owner[cpu];
		/* Each pool once, at its first CPU. */
		if (owner && cpumask_first(owner->assigned) == cpu)
			vpool_cpus_moved(owner, false);
	}
	mutex_unlock(&vpool_cpus_lock);
}

/* In what order the nodes are taken; VPOOL_RANK_NEVER for one that is not. */
static unsigned int vpool_node_rank(int node, const struct vpool_cpu_wish *wish)
{
	unsigned int rank = VPOOL_RANK_NEVER - 1;
	int near;

	if (wish->node != VPOOL_ANY_NODE)
		return node == wish->node ? 0 : VPOOL_RANK_NEVER;
	if (nodes_empty(wish->near) || node == NUMA_NO_NODE)
		return 0;
	for_each_node_mask(near, wish->near)
		rank = min_t(unsigned int, rank, node_distance(near, node));
	return rank;
}

static bool vpool_cpu_is_free(unsigned int cpu,
			      const struct vpool_cpu_rules *rules)
{
	return cpu_online(cpu) && !vpool_cpu_owner[cpu] &&
		(rules->boot_core ||
		 !cpumask_test_cpu(0, topology_sibling_cpumask(cpu)));
}

static void vpool_cpus_place(struct vpool_place *places,
			     const struct vpool_cpu_wish *wish,
			     const struct vpool_cpu_rules *rules)
{
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		places[cpu].core = cpu;
		places[cpu].rank = VPOOL_RANK_NEVER;
		if (!cpu_possible(cpu) || !vpool_cpu_is_free(cpu, rules))
			continue;
		places[cpu].rank = vpool_node_rank(cpu_to_node(cpu), wish);
	}
	/* A thread that is not free is of its core all the same. */
	for_each_online_cpu(cpu)
		places[cpu].core = cpumask_first(topology_sibling_cpumask(cpu));
}

static int vpool_cpus_too_few(unsigned int got,
			      const struct vpool_cpu_wish *wish,
			      const struct vpool_cpu_rules *rules,
			      struct vpool_extack *extack)
{
	const char *what = rules->split_cores ? "" : " in whole cores";

	if (wish->node == VPOOL_ANY_NODE)
		return vpool_err(extack, -EBUSY, VPOOL_CODE_CPUS_SHORT,
				 "%u CPUs asked, %u can be had%s", wish->nr,
				 got, what);
	return vpool_err(extack, -EBUSY, VPOOL_CODE_CPUS_SHORT,
			 "%u CPUs asked on node %d, %u can be had there%s",
			 wish->nr, wish->node, got, what);
}

/* Chooses as many CPUs as are wanted. */
static int vpool_cpus_pick(struct cpumask *picked,
			   const struct vpool_cpu_wish *wish,
			   const struct vpool_cpu_rules *rules,
			   struct vpool_extack *extack)
{
	struct vpool_place *places;
	unsigned int *room, got;

	if (wish->node != VPOOL_ANY_NODE &&
	    (wish->node < 0 || wish->node >= (int)nr_node_ids ||
	     !node_online(wish->node)))
		return vpool_err(extack, -ENODEV, VPOOL_CODE_NODE_MISSING,
				 "node %d does not exist", wish->node);
	places = kvcalloc(nr_cpu_ids, sizeof(*places), GFP_KERNEL);
	room = kvcalloc(nr_cpu_ids, sizeof(*room), GFP_KERNEL);
	if (!places || !room) {
		kvfree(places);
		kvfree(room);
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory to choose CPUs");
	}
	vpool_cpus_place(places, wish, rules);
	cpumask_clear(picked);
	got = vpool_pick(places, nr_cpu_ids, wish->nr, rules->split_cores,
			 room, cpumask_bits(picked));
	kvfree(places);
	kvfree(room);
	if (got == wish->nr)
		return 0;
	return vpool_cpus_too_few(got, wish, rules, extack);
}

/* What of a CPU that is to come from the host. */
static int vpool_cpu_check_new(unsigned int cpu,
			       const struct vpool_cpu_rules *rules,
			       struct vpool_extack *extack)
{
	const struct cpumask *core = topology_sibling_cpumask(cpu);

	if (!cpu_online(cpu))
		return vpool_err(extack, -ENODEV, VPOOL_CODE_CPU_OFFLINE,
				 "cpu %u is %s", cpu,
				 cpu_present(cpu) ? "offline" : "not there");
	if (vpool_cpu_owner[cpu])
		return vpool_err(extack, -EBUSY, VPOOL_CODE_CPU_TAKEN,
				 "cpu %u belongs to pool '%s'", cpu,
				 vpool_cpu_owner[cpu]->name);
	if (!rules->boot_core && cpumask_test_cpu(0, core))
		return vpool_err(extack, -EBUSY, VPOOL_CODE_CPU_BOOT_CORE,
				 "cpu %u is of the core that the host booted on, which stays with the host",
				 cpu);
	return 0;
}

static int vpool_cpu_check(unsigned int cpu, const struct vpool_cpus *cpus,
			   const struct cpumask *wanted,
			   const struct vpool_cpu_rules *rules,
			   struct vpool_extack *extack)
{
	const struct cpumask *core = topology_sibling_cpumask(cpu);
	unsigned int sibling;
	int err = 0;

	if (!cpus || vpool_cpu_owner[cpu] != cpus)
		err = vpool_cpu_check_new(cpu, rules, extack);
	if (err || rules->split_cores)
		return err;
	for_each_cpu(sibling, core)
		if (!cpumask_test_cpu(sibling, wanted))
			return vpool_err(extack, -EBUSY,
					 VPOOL_CODE_CPU_SPLITS_CORE,
					 "cpu %u shares its core with cpu %u, which was not asked for",
					 cpu, sibling);
	return 0;
}

/* Is what remains enough for the host? Housekeeping CPUs are what counts. */
static int vpool_cpus_check_floor(const struct vpool_cpus *cpus,
				  const struct cpumask *wanted,
				  struct vpool_extack *extack)
{
	const struct cpumask *hk = housekeeping_cpumask(HK_TYPE_DOMAIN);
	unsigned int cpu, left = 0;
	unsigned int floor = max(READ_ONCE(host_cpus_floor), 1U);

	for_each_cpu_and(cpu, hk, cpu_online_mask)
		if ((!vpool_cpu_owner[cpu] || vpool_cpu_owner[cpu] == cpus) &&
		    !cpumask_test_cpu(cpu, wanted))
			left++;
	if (left >= floor)
		return 0;
	return vpool_err(extack, -EBUSY, VPOOL_CODE_CPUS_FLOOR,
			 "that would leave the host %u CPUs, it keeps %u (host_cpus_floor)",
			 left, floor);
}

/*
 * May @cpus, or with NULL a new pool, have exactly these? With the CPU hotplug lock
 * held too, which cannot be asserted from a module.
 */
static int vpool_cpus_check_locked(const struct vpool_cpus *cpus,
				   const struct cpumask *wanted,
				   const struct vpool_cpu_rules *rules,
				   struct vpool_extack *extack)
{
	unsigned int cpu;
	int err;

	if (cpumask_empty(wanted))
		return vpool_err(extack, -EINVAL, VPOOL_CODE_CPU_LIST_EMPTY,
				 "the list of CPUs is empty");
	err = vpool_cpus_check_floor(cpus, wanted, extack);
	for_each_cpu(cpu, wanted) {
		int bad = vpool_cpu_check(cpu, cpus, wanted, rules, extack);

		if (bad)
			return bad;
	}
	return err;
}

/* Finds, under both locks, the CPUs of a wish, and whether they can be had. */
static int vpool_cpus_find(struct cpumask *found,
			   const struct vpool_cpu_wish *wish,
			   const struct vpool_cpu_rules *rules,
			   struct vpool_extack *extack)
{
	int err = 0;

	lockdep_assert_held(&vpool_cpus_lock);
	if (wish->mask)
		cpumask_copy(found, wish->mask);
	else
		err = vpool_cpus_pick(found, wish, rules, extack);
	return err ?: vpool_cpus_check_locked(NULL, found, rules, extack);
}

static void vpool_cpus_set_masks(struct vpool_cpus *cpus,
				 const struct cpumask *assigned,
				 const struct cpumask *effective)
{
	raw_spin_lock(&vpool_cpus_masks_lock);
	cpumask_copy(cpus->assigned, assigned);
	cpumask_copy(cpus->effective, effective);
	raw_spin_unlock(&vpool_cpus_masks_lock);
}

/* Takes what is wished for, or with @cpus NULL only looks; @found is room. */
static int vpool_cpus_get(struct vpool_cpus *cpus,
			  const struct vpool_cpu_wish *wish,
			  const struct vpool_cpu_rules *rules,
			  struct cpumask *found, struct vpool_extack *extack)
{
	unsigned int cpu;
	int err;

	cpus_read_lock();
	mutex_lock(&vpool_cpus_lock);
	err = vpool_cpus_find(found, wish, rules, extack);
	if (!err && cpus) {
		for_each_cpu(cpu, found)
			vpool_cpu_owner[cpu] = cpus;
		vpool_cpus_set_masks(cpus, found, found);
		vpool_cpus_moved(cpus, false);
		/* Members of other pools that are on the host must leave these. */
		vpool_cpus_settle_later();
	}
	mutex_unlock(&vpool_cpus_lock);
	cpus_read_unlock();
	return err;
}

/**
 * vpool_cpus_check - could these CPUs be claimed now?
 * @wish: which
 * @rules: what is allowed
 * @found: set to those that a claim would take now
 * @extack: told if not
 *
 * Context: sleeps; takes the CPU hotplug lock and vpool_cpus_lock.
 * Return: 0, -EINVAL for none, -ENODEV for one that is not online or a node
 * that is not there, -EBUSY for one that is another pool's or must stay with
 * the host, or if there are too few, -ENOMEM.
 */
int vpool_cpus_check(const struct vpool_cpu_wish *wish,
		     const struct vpool_cpu_rules *rules, struct cpumask *found,
		     struct vpool_extack *extack)
{
	return vpool_cpus_get(NULL, wish, rules, found, extack);
}

/**
 * vpool_cpus_claim - take CPUs from the host
 * @cpus: the pool's, which has none
 * @wish: which
 * @rules: what is allowed
 * @extack: told if it fails
 *
 * Context: sleeps; takes the CPU hotplug lock and vpool_cpus_lock.
 * Return: 0 with all of them, or as vpool_cpus_check() with none.
 */
int vpool_cpus_claim(struct vpool_cpus *cpus, const struct vpool_cpu_wish *wish,
		     const struct vpool_cpu_rules *rules,
		     struct vpool_extack *extack)
{
	cpumask_var_t found;
	int err;

	if (!alloc_cpumask_var(&found, GFP_KERNEL))
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for a CPU mask");
	err = vpool_cpus_get(cpus, wish, rules, found, extack);
	free_cpumask_var(found);
	return err;
}

/* The pool's own CPUs, but for those that a task or nobody but members may use. */
static bool vpool_cpus_own_background(const struct vpool_cpus *cpus,
				      struct cpumask *mask)
{
	unsigned int cpu;

	if (cpus->dedicated)
		cpus->dedicated(cpus, mask);
	else
		cpumask_clear(mask);
	/* A change of CPUs may be half done; the caller looks again. */
	data_race(cpumask_andnot(mask, cpus->assigned, mask));
	cpumask_and(mask, mask, cpu_online_mask);
	for_each_cpu(cpu, mask)
		if (vpool_cpu_is_isolated(cpu))
			cpumask_clear_cpu(cpu, mask);
	return !cpumask_empty(mask);
}

/**
 * vpool_cpus_background - find where work for a pool that no task asked for may run
 * @cpus: the pool's, or NULL
 * @nid: the node whose memory it is about
 * @mask: set to the CPUs of the pool; or, if none of them may be used, to those of
 *	the host, near the node if there are any; may turn out empty
 *
 * A CPU that a task has for its own, that is in a pool with isolation, or that the
 * kernel isolates (isolcpus=, nohz_full=, a cpuset) is in neither.
 *
 * Context: any. Takes none of the locks that a change of CPUs holds for long, so
 * what it finds may be old by the time it is used: look again before each piece of
 * work.
 */
void vpool_cpus_background(const struct vpool_cpus *cpus, int nid,
			   struct cpumask *mask)
{
	unsigned int cpu;
	bool near = false;

	if (cpus && !cpus->isolated && vpool_cpus_own_background(cpus, mask))
		return;
	cpumask_clear(mask);
	for_each_online_cpu(cpu) {
		/* As above; only whether there is an owner matters. */
		if (data_race(vpool_cpu_owner[cpu]) ||
		    vpool_cpu_is_isolated(cpu))
			continue;
		cpumask_set_cpu(cpu, mask);
		near |= cpu_to_node(cpu) == nid;
	}
	if (near)
		cpumask_and(mask, mask, cpumask_of_node(nid));
}

/**
 * vpool_cpus_resize_begin - take the CPUs that a pool is to have more
 * @cpus: the pool's
 * @wanted: all that it is to have; at least one
 * @rules: what is allowed
 * @dry_run: only look
 * @extack: told if it fails
 *
 * Context: sleeps; takes the CPU hotplug lock and vpool_cpus_lock.
 * Return: 0, then unless @dry_run vpool_cpus_resize_end() is to follow; or as
 * vpool_cpus_check() with nothing changed.
 */
int vpool_cpus_resize_begin(struct vpool_cpus *cpus,
			    const struct cpumask *wanted,
			    const struct vpool_cpu_rules *rules, bool dry_run,
			    struct vpool_extack *extack)
{
	unsigned int cpu;
	int err;

	cpus_read_lock();
	mutex_lock(&vpool_cpus_lock);
	err = vpool_cpus_check_locked(cpus, wanted, rules, extack);
	if (!err && !dry_run)
		for_each_cpu(cpu, wanted)
			vpool_cpu_owner[cpu] = cpus;
	mutex_unlock(&vpool_cpus_lock);
	cpus_read_unlock();
	return err;
}

/**
 * vpool_cpus_resize_set - let a pool have exactly the CPUs that it will have
 * @cpus: the pool's
 * @wanted: as given to vpool_cpus_resize_begin()
 *
 * The CPUs that the pool gives up stay its own until vpool_cpus_resize_end(), so that
 * its members can leave them before another pool can take them.
 *
 * Context: sleeps; takes the CPU hotplug lock and vpool_cpus_lock.
 */
void vpool_cpus_resize_set(struct vpool_cpus *cpus,
			   const struct cpumask *wanted)
{
	cpus_read_lock();
	mutex_lock(&vpool_cpus_lock);
	raw_spin_lock(&vpool_cpus_masks_lock);
	cpumask_copy(cpus->assigned, wanted);
	cpumask_and(cpus->effective, wanted, cpu_online_mask);
	raw_spin_unlock(&vpool_cpus_masks_lock);
	vpool_cpus_moved(cpus, true);
	mutex_unlock(&vpool_cpus_lock);
	cpus_read_unlock();
}

/**
 * vpool_cpus_resize_end - give back the CPUs that a pool does not have any more
 * @cpus: the pool's, after vpool_cpus_resize_set(); without that,
 *	vpool_cpus_resize_begin() is undone
 *
 * Context: sleeps; takes vpool_cpus_lock.
 */
void vpool_cpus_resize_end(struct vpool_cpus *cpus)
{
	unsigned int cpu;

	mutex_lock(&vpool_cpus_lock);
	for_each_possible_cpu(cpu)
		if (vpool_cpu_owner[cpu] == cpus &&
		    !cpumask_test_cpu(cpu, cpus->assigned))
			vpool_cpu_owner[cpu] = NULL;
	mutex_unlock(&vpool_cpus_lock);
	vpool_cpus_settle_later();
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
	vpool_cpus_set_masks(cpus, cpu_none_mask, cpu_none_mask);
	WRITE_ONCE(cpus->degraded, false);
	mutex_unlock(&vpool_cpus_lock);
}

/**
 * vpool_cpus_read - which CPUs are a pool's
 * @cpus: the pool's
 * @assigned: set to them, or NULL
 * @effective: set to those that are online, or NULL
 *
 * Context: any; waits for no other task, so that every user may ask.
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
