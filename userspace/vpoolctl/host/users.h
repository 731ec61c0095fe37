/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_USERS_H
#define VPOOLCTL_HOST_USERS_H

#include <stddef.h>

#include <libvpool.h>

/**
 * struct user - something that uses a pool or the module
 * @pool: name of the pool, owned; NULL for the module
 * @pid: the process, or 0
 * @text: what it is and how it uses the pool, a sentence, owned
 */
struct user {
	char *pool;
	int pid;
	char *text;
};

/**
 * struct users - all users at one moment
 * @all: the users, owned
 * @nr: length of @all
 */
struct users {
	struct user *all;
	size_t nr;
};

/*
 * Find what keeps the module from being unloaded without harm: open regions, members,
 * mounts that apply has not made, pinned memory, processes in slices, livepatches, and
 * other programs with the control device open. Return 0, or a negative errno with a
 * message in the handle.
 */
int users_find(struct vpool *vp, struct users *users);
void users_free(struct users *users);

#endif /* VPOOLCTL_HOST_USERS_H */
