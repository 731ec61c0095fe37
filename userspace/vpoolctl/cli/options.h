/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CLI_OPTIONS_H
#define VPOOLCTL_CLI_OPTIONS_H

struct command;
struct invocation;

/*
 * Move common options from before the verb, or from between its two words, to after
 * it: "-J vm list" becomes "vm list --json". @nr receives the number of words. Return
 * the words, or NULL after a message.
 */
char **options_after_verb(int argc, char **argv, int *nr);

/* Return the value of --hosts before the verb, or NULL. */
const char *options_hosts(void);

/* Fill @inv from @argv, argv[0] being the verb. Return EXIT_OK, or the exit status. */
int parse_options(const struct command *cmd, int argc, char **argv,
		  struct invocation *inv);

#endif /* VPOOLCTL_CLI_OPTIONS_H */
