// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The mappings of this process.
 *
 * The kernel's list is the only one that is right. A program can unmap a part of a
 * mapping, move it or map something over it, in libc too, where a library cannot notice.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "heap/maps.h"

/* The fields before the path take at most 73 bytes on a host with 64 bits. */
#define FIELDS_SIZE 96

static int parse_prot(const char *text)
{
	return (text[0] == 'r' ? PROT_READ : 0) | (text[1] == 'w' ? PROT_WRITE : 0) |
	       (text[2] == 'x' ? PROT_EXEC : 0);
}

/* Parse "START-END PERMS OFFSET MAJOR:MINOR INODE"; return false for a private mapping. */
static bool parse(const char *line, struct heap_area *area)
{
	unsigned long major;
	char *at;

	area->start = strtoul(line, &at, 16);
	if (*at != '-')
		return false;
	area->end = strtoul(at + 1, &at, 16);
	if (strlen(at) < strlen(" rwxs ") || at[4] != 's')
		return false;
	area->prot = parse_prot(at + 1);
	strtoul(at + strlen(" rwxs "), &at, 16);
	major = strtoul(at, &at, 16);
	if (*at != ':')
		return false;
	area->dev = makedev(major, strtoul(at + 1, &at, 16));
	area->ino = strtoul(at, NULL, 10);
	return true;
}

/**
 * struct walk - the state of a walk
 * @line: the fields of the current line
 * @len: their length; the path is dropped
 * @each: function of the caller
 * @data: its argument
 */
struct walk {
	char line[FIELDS_SIZE];
	size_t len;
	bool (*each)(const struct heap_area *area, void *data);
	void *data;
};

/* Take the next character of the list. Return false to end the walk. */
static bool take(struct walk *walk, char c)
{
	struct heap_area area;

	if (c != '\n') {
		if (walk->len < sizeof(walk->line) - 1)
			walk->line[walk->len++] = c;
		return true;
	}
	walk->line[walk->len] = '\0';
	walk->len = 0;
	return !parse(walk->line, &area) || walk->each(&area, walk->data);
}

static bool walk_descriptor(int fd, struct walk *walk)
{
	char buf[4096];
	ssize_t i, len;

	for (;;) {
		do
			len = read(fd, buf, sizeof(buf));
		while (len < 0 && errno == EINTR);
		if (len <= 0)
			return !len;
		for (i = 0; i < len; i++)
			if (!take(walk, buf[i]))
				return true;
	}
}

bool heap_maps_walk(bool (*each)(const struct heap_area *area, void *data), void *data)
{
	struct walk walk = { .each = each, .data = data };
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = walk_descriptor(fd, &walk);
	close(fd);
	return done;
}
