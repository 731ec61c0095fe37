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
 * Opening the file takes far longer than reading it, so the file that was opened last
 * stays open. Each read shows the present CPUs. A cgroup can be removed in spite of an
 * open file; a read then fails, and the file is opened again by its path.
 *
 * If the cpuset controller is on a cgroup v1 hierarchy or the read fails, the answer is
 * conservative: all CPUs for a task in the root cpuset, otherwise the CPUs of the task's
 * present mask. That mask is within the cpuset, so vpool does not widen it.
 */
#include <linux/cgroup.h>
#include <linux/cpumask.h>
#include <linux/cpuset.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "cpuset.h"
#include "worker.h"

#define VPOOL_CPUSET_FILE "/cpuset.cpus.effective"

/**
 * struct vpool_cpuset_last - the file that was opened last
 * @lock: guards all fields. It is never waited for, because a user can delay a task that
 *	holds it
 * @file: the open file, or NULL
 * @serial: unique number of its cpuset
 * @text: buffer for what is read
 */
struct vpool_cpuset_last {
	struct mutex lock;	/* taken by mutex_trylock() only */
	struct file *file;
	u64 serial;
	char text[PATH_MAX];
};

static struct vpool_cpuset_last vpool_cpuset_last = {
	.lock = __MUTEX_INITIALIZER(vpool_cpuset_last.lock),
};

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
	vpool_worker_run(&work);
	destroy_work_on_stack(&work);
}

static void vpool_cpuset_close(struct work_struct *work)
{
	if (vpool_cpuset_last.file)
		__fput_sync(vpool_cpuset_last.file);
	vpool_cpuset_last.file = NULL;
}

/**
 * vpool_cpuset_stop - undo vpool_cpuset_start()
 *
 * Context: sleeps, for a kernel worker; no vpool_cpuset_allowed() is running.
 */
void vpool_cpuset_stop(void)
{
	struct work_struct work;

	INIT_WORK_ONSTACK(&work, vpool_cpuset_close);
	vpool_worker_run(&work);
	destroy_work_on_stack(&work);
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

/* Read a whole file of CPUs, from its start, with the credentials that opened it. */
static int vpool_cpuset_parse(struct file *file, char *text,
			      struct cpumask *mask)
{
	const struct cred *cred = override_creds(file->f_cred);
	loff_t pos = 0;
	ssize_t len = kernel_read(file, text, PATH_MAX - 1, &pos);

	revert_creds(cred);
	if (len < 0)
		return len;
	if (len == PATH_MAX - 1)
		return -E2BIG;
	text[len] = '\0';
	return cpulist_parse(text, mask);
}

/* Read the file that is open. It fails if that is the file of another cpuset. */
static int vpool_cpuset_read_last(struct cgroup_subsys_state *css,
				  struct cpumask *mask)
{
	struct vpool_cpuset_last *last = &vpool_cpuset_last;
	int err = -ENOENT;

	if (!mutex_trylock(&last->lock))
		return -EBUSY;
	if (last->file && last->serial == css->serial_nr)
		err = vpool_cpuset_parse(last->file, last->text, mask);
	mutex_unlock(&last->lock);
	return err;
}

/* Keep @file open for the next read, and close the one that was kept until now. */
static void vpool_cpuset_keep(struct cgroup_subsys_state *css,
			      struct file *file)
{
	struct vpool_cpuset_last *last = &vpool_cpuset_last;

	if (mutex_trylock(&last->lock)) {
		swap(last->file, file);
		last->serial = css->serial_nr;
		mutex_unlock(&last->lock);
	}
	if (file)
		__fput_sync(file);
}

static struct file *vpool_cpuset_open(struct cgroup_subsys_state *css,
				      char *buf)
{
	struct path root = {
		.mnt = vpool_cgroup_mnt,
		.dentry = vpool_cgroup_mnt->mnt_root,
	};
	size_t size = PATH_MAX - sizeof(VPOOL_CPUSET_FILE);
	int err = cgroup_path(css->cgroup, buf, size);

	if (err >= (int)size)
		err = -ENAMETOOLONG;
	if (err < 0)
		return ERR_PTR(err);
	strcat(buf, VPOOL_CPUSET_FILE);
	return file_open_root(&root, buf, O_RDONLY, 0);
}

static void vpool_cpuset_do_read(struct work_struct *work)
{
	struct vpool_cpuset_read *read =
		container_of(work, struct vpool_cpuset_read, work);
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
	struct file *file;

	read->err = -ENOMEM;
	if (!buf)
		return;
	file = vpool_cpuset_open(read->css, buf);
	read->err = PTR_ERR_OR_ZERO(file);
	if (!read->err) {
		read->err = vpool_cpuset_parse(file, buf, read->mask);
		vpool_cpuset_keep(read->css, file);
	}
	kfree(buf);
}

static int vpool_cpuset_read(struct cgroup_subsys_state *css,
			     struct cpumask *mask)
{
	struct vpool_cpuset_read read = { .css = css, .mask = mask };

	if (!vpool_cgroup_mnt || css->cgroup->root != &cgrp_dfl_root)
		return -ENODEV;
	if (!vpool_cpuset_read_last(css, mask))
		return 0;
	/*
	 * Opening the file takes locks of the cgroup filesystem. Reading an open file takes
	 * none of them but the file's own.
	 */
	INIT_WORK_ONSTACK(&read.work, vpool_cpuset_do_read);
	vpool_worker_run(&read.work);
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
 * Context: sleeps, for a kernel worker that opens a file of the cgroup filesystem. The
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
