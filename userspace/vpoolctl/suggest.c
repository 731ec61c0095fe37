// SPDX-License-Identifier: GPL-2.0-only
/*
 * "Did you mean": the nearest of some names to a misspelt one.
 */
#include <stdlib.h>
#include <string.h>

#include "vpoolctl.h"

/* Longer words are not misspelt, they are something else. */
#define LONGEST 32

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Letters to insert, drop, replace or swap to make one word the other. */
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

const char *nearest(const char *wrong, const char *const *names, size_t nr)
{
	size_t i, len = strlen(wrong);
	unsigned int best = len / 3 + 1;
	const char *found = NULL;

	if (!len || len > LONGEST)
		return NULL;
	for (i = 0; i < nr; i++) {
		unsigned int d;

		if (strlen(names[i]) > LONGEST)
			continue;
		d = distance(wrong, names[i]);
		/* A beginning that was cut short is near, however short. */
		if (len > 1 && !strncmp(wrong, names[i], len))
			d = 1;
		if (d < best + !found) {
			best = d;
			found = names[i];
		}
	}
	return found;
}
