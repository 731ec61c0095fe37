// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Handles: open the control device or a pool's device, and call the module.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "handle.h"
#include "reason.h"

#ifndef VPOOL_VERSION
#define VPOOL_VERSION "0"
#endif

/* Default of /proc/sys/kernel/overflowuid, the uid of users without a mapping. */
#define OVERFLOW_UID 65534

#define NAME_FIRST "abcdefghijklmnopqrstuvwxyz0123456789"

const char *vpool_version(void)
{
	return VPOOL_VERSION;
}

/* Return a directory. Tests replace it; programs that gain privilege ignore the variable. */
static const char *directory(const char *variable, const char *standard)
{
	const char *path = secure_getenv(variable);

	return path && *path ? path : standard;
}

const char *vpool_dev_dir(void)
{
	return directory("VPOOL_DEV_DIR", "/dev/vpool");
}

const char *vpool_sysfs_dir(void)
{
	return directory("VPOOL_SYSFS_DIR", "/sys/kernel/vpool");
}

bool vpool_name_is_valid(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	return len && len <= VPOOL_NAME_MAX && strchr(NAME_FIRST, *name) &&
	       strspn(name, NAME_FIRST "._-") == len &&
	       strcmp(name, "control");
}

int vpool_call(struct vpool *vp, unsigned long cmd, void *arg)
{
	int err;

	if (vp->kind == VPOOL_KIND_NONE)
		return -EBADF;
	if (vp->kind == VPOOL_KIND_SYSFS)
		return vpool_set_error(vp, EACCES, VPOOL_LIB_CONTROL_DENIED,
				       "only root may create, change or destroy pools");
	if (!ioctl(vp->fd, cmd, arg))
		return 0;
	err = errno;
	if (err == ENOTTY)
		return vpool_set_error(vp, err, VPOOL_LIB_CALL_UNKNOWN,
				       "the vpool module does not know this call, or not on this device");
	return vpool_set_kernel_error(vp, err);
}

int vpool_set_name(struct vpool *vp, char *to, const char *name)
{
	if (!name && vp->kind != VPOOL_KIND_POOL)
		return vpool_set_no_name(vp);
	if (name && strlen(name) >= VPOOL_NAME_SIZE)
		return vpool_set_error(vp, EINVAL, VPOOL_CODE_NAME_INVALID,
				       "the name '%.40s...' is longer than %d characters",
				       name, VPOOL_NAME_MAX);
	snprintf(to, VPOOL_NAME_SIZE, "%s", name ? name : "");
	return 0;
}

static int new_handle(struct vpool **ret)
{
	struct vpool *vp = calloc(1, sizeof(*vp));

	*ret = vp;
	if (!vp)
		return -ENOMEM;
	vp->fd = -1;
	pthread_mutex_init(&vp->lock, NULL);
	return 0;
}

void vpool_close(struct vpool *vp)
{
	if (!vp)
		return;
	if (vp->fd >= 0)
		close(vp->fd);
	pthread_mutex_destroy(&vp->lock);
	free(vp);
}

int vpool_fd(const struct vpool *vp)
{
	return vp->fd;
}

static bool module_loaded(void)
{
	return !access(vpool_sysfs_dir(), F_OK);
}

static int no_module(struct vpool *vp)
{
	return vpool_set_error(vp, VPOOL_NO_MODULE, VPOOL_LIB_NO_MODULE,
			       "the vpool module is not loaded: run 'modprobe vpool' or 'insmod vpool.ko'");
}

static int control_failed(struct vpool *vp, const char *path, int err)
{
	switch (err) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		if (!module_loaded())
			return no_module(vp);
		return vpool_set_error(vp, err, VPOOL_LIB_NO_DEVICE,
				       "the vpool module is loaded, but %s is missing: is /dev a devtmpfs?",
				       path);
	case EACCES:
	case EPERM:
		return vpool_set_error(vp, EACCES, VPOOL_LIB_CONTROL_DENIED,
				       "only root may create, change or destroy pools (%s: %s)",
				       path, strerror(err));
	default:
		return vpool_set_error(vp, err, VPOOL_LIB_SYSTEM, "%s: %s",
				       path, strerror(err));
	}
}

int vpool_open_control(struct vpool **ret)
{
	char path[4096];
	int err;

	err = new_handle(ret);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/control", vpool_dev_dir());
	(*ret)->fd = open(path, O_RDWR | O_CLOEXEC);
	if ((*ret)->fd < 0)
		return control_failed(*ret, path, errno);
	(*ret)->kind = VPOOL_KIND_CONTROL;
	return 0;
}

int vpool_open_reader(struct vpool **ret)
{
	int err;

	err = vpool_open_control(ret);
	if (!err || err == -ENOMEM || err == -VPOOL_NO_MODULE)
		return err;
	if (!module_loaded())
		return no_module(*ret);
	vpool_clear_error(*ret);
	(*ret)->kind = VPOOL_KIND_SYSFS;
	return 0;
}

int vpool_open_sysfs(struct vpool **ret)
{
	int err;

	err = new_handle(ret);
	if (err)
		return err;
	if (!module_loaded())
		return no_module(*ret);
	(*ret)->kind = VPOOL_KIND_SYSFS;
	return 0;
}

/*
 * Tell whether the owner and mode of the device allow the open. If they do, a security
 * module denied it.
 */
static bool mode_allows(const char *path, const struct stat *st)
{
	/* In a user namespace, all users without a mapping have this uid. */
	bool owner = st->st_uid == geteuid() && st->st_uid != OVERFLOW_UID;

	return !faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) ||
		(owner && (st->st_mode & 0600) == 0600);
}

