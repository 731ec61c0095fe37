/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_MEMSPEC_H
#define VPOOLCTL_MEMSPEC_H

#include <stddef.h>

#include <libvpool.h>

/* A share of all: "max", or 100%. */
#define MEM_ALL 10000

struct spare;

/**
 * struct mem_ask - what an amount of memory means
 * @sign: '+' or '-' for a change of what a pool has, 0 for a total
 * @share: in hundredths of a percent of what pools can take, up to MEM_ALL; 0 if the
 *	bytes are given
 */
struct mem_ask {
	char sign;
	unsigned int share;
};

/**
 * parse_memspec() - read a request for memory
 * @text: "4G@0,4G@1,1G": sizes, each with a NUMA node or without
 * @mem: the requests, for free(3)
 * @asks: for free(3), as many as @mem; NULL if only sizes may be there
 * @changes: a sign may stand before each size, and a size may be 0
 * @nr: how many
 * @why: what is wrong with @text
 * @room: room there
 *
 * With @asks, "25%" and "max" are sizes, too; memspec_settle() makes bytes of them.
 *
 * Return: 0 or -EINVAL
 */
int parse_memspec(const char *text, struct vpool_mem **mem,
		  struct mem_ask **asks, bool changes, size_t *nr, char *why,
		  size_t room);

/* Does any of the requests depend on what the host has? */
bool memspec_has_shares(const struct mem_ask *asks, size_t nr);

/**
 * memspec_settle() - make bytes of shares
 * @mem: the requests; those with a share get their bytes
 * @asks: what they mean
 * @nr: how many
 * @spare: what pools can take
 * @have: the pool that is to change, or NULL for a new one
 * @page_size: the unit to round down to
 * @why: the reason of a failure
 * @room: room there
 *
 * A share is of what @spare has, on the request's node or in all; of a pool's total it
 * is a share of that and of what the pool has; of what is taken away, of what the pool
 * has.
 *
 * Return: 0, or -ENOMEM if a share comes to less than a page
 */
int memspec_settle(struct vpool_mem *mem, const struct mem_ask *asks, size_t nr,
		   const struct spare *spare, const struct vpool_info *have,
		   __u64 page_size, char *why, size_t room);

#endif /* VPOOLCTL_MEMSPEC_H */
