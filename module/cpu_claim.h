/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Claim, change and release the CPUs of a pool.
 */
#ifndef VPOOL_CPU_CLAIM_H
#define VPOOL_CPU_CLAIM_H

#include <linux/nodemask.h>
#include <linux/types.h>

struct cpumask;
struct vpool_cpus;
struct vpool_extack;

/**
 * struct vpool_cpu_rules - CPUs that a claim may take
 * @split_cores: it may take some but not all CPUs of a core
 * @boot_core: it may take the core that the host booted on
 */
struct vpool_cpu_rules {
	bool split_cores;
	bool boot_core;
};

/**
 * struct vpool_cpu_request - CPUs that a claim takes
 * @mask: mask of the CPUs to take, owned by the caller; NULL if the fields below apply
 * @nr: number of CPUs
 * @node: NUMA node that they must be on, or VPOOL_ANY_NODE
 * @near: NUMA nodes that they should be near, for VPOOL_ANY_NODE; may be empty
 */
struct vpool_cpu_request {
	const struct cpumask *mask;
	unsigned int nr;
	int node;
	nodemask_t near;
};

int vpool_cpus_check(const struct vpool_cpu_request *request,
		     const struct vpool_cpu_rules *rules, struct cpumask *found,
		     struct vpool_extack *extack);
int vpool_cpus_claim(struct vpool_cpus *cpus,
		     const struct vpool_cpu_request *request,
		     const struct vpool_cpu_rules *rules,
		     struct vpool_extack *extack);
int vpool_cpus_resize_begin(struct vpool_cpus *cpus,
			    const struct cpumask *wanted,
			    const struct vpool_cpu_rules *rules, bool dry_run,
			    struct vpool_extack *extack);
void vpool_cpus_resize_set(struct vpool_cpus *cpus,
			   const struct cpumask *wanted);
void vpool_cpus_resize_end(struct vpool_cpus *cpus);
void vpool_cpus_release(struct vpool_cpus *cpus);

#endif /* VPOOL_CPU_CLAIM_H */
