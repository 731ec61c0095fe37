// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Read small files of sysfs and procfs.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

static int read_all(int fd, char **text)
{
	size_t room = 4096, len = 0;
	char *buf = malloc(room);
	ssize_t got;

	while (buf) {
		char *more;

		got = read(fd, buf + len, room - len - 1);
		if (got <= 0)
			break;
		len += got;
		if (room - len > 1)
			continue;
		room *= 2;
		more = realloc(buf, room);
		if (!more)
			free(buf);
		buf = more;
	}
	if (!buf)
		return -ENOMEM;
	if (got < 0) {
		int err = errno;

		free(buf);
		return -err;
	}
	while (len && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	*text = buf;
	return 0;
}

int vpool_read_text(int dir, const char *path, char **text)
{
	int fd, err;

	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = read_all(fd, text);
	close(fd);
	return err;
}

int vpool_read_u64(int dir, const char *path, int base, __u64 *value)
{
	char *text, *end;
	int err;

	err = vpool_read_text(dir, path, &text);
	if (err)
		return err;
	errno = 0;
	*value = strtoull(text, &end, base);
	err = errno || end == text ? -EINVAL : 0;
	free(text);
	return err;
}

static int compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Return the number after @prefix in the name of an entry, or -1. */
static int entry_number(const char *entry, const char *prefix)
{
	size_t len = strlen(prefix);
	unsigned long number;
	char *end;

	if (strncmp(entry, prefix, len) || !isdigit((unsigned char)entry[len]))
		return -1;
	number = strtoul(entry + len, &end, 10);
	return *end || number > INT_MAX ? -1 : (int)number;
}

static int collect_numbers(DIR *stream, const char *prefix, int **numbers,
			   size_t *nr)
{
	struct dirent *entry;
	int *array = NULL;

	*nr = 0;
	while ((entry = readdir(stream))) {
		int number = entry_number(entry->d_name, prefix);
		int *more;

		if (number < 0)
			continue;
		more = reallocarray(array, *nr + 1, sizeof(*array));
		if (!more) {
			free(array);
			return -ENOMEM;
		}
		array = more;
		array[(*nr)++] = number;
	}
	if (*nr)
		qsort(array, *nr, sizeof(*array), compare_ints);
	*numbers = array;
	return 0;
}

int vpool_read_numbers(int dir, const char *prefix, int **numbers, size_t *nr)
{
	int fd, err;
	DIR *stream;

	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	stream = fdopendir(fd);
	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	err = collect_numbers(stream, prefix, numbers, nr);
	closedir(stream);
	return err;
}
