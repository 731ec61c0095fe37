// SPDX-License-Identifier: GPL-2.0-only
/*
 * Output files. rename(2) would replace a device as well, so only a regular file is
 * replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "output/outfile.h"

/* Close @to. Return 0, or a negative errno if any output was lost. */
static int finish(FILE *to)
{
	int err = ferror(to) ? -EIO : 0;

	if (fclose(to))
		err = -errno;
	return err;
}

static int write_into(const char *path, int flags,
		      void (*put)(FILE *to, const void *arg), const void *arg)
{
	int fd = open(path, flags | O_WRONLY | O_NOCTTY | O_CLOEXEC, 0644);
	FILE *to = fd < 0 ? NULL : fdopen(fd, "w");
	int err;

	if (!to) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	put(to, arg);
	return finish(to);
}

static int replace(const char *path, mode_t mode,
		   void (*put)(FILE *to, const void *arg), const void *arg)
{
	char *temp = xprintf("%s.XXXXXX", path);
	int fd = mkstemp(temp), err = 0;
	FILE *to = fd < 0 ? NULL : fdopen(fd, "w");

	if (!to) {
		err = -errno;
	} else {
		put(to, arg);
		if (fchmod(fd, mode))
			err = -errno;
		err = finish(to) ? : err;
		if (!err && rename(temp, path))
			err = -errno;
	}
	if (!to && fd >= 0)
		close(fd);
	if (err && fd >= 0)
		unlink(temp);
	free(temp);
	return err;
}

int write_output(const char *path, void (*put)(FILE *to, const void *arg),
		 const void *arg)
{
	char target[PATH_MAX];
	struct stat st, now;

	if (!strcmp(path, "-")) {
		put(stdout, arg);
		return 0;
	}
	if (stat(path, &st)) {
		if (errno != ENOENT)
			return -errno;
		/* A dangling link stays: create the file that it points to. */
		return lstat(path, &st) ? replace(path, 0644, put, arg) :
					  write_into(path, O_CREAT, put, arg);
	}
	/* A link in procfs has a path only while its file has a name. */
	if (S_ISREG(st.st_mode) && realpath(path, target)) {
		/* realpath() follows links that stat() must not (protected_symlinks). */
		if (lstat(target, &now) || now.st_dev != st.st_dev ||
		    now.st_ino != st.st_ino)
			return -EAGAIN;
		return replace(target, st.st_mode & 0777, put, arg);
	}
	return write_into(path, S_ISREG(st.st_mode) ? O_TRUNC : 0, put, arg);
}
