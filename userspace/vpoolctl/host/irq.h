/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_IRQ_H
#define VPOOLCTL_HOST_IRQ_H

#include <libvpool.h>

struct failure;

/*
 * Keep interrupts off a pool's CPUs, and off the taken ones of other pools;
 * the note remembers where they were.
 */
int irq_move_off(const char *name, const struct vpool_cpus *cpus,
		 const struct vpool_cpus *taken, struct failure *failure);
/* Put back what the note has, but not on CPUs that other pools have taken. */
void irq_put_back(const char *name, const struct vpool_cpus *taken);

#endif /* VPOOLCTL_HOST_IRQ_H */
