/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_PRELOAD_H
#define VPOOLCTL_HOST_PRELOAD_H

#include <stdbool.h>

struct failure;

/**
 * struct preload - the library that serves a program's memory from a pool
 * @fallback: value of VPOOL_HEAP_FALLBACK, or NULL
 * @private: value of VPOOL_HEAP_PRIVATE, or NULL
 * @report: value of VPOOL_HEAP_REPORT, or NULL
 * @malloc: serve malloc(3), too
 * @library: path of the library, for free(3)
 * @allocator: path of the library that replaces malloc(3), or NULL, for free(3)
 */
struct preload {
	const char *fallback;
	const char *private;
	const char *report;
	bool malloc;
	char *library;
	char *allocator;
};

/* Find the libraries. Return 0, or a negative errno with a message in @failure. */
int preload_find(struct preload *preload, struct failure *failure);
/* Set the environment with which programs load the libraries. */
void preload_set_environment(const struct preload *preload, const char *pool);
void preload_free(struct preload *preload);

#endif /* VPOOLCTL_HOST_PRELOAD_H */
