// SPDX-License-Identifier: GPL-2.0
/*
 * CPU hotplug.
 *
 * The callbacks only publish a pool's new CPUs. Workers set the members' masks later,
 * so hotplug never waits for a member. If the last CPU of a member's mask goes offline,
 * the scheduler lets the member run on its whole cpuset, and the worker brings it back
 * moments later.
 *
 * Two delays make a resync necessary after the callback. A CPU becomes active a moment
 * after it is online, and the scheduler accepts only masks with an active CPU. And
 * the kernel updates cpusets only some time later. So the pools are resynced as soon as
 * the CPU has changed, and again when the cpusets are updated.
 */
#include <linux/cpuhotplug.h>
#include <linux/minmax.h>

#include "cpus.h"
#include "hotplug.h"

static int vpool_hotplug_state;

static void vpool_hotplug_changed(unsigned int cpu, bool online)
{
	vpool_cpus_set_online(cpu, online);
	vpool_cpus_resync_later();
	vpool_cpus_resync_after_cpusets();
}

static int vpool_hotplug_online(unsigned int cpu)
{
	vpool_hotplug_changed(cpu, true);
	return 0;
}

static int vpool_hotplug_offline(unsigned int cpu)
{
	vpool_hotplug_changed(cpu, false);
	return 0;
}

/**
 * vpool_hotplug_start - register the CPU hotplug callbacks
 *
 * Return: 0 or a negative errno.
 */
int vpool_hotplug_start(void)
{
	vpool_hotplug_state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN,
							"vpool:online",
							vpool_hotplug_online,
							vpool_hotplug_offline);
	return min(vpool_hotplug_state, 0);
}

/**
 * vpool_hotplug_stop - unregister the CPU hotplug callbacks
 *
 * Context: sleeps; no pool is left.
 */
void vpool_hotplug_stop(void)
{
	cpuhp_remove_state_nocalls(vpool_hotplug_state);
}
