/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_MEMSPEC_H
#define VPOOLCTL_MEMSPEC_H

#include <stddef.h>

#include <libvpool.h>

struct failure;

/* The share of "max" and 100%. */
#define MEM_ALL 10000

struct spare;

/**
 * struct mem_ask - how a request for memory was written
 * @sign: '+' or '-' for a change of a pool's memory, 0 for a total
 * @share: in hundredths of a percent of the poolable memory, up to MEM_ALL; 0 if the
 *	text gives bytes
 */
struct mem_ask {
	char sign;
	unsigned int share;
};

/**
 * parse_memspec() - read a request for memory
 * @text: "4G@0,4G@1,1G": sizes, each with a NUMA node or without
 * @mem: the requests, for free(3)
 * @asks: one entry for each request, for free(3); NULL to refuse shares
 * @changes: accept a sign before each size, and a size of 0
 * @nr: length of @mem and @asks
 * @message: receives the reason for a refusal
 * @room: room in @message, in bytes
 *
 * With @asks, "25%" and "max" are accepted. memspec_resolve() computes their bytes.
 *
 * Return: 0 or -EINVAL
 */
int parse_memspec(const char *text, struct vpool_mem **mem,
		  struct mem_ask **asks, bool changes, size_t *nr, char *message,
		  size_t room);

/* Tell whether a request depends on the memory of the host. */
bool memspec_has_shares(const struct mem_ask *asks, size_t nr);

/**
 * memspec_resolve() - compute the bytes of shares
 * @mem: the requests; the call sets the bytes of each that has a share
 * @asks: how they were written
 * @nr: length of @mem and @asks
 * @spare: the poolable memory
 * @have: the pool to change, or NULL for a new one
 * @page_size: the unit to round down to, in bytes
 * @failure: set when the call fails
 *
 * A share is a part of the poolable memory of the request's node, or of the host. For a
 * new total of an existing pool, the pool's memory counts as poolable. A share to take
 * away is a part of the pool's memory.
 *
 * Return: 0, or -ENOMEM if a share comes to less than a page
 */
int memspec_resolve(struct vpool_mem *mem, const struct mem_ask *asks, size_t nr,
		    const struct spare *spare, const struct vpool_info *have,
		    __u64 page_size, struct failure *failure);

#endif /* VPOOLCTL_MEMSPEC_H */
