/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_PLAN_EXECUTE_H
#define VPOOLCTL_CONFIG_PLAN_EXECUTE_H

#include <libvpool.h>

struct change;
struct invocation;
struct plan;
struct pool_config;

/* Fill the request for one of the two steps of a resize: release first, then take. */
void fill_release(struct vpool_change *chg, const struct change *change);
void fill_take(struct vpool_change *chg, const struct change *change);

/*
 * Execute a plan: first all steps that release, then all steps that take. If a step fails,
 * undo the steps before it. With @keep_going, undo only the steps of the same pool and
 * continue with the next pool.
 * Refused changes are skipped. Return an exit status.
 */
int plan_execute(struct plan *plan, const struct invocation *inv,
		 struct vpool *vp, bool keep_going);

#endif /* VPOOLCTL_CONFIG_PLAN_EXECUTE_H */