/* Report why a device cannot be opened, with its owner and mode where they deny it. */
static int not_allowed(struct vpool *vp, const char *path)
{
	struct passwd pw, *user = NULL;
	struct group gr, *group = NULL;
	char users[4096], groups[4096];
	struct statvfs fs;
	struct stat st;

	if (stat(path, &st))
		return vpool_set_error(vp, EACCES, VPOOL_LIB_POOL_DENIED,
				       "you may not open %s, nor see its owner: if a security module (AppArmor, SELinux) denies it, the rule is in dmesg or in the audit log",
				       path);
	if (!statvfs(path, &fs) && fs.f_flag & ST_NODEV)
		return vpool_set_error(vp, EACCES, VPOOL_LIB_MOUNTED_NODEV,
				       "%s is on a file system that is mounted without devices (nodev), as in a container: pass the device on to it",
				       path);
	if (mode_allows(path, &st))
		return vpool_set_error(vp, EACCES, VPOOL_LIB_SECURITY_MODULE,
				       "a security module (AppArmor, SELinux) does not let this program open %s: the rule is in dmesg or in the audit log",
				       path);
	getpwuid_r(st.st_uid, &pw, users, sizeof(users), &user);
	getgrgid_r(st.st_gid, &gr, groups, sizeof(groups), &group);
	return vpool_set_error(vp, EACCES, VPOOL_LIB_POOL_DENIED,
			       "you may not open %s: it belongs to %s:%s (%u:%u), mode %04o",
			       path, user ? user->pw_name : "?",
			       group ? group->gr_name : "?", st.st_uid,
			       st.st_gid, st.st_mode & 07777);
}

static int pool_failed(struct vpool *vp, const char *path, int err)
{
	char dir[4096];

	switch (err) {
	case ENOENT:
		if (!module_loaded())
			return no_module(vp);
		snprintf(dir, sizeof(dir), "%s/pools/%s", vpool_sysfs_dir(),
			 vp->name);
		if (access(dir, F_OK))
			return vpool_set_no_pool(vp, vp->name);
		return vpool_set_error(vp, err, VPOOL_LIB_NO_DEVICE,
				       "pool '%s' is there, but not %s: it is being created or destroyed, or /dev is not a devtmpfs",
				       vp->name, path);
	case EACCES:
	case EPERM:
		return not_allowed(vp, path);
	case ENODEV:
	case ENXIO:
		return vpool_set_error(vp, ENXIO, VPOOL_CODE_POOL_TRANSIENT,
				       "pool '%s' is being created or destroyed",
				       vp->name);
	case ENOSPC:
		return vpool_set_error(vp, err, VPOOL_LIB_TOO_MANY_REGIONS,
				       "pool '%s' has as many regions as it may have (max_regions); 'vpoolctl regions %s' shows who uses them",
				       vp->name, vp->name);
	case EDQUOT:
		return vpool_set_error(vp, err, VPOOL_CODE_USER_REGIONS,
				       "you have as many regions of pool '%s' as each user may have",
				       vp->name);
	default:
		return vpool_set_error(vp, err, VPOOL_LIB_SYSTEM, "%s: %s",
				       path, strerror(err));
	}
}

int vpool_open(const char *name, struct vpool **ret)
{
	struct vpool *vp;
	char path[4096];
	int err;

	err = new_handle(ret);
	if (err)
		return err;
	vp = *ret;
	if (!vpool_name_is_valid(name))
		return vpool_set_bad_name(vp, name);
	snprintf(vp->name, sizeof(vp->name), "%s", name);
	snprintf(path, sizeof(path), "%s/%s", vpool_dev_dir(), name);
	vp->fd = open(path, O_RDWR | O_CLOEXEC);
	if (vp->fd < 0)
		return pool_failed(vp, path, errno);
	vp->kind = VPOOL_KIND_POOL;
	return 0;
}

/* Detect the device that @fd is open on, and read the name of its pool. */
static int detect_kind(struct vpool *vp, int fd)
{
	struct vpool_list list = { .size = sizeof(list) };
	struct vpool_query query = { .size = sizeof(query) };

	/* The control device lists pools. The device of a pool does not know that call. */
	if (!ioctl(fd, VPOOL_LIST, &list) || errno == EMSGSIZE) {
		vp->kind = VPOOL_KIND_CONTROL;
		return 0;
	}
	if (errno == ENOTTY && !ioctl(fd, VPOOL_QUERY, &query)) {
		vp->kind = VPOOL_KIND_POOL;
		snprintf(vp->name, sizeof(vp->name), "%s", query.name);
		return 0;
	}
	return -errno;
}

int vpool_adopt(int fd, struct vpool **ret)
{
	struct vpool *vp;
	int err, flags;

	err = new_handle(ret);
	if (err)
		return err;
	vp = *ret;
	flags = fcntl(fd, F_GETFD);
	err = flags < 0 ? -errno : detect_kind(vp, fd);
	if (err == -ENOTTY)
		return vpool_set_error(vp, ENOTTY, VPOOL_LIB_WRONG_DESCRIPTOR,
				       "descriptor %d is not open on a vpool device or a file of a pool",
				       fd);
	if (err)
		return vpool_set_error(vp, -err, VPOOL_LIB_SYSTEM,
				       "descriptor %d: %s", fd, strerror(-err));
	fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
	vp->fd = fd;
	return 0;
}
