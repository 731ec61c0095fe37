/* SPDX-License-Identifier: GPL-2.0 */
/* Reading and writing small files of the kernel. Return 0 or a negative errno. */
#ifndef VP_FILE_H
#define VP_FILE_H

#include <stddef.h>

int vp_read_file(const char *path, char *text, size_t size);
int vp_write_file(const char *path, const char *text);
int vp_read_field(const char *path, const char *field, char *text, size_t size);

#endif /* VP_FILE_H */
