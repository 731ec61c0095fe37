/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CLI_COMMANDS_H
#define VPOOLCTL_CLI_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

struct command;

/* Set the table that the functions below search. */
void commands_set(const struct command *const *table, size_t nr);
/* Return the table, and its length in @nr. */
const struct command *const *commands_get(size_t *nr);

/*
 * Find the command that a NULL-terminated list of words begins with. @nr receives the
 * number of words in its name: "vm start" has two. Return NULL if there is none.
 */
const struct command *find_command(char **words, int *nr);

/* Tell whether a word is the first of a two-word verb. */
bool is_group(const char *word);

#endif /* VPOOLCTL_CLI_COMMANDS_H */
