// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mount and unmount the files of pools.
 *
 * A filesystem is configured, created and attached by separate system calls. Each failure
 * leaves a message in the context of the new filesystem, which mount(2) would drop.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/failure.h"
#include "host/mount_users.h"
#include "host/mounting.h"
#include "host/mounts.h"

/* From sys/mount.h, which some versions of glibc cannot combine with linux/mount.h. */
#define UMOUNT_NOFOLLOW 8

#define ATTRIBUTES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

void mount_spec_init(struct mount_spec *spec)
{
	*spec = (struct mount_spec) {
		.uid = OWNER_OF_POOL,
		.gid = OWNER_OF_POOL,
		.mode = MODE_OF_POOL,
	};
}

void mount_spec_of(struct mount_spec *spec, const struct mount_point *mp)
{
	struct stat st;

	mount_spec_init(spec);
	spec->dir = xstrdup(mp->dir);
	spec->hugetlbfs = mp->hugetlbfs;
	/* Another filesystem can cover it. */
	if (stat(mp->dir, &st) || st.st_dev != mp->dev)
		return;
	spec->uid = st.st_uid;
	spec->gid = st.st_gid;
	spec->mode = st.st_mode & 07777;
}

mode_t mount_default_mode(mode_t device)
{
	return device | (device & 0444) >> 2;
}

int parse_mount_mode(const char *text, mode_t *mode, char *message, size_t room)
{
	unsigned long value;
	char *end;

	value = strtoul(text, &end, 8);
	if (!isdigit((unsigned char)*text) || *end || value & ~01777UL) {
		snprintf(message, room, "'%s' is not within 01777, in octal", text);
		return -EINVAL;
	}
	*mode = value;
	return 0;
}

int mount_check_module(struct vpool *vp, struct failure *failure)
{
	unsigned int version;
	int err = vpool_abi_version(vp, &version);

	if (err)
		return failure_set_handle(failure, vp, err);
	if (version < FILES_ABI_VERSION)
		return failure_set(failure, -ENODEV, VPOOL_LIB_CALL_UNKNOWN,
				   "the loaded module has no files: its ABI version is %u, and files need version %d",
				   version, FILES_ABI_VERSION);
	return 0;
}

int mount_check_dir(const struct mounts *mounts, const char *dir,
		    struct failure *failure)
{
	const struct mount_point *at = mounts_at(mounts, dir);
	struct stat st;

	if (at && at->dead)
		return failure_set(failure, -EBUSY, TOOL_MOUNT_OCCUPIED,
				   "pool '%s', which is destroyed, is still mounted at %s",
				   at->pool, dir);
	if (at && at->pool)
		return failure_set(failure, -EBUSY, TOOL_MOUNT_OCCUPIED,
				   "pool '%s' is mounted at %s already", at->pool,
				   dir);
	if (at)
		return failure_set(failure, -EBUSY, TOOL_MOUNT_OCCUPIED,
				   "a filesystem (%s) is mounted at %s already",
				   at->type, dir);
	if (stat(dir, &st) && errno == ENOENT)
		return failure_set(failure, -ENOENT, TOOL_MOUNT_NO_DIRECTORY,
				   "directory %s does not exist", dir);
	if (stat(dir, &st))
		return failure_set(failure, -errno, errno_code(errno), "%s: %s",
				   dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return failure_set(failure, -ENOTDIR, TOOL_MOUNT_NO_DIRECTORY,
				   "%s is not a directory", dir);
	return 0;
}

static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool empty = true;

