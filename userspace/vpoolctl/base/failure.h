/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_BASE_FAILURE_H
#define VPOOLCTL_BASE_FAILURE_H

#include <libvpool.h>

#include "base/macros.h"

#define FAILURE_SIZE 512

/**
 * struct failure - the message of a failed function, for its caller to report
 * @code: enum vpool_code, enum vpool_lib_code or enum tool_code; 0 for no failure
 * @text: one sentence without a newline; empty for no failure
 */
struct failure {
	int code;
	char text[FAILURE_SIZE];
};

/* Set @failure. Return @err, a negative errno, for the caller to return. */
int failure_set(struct failure *failure, int err, int code, const char *fmt, ...)
	__printf(4, 5);
/* Set @failure to the error of the last call on @vp, which returned @err. */
int failure_set_handle(struct failure *failure, const struct vpool *vp, int err);

#endif /* VPOOLCTL_BASE_FAILURE_H */
