/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VPOOL_HEAP_MAPS_H
#define VPOOL_HEAP_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct heap_area - a mapping of this process, as in /proc/self/maps
 * @start: first address
 * @end: address behind the last one
 * @prot: PROT_* bits
 * @dev: device of the mapped file
 * @ino: inode number of the mapped file, or 0
 */
struct heap_area {
	uintptr_t start;
	uintptr_t end;
	int prot;
	dev_t dev;
	ino_t ino;
};

/*
 * Call @each for all mappings that are shared, in the order of their addresses, until it
 * returns false. The call does not allocate memory. Return false if the mappings cannot
 * be read.
 */
bool heap_maps_walk(bool (*each)(const struct heap_area *area, void *data), void *data);

#endif /* VPOOL_HEAP_MAPS_H */
