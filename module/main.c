// SPDX-License-Identifier: GPL-2.0
#include <linux/init.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "advice.h"
#include "chardev.h"
#include "cpus.h"
#include "cpuset.h"
#include "destroy.h"
#include "fork.h"
#include "helpers.h"
#include "hotplug.h"
#include "member.h"
#include "poison.h"
#include "pool.h"
#include "registry.h"
#include "rss.h"
#include "scrub.h"
#include "super.h"
#include "sysfs.h"

static const struct vpool_frontend_ops vpool_frontend_ops = {
	.sysfs_add = vpool_sysfs_add,
	.sysfs_del = vpool_sysfs_del,
	.sysfs_changed = vpool_sysfs_changed,
	.dev_add = vpool_dev_add,
	.dev_del = vpool_dev_del,
	.create_file = vpool_super_create_file,
};

static int __init vpool_init(void)
{
	int err;

	vpool_frontend = &vpool_frontend_ops;
	vpool_rss_start();
	err = vpool_cpus_start();
	if (err)
		return err;
	err = vpool_hotplug_start();
	if (err)
		goto stop_cpus;
	err = vpool_scrubbers_start();
	if (err)
		goto stop_hotplug;
	err = vpool_helpers_start();
	if (err)
		goto stop_scrubbers;
	err = vpool_fork_start();
	if (err)
		goto stop_helpers;
	vpool_cpuset_start();
	vpool_member_start();
	err = vpool_sysfs_start();
	if (err)
		goto stop_members;
	err = vpool_dev_start();
	if (err)
		goto stop_sysfs;
	err = vpool_registry_start();
	if (err)
		goto stop_dev;
	err = vpool_reaper_start();
	if (err)
		goto stop_registry;
	err = vpool_poison_start();
	if (err)
		goto stop_reaper;
	vpool_advice_start();
	err = vpool_super_start();
	if (err)
		goto stop_advice;
	err = vpool_control_start();
	if (err)
		goto stop_super;
	return 0;

stop_super:
	vpool_super_stop();
stop_advice:
	vpool_advice_stop();
	vpool_poison_stop();
stop_reaper:
	vpool_reaper_stop();
stop_registry:
	vpool_registry_stop();
stop_dev:
	vpool_dev_stop();
stop_sysfs:
	vpool_sysfs_stop();
stop_members:
	vpool_fork_stop();
	vpool_cpuset_stop();
	vpool_member_stop();
stop_helpers:
	vpool_helpers_stop();
stop_scrubbers:
	vpool_scrubbers_stop();
stop_hotplug:
	vpool_hotplug_stop();
stop_cpus:
	vpool_cpus_stop();
	return err;
}

static void __exit vpool_exit(void)
{
	vpool_control_stop();
	vpool_super_stop();
	vpool_advice_stop();
	vpool_poison_stop();
	vpool_pools_destroy_all();
	vpool_reaper_stop();
	vpool_registry_stop();
	vpool_dev_stop();
	vpool_sysfs_stop();
	vpool_fork_stop();
	vpool_cpuset_stop();
	vpool_member_stop();
	vpool_helpers_stop();
	vpool_scrubbers_stop();
	vpool_hotplug_stop();
	vpool_cpus_stop();
	/*
	 * A task that dropped the last reference to the module, or that woke one of
	 * the functions above, may still have to return through the module's text:
	 * vpool_pool_release(), vpool_memory_failure(). None of these sleeps from then
	 * on. Once every task has slept voluntarily, no task is left in them.
	 */
	synchronize_rcu_tasks();
}

module_init(vpool_init);
module_exit(vpool_exit);

MODULE_DESCRIPTION("Named pools of CPUs and physical memory");
MODULE_AUTHOR("The vpool maintainers");
MODULE_LICENSE("GPL");
MODULE_VERSION(VPOOL_VERSION);
