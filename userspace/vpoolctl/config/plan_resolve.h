/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_PLAN_RESOLVE_H
#define VPOOLCTL_CONFIG_PLAN_RESOLVE_H

#include <libvpool.h>

struct config;
struct plan;
struct pool_config;

/* Resolve the declarations on this host. plan_make() calls this after it has read the pools. */
int plan_resolve(struct plan *plan, struct config *cfg, bool keep);

/* Move declared CPUs that are offline to @pool->offline, except those in @has. */
void config_hold_offline(struct pool_config *pool, const struct vpool_cpus *has);

#endif /* VPOOLCTL_CONFIG_PLAN_RESOLVE_H */
