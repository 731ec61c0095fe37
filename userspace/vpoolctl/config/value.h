/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_VALUE_H
#define VPOOLCTL_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>

struct failure;
struct option_def;

/* Return the property of this name in @defs, or NULL. */
const struct option_def *value_find(const struct option_def *defs, size_t nr,
				    const char *name);

/*
 * Set @failure to a message about a word that names none of the properties. Return
 * -EINVAL.
 */
int value_unknown(const struct option_def *defs, size_t nr, const char *word,
		  struct failure *failure);

/*
 * Parse a boolean of YAML 1.1 or 1.2, in upper or lower case. Return 0, or -EINVAL with
 * @failure set.
 */
int value_set_bool(bool *value, const char *text, struct failure *failure);

/*
 * Add one value of a property to @target: TEXT, or VALUE,PART=VALUE... for a property with
 * parts. Return 0, or -EINVAL with @failure set.
 */
int value_set(const struct option_def *def, void *target, const char *text,
	      struct failure *failure);

#endif /* VPOOLCTL_CONFIG_VALUE_H */
