/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that vpool builds on, from 6.1 on. By feature
 * where the preprocessor can see one; this is the only file that knows versions.
 */
#ifndef VPOOL_COMPAT_H
#define VPOOL_COMPAT_H

#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/version.h>

/* 6.3: vm_flags became read-only, and with it came a function to change it. */
#if KERNEL_VERSION(6, 3, 0) > LINUX_VERSION_CODE
static inline void vpool_vm_flags_set(struct vm_area_struct *vma,
				      unsigned long flags)
{
	vma->vm_flags |= flags;
}

/* 6.3: the device of these callbacks became const. */
#define VPOOL_DEVNODE_CONST
#else
static inline void vpool_vm_flags_set(struct vm_area_struct *vma,
				      unsigned long flags)
{
	vm_flags_set(vma, flags);
}

#define VPOOL_DEVNODE_CONST const
#endif

/* 6.14: a worker that runs at once got a name of its own. */
#ifndef kthread_run_worker
#define kthread_run_worker kthread_create_worker
#endif

/* 6.4: the threads of vhost became threads of who uses them. */
#ifndef PF_USER_WORKER
#define PF_USER_WORKER 0
#endif

/*
 * 6.9: pidfds got a file system of their own. The kernel's function for this is
 * not exported; no user can make files that look like these, on either.
 */
static inline struct pid *vpool_pidfd_pid(const struct file *file)
{
	const struct super_block *sb = file_inode(file)->i_sb;

#ifdef PID_FS_MAGIC
	if (sb->s_magic == PID_FS_MAGIC)
		return file_inode(file)->i_private;
#endif
	if (sb->s_magic == ANON_INODE_FS_MAGIC &&
	    !strcmp(file->f_path.dentry->d_name.name, "[pidfd]"))
		return file->private_data;
	return NULL;
}

#endif /* VPOOL_COMPAT_H */
