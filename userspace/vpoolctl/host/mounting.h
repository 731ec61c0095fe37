/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_MOUNTING_H
#define VPOOLCTL_HOST_MOUNTING_H

#include <stdbool.h>
#include <sys/types.h>

#include <libvpool.h>

struct failure;
struct mount_point;
struct mounts;

/* The oldest ABI version of a module with files. */
#define FILES_ABI_VERSION 2

/* Values of struct mount_spec that stand for the owner and mode of the pool's device. */
#define OWNER_OF_POOL ((uid_t)-1)
#define MODE_OF_POOL ((mode_t)-1)

/**
 * struct mount_spec - where and how to mount the files of a pool
 * @dir: absolute path of the directory, owned; NULL for nowhere
 * @uid: owner of the root directory of the filesystem, or OWNER_OF_POOL
 * @gid: group of that directory, or OWNER_OF_POOL
 * @mode: permission bits of that directory within 01777, or MODE_OF_POOL
 * @hugetlbfs: statfs(2) reports the magic number of hugetlbfs
 */
struct mount_spec {
	char *dir;
	uid_t uid;
	gid_t gid;
	mode_t mode;
	bool hugetlbfs;
};

/* Set everything to its default. */
void mount_spec_init(struct mount_spec *spec);
/* Describe an existing mount. @spec gets a copy of the directory. */
void mount_spec_of(struct mount_spec *spec, const struct mount_point *mp);
/* Return the mode of the root directory for a device with this mode. */
mode_t mount_default_mode(mode_t device);

/*
 * Parse the mode of the root directory, in octal. Return 0, or -EINVAL with @message set.
 */
int parse_mount_mode(const char *text, mode_t *mode, char *message, size_t room);

/* Check that the module has files. Return 0, or a negative errno with @failure set. */
int mount_check_module(struct vpool *vp, struct failure *failure);
/* Check that a directory is there and that nothing is mounted at it, likewise. */
int mount_check_dir(const struct mounts *mounts, const char *dir,
		    struct failure *failure);
/* Check likewise that unmounting loses no file and stops no process. */
int mount_check_idle(const struct mounts *mounts, const struct mount_point *mp,
		     struct failure *failure);

/* Mount the files of a pool. Return 0, or a negative errno with @failure set. */
int mount_pool(const char *pool, const struct mount_spec *spec,
	       struct failure *failure);
/* Unmount a directory, likewise. */
int unmount_dir(const char *dir, struct failure *failure);
/* Give the mounted root directory the owner and mode of @spec, likewise. */
int mount_adjust(const struct mount_spec *spec, struct failure *failure);

#endif /* VPOOLCTL_HOST_MOUNTING_H */
