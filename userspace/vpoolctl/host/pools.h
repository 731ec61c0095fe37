/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_POOLS_H
#define VPOOLCTL_HOST_POOLS_H

#include <libvpool.h>

/* Names of a pool's owner and group as "user:group", numbers if they have none. */
char *owner_text(uid_t uid, gid_t gid);
/* Read all pools; those that vanish meanwhile are left out. */
int read_pools(struct vpool *vp, struct vpool_info ***pools, size_t *nr);
void free_pools(struct vpool_info **pools, size_t nr);
char *cpus_text(const struct vpool_cpus *cpus);
/* The threads of a CPU's core; the CPU alone where the topology is not known. */
void core_of(unsigned int cpu, struct vpool_cpus *core);

#endif /* VPOOLCTL_HOST_POOLS_H */
