/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_IRQBALANCE_H
#define VPOOLCTL_HOST_IRQBALANCE_H

#include <stdbool.h>

#include <libvpool.h>

/* Keep irqbalance off @cpus. An empty set restores its former list. */
void irqbalance_keep_off(const struct vpool_cpus *cpus);

/* Tell whether a list is left over, which irqbalance_keep_off() must restore. */
bool irqbalance_is_told(void);

/*
 * Read which CPUs a running irqbalance spares, for vpool_cpus_free(). Return false if none
 * runs.
 */
bool irqbalance_spared(struct vpool_cpus *cpus);

#endif /* VPOOLCTL_HOST_IRQBALANCE_H */
