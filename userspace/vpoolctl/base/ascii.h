/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Letter case of keywords, columns and JSON keys. The functions of ctype.h and strings.h
 * follow the locale: in a Turkish locale, the lower case of I is not i.
 */
#ifndef VPOOLCTL_ASCII_H
#define VPOOLCTL_ASCII_H

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static inline char ascii_upper(char c)
{
	return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}

/* As strcasecmp(3). */
static inline int ascii_casecmp(const char *a, const char *b)
{
	while (*a && ascii_lower(*a) == ascii_lower(*b)) {
		a++;
		b++;
	}
	return ascii_lower(*a) - ascii_lower(*b);
}

#endif /* VPOOLCTL_ASCII_H */
