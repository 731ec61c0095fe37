/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CPUMASK_H
#define VPOOLCTL_CPUMASK_H

#include <libvpool.h>

/* Add all CPUs of one set to another. */
void cpus_add_all(struct vpool_cpus *to, const struct vpool_cpus *from);

/* Parse a mask in the format of the kernel, "3" or "ff,00000000". Return 0 or -EINVAL. */
int mask_parse(const char *text, struct vpool_cpus *cpus);
/* Format a set as such a mask, for free(3). */
char *mask_text(const struct vpool_cpus *cpus);

#endif /* VPOOLCTL_CPUMASK_H */
