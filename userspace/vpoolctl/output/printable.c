// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of pools, tasks and files, printed to a terminal. Any user can put escape sequences
 * into them. libsmartcols escapes table cells
 * in the same way.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "base/alloc.h"
#include "output/printable.h"

/* Tell whether a character changes the writing direction. */
static bool is_turning(wint_t c)
{
	return c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* Return the length of the character at @text in bytes, or 0 if it must be escaped. */
static size_t length(const char *text, mbstate_t *state)
{
	wchar_t c;
	size_t len = mbrtowc(&c, text, strlen(text), state);

	if (len == (size_t)-1 || len == (size_t)-2) {
		memset(state, 0, sizeof(*state));
		return 0;
	}
	return iswprint(c) && !is_turning(c) ? len : 0;
}

char *printable(const char *text)
{
	char *copy = xcalloc(4 * strlen(text) + 1, 1), *to = copy;
	mbstate_t state = { 0 };

	while (*text) {
		size_t len = length(text, &state);

		if (len) {
			memcpy(to, text, len);
			to += len;
			text += len;
		} else {
			to += sprintf(to, "\\x%02x", (unsigned char)*text++);
		}
	}
	return copy;
}
