// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suggestions for misspelt names.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"

/* A longer word is not a misspelt name. */
#define LONGEST 32

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/*
 * Count the letters to insert, delete, replace or swap to turn one word into the other.
 */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int d[LONGEST + 1][LONGEST + 1];
	size_t i, j, la = strlen(a), lb = strlen(b);

	for (i = 0; i <= la; i++)
		d[i][0] = i;
	for (j = 0; j <= lb; j++)
		d[0][j] = j;
	for (i = 1; i <= la; i++) {
		for (j = 1; j <= lb; j++) {
			d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1,
					d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[la][lb];
}

/*
 * Return the number of typing errors between two words. A different digit is no typing
 * error: web1 and web2 are two pools.
 */
static unsigned int slips(const char *word, const char *name)
{
	char a[LONGEST + 1], b[LONGEST + 1];
	size_t i, la = 0, lb = 0;

	for (i = 0; word[i]; i++)
		if (isdigit((unsigned char)word[i]))
			a[la++] = word[i];
	for (i = 0; name[i]; i++)
		if (isdigit((unsigned char)name[i]))
			b[lb++] = name[i];
	if (la != lb || memcmp(a, b, la))
		return LONGEST;
	return distance(word, name);
}

static const char *nearest_within(const char *word, const char *const *names,
				  size_t nr, unsigned int most)
{
	size_t i, len = strlen(word);
	const char *found = NULL;
	unsigned int d;

	if (!len || len > LONGEST)
		return NULL;
	for (i = 0; i < nr; i++) {
		if (strlen(names[i]) > LONGEST)
			continue;
		d = slips(word, names[i]);
		/* An abbreviation is near, however short it is. */
		if (len > 1 && !strncmp(word, names[i], len))
			d = 1;
		if (d > most || (found && d == most))
			continue;
		most = d;
		found = names[i];
	}
	return found;
}

const char *nearest(const char *word, const char *const *names, size_t nr)
{
	return nearest_within(word, names, nr, strlen(word) / 3 + 1);
}

const char *nearest_slip(const char *word, const char *const *names, size_t nr)
{
	return nearest_within(word, names, nr, strlen(word) > 7 ? 2 : 1);
}
