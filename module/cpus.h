/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which CPU belongs to which pool.
 */
#ifndef VPOOL_CPUS_H
#define VPOOL_CPUS_H

#include <linux/cpumask.h>
#include <linux/nodemask.h>
#include <linux/types.h>

#include "extack.h"

/**
 * struct vpool_cpus - a pool's CPUs; all of it under vpool_cpus_lock
 * @name: of the pool, for reasons
 * @assigned: the CPUs that are the pool's, online or not
 * @effective: those of them that are online
 * @usable: what members are to run on: these; or, if there are none, the host's
 * @degraded: some are not online; may be read without the lock
 * @exiled: none is, though it has some
 * @moved: called after @usable may have changed; @changed if one of @effective,
 *	@degraded and @exiled has. Must not wait for another task, as CPU hotplug waits
 *	for it. Or NULL
 * @isolated: no task but members runs on them; set before the pool has any CPU
 * @dedicated: sets a mask to the CPUs that one member has for its own. Needs no lock,
 *	does not sleep. Or NULL
 */
struct vpool_cpus {
	const char *name;
	cpumask_var_t assigned;
	cpumask_var_t effective;
	cpumask_var_t usable;
	bool degraded;
	bool exiled;
	void (*moved)(struct vpool_cpus *cpus, bool changed);
	bool isolated;
	void (*dedicated)(const struct vpool_cpus *cpus, struct cpumask *mask);
};

/**
 * struct vpool_cpu_rules - what the caller of a claim allows
 * @split_cores: taking some but not all threads of a core
 * @boot_core: taking the core that the host booted on
 */
struct vpool_cpu_rules {
	bool split_cores;
	bool boot_core;
};

/**
 * struct vpool_cpu_wish - which CPUs are wanted
 * @mask: these; or NULL, and then
 * @nr: so many
 * @node: from that node, or VPOOL_ANY_NODE
 * @near: the nodes that they are to be near to, for VPOOL_ANY_NODE; may be empty
 */
struct vpool_cpu_wish {
	const struct cpumask *mask;
	unsigned int nr;
	int node;
	nodemask_t near;
};

int vpool_cpus_start(void);
void vpool_cpus_stop(void);

int vpool_cpus_init(struct vpool_cpus *cpus, const char *name);
void vpool_cpus_exit(struct vpool_cpus *cpus);
int vpool_cpus_check(const struct vpool_cpu_wish *wish,
		     const struct vpool_cpu_rules *rules, struct cpumask *found,
		     struct vpool_extack *extack);
int vpool_cpus_claim(struct vpool_cpus *cpus, const struct vpool_cpu_wish *wish,
		     const struct vpool_cpu_rules *rules,
		     struct vpool_extack *extack);
int vpool_cpus_resize_begin(struct vpool_cpus *cpus,
			    const struct cpumask *wanted,
			    const struct vpool_cpu_rules *rules, bool dry_run,
			    struct vpool_extack *extack);
void vpool_cpus_resize_set(struct vpool_cpus *cpus,
			   const struct cpumask *wanted);
void vpool_cpus_resize_end(struct vpool_cpus *cpus);
void vpool_cpus_settle_later(void);
void vpool_cpus_release(struct vpool_cpus *cpus);
void vpool_cpus_read(struct vpool_cpus *cpus, struct cpumask *assigned,
		     struct cpumask *effective);
void vpool_cpus_background(const struct vpool_cpus *cpus, int nid,
			   struct cpumask *mask);

static inline bool vpool_cpus_any(const struct vpool_cpus *cpus)
{
	return !cpumask_empty(cpus->assigned);
}

/* hotplug.c: CPUs that come and go. */

int vpool_hotplug_start(void);
void vpool_hotplug_stop(void);

/* cpus.c, for hotplug.c. */

void vpool_cpus_turn(unsigned int cpu, bool online);
void vpool_cpus_settle(void);

#endif /* VPOOL_CPUS_H */
