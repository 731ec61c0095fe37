/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_HANDED_H
#define VPOOLCTL_VM_HANDED_H

#include <stdbool.h>

#define HANDED_ID_SIZE 33
#define HANDED_BOOT_SIZE 64
#define HANDED_HOST_SIZE 256

/**
 * struct handed - a machine that another host was told to run
 * @host: destination for ssh(1)
 * @id: number of the migration, in hexadecimal
 * @boot: boot id of the other host
 * @at_ms: time of that, in milliseconds of CLOCK_MONOTONIC
 */
struct handed {
	char host[HANDED_HOST_SIZE];
	char id[HANDED_ID_SIZE];
	char boot[HANDED_BOOT_SIZE];
	double at_ms;
};

/* Write the note in the directory of a machine. Return 0 or a negative errno. */
int handed_write(const char *dir, const struct handed *handed);
/* Read the note. Return false if there is none. */
bool handed_read(const char *dir, struct handed *handed);
void handed_remove(const char *dir);

#endif /* VPOOLCTL_VM_HANDED_H */
