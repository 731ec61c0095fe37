/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_PROPERTY_H
#define VPOOLCTL_CONFIG_PROPERTY_H

#include <stddef.h>

struct failure;
struct invocation;
struct pool_config;

/**
 * enum list_use - how a list in a file gives the value of a property
 * @LIST_REFUSED: the property takes one value
 * @LIST_OF_VALUES: each element is a value, added to those before
 * @LIST_JOINED: the elements, joined by commas, are one value
 */
enum list_use {
	LIST_REFUSED,
	LIST_OF_VALUES,
	LIST_JOINED,
};

/**
 * struct property_def - a property of a pool, in a file or as the option --NAME
 * @name: its name
 * @arg: placeholder for its value
 * @list: how a list gives its value
 * @set: parses @text and stores it in @pool; returns 0, or -EINVAL with @failure set
 * @help: help text for files; the caller wraps it
 * @parts: the properties of a mapping that can give the value, or NULL
 * @nr_parts: length of @parts
 */
struct property_def {
	const char *name;
	const char *arg;
	enum list_use list;
	int (*set)(struct pool_config *pool, const char *text,
		   struct failure *failure);
	const char *help;
	const struct property_def *parts;
	size_t nr_parts;
};

extern const struct property_def property_defs[];
extern const size_t nr_property_defs;

/* Return the property of this name in @defs, or NULL. */
const struct property_def *property_find(const struct property_def *defs, size_t nr,
					 const char *name);

/*
 * Check what depends on several properties. Return 0, or -EINVAL with @failure set to a
 * message without a subject, such as "needs mem or cpus, or both".
 */
int properties_check(const struct pool_config *pool, struct failure *failure);

/*
 * Set the properties that options of the command were given for. Return EXIT_OK, or
 * EXIT_USAGE after a message.
 */
int properties_from_options(const struct invocation *inv,
			    struct pool_config *pool);

#endif /* VPOOLCTL_CONFIG_PROPERTY_H */
