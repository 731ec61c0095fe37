/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBVPOOL_HANDLE_H
#define LIBVPOOL_HANDLE_H

#include <pthread.h>

#include "libvpool.h"

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

/* Return the directory of the devices, or of sysfs; tests replace them. */
const char *vpool_dev_dir(void);
const char *vpool_sysfs_dir(void);

/* Call ioctl(2). If it fails, store the message of the module. Return 0 or -errno. */
int vpool_call(struct vpool *vp, unsigned long cmd, void *arg);
/* Fill in the name of an ioctl. NULL stands for the pool of the handle. */
int vpool_set_name(struct vpool *vp, char *to, const char *name);

#endif /* LIBVPOOL_HANDLE_H */
