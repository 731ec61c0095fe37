/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBVPOOL_FILE_H
#define LIBVPOOL_FILE_H

#include "libvpool.h"

/*
 * Read a file as text, for free(3), or as a number. @path is relative to the directory
 * @dir, a descriptor or AT_FDCWD. Return 0 or a negative errno.
 */
int vpool_read_text(int dir, const char *path, char **text);
int vpool_read_u64(int dir, const char *path, int base, __u64 *value);
/* Read the numbers of the entries "PREFIX<number>" of @dir, ascending; for free(3). */
int vpool_read_numbers(int dir, const char *prefix, int **numbers,
		       size_t *nr);

#endif /* LIBVPOOL_FILE_H */
