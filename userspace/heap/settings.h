/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VPOOL_HEAP_SETTINGS_H
#define VPOOL_HEAP_SETTINGS_H

#include <limits.h>
#include <stdbool.h>

#include <linux/vpool.h>

/**
 * enum heap_private - service of private anonymous memory
 * @HEAP_PRIVATE_COPY: from the pool; a child gets a copy at fork
 * @HEAP_PRIVATE_DONTFORK: from the pool; a child does not have the memory
 * @HEAP_PRIVATE_HOST: not from the pool
 */
enum heap_private {
	HEAP_PRIVATE_COPY,
	HEAP_PRIVATE_DONTFORK,
	HEAP_PRIVATE_HOST,
};

/**
 * struct heap_settings - settings from the environment
 * @pool: name of the pool; empty if the library must serve nothing
 * @device: path of its device
 * @fallback: pass a request that the pool cannot serve to the kernel; otherwise it fails
 * @private: service of private anonymous memory
 * @report: file to which each process appends its counts at exit, "-" for standard
 *	error; empty for none
 */
struct heap_settings {
	char pool[VPOOL_NAME_SIZE];
	char device[VPOOL_NAME_SIZE + 16];
	bool fallback;
	enum heap_private private;
	char report[PATH_MAX];
};

/* Return the settings. The first call reads the environment. */
const struct heap_settings *heap_settings(void);

#endif /* VPOOL_HEAP_SETTINGS_H */
