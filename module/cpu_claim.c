// SPDX-License-Identifier: GPL-2.0
/*
 * Claim, change and release the CPUs of a pool.
 *
 * A claim takes the CPUs of a mask, or a number of CPUs that this file chooses. It takes
 * only online CPUs that no pool owns, by default whole cores and not the core that the
 * host booted on. It always leaves host_cpus_floor CPUs to the host.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/sched/isolation.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "compat.h"
#include "cpu_claim.h"
#include "cpu_select.h"
#include "cpus.h"
#include "extack.h"

static unsigned int host_cpus_floor = 1;
module_param(host_cpus_floor, uint, 0644);
MODULE_PARM_DESC(host_cpus_floor,
		 "online CPUs that pools never take from the host, at least 1");

/* Return the rank of the CPUs of a node for vpool_cpu_select(). */
static unsigned int vpool_cpu_node_rank(int node,
					const struct vpool_cpu_request *request)
{
	unsigned int rank = VPOOL_RANK_NEVER - 1;
	int near;

	if (request->node != VPOOL_ANY_NODE)
		return node == request->node ? 0 : VPOOL_RANK_NEVER;
	if (nodes_empty(request->near) || node == NUMA_NO_NODE)
		return 0;
	for_each_node_mask(near, request->near)
		rank = min_t(unsigned int, rank, node_distance(near, node));
	return rank;
}

static bool vpool_cpu_is_boot_core(unsigned int cpu)
{
	return cpumask_test_cpu(0, topology_sibling_cpumask(cpu));
}

static bool vpool_cpu_is_free(unsigned int cpu,
			      const struct vpool_cpu_rules *rules)
{
	return cpu_online(cpu) && !vpool_cpus_owner(cpu) &&
		(rules->boot_core || !vpool_cpu_is_boot_core(cpu));
}

static void vpool_cpu_candidates(struct vpool_cpu_candidate *candidates,
				 const struct vpool_cpu_request *request,
				 const struct vpool_cpu_rules *rules)
{
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		candidates[cpu].core = cpu;
		candidates[cpu].rank = VPOOL_RANK_NEVER;
		if (!cpu_possible(cpu) || !vpool_cpu_is_free(cpu, rules))
			continue;
		candidates[cpu].rank =
			vpool_cpu_node_rank(cpu_to_node(cpu), request);
	}
	/* A CPU that is not free still belongs to its core. */
	for_each_online_cpu(cpu)
		candidates[cpu].core =
			cpumask_first(topology_sibling_cpumask(cpu));
}

static int vpool_cpus_too_few(unsigned int got,
			      const struct vpool_cpu_request *request,
			      const struct vpool_cpu_rules *rules,
			      struct vpool_extack *extack)
{
	const char *what = rules->split_cores ? "" : " in whole cores";
	const char *s = request->nr == 1 ? "" : "s";

	if (request->node == VPOOL_ANY_NODE)
		return vpool_err(extack, -EBUSY, VPOOL_CODE_CPUS_SHORT,
				 "%u CPU%s requested, but only %u available%s",
				 request->nr, s, got, what);
	return vpool_err(extack, -EBUSY, VPOOL_CODE_CPUS_SHORT,
			 "%u CPU%s requested on node %d, but only %u available there%s",
			 request->nr, s, request->node, got, what);
}

/* Set @selected to as many free CPUs as requested. */
static int vpool_cpus_select(struct cpumask *selected,
			     const struct vpool_cpu_request *request,
			     const struct vpool_cpu_rules *rules,
			     struct vpool_extack *extack)
{
	struct vpool_cpu_candidate *candidates;
	unsigned int *core_size, got;

	if (request->node != VPOOL_ANY_NODE &&
	    (request->node < 0 || request->node >= (int)nr_node_ids ||
	     !node_online(request->node)))
		return vpool_err(extack, -ENODEV, VPOOL_CODE_NODE_MISSING,
				 "node %d does not exist", request->node);
	candidates = kvcalloc(nr_cpu_ids, sizeof(*candidates), GFP_KERNEL);
	core_size = kvcalloc(nr_cpu_ids, sizeof(*core_size), GFP_KERNEL);
	if (!candidates || !core_size) {
		kvfree(candidates);
		kvfree(core_size);
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory to choose CPUs");
	}
	vpool_cpu_candidates(candidates, request, rules);
	cpumask_clear(selected);
	got = vpool_cpu_select(candidates, nr_cpu_ids, request->nr,
			       rules->split_cores, core_size,
			       cpumask_bits(selected));
	kvfree(candidates);
	kvfree(core_size);
	if (got == request->nr)
		return 0;
	return vpool_cpus_too_few(got, request, rules, extack);
}

/* Check that a CPU can be taken from the host. */
static int vpool_cpu_check_host(unsigned int cpu,
				const struct vpool_cpu_rules *rules,
				struct vpool_extack *extack)
{
	struct vpool_cpus *owner = vpool_cpus_owner(cpu);

