/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_OUTFILE_H
#define VPOOLCTL_OUTFILE_H

#include <stdio.h>

/**
 * write_output() - write a file that a user names
 * @path: the file; "-" is standard output
 * @put: writes the text
 * @arg: passed to @put
 *
 * A regular file, or one that does not exist yet, is replaced as a whole when the
 * text is complete: a reader sees the old text or the new one. It keeps its mode.
 * A symbolic link stays, and what it points to is replaced. Anything else, such as
 * a device or a fifo, is written into.
 *
 * Return: 0 or a negative errno
 */
int write_output(const char *path, void (*put)(FILE *to, const void *arg),
		 const void *arg);

#endif /* VPOOLCTL_OUTFILE_H */
