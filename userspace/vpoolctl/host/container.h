/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_CONTAINER_H
#define VPOOLCTL_HOST_CONTAINER_H

#include <libvpool.h>

struct failure;

/**
 * struct container - a container that its runtime is creating
 * @pid: the first process of the container
 * @id: id of the container, for free(3)
 */
struct container {
	int pid;
	char *id;
};

/*
 * Read the state that a runtime passes to a hook, from the descriptor @fd. Return 0 or a
 * negative errno.
 */
int container_read(int fd, struct container *ct, struct failure *failure);

/*
 * Limit the cgroup of a new container to the CPUs of a pool, and mark it for
 * container_follow(). Return 0; -EOPNOTSUPP if the container has no cgroup with a cpuset
 * that only it uses; or another negative errno if it must not start.
 */
int container_confine(const struct vpool_info *info, int pid,
		      struct failure *failure);

/*
 * Give the marked cgroups of a pool's members the current CPUs of the pool. Print a
 * warning for each that cannot be changed.
 */
void container_follow(struct vpool *vp, const char *name);

#endif /* VPOOLCTL_HOST_CONTAINER_H */
