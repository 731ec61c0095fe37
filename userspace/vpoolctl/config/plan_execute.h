/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_PLAN_EXECUTE_H
#define VPOOLCTL_CONFIG_PLAN_EXECUTE_H

#include <libvpool.h>

struct change;
struct invocation;
struct plan;
struct pool_config;

/* The two steps of a resize: what it gives back, and what it takes then. */
void fill_release(struct vpool_change *chg, const struct change *change);
void fill_take(struct vpool_change *chg, const struct change *change);

/*
 * Do it: first all that gives back, then all that takes. When a step fails,
 * those before it are undone; with keep_going only those of the same pool are, and
 * the rest goes on. Refused changes are left out. An exit status.
 */
int plan_execute(struct plan *plan, const struct invocation *inv,
		 struct vpool *vp, bool keep_going);

#endif /* VPOOLCTL_CONFIG_PLAN_EXECUTE_H */
