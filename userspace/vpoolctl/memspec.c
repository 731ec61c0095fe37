// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests for memory: "4G@0,4G@1,1G".
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memspec.h"
#include "units.h"
#include "vpoolctl.h"

static int parse_node(const char *text, __s32 *node)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || value > INT_MAX)
		return -EINVAL;
	*node = value;
	return 0;
}

/* One request; cuts text at its '@'. */
static int parse_one(char *text, struct vpool_mem *mem, char *why, size_t room)
{
	char *at = strchr(text, '@');
	int err;

	if (at)
		*at++ = '\0';
	err = parse_size(text, &mem->bytes, why, room);
	if (err)
		return err;
	mem->node = VPOOL_ANY_NODE;
	if (at && parse_node(at, &mem->node)) {
		snprintf(why, room,
			 "'%s' is not the number of a NUMA node, as in 4G@0",
			 at);
		return -EINVAL;
	}
	return 0;
}

/* The sign of a change, if there is one. */
static char parse_sign(char **text)
{
	return **text == '+' || **text == '-' ? *(*text)++ : 0;
}

static int check_some(const struct vpool_mem *mem, const char *text, char *why,
		      size_t room)
{
	if (mem->bytes)
		return 0;
	snprintf(why, room, "'%s' is no memory at all", text);
	return -EINVAL;
}

int parse_memspec(const char *text, struct vpool_mem **mem, char **signs,
		  size_t *nr, char *why, size_t room)
{
	char *copy = xstrdup(text), *next = copy, *part, *sign = NULL;
	struct vpool_mem *array = NULL;
	int err = 0;

	*nr = 0;
	while (!err && (part = strsep(&next, ","))) {
		array = xrealloc(array, (*nr + 1) * sizeof(*array));
		memset(array + *nr, 0, sizeof(*array));
		sign = xrealloc(sign, *nr + 1);
		sign[*nr] = signs ? parse_sign(&part) : 0;
		err = parse_one(part, array + *nr, why, room);
		if (!err && !signs)
			err = check_some(array + *nr, part, why, room);
		(*nr)++;
	}
	free(copy);
	if (err || !signs)
		free(sign);
	else
		*signs = sign;
	if (err)
		free(array);
	else
		*mem = array;
	return err;
}
