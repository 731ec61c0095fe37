/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_DECLARE_H
#define VPOOLCTL_CONFIG_DECLARE_H

#include <stdio.h>

#include <libvpool.h>

#include "config/config.h"

struct mount_point;

/* Fill @pool with the declaration of an existing pool, without its mount. */
void pool_config_of(struct pool_config *pool, const struct vpool_info *info);
/* Declare that the files of @pool are mounted as they are at @mp. */
void pool_config_mount_of(struct pool_config *pool, const struct mount_point *mp);
/* Return the owner, group and mode of the root directory of the mounted filesystem. */
uid_t mount_uid(const struct pool_config *pool);
gid_t mount_gid(const struct pool_config *pool);
mode_t mount_mode(const struct pool_config *pool);
/* Return the total memory of @pool in bytes. */
__u64 pool_config_bytes(const struct pool_config *pool);

/*
 * Return a property as a line of a file, such as "mem: 4G@0", for free(3), or NULL if the
 * pool does not have it.
 */
char *property_text(const struct pool_config *pool, enum property property);
/*
 * Return a value as YAML, in quotes if YAML could take it for something else, for free(3).
 * Take over @text.
 */
char *yaml_text(char *text);
/* Write a name as a key, in quotes if YAML would read a number or a boolean. */
void write_name(const char *name, FILE *to);
/* Write a file that declares the pools. */
void config_write(const struct config *cfg, FILE *to);

#endif /* VPOOLCTL_CONFIG_DECLARE_H */
