// SPDX-License-Identifier: GPL-2.0-only
/*
 * The monotonic clock.
 */
#include <time.h>

#include "base/clock.h"

double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}
