/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_POOLS_H
#define VPOOLCTL_HOST_POOLS_H

#include <libvpool.h>

/* Format an owner as "user:group", with numbers for ids without a name; for free(3). */
char *owner_text(uid_t uid, gid_t gid);
/* Read all pools that exist during the whole call; for free_pools(). Return 0 or -errno. */
int read_pools(struct vpool *vp, struct vpool_info ***pools, size_t *nr);
void free_pools(struct vpool_info **pools, size_t nr);
/* Format a set of CPUs as a list, for free(3). */
char *cpus_text(const struct vpool_cpus *cpus);
/* Read the CPUs of the core of @cpu; only @cpu itself if the topology is unknown. */
void core_of(unsigned int cpu, struct vpool_cpus *core);

#endif /* VPOOLCTL_HOST_POOLS_H */
