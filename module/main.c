// SPDX-License-Identifier: GPL-2.0
#include <linux/init.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "chardev.h"
#include "cpus.h"
#include "cpuset.h"
#include "fork.h"
#include "hotplug.h"
#include "member.h"
#include "poison.h"
#include "pool.h"
#include "rss.h"
#include "scrub.h"
#include "sysfs.h"

static const struct vpool_faces vpool_faces = {
	.dir_add = vpool_dir_add,
	.dir_del = vpool_dir_del,
	.dir_changed = vpool_dir_changed,
	.node_add = vpool_node_add,
	.node_del = vpool_node_del,
};

static int __init vpool_init(void)
{
	int err;

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
	err = vpool_fork_start();
	if (err)
		goto stop_scrubbers;
	vpool_cpuset_start();
	vpool_member_start();
	err = vpool_sysfs_start();
	if (err)
		goto stop_members;
	err = vpool_nodes_start();
	if (err)
		goto stop_sysfs;
	err = vpool_pools_start(&vpool_faces);
	if (err)
		goto stop_nodes;
	err = vpool_poison_start();
	if (err)
		goto stop_pools;
	err = vpool_control_start();
	if (err)
		goto stop_poison;
	return 0;

stop_poison:
	vpool_poison_stop();
stop_pools:
	vpool_pools_stop();
stop_nodes:
	vpool_nodes_stop();
stop_sysfs:
	vpool_sysfs_stop();
stop_members:
	vpool_fork_stop();
	vpool_cpuset_stop();
	vpool_member_stop();
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
	vpool_poison_stop();
	vpool_pools_stop();
	vpool_nodes_stop();
	vpool_sysfs_stop();
	vpool_fork_stop();
	vpool_cpuset_stop();
	vpool_member_stop();
	vpool_scrubbers_stop();
	vpool_hotplug_stop();
	vpool_cpus_stop();
	/*
	 * A task that has dropped the last reference that kept the module, or has woken
	 * one of the functions above, may still have to return through the module's
	 * text (vpool_pool_release(), vpool_populate_run(), vpool_memory_failure()). None
	 * of them sleeps on that way, so a voluntary sleep of each task since then means
	 * that it has left.
	 */
	synchronize_rcu_tasks();
}

module_init(vpool_init);
module_exit(vpool_exit);

MODULE_DESCRIPTION("Named pools of CPUs and physical memory");
MODULE_AUTHOR("The vpool developers");
MODULE_LICENSE("GPL");
