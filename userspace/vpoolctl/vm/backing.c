// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of a pool for memory that a virtual machine can return.
 *
 * The region of a device has a fixed size, so a machine can only return the memory of a
 * file. ftruncate(2) would commit the whole file. So vpoolctl creates the file sparse,
 * and QEMU inherits it: QEMU does not change the size of a file that has one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "output/messages.h"
#include "output/units.h"
#include "vm/backing.h"
#include "vm/user.h"

/* QEMU's descriptor of the first file. */
#define QEMU_FILES_FD 101
/* vpoolctl's descriptors are above all of QEMU's, so that moving one overwrites none. */
#define FILES_FD 256
#define PATH_FORMAT "/proc/self/fd/"

void backing_init(struct backing *backing)
{
	size_t i;

	for (i = 0; i < BACKING_FILES; i++)
		backing->fd[i] = -1;
}

void backing_close(struct backing *backing)
{
	size_t i;

	for (i = 0; i < BACKING_FILES; i++)
		if (backing->fd[i] >= 0)
			close(backing->fd[i]);
	backing_init(backing);
}

/* Set the size of an empty file: allocate its last page, and return that. */
static int make_sparse(int fd, __u64 bytes, __u64 page_size)
{
	off_t last = bytes - page_size;

	if (fallocate(fd, 0, last, page_size) ||
	    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, last,
		      page_size))
		return -errno;
	return 0;
}

static int create_file(struct vpool *pool, int *ret)
{
	int fd, err;

	err = vpool_file_create(pool, VPOOL_FILE_CLOEXEC, &fd);
	if (err)
		return err;
	*ret = fcntl(fd, F_DUPFD_CLOEXEC, FILES_FD);
	err = *ret < 0 ? -errno : 0;
	close(fd);
	return err;
}

/* Report that a file could not get its size. */
static void size_failed(const struct invocation *inv, const char *name,
			const char *pool, __u64 bytes, int err)
{
	char size[SIZE_TEXT];

	if (err == -EFBIG)
		cmd_error(inv, name, VPOOL_CODE_FILE_TOO_LARGE,
			  "%s in one file is more than 16 times the memory of pool '%s'",
			  format_size(bytes, size), pool);
	else if (err == -ENOSPC)
		cmd_error(inv, name, TOOL_VM_POOL_SHORT,
			  "pool '%s' has no free page", pool);
	else
		cmd_error(inv, name, errno_code(-err),
			  "cannot set the size of a file of pool '%s' to %s: %s",
			  pool, format_size(bytes, size), strerror(-err));
}

int backing_add(const struct invocation *inv, const char *name,
		struct vpool *pool, struct backing *backing, size_t nr,
		__u64 bytes)
{
	struct vpool_info *info;
	int err;

	err = vpool_query(pool, NULL, &info);
	if (err) {
		handle_error(inv, name, pool, err);
		return -1;
	}
	err = create_file(pool, &backing->fd[nr]);
	if (err) {
		handle_error(inv, name, pool, err);
	} else {
		err = make_sparse(backing->fd[nr], bytes, info->page_size);
		if (err)
			size_failed(inv, name, info->name, bytes, err);
	}
	vpool_info_free(info);
	return err ? -1 : 0;
}

int backing_give(const struct backing *backing, const struct vm_user *user)
{
	size_t i;

	for (i = 0; user->name && i < BACKING_FILES; i++)
		if (backing->fd[i] >= 0 && fchown(backing->fd[i], user->uid, user->gid))
			return -errno;
	return 0;
}

int backing_inherit(const struct backing *backing)
{
	size_t i;

	for (i = 0; i < BACKING_FILES; i++)
		if (backing->fd[i] >= 0 &&
		    dup2(backing->fd[i], QEMU_FILES_FD + i) < 0)
			return -errno;
	return 0;
}

char *backing_path(size_t nr)
{
	return xprintf(PATH_FORMAT "%zu", QEMU_FILES_FD + nr);
}

bool backing_is_path(const char *path)
{
	return !strncmp(path, PATH_FORMAT, strlen(PATH_FORMAT));
}
