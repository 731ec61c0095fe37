// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading and writing small files as a whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/files.h"

char *read_text(const char *path)
{
	size_t room = 4096, len = 0;
	char *text = xcalloc(1, room);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	while (fd >= 0 && (got = read(fd, text + len, room - len - 1)) > 0) {
		len += got;
		if (room - len < 2)
			text = xrealloc(text, room *= 2);
	}
	if (fd >= 0)
		close(fd);
	text[len] = '\0';
	if (!got)
		return text;
	free(text);
	return NULL;
}

static int write_flags(const char *path, const char *text, int flags)
{
	int fd = open(path, flags | O_WRONLY | O_CLOEXEC, 0644);
	size_t len = strlen(text);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (len && write(fd, text, len) != (ssize_t)len)
		err = errno ? -errno : -EIO;
	if (!err && flags && fsync(fd))
		err = -errno;
	close(fd);
	return err;
}

int write_text(const char *path, const char *text)
{
	return write_flags(path, text, 0);
}

int replace_file(const char *path, const char *text)
{
	char *fresh = xprintf("%s~", path);
	int err = write_flags(fresh, text, O_CREAT | O_TRUNC);

	if (!err && rename(fresh, path))
		err = -errno;
	free(fresh);
	return err;
}

void remove_replaced(const char *path)
{
	char *fresh = xprintf("%s~", path);

	unlink(path);
	unlink(fresh);
	free(fresh);
}

int make_dirs(char *path)
{
	char *slash = path;

	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST) {
			*slash = '/';
			return -errno;
		}
		*slash = '/';
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}
