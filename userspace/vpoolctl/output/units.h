/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_UNITS_H
#define VPOOLCTL_UNITS_H

#include <linux/types.h>
#include <stddef.h>

/* Room for any size as text. */
#define SIZE_TEXT 48

/**
 * parse_size() - read a size
 * @text: "4G", "1.5GiB", "4096"; units are powers of 1024
 * @bytes: the size
 * @message: what is wrong with @text
 * @room: room there
 *
 * Return: 0 or -EINVAL
 */
int parse_size(const char *text, __u64 *bytes, char *message, size_t room);

/**
 * format_size() - write a size so that it can be read
 * @bytes: the size
 * @text: room of SIZE_TEXT bytes
 *
 * Exact where a number of at most five digits can be; otherwise with one digit
 * behind the point, rounded down, so that what is shown as free is there.
 *
 * Return: @text
 */
char *format_size(__u64 bytes, char *text);

/**
 * parse_seconds() - read a time in seconds
 * @text: "10", "0.5"
 * @ms: the time in milliseconds
 *
 * Return: 0 or -EINVAL
 */
int parse_seconds(const char *text, __u32 *ms);

/**
 * parse_ncpus() - read a number of CPUs
 * @text: "4" or "4@1", with a NUMA node
 * @nr: the number
 * @node: the node, or VPOOL_ANY_NODE
 *
 * Return: 0 or -EINVAL
 */
int parse_ncpus(const char *text, unsigned int *nr, int *node);

#endif /* VPOOLCTL_UNITS_H */
