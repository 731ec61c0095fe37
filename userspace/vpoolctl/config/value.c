// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values of properties, whether they come from a file or from an option.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/code.h"
#include "base/command.h"
#include "base/failure.h"
#include "base/macros.h"
#include "base/suggest.h"
#include "config/value.h"

static const char *const false_words[] = { "false", "no", "off", "n" };
static const char *const true_words[] = { "true", "yes", "on", "y" };

const struct option_def *value_find(const struct option_def *defs, size_t nr,
				    const char *name)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (!strcmp(defs[i].name, name))
			return defs + i;
	return NULL;
}

static bool is_one_of(const char *text, const char *const *words, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (!ascii_casecmp(text, words[i]))
			return true;
	return false;
}

int value_set_bool(bool *value, const char *text, struct failure *failure)
{
	*value = is_one_of(text, true_words, ARRAY_SIZE(true_words));
	if (*value || is_one_of(text, false_words, ARRAY_SIZE(false_words)))
		return 0;
	return failure_set(failure, -EINVAL, TOOL_USAGE,
			   "'%s' is neither true nor false", text);
}

/* Return the "," of the first ",WORD=" in a text, or its end. */
static const char *parts_begin(const char *text)
{
	const char *at, *word;

	for (at = strchr(text, ','); at; at = strchr(at + 1, ',')) {
		for (word = at + 1; islower((unsigned char)*word) || *word == '-'; word++)
			;
		if (word > at + 1 && *word == '=')
			return at;
	}
	return text + strlen(text);
}

int value_unknown(const struct option_def *defs, size_t nr, const char *word,
		  struct failure *failure)
{
	const char *names[MAX_OPTIONS], *near;
	size_t i;

	for (i = 0; i < nr && i < ARRAY_SIZE(names); i++)
		names[i] = defs[i].name;
	near = nearest(word, names, i);
	if (near)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "unknown property '%s': did you mean '%s'?", word, near);
	return failure_set(failure, -EINVAL, TOOL_USAGE, "unknown property '%s'", word);
}

static int set_part(const struct option_def *def, void *target, char *word,
		    struct failure *failure)
{
	const struct option_def *part;
	char *value = strchr(word, '=');

	if (!value)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "its value is %s", def->arg);
	*value++ = '\0';
	part = value_find(def->parts, def->nr_parts, word);
	if (part)
		return part->set(target, value, failure);
	return value_unknown(def->parts, def->nr_parts, word, failure);
}

static int set_with_parts(const struct option_def *def, void *target, char *text,
			  struct failure *failure)
{
	char *at = text + (parts_begin(text) - text), *next;
	int err;

	next = *at ? at + 1 : NULL;
	*at = '\0';
	err = def->set(target, text, failure);
	while (!err && next) {
		at = next;
		next = strchr(at, ',');
		if (next)
			*next++ = '\0';
		err = set_part(def, target, at, failure);
	}
	return err;
}

int value_set(const struct option_def *def, void *target, const char *text,
	      struct failure *failure)
{
	char *copy;
	int err;

	if (def->begin)
		def->begin(target);
	/* The parts of a pool's mount come from a file only, as a mapping. */
	if (!def->parts || !def->begin)
		return def->set(target, text, failure);
	copy = xstrdup(text);
	err = set_with_parts(def, target, copy, failure);
	free(copy);
	return err;
}