	if (!cpu_online(cpu))
		return vpool_err(extack, -ENODEV, VPOOL_CODE_CPU_OFFLINE,
				 "cpu %u is %s", cpu,
				 cpu_present(cpu) ? "offline" : "not present");
	if (owner)
		return vpool_err(extack, -EBUSY, VPOOL_CODE_CPU_TAKEN,
				 "cpu %u belongs to pool '%s'", cpu,
				 owner->name);
	if (!rules->boot_core && vpool_cpu_is_boot_core(cpu))
		return vpool_err(extack, -EBUSY, VPOOL_CODE_CPU_BOOT_CORE,
				 "cpu %u belongs to the core that the host booted on, which stays with the host",
				 cpu);
	return 0;
}

static int vpool_cpu_check(unsigned int cpu, const struct vpool_cpus *cpus,
			   const struct cpumask *wanted,
			   const struct vpool_cpu_rules *rules,
			   struct vpool_extack *extack)
{
	unsigned int sibling;
	int err = 0;

	if (!cpus || vpool_cpus_owner(cpu) != cpus)
		err = vpool_cpu_check_host(cpu, rules, extack);
	if (err || rules->split_cores)
		return err;
	for_each_cpu(sibling, topology_sibling_cpumask(cpu))
		if (!cpumask_test_cpu(sibling, wanted))
			return vpool_err(extack, -EBUSY,
					 VPOOL_CODE_CPU_SPLITS_CORE,
					 "cpu %u shares its core with cpu %u, which was not requested",
					 cpu, sibling);
	return 0;
}

/* Check that enough housekeeping CPUs are left to the host. */
static int vpool_cpus_check_floor(const struct vpool_cpus *cpus,
				  const struct cpumask *wanted,
				  struct vpool_extack *extack)
{
	const struct cpumask *hk = housekeeping_cpumask(HK_TYPE_DOMAIN);
	unsigned int cpu, left = 0;
	unsigned int floor = max(READ_ONCE(host_cpus_floor), 1U);
	const struct vpool_cpus *owner;

	for_each_cpu_and(cpu, hk, cpu_online_mask) {
		owner = vpool_cpus_owner(cpu);
		if ((!owner || owner == cpus) && !cpumask_test_cpu(cpu, wanted))
			left++;
	}
	if (left >= floor)
		return 0;
	return vpool_err(extack, -EBUSY, VPOOL_CODE_CPUS_FLOOR,
			 "that would leave the host %u CPU%s, but it must keep %u (host_cpus_floor)",
			 left, left == 1 ? "" : "s", floor);
}

/*
 * Check that @cpus, or a new pool if NULL, can have exactly the CPUs @wanted. The CPU
 * hotplug lock is held too, but a module cannot assert that.
 */
static int vpool_cpus_check_locked(const struct vpool_cpus *cpus,
				   const struct cpumask *wanted,
				   const struct vpool_cpu_rules *rules,
				   struct vpool_extack *extack)
{
	unsigned int cpu;
	int floor_err, err;

	lockdep_assert_held(&vpool_cpus_lock);
	if (cpumask_empty(wanted))
		return vpool_err(extack, -EINVAL, VPOOL_CODE_CPU_LIST_EMPTY,
				 "the list of CPUs is empty");
	floor_err = vpool_cpus_check_floor(cpus, wanted, extack);
	/* The message about one CPU says more than that about the floor: replace it. */
	for_each_cpu(cpu, wanted) {
		err = vpool_cpu_check(cpu, cpus, wanted, rules, extack);
		if (err)
			return err;
	}
	return floor_err;
}

/*
 * Find the CPUs of a request, and take them for @cpus. If @cpus is NULL, only find them.
 */
static int vpool_cpus_get(struct vpool_cpus *cpus,
			  const struct vpool_cpu_request *request,
			  const struct vpool_cpu_rules *rules,
			  struct cpumask *found, struct vpool_extack *extack)
{
	int err = 0;

	cpus_read_lock();
	mutex_lock(&vpool_cpus_lock);
	if (request->mask)
		cpumask_copy(found, request->mask);
	else
		err = vpool_cpus_select(found, request, rules, extack);
	if (!err)
		err = vpool_cpus_check_locked(NULL, found, rules, extack);
	if (!err && cpus) {
		vpool_cpus_set_owner(found, cpus);
		vpool_cpus_assign(cpus, found);
		vpool_cpus_publish(cpus, false);
		/* Members of pools without an online CPU must leave these CPUs. */
		vpool_cpus_resync_later();
	}
	mutex_unlock(&vpool_cpus_lock);
	cpus_read_unlock();
	return err;
}

