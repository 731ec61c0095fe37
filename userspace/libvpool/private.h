/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBVPOOL_PRIVATE_H
#define LIBVPOOL_PRIVATE_H

#include <pthread.h>

#include "libvpool.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define __printf(fmt, args) \
	__attribute__((__format__(__printf__, fmt, \
				  args)))

/* Limit of the calls with a larger array after EMSGSIZE. */
#define VPOOL_RETRIES 32

/**
 * enum vpool_kind - kind of a handle
 * @VPOOL_KIND_NONE: opening failed; the handle only has the error
 * @VPOOL_KIND_CONTROL: open on the control device
 * @VPOOL_KIND_POOL: open on the device of a pool
 * @VPOOL_KIND_SYSFS: not open on a device; reads sysfs
 */
enum vpool_kind {
	VPOOL_KIND_NONE,
	VPOOL_KIND_CONTROL,
	VPOOL_KIND_POOL,
	VPOOL_KIND_SYSFS,
};

/**
 * struct vpool - a handle
 * @kind: kind of the handle
 * @fd: descriptor of the device, owned by the handle; -1 if it has none
 * @name: name of the pool, for VPOOL_KIND_POOL
 * @lock: guards @reason and @code
 * @code: enum vpool_code or enum vpool_lib_code of the last failed call; 0 if
 *	no call has failed, or if the module gave no code
 * @reason: message of the last failed call; empty if no call has failed
 */
struct vpool {
	enum vpool_kind kind;
	int fd;
	char name[VPOOL_NAME_SIZE];
	pthread_mutex_t lock;
	int code;
	char reason[VPOOL_REASON_SIZE];
};

/* error.c: the error of a handle, that is its message and code */

/* Store a message and its code. Return -err. */
int vpool_set_error(struct vpool *vp, int err, int code, const char *fmt, ...)
	__printf(4, 5);
/* Store the message and code of the last failure in the module. Return -err. */
int vpool_set_kernel_error(struct vpool *vp, int err);
/* Store an error that several callers meet. Return its negative errno. */
int vpool_set_no_memory(struct vpool *vp);
int vpool_set_no_name(struct vpool *vp);
int vpool_set_bad_name(struct vpool *vp, const char *name);
int vpool_set_no_pool(struct vpool *vp, const char *name);
/* Store the error of @from, which no other thread uses. */
void vpool_copy_error(struct vpool *vp, const struct vpool *from);
void vpool_clear_error(struct vpool *vp);

/* handle.c */

const char *vpool_dev_dir(void);
const char *vpool_sysfs_dir(void);

/* Call ioctl(2). If it fails, store the message of the module. Return 0 or -errno. */
int vpool_call(struct vpool *vp, unsigned long cmd, void *arg);
/* Fill in the name of an ioctl. NULL stands for the pool of the handle. */
int vpool_set_name(struct vpool *vp, char *to, const char *name);

/* file.c: @path is relative to the descriptor @dir; all return 0 or -errno */

int vpool_read_text(int dir, const char *path, char **text);
int vpool_read_u64(int dir, const char *path, int base, __u64 *value);
int vpool_read_cpus(int dir, const char *path, struct vpool_cpus *cpus);
/* Read the numbers of the entries "PREFIX<number>" of @dir, ascending; for free(3). */
int vpool_read_numbers(int dir, const char *prefix, int **numbers,
		       size_t *nr);

/* sysfs.c: calls on a handle of VPOOL_KIND_SYSFS */

int vpool_sysfs_list(struct vpool *vp, struct vpool_list_entry **entries,
		     size_t *nr);
int vpool_sysfs_query(struct vpool *vp, const char *name,
		      struct vpool_info *info);

/* Read the effective and dedicated CPUs, which no ioctl has. Return 0 or -ENOMEM. */
int vpool_sysfs_cpus(struct vpool_info *info);

#endif /* LIBVPOOL_PRIVATE_H */
