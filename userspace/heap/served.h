/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VPOOL_HEAP_SERVED_H
#define VPOOL_HEAP_SERVED_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/maps.h"

/**
 * enum heap_kind - what a mapping stands for
 * @HEAP_NONE: it is not from this library
 * @HEAP_IS_SHARED: shared anonymous memory
 * @HEAP_IS_PRIVATE: private anonymous memory
 */
enum heap_kind {
	HEAP_NONE,
	HEAP_IS_SHARED,
	HEAP_IS_PRIVATE,
};

void heap_served_lock(void);
void heap_served_unlock(void);

/* Give the lock its initial state in the child of a fork, in which it was held. */
void heap_served_reset_lock(void);

/*
 * Record the file of anonymous memory that the pool has served, and where it is mapped.
 * Return false if memory for the record ran out. The caller holds the lock.
 */
bool heap_served_add(int fd, const void *addr, size_t len, enum heap_kind kind);

/* Return the kind of a mapping of this process. The caller holds the lock. */
enum heap_kind heap_served_kind(const struct heap_area *area);

/* Tell whether a range could have memory that the pool has served. Needs no lock. */
bool heap_served_may_have(const void *addr, size_t len);

/*
 * Return the kind of the mapping at @addr, and the mapping. Takes the lock.
 */
enum heap_kind heap_served_find(const void *addr, struct heap_area *area);

/* Return true if private memory may exist. The caller holds the lock. */
bool heap_served_any_private(void);

#endif /* VPOOL_HEAP_SERVED_H */
