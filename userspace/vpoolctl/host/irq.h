/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_IRQ_H
#define VPOOLCTL_HOST_IRQ_H

#include <libvpool.h>

struct failure;

/*
 * Move interrupts off the CPUs @cpus of pool @name, to CPUs that are not in @taken, and
 * store their old affinity in the note of the pool.
 */
int irq_move_off(const char *name, const struct vpool_cpus *cpus,
		 const struct vpool_cpus *taken, struct failure *failure);
/* Restore the affinities in the note, without CPUs in @taken. */
void irq_put_back(const char *name, const struct vpool_cpus *taken);

#endif /* VPOOLCTL_HOST_IRQ_H */
