// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A record of the files that stand for anonymous memory.
 *
 * The record has the device and the inode number of each file. The kernel's list of
 * mappings tells where they are mapped now. A file that is mapped nowhere has no user,
 * because its descriptor is closed. Its record is dropped when the table is full.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "heap/raw.h"
#include "heap/served.h"

/**
 * struct served - a file
 * @dev: its device
 * @ino: its inode number
 * @kind: what it stands for
 * @seen: it is mapped; for drop_unmapped()
 */
struct served {
	dev_t dev;
	ino_t ino;
	enum heap_kind kind;
	bool seen;
};

/* The table has its own mapping: malloc(3) can be the caller of mmap(2). */
static struct served *table;
static size_t nr_served, nr_room;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Bounds of all mappings that were ever served. They only grow. */
static atomic_uintptr_t lowest = UINTPTR_MAX, highest;

void heap_served_lock(void)
{
	pthread_mutex_lock(&lock);
}

void heap_served_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

void heap_served_reset_lock(void)
{
	pthread_mutex_init(&lock, NULL);
}

static struct served *find(dev_t dev, ino_t ino)
{
	size_t i;

	for (i = 0; i < nr_served; i++)
		if (table[i].ino == ino && table[i].dev == dev)
			return &table[i];
	return NULL;
}

static bool mark(const struct heap_area *area, void *data)
{
	struct served *served = find(area->dev, area->ino);

	(void)data;
	if (served)
		served->seen = true;
	return true;
}

static void drop_unmapped(void)
{
	size_t i, nr = 0;

	for (i = 0; i < nr_served; i++)
		table[i].seen = false;
	if (!heap_maps_walk(mark, NULL))
		return;
	for (i = 0; i < nr_served; i++)
		if (table[i].seen)
			table[nr++] = table[i];
	nr_served = nr;
}

static bool grow(void)
{
	size_t room = nr_room ? 2 * nr_room : 256;
	struct served *larger;

	larger = raw_mmap(NULL, room * sizeof(*larger), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (larger == MAP_FAILED)
		return false;
	if (nr_served)
		memcpy(larger, table, nr_served * sizeof(*table));
	if (table)
		raw_munmap(table, nr_room * sizeof(*table));
	table = larger;
	nr_room = room;
	return true;
}

static bool make_room(void)
{
	if (nr_served < nr_room)
		return true;
	drop_unmapped();
	return nr_served < nr_room / 2 || grow();
}

static void extend_bounds(const void *addr, size_t len)
{
	uintptr_t start = (uintptr_t)addr, end = start + len;

	if (start < lowest)
		lowest = start;
	if (end > highest)
		highest = end;
}

bool heap_served_add(int fd, const void *addr, size_t len, enum heap_kind kind)
{
	struct served *served;
	struct stat st;

	if (fstat(fd, &st))
		return false;
	/* The number of a file that is gone can be given to a new one. */
	served = find(st.st_dev, st.st_ino);
	if (!served && !make_room())
		return false;
	if (!served)
		served = &table[nr_served++];
	*served = (struct served) {
		.dev = st.st_dev, .ino = st.st_ino, .kind = kind,
	};
	extend_bounds(addr, len);
	return true;
}

enum heap_kind heap_served_kind(const struct heap_area *area)
{
	struct served *served = find(area->dev, area->ino);

	return served ? served->kind : HEAP_NONE;
}

bool heap_served_may_have(const void *addr, size_t len)
{
	uintptr_t start = (uintptr_t)addr;

	return start < highest && start + len > lowest;
}

/**
 * struct search - a search for the mapping of an address
 * @addr: the address
 * @area: the mapping
 * @found: it was found
 */
struct search {
	uintptr_t addr;
	struct heap_area *area;
	bool found;
};

static bool compare(const struct heap_area *area, void *data)
{
	struct search *search = data;

	if (search->addr < area->start || search->addr >= area->end)
		return search->addr >= area->end;
	*search->area = *area;
	search->found = true;
	return false;
}

enum heap_kind heap_served_find(const void *addr, struct heap_area *area)
{
	struct search search = { .addr = (uintptr_t)addr, .area = area };
	enum heap_kind kind = HEAP_NONE;

	heap_served_lock();
	if (heap_maps_walk(compare, &search) && search.found)
		kind = heap_served_kind(area);
	heap_served_unlock();
	return kind;
}

bool heap_served_any_private(void)
{
	size_t i;

	for (i = 0; i < nr_served; i++)
		if (table[i].kind == HEAP_IS_PRIVATE)
			return true;
	return false;
}
