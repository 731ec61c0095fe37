/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_PLAN_CHECK_H
#define VPOOLCTL_CONFIG_PLAN_CHECK_H

#include <libvpool.h>

struct invocation;
struct plan;

/*
 * Check a plan. Report each impossible change and mark it as refused. If @vp cannot
 * create pools, do not call the kernel. With @keep_going, do not compare the sum of the
 * remaining changes with the resources of the host. Return true if all is possible.
 */
bool plan_check(struct plan *plan, const struct invocation *inv,
		struct vpool *vp, bool keep_going);

#endif /* VPOOLCTL_CONFIG_PLAN_CHECK_H */