	while (dir && empty && (entry = readdir(dir)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	if (dir)
		closedir(dir);
	return empty;
}

static int busy(const char *dir, const char *users, struct failure *failure)
{
	return failure_set(failure, -EBUSY, TOOL_MOUNT_BUSY, "%s is in use: %s", dir,
			   users ? users :
			   "the kernel has a file of it open, such as a loop device or swap");
}

int mount_check_idle(const struct mounts *mounts, const struct mount_point *mp,
		     struct failure *failure)
{
	char *users = mount_users(mounts, mp);
	int err = 0;

	if (users)
		err = busy(mp->dir, users, failure);
	else if (!is_empty(mp->dir))
		err = failure_set(failure, -EBUSY, TOOL_MOUNT_BUSY,
				  "%s has files, which unmounting deletes", mp->dir);
	free(users);
	return err;
}

/* Return the kernel's messages about a failure, joined, for free(3); NULL if there are none. */
static char *kernel_text(int fs)
{
	char line[512], *text = NULL, *longer;
	ssize_t len;

	while ((len = read(fs, line, sizeof(line) - 1)) > 0) {
		const char *message = line;

		line[len] = '\0';
		line[strcspn(line, "\n")] = '\0';
		/* Notes and warnings begin with another letter. */
		if (strncmp(message, "e ", 2))
			continue;
		message += 2;
		if (!strncmp(message, "vpool: ", strlen("vpool: ")))
			message += strlen("vpool: ");
		longer = text ? xprintf("%s; %s", text, message) : xstrdup(message);
		free(text);
		text = longer;
	}
	return text;
}

static int mount_code(int err)
{
	switch (err) {
	case EPERM:
		return VPOOL_CODE_NOT_PERMITTED;
	case ENODEV:
		return VPOOL_LIB_CALL_UNKNOWN;
	default:
		return TOOL_MOUNT_REFUSED;
	}
}

/* Set @failure to the error in errno, with the kernel's text. Return the negative errno. */
static int mount_failed(int fs, const char *dir, struct failure *failure)
{
	int err = errno;
	char *text = fs >= 0 ? kernel_text(fs) : NULL;

	failure_set(failure, -err, mount_code(err), "%s: %s", dir,
		    text ? text : strerror(err));
	free(text);
	return -err;
}

static int set(int fs, const char *key, const char *value)
{
	return syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0);
}

static int set_id(int fs, const char *key, unsigned int id)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", id);
	return set(fs, key, text);
}

static int set_mode(int fs, mode_t mode)
{
	char text[16];

	snprintf(text, sizeof(text), "%o", mode);
	return set(fs, "mode", text);
}

static int set_options(int fs, const char *pool, const struct mount_spec *spec)
{
	/* The source is a name for the list of mounts only. */
	int err = set(fs, "source", pool);

	if (!err)
		err = set(fs, "pool", pool);
	if (!err && spec->uid != OWNER_OF_POOL)
		err = set_id(fs, "uid", spec->uid);
	if (!err && spec->gid != OWNER_OF_POOL)
		err = set_id(fs, "gid", spec->gid);
	if (!err && spec->mode != MODE_OF_POOL)
		err = set_mode(fs, spec->mode);
	if (!err && spec->hugetlbfs)
		err = set(fs, "f_type", "hugetlbfs");
	return err;
}

/* Create the filesystem and attach it to the directory. Return 0, or -1 with errno set. */
static int attach(int fs, const char *dir)
{
	int mount, err;

	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -1;
	mount = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, ATTRIBUTES);
	if (mount < 0)
		return -1;
	err = syscall(SYS_move_mount, mount, "", AT_FDCWD, dir,
		      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
	if (err) {
		err = errno;
		close(mount);
		errno = err;
		return -1;
	}
	close(mount);
	return 0;
}

int mount_pool(const char *pool, const struct mount_spec *spec,
	       struct failure *failure)
{
	int fs = syscall(SYS_fsopen, "vpool", FSOPEN_CLOEXEC), err = 0;

	if (fs < 0)
		return mount_failed(fs, spec->dir, failure);
	if (set_options(fs, pool, spec) || attach(fs, spec->dir))
		err = mount_failed(fs, spec->dir, failure);
	close(fs);
	return err;
}

/* Describe why the kernel refused to unmount a directory. */
static int unmount_failed(const char *dir, int err, struct failure *failure)
{
	const struct mount_point *mp;
	struct mounts mounts;
	char *users = NULL;

	if (err == EPERM)
		return failure_set(failure, -err, VPOOL_CODE_NOT_PERMITTED,
				   "unmounting needs CAP_SYS_ADMIN in the initial user namespace");
	if (err != EBUSY)
		return failure_set(failure, -err, errno_code(err), "%s: %s", dir,
				   strerror(err));
	mounts_read(&mounts);
	mp = mounts_at(&mounts, dir);
	if (mp)
		users = mount_users(&mounts, mp);
	busy(dir, users, failure);
	free(users);
	mounts_free(&mounts);
	return -err;
}

int unmount_dir(const char *dir, struct failure *failure)
{
	if (syscall(SYS_umount2, dir, UMOUNT_NOFOLLOW))
		return unmount_failed(dir, errno, failure);
	return 0;
}

int mount_adjust(const struct mount_spec *spec, struct failure *failure)
{
	if (chown(spec->dir, spec->uid, spec->gid) || chmod(spec->dir, spec->mode))
		return failure_set(failure, -errno, errno_code(errno), "%s: %s",
				   spec->dir, strerror(errno));
	return 0;
}
