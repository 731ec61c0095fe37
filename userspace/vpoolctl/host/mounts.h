/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_MOUNTS_H
#define VPOOLCTL_HOST_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * struct mount_point - a mount of the caller's mount namespace
 * @id: id of the mount
 * @parent: id of the mount that it is on
 * @dev: device number of its filesystem
 * @dir: its directory, owned
 * @type: type of its filesystem, owned
 * @pool: the pool whose files it has, owned; NULL for another filesystem
 * @hugetlbfs: it is a pool's, and reports the magic number of hugetlbfs
 * @covered: a later mount is on the same directory
 * @dead: its pool was destroyed by force; another pool can have the name since then
 */
struct mount_point {
	int id;
	int parent;
	dev_t dev;
	char *dir;
	char *type;
	char *pool;
	bool hugetlbfs;
	bool covered;
	bool dead;
};

/**
 * struct mounts - the mounts at one moment
 * @all: the mounts in the order of the kernel, owned
 * @nr: length of @all
 */
struct mounts {
	struct mount_point *all;
	size_t nr;
};

/* Read all mounts; for mounts_free(). There are none if /proc is not mounted. */
void mounts_read(struct mounts *mounts);
void mounts_free(struct mounts *mounts);

/* Return what is mounted at a directory, the last mount if there are several; or NULL. */
const struct mount_point *mounts_at(const struct mounts *mounts, const char *dir);
/*
 * Return the mount of an existing pool at a directory, or at any directory for NULL; or
 * NULL.
 */
const struct mount_point *mounts_of(const struct mounts *mounts, const char *pool,
				    const char *dir);
/* Return the directories of a pool as "/a and /b", for free(3); NULL if there are none. */
char *mounts_text(const struct mounts *mounts, const char *pool);

/* Return the absolute path of a directory without links, for free(3). */
char *canonical_dir(const char *dir);

#endif /* VPOOLCTL_HOST_MOUNTS_H */
