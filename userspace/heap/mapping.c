// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mmap(2), munmap(2), mremap(2) and madvise(2) for anonymous memory in huge pages.
 *
 * A pool refuses private mappings, so private memory is a shared mapping, too. Nothing
 * differs while one process has it. fork.c gives a child a copy.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "heap/count.h"
#include "heap/pool.h"
#include "heap/raw.h"
#include "heap/served.h"
#include "heap/settings.h"

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

/* The flags that mean the same for a mapping of a file. */
#define KEPT_FLAGS (MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_LOCKED | MAP_NONBLOCK | \
		    MAP_NORESERVE | MAP_POPULATE | MAP_32BIT)

static bool is_private(int flags)
{
	return (flags & MAP_TYPE) == MAP_PRIVATE;
}

static bool is_request(int flags)
{
	int type = flags & MAP_TYPE;

	return flags & MAP_ANONYMOUS && flags & MAP_HUGETLB && !(flags & MAP_GROWSDOWN) &&
	       (type == MAP_PRIVATE || type == MAP_SHARED || type == MAP_SHARED_VALIDATE);
}

/* A child must not share private memory with its parent. */
static bool keep_private(const struct heap_file *file, void *addr, size_t len, int flags)
{
	bool recorded;

	if (is_private(flags) && raw_madvise(addr, len, MADV_DONTFORK))
		return false;
	heap_served_lock();
	recorded = heap_served_add(file->fd, addr, len,
				   is_private(flags) ? HEAP_IS_PRIVATE : HEAP_IS_SHARED);
	heap_served_unlock();
	return recorded;
}

static void *map_file(const struct heap_file *file, void *addr, size_t len, int prot,
		      int flags)
{
	void *mapped;

	mapped = heap_file_map(file, addr, len, prot, MAP_SHARED | (flags & KEPT_FLAGS));
	if (mapped == MAP_FAILED || keep_private(file, mapped, len, flags))
		return mapped;
	raw_munmap(mapped, len);
	return MAP_FAILED;
}

/* Serve a request. @addr and @len receive the mapping, or MAP_FAILED if that failed. */
static enum heap_reason serve(void **addr, size_t *len, int prot, int flags)
{
	struct heap_file file;
	enum heap_reason reason;

	if (is_private(flags) && heap_settings()->private == HEAP_PRIVATE_HOST)
		return HEAP_NOT_PRIVATE;
	reason = heap_file_create(flags, &file);
	if (reason)
		return reason;
	/* As the kernel does for huge pages, round up the length. */
	*len = heap_round_up(*len, file.page);
	if (!*len || (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) &&
		      (uintptr_t)*addr & (file.page - 1))) {
		close(file.fd);
		return HEAP_OTHER;
	}
	reason = heap_file_commit(&file, *len);
	if (reason)
		return reason;
	*addr = map_file(&file, *addr, *len, prot, flags);
	if (*addr == MAP_FAILED)
		reason = HEAP_OTHER;
	close(file.fd);
	return reason;
}

/* Give the memory of the private areas in a range back before they are unmapped. */
static bool release_area(const struct heap_area *area, void *data)
{
	const struct heap_area *range = data;
	uintptr_t start = area->start > range->start ? area->start : range->start;
	uintptr_t end = area->end < range->end ? area->end : range->end;

	if (start < end && heap_served_kind(area) == HEAP_IS_PRIVATE)
		raw_madvise((void *)start, end - start, MADV_REMOVE);
	return area->start < range->end;
}

/*
 * The file of an area keeps all its memory until the last part of it is unmapped. Private
 * memory has no other user, so a part that is unmapped goes back at once.
 */
static void release(const void *addr, size_t len)
{
	struct heap_area range = {
		.start = (uintptr_t)addr, .end = (uintptr_t)addr + len,
	};
	int err = errno;

	if (!heap_served_may_have(addr, len))
		return;
	heap_served_lock();
	heap_maps_walk(release_area, &range);
	heap_served_unlock();
	errno = err;
}

int munmap(void *addr, size_t len)
{
	release(addr, len);
	return raw_munmap(addr, len);
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	enum heap_call call = is_private(flags) ? HEAP_PRIVATE : HEAP_SHARED;
	enum heap_reason reason;
	int err = errno;
	void *at = addr;
	size_t full = len;

	if (flags & MAP_FIXED)
		release(addr, len);
	if (!is_request(flags) || !len || !*heap_settings()->pool)
		return raw_mmap(addr, len, prot, flags, fd, offset);
	reason = serve(&at, &full, prot, flags);
	heap_count(call, reason, full);
	if (!reason) {
		errno = err;
		return at;
	}
	if (heap_settings()->fallback)
		return raw_mmap(addr, len, prot, flags, fd, offset);
	errno = ENOMEM;
	return MAP_FAILED;
}

void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t offset)
{
	return mmap(addr, len, prot, flags, fd, offset);
}

/* As the kernel does for huge pages, refuse to enlarge a mapping: its file ends there. */
void *mremap(void *addr, size_t len, size_t new_len, int flags, ...)
{
	struct heap_area area;
	void *new_addr = NULL;
	va_list args;

	if (flags & MREMAP_FIXED) {
		va_start(args, flags);
		new_addr = va_arg(args, void *);
		va_end(args);
	}
	if (new_len > len && heap_served_may_have(addr, len) &&
	    heap_served_find(addr, &area)) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	return raw_mremap(addr, len, new_len, flags, new_addr);
}

/*
 * Private memory reads as zeros after MADV_DONTNEED. The mapping of a file would keep its
 * contents. Zero it in place: if the pages went back to the pool, the next access could
 * find none.
 */
static int discard(char *addr, size_t len, const struct heap_area *area)
{
	if ((uintptr_t)addr + len > area->end) {
		errno = ENOMEM;
		return -1;
	}
	if (!(area->prot & PROT_WRITE))
		return raw_madvise(addr, len, MADV_REMOVE);
	memset(addr, 0, len);
	return 0;
}

int madvise(void *addr, size_t len, int advice)
{
	struct heap_area area;

	if ((advice != MADV_DONTNEED && advice != MADV_DOFORK) || !len ||
	    !heap_served_may_have(addr, len) ||
	    heap_served_find(addr, &area) != HEAP_IS_PRIVATE)
		return raw_madvise(addr, len, advice);
	/* A child has private memory anyway, by a copy. */
	return advice == MADV_DOFORK ? 0 : discard(addr, len, &area);
}
