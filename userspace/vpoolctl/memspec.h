/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_MEMSPEC_H
#define VPOOLCTL_MEMSPEC_H

#include <stddef.h>

#include <linux/vpool.h>

/**
 * parse_memspec() - read a request for memory
 * @text: "4G@0,4G@1,1G": sizes, each with a NUMA node or without
 * @mem: the requests, for free(3)
 * @signs: '+', '-' or 0 before each size, for free(3); NULL if there may be none,
 *	and no size of 0 either
 * @nr: how many
 * @why: what is wrong with @text
 * @room: room there
 *
 * Return: 0 or -EINVAL
 */
int parse_memspec(const char *text, struct vpool_mem **mem, char **signs,
		  size_t *nr, char *why, size_t room);

#endif /* VPOOLCTL_MEMSPEC_H */
