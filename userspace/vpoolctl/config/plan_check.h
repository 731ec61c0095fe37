/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_PLAN_CHECK_H
#define VPOOLCTL_CONFIG_PLAN_CHECK_H

#include <libvpool.h>

struct invocation;
struct plan;

/*
 * Could it be done? Says on standard error what could not, and marks those changes as
 * refused. With a handle that cannot create, the kernel is not asked. With keep_going
 * the changes that are left are tried whatever their sum is.
 */
bool plan_check(struct plan *plan, const struct invocation *inv,
		struct vpool *vp, bool keep_going);

#endif /* VPOOLCTL_CONFIG_PLAN_CHECK_H */
