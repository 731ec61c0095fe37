// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/vpool.h>

#include "fs.h"
#include "memory.h"
#include "pool.h"

/* Create a file in the pool of the descriptor @pool. Return the new descriptor. */
int vp_file(int pool, __u32 flags)
{
	struct vpool_file cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.out_fd = -1,
	};
	int err = vp_ioctl(pool, VPOOL_FILE, &cmd);

	return err ?: cmd.out_fd;
}

/* Create a file in a pool by the pool's name. */
int vp_open_file(const char *name)
{
	int pool = vp_open(name), fd;

	if (pool < 0)
		return pool;
	fd = vp_file(pool, VPOOL_FILE_CLOEXEC);
	close(pool);
	return fd;
}

/* Fill @bytes of a pool with a pattern, and give them back. */
int vp_leave_pattern(const char *pool, __u64 bytes, __u64 seed)
{
	int fd = vp_open_file(pool), err;

	if (fd < 0)
		return fd;
	err = vp_file_fill(fd, 0, bytes, seed);
	close(fd);
	return err;
}

int vp_truncate(int fd, __u64 bytes)
{
	return ftruncate(fd, bytes) ? -errno : 0;
}

int vp_allocate(int fd, int mode, __u64 from, __u64 bytes)
{
	return fallocate(fd, mode, from, bytes) ? -errno : 0;
}

int vp_punch(int fd, __u64 from, __u64 bytes)
{
	return vp_allocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from,
			   bytes);
}

/* Return the size of a file, or VP_NONE. */
__u64 vp_file_size(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? VP_NONE : (__u64)st.st_size;
}

/* Return the memory of a file, as st_blocks reports it, or VP_NONE. */
__u64 vp_file_bytes(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? VP_NONE : (__u64)st.st_blocks * 512;
}

ssize_t vp_pread(int fd, void *to, size_t bytes, __u64 from)
{
	ssize_t len = pread(fd, to, bytes, from);

	return len < 0 ? -errno : len;
}

ssize_t vp_pwrite(int fd, const void *from, size_t bytes, __u64 to)
{
	ssize_t len = pwrite(fd, from, bytes, to);

	return len < 0 ? -errno : len;
}

/* Write the pattern of @seed to a part of a file. */
int vp_file_fill(int fd, __u64 from, size_t bytes, __u64 seed)
{
	char *buffer = malloc(bytes);
	ssize_t len;

	if (!buffer)
		return -ENOMEM;
	vp_fill(buffer, bytes, seed);
	len = vp_pwrite(fd, buffer, bytes, from);
	free(buffer);
	return len < 0 ? len : len == bytes ? 0 : -EIO;
}

/* Read a part of a file into a new buffer. Return NULL if that fails. */
static char *read_part(int fd, __u64 from, size_t bytes)
{
	char *buffer = malloc(bytes);

	if (buffer && vp_pread(fd, buffer, bytes, from) == bytes)
		return buffer;
	fprintf(stderr, "# cannot read %zu bytes at %llu of a file\n", bytes, from);
	free(buffer);
	return NULL;
}

bool vp_file_is_filled(int fd, __u64 from, size_t bytes, __u64 seed)
{
	char *buffer = read_part(fd, from, bytes);
	bool filled = buffer && vp_is_filled(buffer, bytes, seed);

	free(buffer);
	return filled;
}

/* Check each byte, unlike vp_is_zero(), which checks words. */
bool vp_file_is_zero(int fd, __u64 from, size_t bytes)
{
	char *buffer = read_part(fd, from, bytes);
	bool zero;

	zero = buffer && !buffer[0] && !memcmp(buffer, buffer + 1, bytes - 1);
	free(buffer);
	return zero;
}

int vp_mount_options(const char *dir, unsigned long flags, const char *options)
{
	return mount("none", dir, "vpool", flags, options) ? -errno : 0;
}

/* Mount a filesystem of a pool. @more are further options, or NULL. */
int vp_mount(const char *dir, const char *pool, const char *more)
{
	char options[256];

	snprintf(options, sizeof(options), "pool=%s%s%s", pool, more ? "," : "",
		 more ?: "");
	return vp_mount_options(dir, 0, options);
}

int vp_umount(const char *dir, int flags)
{
	return umount2(dir, flags) ? -errno : 0;
}

/* Create a file that must not exist. Return its descriptor. */
int vp_create_at(const char *dir, const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}
