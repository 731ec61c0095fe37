/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_BASE_ALLOC_H
#define VPOOLCTL_BASE_ALLOC_H

#include <stddef.h>

#include "base/macros.h"

/* Each of these returns memory for free(3), or ends the program if there is none. */
void *xcalloc(size_t nr, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);
char *xprintf(const char *fmt, ...) __printf(1, 2);

#endif /* VPOOLCTL_BASE_ALLOC_H */
