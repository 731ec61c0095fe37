/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_BASE_CLOCK_H
#define VPOOLCTL_BASE_CLOCK_H

#include <stdbool.h>
#include <time.h>

/* Return the milliseconds of CLOCK_MONOTONIC. */
double now_ms(void);

/*
 * Format a time of CLOCK_REALTIME as in RFC 3339, with milliseconds on request; for
 * free(3). Return NULL if it cannot be.
 */
char *time_text(const struct timespec *when, bool with_ms);

#endif /* VPOOLCTL_BASE_CLOCK_H */
