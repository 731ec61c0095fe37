/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_PLAN_SETTLE_H
#define VPOOLCTL_CONFIG_PLAN_SETTLE_H

#include <libvpool.h>

struct config;
struct plan;
struct pool_config;

/* Settle the declarations on this host. plan_make() calls it with the pools read. */
int plan_settle(struct plan *plan, struct config *cfg, bool keep);

/* Move declared CPUs that are offline to @pool->offline, except those in @has. */
void config_hold_offline(struct pool_config *pool, const struct vpool_cpus *has);

#endif /* VPOOLCTL_CONFIG_PLAN_SETTLE_H */
