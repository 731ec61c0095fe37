// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parsers and formatters of sizes and times.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/ascii.h"
#include "base/macros.h"
#include "output/units.h"

static const char unit_letters[] = "BKMGTPE";

static int __printf(3, 4)
size_error(char *message, size_t room, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, room, fmt, args);
	va_end(args);
	return -EINVAL;
}

/* Parse a unit and advance *@text. Return its power of 1024, or -1 if it is unknown. */
static int read_unit(const char **text)
{
	const char *at = *text, *letter;

	if (!*at)
		return 0;
	letter = strchr(unit_letters, ascii_upper(*at));
	if (!letter)
		return -1;
	at++;
	if (letter != unit_letters && at[0] == 'i' && at[1] == 'B')
		at += 2;
	*text = at;
	return letter - unit_letters;
}

/* Parse the digits after the point into @value, to be divided by @scale. */
static const char *read_fraction(const char *at, __u64 *value, __u64 *scale)
{
	*value = 0;
	*scale = 1;
	if (*at != '.')
		return at;
	for (at++; isdigit((unsigned char)*at) && *scale < 1000000000; at++) {
		*value = *value * 10 + (*at - '0');
		*scale *= 10;
	}
	return at;
}

int parse_size(const char *text, __u64 *bytes, char *message, size_t room)
{
	__u64 whole = 0, fraction, scale, unit;
	const char *at = text;
	int power;

	if (!isdigit((unsigned char)*at))
		return size_error(message, room, "'%s' is not a size such as 512M or 4G",
				  text);
	for (; isdigit((unsigned char)*at); at++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, *at - '0', &whole))
			return size_error(message, room, "'%s' is too large", text);
	at = read_fraction(at, &fraction, &scale);
	power = read_unit(&at);
	if (power > 0 && !ascii_casecmp(at, "b"))
		return size_error(message, room,
				  "'%s': sizes are powers of 1024, write %.*siB",
				  text, (int)(at - text), text);
	if (*at == ',')
		return size_error(message, room,
				  "'%s': write fractions with a point, as in 1.5G", text);
	if (power < 0 || *at)
		return size_error(message, room, "'%s' is not a size such as 512M or 4G",
				  text);
	unit = 1ULL << power * 10;
	if (__builtin_mul_overflow(whole, unit, &whole))
		return size_error(message, room, "'%s' is too large", text);
	fraction = (__uint128_t)fraction * unit / scale;
	if (__builtin_add_overflow(whole, fraction, bytes))
		return size_error(message, room, "'%s' is too large", text);
	return 0;
}

char *format_size(__u64 bytes, char *text)
{
	int power, top = 0;
	__u64 tenths;

	while (top < 6 && bytes >> (top + 1) * 10)
		top++;
	for (power = top; power >= 0; power--) {
		__u64 unit = 1ULL << power * 10;
		__u64 whole = bytes / unit;

		if (whole > 99999)
			break;
		tenths = bytes % unit * 10;
		if (tenths % unit)
			continue;
		if (!tenths)
			snprintf(text, SIZE_TEXT, "%llu%c", whole,
				 unit_letters[power]);
		else
			snprintf(text, SIZE_TEXT, "%llu.%llu%c", whole,
				 tenths / unit, unit_letters[power]);
		return text;
	}
	tenths = (__uint128_t)bytes * 10 >> top * 10;
	snprintf(text, SIZE_TEXT, "%llu.%llu%c", tenths / 10, tenths % 10,
		 unit_letters[top]);
	return text;
}

int parse_seconds(const char *text, __u32 *ms)
{
	__u64 whole = 0, fraction, scale;
	const char *at = text;

	if (!isdigit((unsigned char)*at))
		return -EINVAL;
	for (; isdigit((unsigned char)*at); at++) {
		whole = whole * 10 + (*at - '0');
		if (whole > 4000000)
			return -EINVAL;
	}
	at = read_fraction(at, &fraction, &scale);
	if (at[0] == 's' && !at[1])
		at++;
	if (*at)
		return -EINVAL;
	*ms = whole * 1000 + fraction * 1000 / scale;
	return 0;
}

int parse_number(const char *text, unsigned long min, unsigned long max,
		 unsigned long *value)
{
	unsigned long number;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	/* A number that does not fit becomes ULONG_MAX. */
	number = strtoul(text, &end, 10);
	if (*end || number < min || number > max)
		return -EINVAL;
	*value = number;
	return 0;
}

/* Parse a number of at most INT_MAX that ends at @until or at the end of the text. */
static bool number_before(const char *text, char until, unsigned long *value)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*value = strtoul(text, &end, 10);
	return !errno && *value <= INT_MAX && (!*end || *end == until);
}

int parse_ncpus(const char *text, unsigned int *nr, int *node)
{
	const char *at = strchr(text, '@');
	unsigned long value, on = 0;

	if (!number_before(text, '@', &value) || !value)
		return -EINVAL;
	if (at && !number_before(at + 1, '\0', &on))
		return -EINVAL;
	*nr = value;
	*node = at ? (int)on : VPOOL_ANY_NODE;
	return 0;
}
