/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that vpool builds on, from 6.1 on. By feature
 * where the preprocessor can see one; this is the only file that knows versions.
 */
#ifndef VPOOL_COMPAT_H
#define VPOOL_COMPAT_H

#include <linux/kthread.h>
#include <linux/mm.h>
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

#endif /* VPOOL_COMPAT_H */
