/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VPOOL_HEAP_COUNT_H
#define VPOOL_HEAP_COUNT_H

#include <stddef.h>

/**
 * enum heap_call - kinds of requests
 * @HEAP_SHARED: mmap(2) of shared anonymous memory with MAP_HUGETLB
 * @HEAP_PRIVATE: the same of private memory
 * @HEAP_MEMFD: memfd_create(2) with MFD_HUGETLB
 * @HEAP_SHM: shmget(2) with SHM_HUGETLB
 * @HEAP_FORK: copy of private memory for a child
 * @HEAP_CALLS: number of kinds
 */
enum heap_call {
	HEAP_SHARED,
	HEAP_PRIVATE,
	HEAP_MEMFD,
	HEAP_SHM,
	HEAP_FORK,
	HEAP_CALLS,
};

/**
 * enum heap_reason - causes for which the pool does not serve a request
 * @HEAP_SERVED: the pool serves it
 * @HEAP_NO_POOL: the pool cannot be opened
 * @HEAP_NO_MEMORY: the pool, or the share of the user, has too little free memory
 * @HEAP_PAGE_SIZE: the pool has no pages of the requested size
 * @HEAP_SEALS: files of a pool have no seals
 * @HEAP_KEY: a segment with a key is for unrelated processes
 * @HEAP_NOT_PRIVATE: the settings exclude private memory
 * @HEAP_OTHER: another system call failed
 * @HEAP_REASONS: number of causes
 */
enum heap_reason {
	HEAP_SERVED,
	HEAP_NO_POOL,
	HEAP_NO_MEMORY,
	HEAP_PAGE_SIZE,
	HEAP_SEALS,
	HEAP_KEY,
	HEAP_NOT_PRIVATE,
	HEAP_OTHER,
	HEAP_REASONS,
};

/* Count a request of @bytes, and whether the pool served it. */
void heap_count(enum heap_call call, enum heap_reason reason, size_t bytes);

/* Forget the counts that a child inherits. */
void heap_count_reset(void);

#endif /* VPOOL_HEAP_COUNT_H */
