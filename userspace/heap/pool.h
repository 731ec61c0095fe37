/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VPOOL_HEAP_POOL_H
#define VPOOL_HEAP_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/count.h"

/* Bits of MAP_HUGE_SHIFT, SHM_HUGE_SHIFT and MFD_HUGE_SHIFT, which are equal. */
#define HEAP_HUGE_SHIFT 26
#define HEAP_HUGE_MASK 0x3f

/**
 * struct heap_file - a file of the pool without a name
 * @fd: its descriptor, close-on-exec, owned by the caller
 * @page: page size of huge pages that the caller of the request expects, in bytes
 */
struct heap_file {
	int fd;
	size_t page;
};

/*
 * Make a file for a request with these flags, of which only the size of the huge pages
 * matters. Its size is 0. Return HEAP_SERVED, or the cause of the failure.
 */
enum heap_reason heap_file_create(unsigned int flags, struct heap_file *file);

/*
 * Give a file its size in bytes, and commit the memory. Close it on failure. Return
 * HEAP_SERVED, or the cause of the failure.
 */
enum heap_reason heap_file_commit(struct heap_file *file, size_t bytes);

/* Round up to a multiple of a power of two; return 0 on an overflow. */
size_t heap_round_up(size_t bytes, size_t page);

/*
 * Map a file from offset 0 as mmap(2) does, but at an address that is a multiple of its
 * page size if the kernel chooses the address. Return MAP_FAILED with errno set.
 */
void *heap_file_map(const struct heap_file *file, void *addr, size_t len, int prot,
		    int flags);

/* Tell whether a descriptor is open on a file of a pool. */
bool heap_is_file(int fd);

#endif /* VPOOL_HEAP_POOL_H */
