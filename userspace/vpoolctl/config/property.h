/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_PROPERTY_H
#define VPOOLCTL_CONFIG_PROPERTY_H

#include <stddef.h>

#include "base/command.h"

struct failure;
struct pool_config;

/*
 * The properties of a pool, in a file or as the options of create and resize. The target
 * of their functions is a struct pool_config.
 */
extern const struct option_def property_defs[];
extern const size_t nr_property_defs;

/*
 * Check what depends on several properties. Return 0, or -EINVAL with @failure set to a
 * message without a subject, such as "needs mem or cpus, or both".
 */
int properties_check(const struct pool_config *pool, struct failure *failure);

/*
 * Set the properties that options of the command were given for. Return EXIT_OK, or
 * EXIT_USAGE after a message.
 */
int properties_from_options(const struct invocation *inv,
			    struct pool_config *pool);

#endif /* VPOOLCTL_CONFIG_PROPERTY_H */
