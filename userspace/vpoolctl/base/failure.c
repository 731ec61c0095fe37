// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages that a function passes to its caller.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libvpool.h>

#include "base/code.h"
#include "base/failure.h"

int failure_set(struct failure *failure, int err, int code, const char *fmt, ...)
{
	va_list args;

	failure->code = code;
	va_start(args, fmt);
	vsnprintf(failure->text, sizeof(failure->text), fmt, args);
	va_end(args);
	return err;
}

int failure_set_handle(struct failure *failure, const struct vpool *vp, int err)
{
	const char *reason = vpool_reason(vp);

	if (*reason)
		return failure_set(failure, err, vpool_reason_code(vp), "%s",
				   reason);
	return failure_set(failure, err, errno_code(-err), "%s", strerror(-err));
}
