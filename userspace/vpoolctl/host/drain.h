/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_DRAIN_H
#define VPOOLCTL_HOST_DRAIN_H

#include <stdbool.h>

/*
 * While the file /run/vpool/NAME.drain exists, the service in a pool gets no new work
 * from a load balancer. The file stays if the pool is destroyed and created again, as an
 * administrator wants it to during maintenance.
 */

bool drain_is_set(const char *pool);
/* Create the file. Return 0 or a negative errno. */
int drain_set(const char *pool);
/* Remove the file. Return 0, or a negative errno: -ENOENT if there is none. */
int drain_clear(const char *pool);

#endif /* VPOOLCTL_HOST_DRAIN_H */
