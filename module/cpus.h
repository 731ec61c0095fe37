/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which CPU belongs to which pool.
 */
#ifndef VPOOL_CPUS_H
#define VPOOL_CPUS_H

#include <linux/cpumask.h>
#include <linux/types.h>

#include "reason.h"

/**
 * struct vpool_cpus - a pool's CPUs
 * @name: of the pool, for reasons
 * @assigned: the CPUs that are the pool's, online or not. Does not change from
 *	claim to release, so that who holds the pool reads it without a lock
 */
struct vpool_cpus {
	const char *name;
	cpumask_var_t assigned;
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

int vpool_cpus_start(void);
void vpool_cpus_stop(void);

int vpool_cpus_init(struct vpool_cpus *cpus, const char *name);
void vpool_cpus_exit(struct vpool_cpus *cpus);
int vpool_cpus_check(const struct cpumask *wanted,
		     const struct vpool_cpu_rules *rules,
		     struct vpool_why *why);
int vpool_cpus_claim(struct vpool_cpus *cpus, const struct cpumask *wanted,
		     const struct vpool_cpu_rules *rules,
		     struct vpool_why *why);
void vpool_cpus_release(struct vpool_cpus *cpus);
void vpool_cpus_background(const struct vpool_cpus *cpus, int nid,
			   struct cpumask *mask);

static inline bool vpool_cpus_any(const struct vpool_cpus *cpus)
{
	return !cpumask_empty(cpus->assigned);
}

#endif /* VPOOL_CPUS_H */
