// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Memory of the pool.
 *
 * Each request gets another file (VPOOL_FILE). The memory is committed before the
 * request returns, and the pool has it back when the last descriptor and the last mapping
 * are gone. The kernel does this also for a process that is killed.
 *
 * The device is opened for each request. A descriptor that is kept would be closed by
 * programs that close all of theirs, and could then be a file of the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vpool.h>

#include "heap/pool.h"
#include "heap/raw.h"
#include "heap/settings.h"

/* Size of a huge page for a request that names none, as on most hosts. */
#define DEFAULT_HUGE_PAGE (2UL << 20)

static enum heap_reason reason_of(int err)
{
	switch (err) {
	case ENOMEM:
	case ENOSPC:
	case EDQUOT:
		return HEAP_NO_MEMORY;
	case EMFILE:
	case ENFILE:
		return HEAP_OTHER;
	default:
		return HEAP_NO_POOL;
	}
}

/* Return the page size of the pool of a descriptor, or 0 if it is not one of a pool. */
static __u64 page_size(int fd)
{
	struct vpool_query query = { .size = sizeof(query) };

	return ioctl(fd, VPOOL_QUERY, &query) ? 0 : query.page_size;
}

/*
 * Check the page size of the pool against the one that the flags of a request ask for. A
 * request without a size can have any huge page.
 */
static bool fits(__u64 has, unsigned int flags, size_t *page)
{
	unsigned int shift = flags >> HEAP_HUGE_SHIFT & HEAP_HUGE_MASK;

	*page = shift ? 1UL << shift : DEFAULT_HUGE_PAGE;
	if (!shift && has > (__u64)sysconf(_SC_PAGESIZE)) {
		if (has < *page)
			*page = has;
		return true;
	}
	return has == *page;
}

static enum heap_reason create_on(int device, unsigned int flags, struct heap_file *file)
{
	struct vpool_file args = {
		.size = sizeof(args),
		.flags = VPOOL_FILE_CLOEXEC,
	};
	__u64 has = page_size(device);

	if (!has)
		return HEAP_NO_POOL;
	if (!fits(has, flags, &file->page))
		return HEAP_PAGE_SIZE;
	if (ioctl(device, VPOOL_FILE, &args))
		return reason_of(errno);
	file->fd = args.out_fd;
	return HEAP_SERVED;
}

enum heap_reason heap_file_create(unsigned int flags, struct heap_file *file)
{
	const struct heap_settings *settings = heap_settings();
	enum heap_reason reason;
	int device;

	if (!*settings->pool)
		return HEAP_NO_POOL;
	device = open(settings->device, O_RDWR | O_CLOEXEC);
	if (device < 0)
		return reason_of(errno);
	reason = create_on(device, flags, file);
	close(device);
	return reason;
}

enum heap_reason heap_file_commit(struct heap_file *file, size_t bytes)
{
	enum heap_reason reason;
	int err;

	do
		err = ftruncate(file->fd, bytes) ? errno : 0;
	while (err == EINTR);
	if (!err)
		return HEAP_SERVED;
	reason = err == EFBIG ? HEAP_NO_MEMORY : reason_of(err);
	close(file->fd);
	return reason;
}

size_t heap_round_up(size_t bytes, size_t page)
{
	return bytes > SIZE_MAX - page ? 0 : (bytes + page - 1) & ~(page - 1);
}

/* Find a free range of addresses that begins at a multiple of @page, and keep it. */
static void *reserve(size_t len, size_t page)
{
	uintptr_t begin, start;
	void *area;

	if (len > SIZE_MAX - page)
		return MAP_FAILED;
	area = raw_mmap(NULL, len + page, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		return area;
	begin = (uintptr_t)area;
	start = (begin + page - 1) & ~(page - 1);
	if (start > begin)
		raw_munmap(area, start - begin);
	if (begin + page > start)
		raw_munmap((void *)(start + len), begin + page - start);
	return (void *)start;
}

static bool is_aligned(const void *addr, size_t page)
{
	return !((uintptr_t)addr & (page - 1));
}

void *heap_file_map(const struct heap_file *file, void *addr, size_t len, int prot,
		    int flags)
{
	void *mapped, *area;
	int err;

	mapped = raw_mmap(addr, len, prot, flags, file->fd, 0);
	if (mapped == MAP_FAILED || is_aligned(mapped, file->page) ||
	    flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		return mapped;
	raw_munmap(mapped, len);
	area = reserve(len, file->page);
	if (area == MAP_FAILED)
		return area;
	mapped = raw_mmap(area, len, prot, flags | MAP_FIXED, file->fd, 0);
	if (mapped == MAP_FAILED) {
		err = errno;
		raw_munmap(area, len);
		errno = err;
	}
	return mapped;
}

bool heap_is_file(int fd)
{
	return page_size(fd);
}
