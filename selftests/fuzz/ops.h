/* SPDX-License-Identifier: GPL-2.0 */
/* The operations of programs. */
#ifndef FUZZ_OPS_H
#define FUZZ_OPS_H

#include "fuzz.h"

/* Names of the pools that programs use. */
#define FUZZ_NAMES 3
extern const char *const fuzz_names[FUZZ_NAMES];

/*
 * Time in seconds in which all tasks of a program must exit. It allows for a machine
 * that was paused.
 */
#define FUZZ_DEATH 60

/* The state of the process after a program. */
enum {
	FUZZ_FINE,
	/* The next program needs a new process. */
	FUZZ_UNUSABLE,
	/* A task that the program created does not die. */
	FUZZ_UNDEAD,
};

void fuzz_ops(const __u8 *data, size_t len);
char fuzz_clean(void);
bool fuzz_all_gone(int fd);

#endif /* FUZZ_OPS_H */
