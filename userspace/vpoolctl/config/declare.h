/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_DECLARE_H
#define VPOOLCTL_CONFIG_DECLARE_H

#include <stdio.h>

#include <libvpool.h>

#include "config/config.h"

/* Fill @pool with the declaration of an existing pool. */
void pool_config_of(struct pool_config *pool, const struct vpool_info *info);
/* Return the total memory of @pool in bytes. */
__u64 pool_config_bytes(const struct pool_config *pool);

/*
 * Return a property as a line of a file, such as "mem: 4G@0", for free(3), or NULL if the
 * pool does not have it.
 */
char *property_text(const struct pool_config *pool, enum property property);
/* Write a file that declares the pools. */
void config_write(const struct config *cfg, FILE *to);

#endif /* VPOOLCTL_CONFIG_DECLARE_H */
