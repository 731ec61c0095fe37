// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs that come and go.
 *
 * Going: the scheduler has made the CPU inactive by the time it is told here, and
 * has let tasks that had no other run anywhere. That is mended before the CPU
 * goes on to go: when the call returns, no member's mask has that CPU as the only
 * one, so that the scheduler has no cause to do it again.
 *
 * Coming: the CPU is online, and is made active a moment later. Masks with another
 * active CPU in them can be set, and are; the others by the work that settles,
 * which waits for the CPU to have come.
 *
 * A cpuset follows too: it gives its tasks all of its CPUs again, but for what they
 * have asked for themselves (since 6.2). Since 6.10 it has done so when the CPU has
 * turned; before, work of its own does it some time later, and there is no telling
 * when. So the work that settles runs each time, and once more after a while.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/workqueue.h>

#include "cpus.h"

/* Until cpusets have followed a CPU; on a busy host too. */
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
