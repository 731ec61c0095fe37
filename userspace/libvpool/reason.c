// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The error of a handle: the message and the code of its last failed call.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "handle.h"
#include "reason.h"

static void store_error(struct vpool *vp, int code, const char *text)
{
	pthread_mutex_lock(&vp->lock);
	snprintf(vp->reason, sizeof(vp->reason), "%s", text);
	__atomic_store_n(&vp->code, code, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&vp->lock);
}

int vpool_set_error(struct vpool *vp, int err, int code, const char *fmt, ...)
{
	char text[VPOOL_REASON_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	store_error(vp, code, text);
	return -err;
}

/* A module that does not know @code leaves it 0. */
int vpool_set_kernel_error(struct vpool *vp, int err)
{
	char text[VPOOL_REASON_SIZE] = "";
	struct vpool_reason rs = {
		.size = sizeof(rs),
		.len = sizeof(text),
		.buf_uptr = (unsigned long)text,
	};

	if (ioctl(vp->fd, VPOOL_REASON, &rs) || !rs.len) {
		text[0] = '\0';
		rs.code = VPOOL_CODE_NONE;
	}
	text[sizeof(text) - 1] = '\0';
	store_error(vp, rs.code, *text ? text : strerror(err));
	return -err;
}

int vpool_set_no_memory(struct vpool *vp)
{
	return vpool_set_error(vp, ENOMEM, VPOOL_LIB_NO_MEMORY,
			       "out of memory");
}

int vpool_set_no_name(struct vpool *vp)
{
	return vpool_set_error(vp, EINVAL, VPOOL_LIB_NO_NAME,
			       "no pool was named");
}

int vpool_set_bad_name(struct vpool *vp, const char *name)
{
	return vpool_set_error(vp, EINVAL, VPOOL_CODE_NAME_INVALID,
			       "'%.40s' is not a pool's name", name);
}

int vpool_set_no_pool(struct vpool *vp, const char *name)
{
	return vpool_set_error(vp, ENOENT, VPOOL_CODE_NO_POOL,
			       "there is no pool '%s'", name);
}

void vpool_copy_error(struct vpool *vp, const struct vpool *from)
{
	store_error(vp, vpool_reason_code(from), vpool_reason(from));
}

void vpool_clear_error(struct vpool *vp)
{
	store_error(vp, VPOOL_CODE_NONE, "");
}

const char *vpool_reason(const struct vpool *vp)
{
	return vp ? vp->reason : "out of memory";
}

int vpool_reason_code(const struct vpool *vp)
{
	/* Another thread may store an error at the same time. */
	return vp ? __atomic_load_n(&vp->code, __ATOMIC_RELAXED) :
		    VPOOL_LIB_NO_MEMORY;
}

void vpool_reason_copy(struct vpool *vp, char *buf, size_t size)
{
	if (!size)
		return;
	if (vp)
		pthread_mutex_lock(&vp->lock);
	snprintf(buf, size, "%s", vpool_reason(vp));
	if (vp)
		pthread_mutex_unlock(&vp->lock);
}
