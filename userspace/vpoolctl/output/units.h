/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_UNITS_H
#define VPOOLCTL_UNITS_H

#include <linux/types.h>
#include <stddef.h>

/* Length of the longest size as text, with its NUL. */
#define SIZE_TEXT 48

/**
 * parse_size() - parse a size
 * @text: "4G", "1.5GiB", "4096"; units are powers of 1024
 * @bytes: receives the size in bytes
 * @message: receives a message on failure
 * @room: room in @message, in bytes
 *
 * Return: 0 or -EINVAL
 */
int parse_size(const char *text, __u64 *bytes, char *message, size_t room);

/**
 * format_size() - format a size for people
 * @bytes: the size in bytes
 * @text: buffer of SIZE_TEXT bytes, owned by the caller
 *
 * The text is exact if a number of at most five digits can be. Otherwise it has one decimal
 * and is rounded down, so that a free size is never overstated.
 *
 * Return: @text
 */
char *format_size(__u64 bytes, char *text);

/**
 * parse_seconds() - parse a time in seconds
 * @text: "10", "0.5"
 * @ms: receives the time in milliseconds
 *
 * Return: 0 or -EINVAL
 */
int parse_seconds(const char *text, __u32 *ms);

/**
 * parse_ncpus() - parse a number of CPUs
 * @text: "4", or "4@1" with a NUMA node
 * @nr: receives the number, at least 1
 * @node: receives the node, or VPOOL_ANY_NODE
 *
 * Return: 0 or -EINVAL
 */
int parse_ncpus(const char *text, unsigned int *nr, int *node);

/**
 * parse_number() - parse a whole number
 * @text: decimal digits
 * @min: smallest number
 * @max: largest number
 * @value: receives the number; unchanged on failure
 *
 * Return: 0 or -EINVAL
 */
int parse_number(const char *text, unsigned long min, unsigned long max,
		 unsigned long *value);

#endif /* VPOOLCTL_UNITS_H */
