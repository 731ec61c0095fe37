// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lookup of commands by name. main() sets the table, so that a verb such as help can
 * search it although the table refers to that verb.
 */
#include <string.h>

#include "base/command.h"
#include "cli/commands.h"

static const struct command *const *commands;
static size_t nr_commands;

void commands_set(const struct command *const *table, size_t nr)
{
	commands = table;
	nr_commands = nr;
}

const struct command *const *commands_get(size_t *nr)
{
	*nr = nr_commands;
	return commands;
}

/* Return the number of words in a verb: "vm start" has two. */
static int count_words(const char *name)
{
	return strchr(name, ' ') ? 2 : 1;
}

static bool is_verb(const char *name, const char *first, const char *second)
{
	size_t len = strcspn(name, " ");

	if (strncmp(name, first, len) || first[len])
		return false;
	return !name[len] || (second && !strcmp(name + len + 1, second));
}

const struct command *find_command(char **words, int *nr)
{
	size_t i;

	for (i = 0; i < nr_commands; i++) {
		if (!is_verb(commands[i]->name, words[0], words[1]))
			continue;
		*nr = count_words(commands[i]->name);
		return commands[i];
	}
	return NULL;
}

bool is_group(const char *word)
{
	size_t i, len = strlen(word);

	for (i = 0; i < nr_commands; i++)
		if (!strncmp(commands[i]->name, word, len) &&
		    commands[i]->name[len] == ' ')
			return true;
	return false;
}
