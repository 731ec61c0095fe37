// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools whose service gets no new work.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "host/drain.h"
#include "host/isolate.h"

/* Return the directory of the files. Tests replace it. */
static const char *folder(void)
{
	const char *dir = getenv("VPOOL_RUN_DIR");

	return dir && *dir ? dir : VPOOL_RUN;
}

static char *drain_path(const char *pool)
{
	return xprintf("%s/%s.drain", folder(), pool);
}

bool drain_is_set(const char *pool)
{
	char *path = drain_path(pool);
	bool set = !access(path, F_OK);

	free(path);
	return set;
}

int drain_set(const char *pool)
{
	char *path = drain_path(pool);
	int fd, err;

	mkdir(folder(), 0755);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	err = fd < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	free(path);
	return err;
}

int drain_clear(const char *pool)
{
	char *path = drain_path(pool);
	int err;

	/* A name with a slash is no pool's, and would lead to another directory. */
	err = strchr(pool, '/') ? -ENOENT : unlink(path) ? -errno : 0;
	free(path);
	return err;
}
