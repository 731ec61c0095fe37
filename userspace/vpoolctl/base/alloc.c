// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory allocation that ends the program on failure.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/exit.h"

static void *there(void *memory)
{
	if (memory)
		return memory;
	fputs("vpoolctl: out of memory\n", stderr);
	exit(EXIT_FAILED);
}

void *xcalloc(size_t nr, size_t size)
{
	return there(calloc(nr ? nr : 1, size));
}

void *xrealloc(void *old, size_t size)
{
	return there(realloc(old, size));
}

char *xstrdup(const char *text)
{
	return there(strdup(text));
}

char *xprintf(const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	text = xcalloc(len + 1, 1);
	va_start(args, fmt);
	vsnprintf(text, len + 1, fmt, args);
	va_end(args);
	return text;
}
