// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * memfd_create(2) with MFD_HUGETLB, and what fstatfs(2) says of such a file.
 *
 * A file of a pool has no seals, so a request for them is not served. A memfd without
 * huge pages is not served either: it is small in most programs, and would take a whole
 * page of the pool.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "heap/count.h"
#include "heap/pool.h"
#include "heap/raw.h"
#include "heap/settings.h"

/* Set once a file was served, after which fstatfs() looks for such files. */
static atomic_bool any_file;

static enum heap_reason serve(unsigned int flags, int *fd)
{
	struct heap_file file;
	enum heap_reason reason;

	if (flags & MFD_ALLOW_SEALING)
		return HEAP_SEALS;
	reason = heap_file_create(flags, &file);
	if (reason)
		return reason;
	if (!(flags & MFD_CLOEXEC) && fcntl(file.fd, F_SETFD, 0)) {
		close(file.fd);
		return HEAP_OTHER;
	}
	any_file = true;
	*fd = file.fd;
	return HEAP_SERVED;
}

int memfd_create(const char *name, unsigned int flags)
{
	enum heap_reason reason;
	int err = errno, fd;

	if (!(flags & MFD_HUGETLB) || !*heap_settings()->pool)
		return raw_memfd_create(name, flags);
	reason = serve(flags, &fd);
	heap_count(HEAP_MEMFD, reason, 0);
	if (!reason) {
		errno = err;
		return fd;
	}
	if (heap_settings()->fallback)
		return raw_memfd_create(name, flags);
	errno = ENOMEM;
	return -1;
}

/*
 * A program that has asked for huge pages checks that it has them. The file system of a
 * pool says the same if it is mounted with f_type=hugetlbfs.
 */
int fstatfs(int fd, struct statfs *buf)
{
	int err = syscall(SYS_fstatfs, fd, buf);

	if (!err && any_file && buf->f_type != HUGETLBFS_MAGIC && heap_is_file(fd))
		buf->f_type = HUGETLBFS_MAGIC;
	return err;
}

/* The structures are equal on hosts with 64 bits. */
int fstatfs64(int fd, struct statfs64 *buf)
{
	return fstatfs(fd, (struct statfs *)buf);
}
