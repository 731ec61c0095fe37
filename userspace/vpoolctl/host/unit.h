/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_UNIT_H
#define VPOOLCTL_HOST_UNIT_H

#include <stdbool.h>

#include <libvpool.h>

struct failure;

/*
 * The slice of a pool in systemd, whose units run on the pool's CPUs. systemd itself keeps
 * the CPUs, as the runtime property AllowedCPUs= of the slice.
 *
 * A function that takes @failure sets it when it returns a negative errno.
 */

/* Start the slice of a pool, and limit it to a list of CPUs. */
int unit_slice_set(const char *pool, const char *cpus, struct failure *failure);
/* Let systemd forget the CPUs of a slice. Stop the slice only if it is empty. */
void unit_slice_revert(const char *pool, bool empty);
/*
 * Let the tasks in a slice run on all CPUs of the host, after systemd has forgotten the
 * CPUs of the slice: the kernel does not clear the CPUs of a cpuset with tasks.
 */
void unit_slice_widen(const char *pool);
/* Tell whether systemd keeps CPUs for the slice of a pool. */
bool unit_slice_is_set(const char *pool);
/* Tell whether these are the CPUs that systemd keeps for the slice of a pool. */
bool unit_slice_has(const char *pool, const struct vpool_cpus *cpus);

/*
 * Return the names of all pools for whose slices systemd keeps CPUs, @nr of them. The
 * caller frees each name and the array with free(3).
 */
char **unit_slice_pools(size_t *nr);

#endif /* VPOOLCTL_HOST_UNIT_H */
