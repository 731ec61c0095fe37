/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_BASE_FILES_H
#define VPOOLCTL_BASE_FILES_H

/* Read a whole file. Return its text for free(3), or NULL with errno set. */
char *read_text(const char *path);
/* Write a file in one call, as kernel files require. Return 0 or a negative errno. */
int write_text(const char *path, const char *text);
/* Replace a file atomically. Return 0 or a negative errno. */
int replace_file(const char *path, const char *text);
/* Remove a file, and what a vpoolctl that was killed in replace_file() has left of it. */
void remove_replaced(const char *path);

/* Create a directory, for this user only, and its parents. Return 0 or a negative errno. */
int make_dirs(char *path);

#endif /* VPOOLCTL_BASE_FILES_H */
