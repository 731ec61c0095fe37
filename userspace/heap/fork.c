// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Copies of private memory for the child of a fork.
 *
 * Private memory has MADV_DONTFORK, so that no child shares it with its parent by
 * mistake: not after clone(2) or _Fork(3), which call no handler, and not while the
 * handlers run. Before a fork, the parent copies each area to a new file of the pool that
 * the child does inherit. The child moves the copies to the addresses of the originals,
 * and the parent unmaps them.
 *
 * In a process with one thread, the copies are exactly the memory at the fork. Otherwise
 * a write of another thread during the fork may be missing.
 *
 * If the pool is too small, the copy is memory of the host. Without fallback, the child
 * ends at once, because it could do nothing with such memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "heap/count.h"
#include "heap/pool.h"
#include "heap/raw.h"
#include "heap/served.h"
#include "heap/settings.h"

/**
 * struct copy - the copy of an area
 * @area: the original
 * @addr: address of the copy, or MAP_FAILED
 * @pool: the copy is memory of the pool
 */
struct copy {
	struct heap_area area;
	void *addr;
	bool pool;
};

/* The copies during a fork. The lock of served.h guards them. */
static struct copy *copies;
static size_t nr_copies, nr_room;

static bool grow(void)
{
	size_t room = nr_room ? 2 * nr_room : 64;
	struct copy *larger;

	larger = raw_mmap(NULL, room * sizeof(*larger), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (larger == MAP_FAILED)
		return false;
	if (nr_copies)
		memcpy(larger, copies, nr_copies * sizeof(*copies));
	if (copies)
		raw_munmap(copies, nr_room * sizeof(*copies));
	copies = larger;
	nr_room = room;
	return true;
}

static bool list_area(const struct heap_area *area, void *data)
{
	bool *complete = data;

	if (heap_served_kind(area) != HEAP_IS_PRIVATE)
		return true;
	if (nr_copies == nr_room && !grow()) {
		*complete = false;
		return false;
	}
	copies[nr_copies++] = (struct copy) { .area = *area, .addr = MAP_FAILED };
	return true;
}

static size_t length(const struct copy *copy)
{
	return copy->area.end - copy->area.start;
}

/* Map memory of the pool for a copy, and record it as private memory of the child. */
static enum heap_reason take_pool(struct copy *copy)
{
	struct heap_file file;
	enum heap_reason reason = heap_file_create(0, &file);

	if (!reason)
		reason = heap_file_commit(&file, length(copy));
	if (reason)
		return reason;
	copy->addr = heap_file_map(&file, NULL, length(copy), PROT_READ | PROT_WRITE,
				   MAP_SHARED);
	/* The address in the child is within the bounds already. */
	copy->pool = copy->addr != MAP_FAILED &&
		     heap_served_add(file.fd, (void *)copy->area.start, length(copy),
				     HEAP_IS_PRIVATE);
	close(file.fd);
	if (copy->pool)
		return HEAP_SERVED;
	if (copy->addr != MAP_FAILED)
		raw_munmap(copy->addr, length(copy));
	copy->addr = MAP_FAILED;
	return HEAP_OTHER;
}

/* Read memory that this process may not access, through the kernel. */
static bool read_protected(const struct copy *copy)
{
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	ssize_t len = 1;

	if (fd < 0)
		return false;
	while (done < length(copy) && len > 0) {
		len = pread(fd, (char *)copy->addr + done, length(copy) - done,
			    copy->area.start + done);
		if (len > 0)
			done += len;
	}
	close(fd);
	return done == length(copy);
}

/*
 * Let this process read the memory for the time of a copy. The kernel may refuse the way
 * through /proc/self/mem to a process that is not traced. Another thread that touches the
 * memory at that moment does not get its signal.
 */
static bool read_unprotected(const struct copy *copy)
{
	void *start = (void *)copy->area.start;

	if (syscall(SYS_mprotect, start, length(copy), PROT_READ))
		return false;
	memcpy(copy->addr, start, length(copy));
	return !syscall(SYS_mprotect, start, length(copy), copy->area.prot);
}

static void copy_area(struct copy *copy)
{
	enum heap_reason reason = take_pool(copy);

	heap_count(HEAP_FORK, reason, length(copy));
	if (reason && heap_settings()->fallback)
		copy->addr = raw_mmap(NULL, length(copy), PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy->addr == MAP_FAILED)
		return;
	if (copy->area.prot & PROT_READ) {
		memcpy(copy->addr, (void *)copy->area.start, length(copy));
	} else if (!read_protected(copy) && !read_unprotected(copy)) {
		raw_munmap(copy->addr, length(copy));
		copy->addr = MAP_FAILED;
	}
}

/* True if a fork cannot give its child all private memory. */
static bool incomplete;

static void before_fork(void)
{
	bool complete = true;
	int err = errno;
	size_t i;

	heap_served_lock();
	nr_copies = 0;
	incomplete = false;
	if (heap_settings()->private != HEAP_PRIVATE_COPY || !heap_served_any_private())
		return;
	incomplete = !heap_maps_walk(list_area, &complete) || !complete;
	for (i = 0; i < nr_copies; i++) {
		copy_area(&copies[i]);
		if (copies[i].addr == MAP_FAILED)
			incomplete = true;
	}
	errno = err;
}

static void after_in_parent(void)
{
	size_t i;

	for (i = 0; i < nr_copies; i++)
		if (copies[i].addr != MAP_FAILED)
			raw_munmap(copies[i].addr, length(&copies[i]));
	heap_served_unlock();
}

static bool put_in_place(const struct copy *copy)
{
	void *start = (void *)copy->area.start;
	size_t len = length(copy);

	if (raw_mremap(copy->addr, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, start) != start)
		return false;
	if (copy->area.prot != (PROT_READ | PROT_WRITE) &&
	    syscall(SYS_mprotect, start, len, copy->area.prot))
		return false;
	return !copy->pool || !raw_madvise(start, len, MADV_DONTFORK);
}

static void end_child(void)
{
	static const char message[] =
		"vpool-heap: the pool has no memory for the copy that a child process needs\n";
	ssize_t ignored = write(STDERR_FILENO, message, sizeof(message) - 1);

	(void)ignored;
	_exit(127);
}

static void after_in_child(void)
{
	int err = errno;
	size_t i;

	heap_served_reset_lock();
	heap_count_reset();
	if (incomplete)
		end_child();
	for (i = 0; i < nr_copies; i++)
		if (!put_in_place(&copies[i]))
			end_child();
	errno = err;
}

/*
 * Handlers before a fork run in the reverse order of their registration, those in the
 * child in that order. A malloc of a library registers its own after this, so its memory
 * is copied while it holds its locks, and is back before it releases them.
 */
__attribute__((constructor))
static void fork_init(void)
{
	if (*heap_settings()->pool)
		pthread_atfork(before_fork, after_in_parent, after_in_child);
}
