// SPDX-License-Identifier: GPL-2.0
/*
 * The CPUs that a task's cpuset allows.
 *
 * The scheduler calls cpuset_cpus_allowed(), which is not exported to modules. The
 * cgroup filesystem shows the same mask. So this file reads "cpuset.cpus.effective" of
 * the cgroup whose cpuset applies to the task, through a private mount of cgroup2. The
 * read holds the locks of the cgroup core only while it runs, so the mask can be old
 * when it is used. affinity.c reads it again after it has set a mask, as
 * sched_setaffinity(2) does.
 *
 * If the cpuset controller is on a cgroup v1 hierarchy or the read fails, the answer is
 * conservative: all CPUs for a task in the root cpuset, otherwise the CPUs of the task's
 * present mask. That mask is within the cpuset, so vpool does not widen it.
 */
#include <linux/cgroup.h>
#include <linux/cpumask.h>
#include <linux/cpuset.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "cpuset.h"

#define VPOOL_CPUSET_FILE "/cpuset.cpus.effective"

/* Mount of the cgroup2 hierarchy, or NULL if the kernel has none. */
static struct vfsmount *vpool_cgroup_mnt;

static void vpool_cpuset_mount(struct work_struct *work)
{
	struct file_system_type *type = get_fs_type("cgroup2");
	struct vfsmount *mnt;

	if (!type)
		return;
	mnt = kern_mount(type);
	module_put(type->owner);
	if (!IS_ERR(mnt))
		vpool_cgroup_mnt = mnt;
}

/*
 * Run @work in a kernel worker. A worker does not have the credentials, namespaces or
 * root directory of a user, and no user can keep it from running while it holds locks
 * of the cgroup filesystem.
 */
static void vpool_cpuset_work(struct work_struct *work)
{
	if (current->flags & PF_WQ_WORKER) {
		work->func(work);
		return;
	}
	queue_work(vpool_unbound_wq, work);
	flush_work(work);
}

/**
 * vpool_cpuset_start - mount the cgroup2 hierarchy
 *
 * Context: sleeps, for a kernel worker.
 */
void vpool_cpuset_start(void)
{
	struct work_struct work;

	if (!IS_ENABLED(CONFIG_CPUSETS))
		return;
	INIT_WORK_ONSTACK(&work, vpool_cpuset_mount);
	vpool_cpuset_work(&work);
	destroy_work_on_stack(&work);
}

/**
 * vpool_cpuset_stop - undo vpool_cpuset_start()
 *
 * Context: sleeps; no vpool_cpuset_allowed() is running.
 */
void vpool_cpuset_stop(void)
{
	if (vpool_cgroup_mnt)
		kern_unmount(vpool_cgroup_mnt);
	vpool_cgroup_mnt = NULL;
}

/**
 * vpool_cpuset_task_mask - read a task's affinity mask
 * @task: the task; the caller holds a reference
 * @mask: set to the mask
 *
 * Context: any; takes the task's pi_lock.
 */
void vpool_cpuset_task_mask(struct task_struct *task, struct cpumask *mask)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(mask, &task->cpus_mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}

#ifdef CONFIG_CPUSETS
/**
 * struct vpool_cpuset_read - one read of a cpuset's CPUs
 * @work: runs the read
 * @css: the cpuset; the caller holds a reference
 * @mask: set to the CPUs
 * @err: set to 0 or a negative errno
 */
struct vpool_cpuset_read {
	struct work_struct work;
	struct cgroup_subsys_state *css;
	struct cpumask *mask;
	int err;
};

/* Read the whole file @name into @text, and terminate it with NUL. */
static int vpool_cgroup_read(const char *name, char *text, size_t size)
{
	struct path root = {
		.mnt = vpool_cgroup_mnt,
		.dentry = vpool_cgroup_mnt->mnt_root,
	};
	struct file *file = file_open_root(&root, name, O_RDONLY, 0);
	loff_t pos = 0;
	ssize_t len;

	if (IS_ERR(file))
		return PTR_ERR(file);
	len = kernel_read(file, text, size - 1, &pos);
	__fput_sync(file);
	if (len < 0)
		return len;
	if (len == size - 1)
		return -E2BIG;
	text[len] = '\0';
	return 0;
}

static int vpool_cpuset_parse(struct cgroup_subsys_state *css, char *buf,
			      struct cpumask *mask)
{
	size_t size = PATH_MAX - sizeof(VPOOL_CPUSET_FILE);
	int err = cgroup_path(css->cgroup, buf, size);

	if (err >= (int)size)
		err = -ENAMETOOLONG;
	if (err < 0)
		return err;
	strcat(buf, VPOOL_CPUSET_FILE);
	err = vpool_cgroup_read(buf, buf, PATH_MAX);
	return err ?: cpulist_parse(buf, mask);
}

static void vpool_cpuset_do_read(struct work_struct *work)
{
	struct vpool_cpuset_read *read =
		container_of(work, struct vpool_cpuset_read, work);
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);

	read->err = buf ? vpool_cpuset_parse(read->css, buf, read->mask) :
		    -ENOMEM;
	kfree(buf);
}

static int vpool_cpuset_read(struct cgroup_subsys_state *css,
			     struct cpumask *mask)
{
	struct vpool_cpuset_read read = { .css = css, .mask = mask };

	if (!vpool_cgroup_mnt || css->cgroup->root != &cgrp_dfl_root)
		return -ENODEV;
	INIT_WORK_ONSTACK(&read.work, vpool_cpuset_do_read);
	vpool_cpuset_work(&read.work);
	destroy_work_on_stack(&read.work);
	return read.err;
}

static struct cgroup_subsys_state *vpool_cpuset_css(struct task_struct *task)
{
	struct cgroup_subsys_state *css;

	rcu_read_lock();
	do {
		css = task_css(task, cpuset_cgrp_id);
		/* The task is moving to another cgroup; read its new one. */
	} while (!css_tryget(css));
	rcu_read_unlock();
	return css;
}

/**
 * vpool_cpuset_allowed - find the CPUs that a task's cpuset allows
 * @task: the task; the caller holds a reference
 * @mask: set to the CPUs; for a task in the root cpuset they include offline CPUs
 *
 * Context: sleeps, for a kernel worker that reads a file of the cgroup filesystem. The
 * caller must not hold a lock that cgroup code takes, such as that of CPU hotplug.
 */
void vpool_cpuset_allowed(struct task_struct *task, struct cpumask *mask)
{
	struct cgroup_subsys_state *css = vpool_cpuset_css(task);
	unsigned int cpu;

	if (vpool_cpuset_read(css, mask)) {
		if (css->parent)
			vpool_cpuset_task_mask(task, mask);
		else
			cpumask_copy(mask, cpu_possible_mask);
	} else if (!css->parent) {
		/* The root cpuset lists online CPUs only. */
		for_each_possible_cpu(cpu)
			if (!cpu_online(cpu))
				cpumask_set_cpu(cpu, mask);
	}
	css_put(css);
}
#else
void vpool_cpuset_allowed(struct task_struct *task, struct cpumask *mask)
{
	cpumask_copy(mask, cpu_possible_mask);
}
#endif
