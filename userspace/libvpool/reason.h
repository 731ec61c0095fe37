/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBVPOOL_REASON_H
#define LIBVPOOL_REASON_H

#include "compiler.h"
#include "libvpool.h"

/* Store a message and its code. Return -err. */
int vpool_set_error(struct vpool *vp, int err, int code, const char *fmt, ...)
	__printf(4, 5);
/* Store the message and code of the last failure in the module. Return -err. */
int vpool_set_kernel_error(struct vpool *vp, int err);
/* Store an error that several functions can return. Return its negative errno. */
int vpool_set_no_memory(struct vpool *vp);
int vpool_set_no_name(struct vpool *vp);
int vpool_set_bad_name(struct vpool *vp, const char *name);
int vpool_set_no_pool(struct vpool *vp, const char *name);
/* Store the error of @from, which no other thread uses. */
void vpool_copy_error(struct vpool *vp, const struct vpool *from);
void vpool_clear_error(struct vpool *vp);

#endif /* LIBVPOOL_REASON_H */
