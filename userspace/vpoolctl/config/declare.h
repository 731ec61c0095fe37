/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_DECLARE_H
#define VPOOLCTL_CONFIG_DECLARE_H

#include <stdio.h>

#include <libvpool.h>

#include "config/config.h"

/* What a pool is, as it would be declared. */
void pool_config_of(struct pool_config *pool, const struct vpool_info *info);
/* All of its memory, in bytes. */
__u64 pool_config_bytes(const struct pool_config *pool);

/* "mem: 4G@0", as it stands in a file; NULL if the pool has none of that. */
char *property_text(const struct pool_config *pool, enum property property);
/* Write pools as a file that declares them. */
void config_write(const struct config *cfg, FILE *to);

#endif /* VPOOLCTL_CONFIG_DECLARE_H */
