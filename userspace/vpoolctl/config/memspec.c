// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory requests: "4G@0,4G@1,1G", "25%", "max@1".
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/code.h"
#include "base/failure.h"
#include "config/memspec.h"
#include "host/spare.h"
#include "output/units.h"

static int parse_node(const char *text, __s32 *node)
{
	unsigned long value;

	if (parse_number(text, 0, INT_MAX, &value))
		return -EINVAL;
	*node = value;
	return 0;
}

/* Parse "25%", "12.5%" or "max". Return the share, or 0 if @text is none. */
static unsigned int parse_share(const char *text)
{
	unsigned int whole = 0, hundredths = 0, scale = 100;
	const char *at = text;

	if (!ascii_casecmp(text, "max"))
		return MEM_ALL;
	for (; isdigit((unsigned char)*at) && whole <= 100; at++)
		whole = whole * 10 + (*at - '0');
	if (at != text && *at == '.' && isdigit((unsigned char)at[1])) {
		for (at++; isdigit((unsigned char)*at) && scale > 1; at++) {
			scale /= 10;
			hundredths += (*at - '0') * scale;
		}
	}
	if (at == text || strcmp(at, "%"))
		return 0;
	whole = whole * 100 + hundredths;
	return whole <= MEM_ALL ? whole : 0;
}

/* Parse one request. Replaces the "@" in @text by a NUL. */
static int parse_one(char *text, struct vpool_mem *mem, struct mem_ask *ask,
		     bool shares, char *message, size_t room)
{
	char *at = strchr(text, '@');
	int err = 0;

	if (at)
		*at++ = '\0';
	ask->share = shares ? parse_share(text) : 0;
	if (shares && !ask->share && strchr(text, '%')) {
		snprintf(message, room,
			 "'%s' is not a percentage from 0.01%% to 100%%", text);
		return -EINVAL;
	}
	if (!ask->share)
		err = parse_size(text, &mem->bytes, message, room);
	if (err)
		return err;
	mem->node = VPOOL_ANY_NODE;
	if (at && parse_node(at, &mem->node)) {
		snprintf(message, room,
			 "'%s' is not the number of a NUMA node, as in 4G@0",
			 at);
		return -EINVAL;
	}
	return 0;
}

/* Return the sign of a change and skip it, or 0 if there is none. */
static char parse_sign(char **text)
{
	return **text == '+' || **text == '-' ? *(*text)++ : 0;
}

static int check_some(const struct vpool_mem *mem, const struct mem_ask *ask,
		      const char *text, char *message, size_t room)
{
	if (mem->bytes || ask->share)
		return 0;
	snprintf(message, room, "'%s' is a size of 0", text);
	return -EINVAL;
}

/*
 * "1,5G" is a fraction in many countries and must not become 1 byte and 5 GiB. In a list,
 * each size needs a unit. A program that writes bytes may leave all units out, if each
 * size has a node.
 */
static int check_units(const char *text, char *message, size_t room)
{
	size_t digits, len, parts = 0, bare = 0, bare_without_node = 0;
	const char *part = text;

	for (;; part += len + 1) {
		part += strspn(part, "+-");
		len = strcspn(part, ",");
		digits = strspn(part, "0123456789.");
		parts++;
		/* 0 needs no unit. */
		if (digits && strspn(part, "0.") < digits &&
		    (digits == len || part[digits] == '@')) {
			bare++;
			bare_without_node += digits == len;
		}
		if (!part[len])
			break;
	}
	if (parts < 2 || !bare || (bare == parts && !bare_without_node))
		return 0;
	snprintf(message, room,
		 "'%s': a size in a list needs a unit; write fractions with a point, as in 1.5G",
		 text);
	return -EINVAL;
}

int parse_memspec(const char *text, struct vpool_mem **mem,
		  struct mem_ask **asks, bool changes, size_t *nr, char *message,
		  size_t room)
{
	char *copy = xstrdup(text), *next = copy, *part;
	struct vpool_mem *array = NULL;
	struct mem_ask *ask = NULL;
	int err = 0;

	*nr = 0;
	while (!err && (part = strsep(&next, ","))) {
		array = xrealloc(array, (*nr + 1) * sizeof(*array));
		memset(array + *nr, 0, sizeof(*array));
		ask = xrealloc(ask, (*nr + 1) * sizeof(*ask));
		ask[*nr].sign = changes ? parse_sign(&part) : 0;
		err = parse_one(part, array + *nr, ask + *nr, asks, message, room);
		if (!err && !changes)
			err = check_some(array + *nr, ask + *nr, part, message,
					 room);
		(*nr)++;
	}
	if (!err)
		err = check_units(text, message, room);
	free(copy);
	if (err || !asks)
		free(ask);
	else
		*asks = ask;
	if (err)
		free(array);
	else
		*mem = array;
	return err;
}

bool memspec_has_shares(const struct mem_ask *asks, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (asks[i].share)
			return true;
	return false;
}

static __u64 has_on(const struct vpool_info *info, int node)
{
	size_t i;

	if (!info || node == VPOOL_ANY_NODE)
		return info ? info->total_bytes : 0;
	for (i = 0; i < info->nr_nodes; i++)
		if (info->nodes[i].node == node)
			return info->nodes[i].total_bytes;
	return 0;
}

/*
 * Return the bytes that 100% stands for. @left is the host's memory that earlier requests
 * leave.
 */
static __u64 share_base(const struct mem_ask *ask, int node,
			const struct spare *spare,
			const struct vpool_info *have, __u64 left)
{
	__u64 bytes = spare_bytes_on(spare, node);

	if (ask->sign == '-')
		return has_on(have, node);
	if (ask->share == MEM_ALL && bytes > left)
		bytes = left;
	return ask->sign ? bytes : bytes + has_on(have, node);
}

int memspec_resolve(struct vpool_mem *mem, const struct mem_ask *asks, size_t nr,
		    const struct spare *spare, const struct vpool_info *have,
		    __u64 page_size, struct failure *failure)
{
	__u64 left = spare->bytes, base;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (asks[i].share) {
			base = share_base(asks + i, mem[i].node, spare, have,
					  left);
			mem[i].bytes = (__uint128_t)base * asks[i].share /
				       MEM_ALL;
			mem[i].bytes -= mem[i].bytes % page_size;
		}
		if (!mem[i].bytes && asks[i].share) {
			return failure_set(failure, -ENOMEM, TOOL_SHARE_EMPTY,
					   "the share is less than one page of the poolable memory");
		}
		if (asks[i].sign != '-')
			left -= mem[i].bytes < left ? mem[i].bytes : left;
	}
	return 0;
}