/**
 * vpool_cpus_check - check that CPUs could be claimed now
 * @request: requested CPUs
 * @rules: CPUs that the claim may take
 * @found: set to the CPUs that a claim would take now
 * @extack: message of a failed call, or NULL
 *
 * Context: sleeps; takes the CPU hotplug lock and vpool_cpus_lock.
 * Return: 0; -EINVAL if no CPU is requested; -ENODEV if a CPU is offline, or if a CPU or
 * the node does not exist; -EBUSY if another pool owns a CPU, if the host must keep it,
 * or if there are too few CPUs; or -ENOMEM.
 */
int vpool_cpus_check(const struct vpool_cpu_request *request,
		     const struct vpool_cpu_rules *rules, struct cpumask *found,
		     struct vpool_extack *extack)
{
	return vpool_cpus_get(NULL, request, rules, found, extack);
}

/**
 * vpool_cpus_claim - take CPUs from the host
 * @cpus: CPUs of the pool, which has none yet
 * @request: requested CPUs
 * @rules: CPUs that the claim may take
 * @extack: message of a failed call, or NULL
 *
 * Context: sleeps; takes the CPU hotplug lock and vpool_cpus_lock.
 * Return: 0 with all CPUs taken, or an error of vpool_cpus_check() with none taken.
 */
int vpool_cpus_claim(struct vpool_cpus *cpus,
		     const struct vpool_cpu_request *request,
		     const struct vpool_cpu_rules *rules,
		     struct vpool_extack *extack)
{
	cpumask_var_t found;
	int err;

	if (!alloc_cpumask_var(&found, GFP_KERNEL))
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for a CPU mask");
	err = vpool_cpus_get(cpus, request, rules, found, extack);
	free_cpumask_var(found);
	return err;
}

/**
 * vpool_cpus_resize_begin - take the CPUs that a resize adds to a pool
 * @cpus: CPUs of the pool
 * @wanted: all CPUs of the pool after the resize; at least one
 * @rules: CPUs that the resize may take
 * @dry_run: check only
 * @extack: message of a failed call, or NULL
 *
 * Context: sleeps; takes the CPU hotplug lock and vpool_cpus_lock.
 * Return: 0, and unless @dry_run the caller must call vpool_cpus_resize_end(); or an
 * error of vpool_cpus_check() with nothing changed.
 */
int vpool_cpus_resize_begin(struct vpool_cpus *cpus,
			    const struct cpumask *wanted,
			    const struct vpool_cpu_rules *rules, bool dry_run,
			    struct vpool_extack *extack)
{
	int err;

	cpus_read_lock();
	mutex_lock(&vpool_cpus_lock);
	err = vpool_cpus_check_locked(cpus, wanted, rules, extack);
	if (!err && !dry_run)
		vpool_cpus_set_owner(wanted, cpus);
	mutex_unlock(&vpool_cpus_lock);
	cpus_read_unlock();
	return err;
}

/**
 * vpool_cpus_resize_set - assign the CPUs of a resize to a pool
 * @cpus: CPUs of the pool
 * @wanted: the mask given to vpool_cpus_resize_begin()
 *
 * The pool owns the CPUs that it loses until vpool_cpus_resize_end(), so that its
 * members can leave them before another pool can take them.
 *
 * Context: sleeps; takes the CPU hotplug lock and vpool_cpus_lock.
 */
void vpool_cpus_resize_set(struct vpool_cpus *cpus,
			   const struct cpumask *wanted)
{
	cpus_read_lock();
	mutex_lock(&vpool_cpus_lock);
	vpool_cpus_assign(cpus, wanted);
	vpool_cpus_publish(cpus, true);
	mutex_unlock(&vpool_cpus_lock);
	cpus_read_unlock();
}

/**
 * vpool_cpus_resize_end - give the host the CPUs that a resize takes from a pool
 * @cpus: CPUs of the pool
 *
 * If vpool_cpus_resize_set() was not called, undo vpool_cpus_resize_begin().
 *
 * Context: sleeps; takes vpool_cpus_lock.
 */
void vpool_cpus_resize_end(struct vpool_cpus *cpus)
{
	unsigned int cpu;

	mutex_lock(&vpool_cpus_lock);
	for_each_possible_cpu(cpu)
		if (vpool_cpus_owner(cpu) == cpus &&
		    !cpumask_test_cpu(cpu, cpus->assigned))
			vpool_cpus_set_owner(cpumask_of(cpu), NULL);
	mutex_unlock(&vpool_cpus_lock);
	vpool_cpus_resync_later();
}

/**
 * vpool_cpus_release - return all of a pool's CPUs to the host
 * @cpus: CPUs of the pool, which has no members
 *
 * Context: sleeps; takes vpool_cpus_lock.
 */
void vpool_cpus_release(struct vpool_cpus *cpus)
{
	mutex_lock(&vpool_cpus_lock);
	vpool_cpus_set_owner(cpus->assigned, NULL);
	vpool_cpus_assign(cpus, cpu_none_mask);
	WRITE_ONCE(cpus->degraded, false);
	mutex_unlock(&vpool_cpus_lock);
}
