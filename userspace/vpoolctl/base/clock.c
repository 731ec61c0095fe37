// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clocks.
 */
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"

double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* strftime(3) has no colon in the time zone. */
char *time_text(const struct timespec *when, bool with_ms)
{
	char text[40], zone[8], ms[8] = "";
	struct tm tm;

	if (!localtime_r(&when->tv_sec, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) ||
	    strftime(zone, sizeof(zone), "%z", &tm) != 5)
		return NULL;
	if (with_ms)
		snprintf(ms, sizeof(ms), ".%03u",
			 (unsigned int)(when->tv_nsec / 1000000) % 1000);
	return xprintf("%s%s%.3s:%s", text, ms, zone, zone + 3);
}
