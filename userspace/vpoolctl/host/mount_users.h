/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_MOUNT_USERS_H
#define VPOOLCTL_HOST_MOUNT_USERS_H

struct mount_point;
struct mounts;

/*
 * Return what keeps a filesystem busy, as a list of clauses such as "process 12 (qemu) has
 * /srv/web/a open", for free(3); NULL if nothing is found.
 */
char *mount_users(const struct mounts *mounts, const struct mount_point *mp);

#endif /* VPOOLCTL_HOST_MOUNT_USERS_H */
