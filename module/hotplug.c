// SPDX-License-Identifier: GPL-2.0
/*
 * CPU hotplug.
 *
 * The callbacks only publish a pool's new CPUs; its members follow by work of their
 * own, so that hotplug never waits for them. A member of which the last CPU goes is
 * let run on its whole cpuset by the scheduler, and taken back by that work, moments
 * later.
 *
 * A CPU that comes is online first and active a moment later, and only masks with an
 * active CPU can be set. And cpusets follow a CPU after some time: a task in the root
 * cpuset does not get the CPU back by that. So all is done again when the CPU has
 * come, and once more after a while.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/workqueue.h>

#include "cpus.h"

/* By then cpusets have followed a CPU, on a busy host too. */
#define VPOOL_CPUSETS_FOLLOW HZ

static int vpool_hotplug_state;

static void vpool_settle(struct work_struct *work);
static DECLARE_WORK(vpool_settle_work, vpool_settle);
static DECLARE_DELAYED_WORK(vpool_settle_again, vpool_settle);

static void vpool_settle(struct work_struct *work)
{
	/* No CPU is half-way meanwhile. */
	cpus_read_lock();
	vpool_cpus_settle();
	cpus_read_unlock();
}

/**
 * vpool_cpus_settle_later - have all members' masks set anew
 *
 * For who finds that they are not right, and cannot or may not do it itself.
 *
 * Context: any.
 */
void vpool_cpus_settle_later(void)
{
	schedule_work(&vpool_settle_work);
}

static void vpool_cpu_turns(unsigned int cpu, bool online)
{
	vpool_cpus_turn(cpu, online);
	vpool_cpus_settle_later();
	mod_delayed_work(system_wq, &vpool_settle_again, VPOOL_CPUSETS_FOLLOW);
}

static int vpool_cpu_comes(unsigned int cpu)
{
	vpool_cpu_turns(cpu, true);
	return 0;
}

static int vpool_cpu_goes(unsigned int cpu)
{
	vpool_cpu_turns(cpu, false);
	return 0;
}

/**
 * vpool_hotplug_start - watch CPUs come and go
 *
 * Return: 0 or a negative errno.
 */
int vpool_hotplug_start(void)
{
	vpool_hotplug_state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN,
							"vpool:online",
							vpool_cpu_comes,
							vpool_cpu_goes);
	return min(vpool_hotplug_state, 0);
}

/**
 * vpool_hotplug_stop - watch no more; no pool is left
 */
void vpool_hotplug_stop(void)
{
	cpuhp_remove_state_nocalls(vpool_hotplug_state);
	cancel_work_sync(&vpool_settle_work);
	cancel_delayed_work_sync(&vpool_settle_again);
}
