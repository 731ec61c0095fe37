/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_IRQBALANCE_H
#define VPOOLCTL_HOST_IRQBALANCE_H

#include <libvpool.h>

/* Keep irqbalance off @cpus. An empty set restores its former list. */
void irqbalance_keep_off(const struct vpool_cpus *cpus);

#endif /* VPOOLCTL_HOST_IRQBALANCE_H */
