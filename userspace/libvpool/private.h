/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBVPOOL_PRIVATE_H
#define LIBVPOOL_PRIVATE_H

#include <pthread.h>

#include "libvpool.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define __printf(fmt, args) \
	__attribute__((__format__(__printf__, fmt, \
				  args)))

/* How often to ask again when an array turns out to be too small. */
#define VPOOL_RETRIES 32

/**
 * enum vpool_kind - what a handle is open on
 * @VPOOL_KIND_NONE: nothing: opening failed, it only carries the reason
 * @VPOOL_KIND_CONTROL: the control node
 * @VPOOL_KIND_POOL: a pool's node
 * @VPOOL_KIND_SYSFS: nothing, it reads sysfs
 */
enum vpool_kind {
	VPOOL_KIND_NONE,
	VPOOL_KIND_CONTROL,
	VPOOL_KIND_POOL,
	VPOOL_KIND_SYSFS,
};

/**
 * struct vpool - a handle
 * @kind: what it is open on
 * @fd: that, or -1
 * @name: the pool, for VPOOL_KIND_POOL
 * @lock: guards @reason
 * @reason: why the last failed call failed
 */
struct vpool {
	enum vpool_kind kind;
	int fd;
	char name[VPOOL_NAME_SIZE];
	pthread_mutex_t lock;
	char reason[VPOOL_REASON_SIZE];
};

/* handle.c */

const char *vpool_dev_dir(void);
const char *vpool_sysfs_dir(void);
bool vpool_name_ok(const char *name);

/* Remember why, and return -err. */
int vpool_fail(struct vpool *vp, int err, const char *fmt, ...)
	__printf(3, 4);
/* Remember what the kernel says about the last failure, and return -err. */
int vpool_kernel_failed(struct vpool *vp, int err);
/* ioctl(2), with the kernel's reason fetched when it fails. */
int vpool_call(struct vpool *vp, unsigned long cmd, void *arg);
/* Fill an ioctl's name: NULL is the handle's own pool. */
int vpool_set_name(struct vpool *vp, char *to, const char *name);

/* file.c: all relative to a directory, all -errno */

int vpool_read_text(int dir, const char *path, char **text);
int vpool_read_u64(int dir, const char *path, int base, __u64 *value);
int vpool_read_cpus(int dir, const char *path, struct vpool_cpus *cpus);
/* The numbers N of entries PREFIXN in a directory, ascending. */
int vpool_read_numbers(int dir, const char *prefix, int **numbers,
		       size_t *nr);

/* sysfs.c: what a handle of VPOOL_KIND_SYSFS does instead of ioctls */

int vpool_sysfs_list(struct vpool *vp, struct vpool_list_entry **entries,
		     size_t *nr);
int vpool_sysfs_query(struct vpool *vp, const char *name,
		      struct vpool_info *info);

/* What only sysfs tells of a pool's CPUs, as far as it does; -ENOMEM, or 0. */
int vpool_sysfs_cpus(struct vpool_info *info);

#endif /* LIBVPOOL_PRIVATE_H */
