// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reason why a step cannot have its pool.
 */
#include <stdarg.h>
#include <stdio.h>

#include "refusal.h"

int refuse(struct refusal *refusal, const char *fmt, ...)
{
	va_list args;

	if (refusal->refused)
		return -1;
	va_start(args, fmt);
	vsnprintf(refusal->text, sizeof(refusal->text), fmt, args);
	va_end(args);
	refusal->refused = true;
	return -1;
}
