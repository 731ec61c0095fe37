/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The CPUs of each pool, and the owner of each CPU.
 */
#ifndef VPOOL_CPUS_H
#define VPOOL_CPUS_H

#include <linux/cpumask.h>
#include <linux/mutex.h>
#include <linux/types.h>

/**
 * struct vpool_cpus - a pool's CPUs; all fields under vpool_cpus_lock
 * @name: name of the pool, for messages; owned by the pool
 * @assigned: CPUs of the pool, online or offline; see also vpool_cpus_read()
 * @effective: the online CPUs of @assigned; see also vpool_cpus_read()
 * @usable: CPUs for members: @effective; if that is empty, CPUs of the host
 * @degraded: a CPU of @assigned is offline; may be read without the lock
 * @all_offline: @assigned has CPUs, and none is online
 * @publish: NULL, or called after @usable may have changed, with @changed set if
 *	@effective, @degraded or @all_offline has changed. CPU hotplug waits for it, so
 *	it must not wait for another task
 * @isolated: only members run on the CPUs; set before the pool has CPUs
 * @dedicated: NULL, or sets a mask to the CPUs that are dedicated to one member each.
 *	Needs no lock and does not sleep
 */
struct vpool_cpus {
	const char *name;
	cpumask_var_t assigned;
	cpumask_var_t effective;
	cpumask_var_t usable;
	bool degraded;
	bool all_offline;
	void (*publish)(struct vpool_cpus *cpus, bool changed);
	bool isolated;
	void (*dedicated)(const struct vpool_cpus *cpus, struct cpumask *mask);
};

/*
 * Guards the owner of each CPU and struct vpool_cpus of all pools. CPU hotplug takes
 * it, so a task that holds it must not wait for a task that a user can delay.
 */
extern struct mutex vpool_cpus_lock;

int vpool_cpus_start(void);
void vpool_cpus_stop(void);

int vpool_cpus_init(struct vpool_cpus *cpus, const char *name);
void vpool_cpus_exit(struct vpool_cpus *cpus);

struct vpool_cpus *vpool_cpus_owner(unsigned int cpu);
void vpool_cpus_set_owner(const struct cpumask *mask, struct vpool_cpus *owner);
void vpool_cpus_assign(struct vpool_cpus *cpus, const struct cpumask *assigned);
void vpool_cpus_publish(struct vpool_cpus *cpus, bool changed);

void vpool_cpus_set_online(unsigned int cpu, bool online);
void vpool_cpus_resync_later(void);
void vpool_cpus_resync_after_cpusets(void);

void vpool_cpus_read(struct vpool_cpus *cpus, struct cpumask *assigned,
		     struct cpumask *effective);
void vpool_cpus_background(const struct vpool_cpus *cpus, int nid,
			   struct cpumask *mask);
void vpool_cpus_helpers(const struct vpool_cpus *cpus, int nid,
			struct cpumask *mask);

static inline bool vpool_cpus_any(const struct vpool_cpus *cpus)
{
	return !cpumask_empty(cpus->assigned);
}

#endif /* VPOOL_CPUS_H */
