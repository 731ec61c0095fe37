/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBVPOOL_SYSFS_H
#define LIBVPOOL_SYSFS_H

#include "libvpool.h"

/* Do what the public functions do, for a handle of VPOOL_KIND_SYSFS. */
int vpool_sysfs_list(struct vpool *vp, struct vpool_list_entry **entries,
		     size_t *nr);
int vpool_sysfs_query(struct vpool *vp, const char *name,
		      struct vpool_info *info);

/*
 * Read the effective and dedicated CPUs and the number of mounts, which no ioctl has. Return
 * 0 or -ENOMEM.
 */
int vpool_sysfs_extra(struct vpool_info *info);

#endif /* LIBVPOOL_SYSFS_H */
