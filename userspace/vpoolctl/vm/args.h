/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_ARGS_H
#define VPOOLCTL_VM_ARGS_H

#include <stddef.h>

/* Lists of arguments: NULL-terminated and owned, as their words are. NULL is empty. */

size_t args_count(char **args);
/* Add a word. */
void args_add(char ***args, const char *word);
/* Add an option and its value. */
void args_add_two(char ***args, const char *option, const char *value);
/* Add an option and its value. Free the value. */
void args_add_made(char ***args, const char *option, char *value);
void args_free(char **args);

/* Double the commas, as values of QEMU's options require; for free(3). */
char *args_escape(const char *text);

/*
 * Make a path absolute, so that QEMU does not take "vm:1.img" for a protocol; for free(3).
 * Keep symbolic links, because their targets can change.
 */
char *args_absolute(const char *path);

#endif /* VPOOLCTL_VM_ARGS_H */
