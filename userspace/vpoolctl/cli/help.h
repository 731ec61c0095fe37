/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CLI_HELP_H
#define VPOOLCTL_CLI_HELP_H

#include <stdio.h>

struct command;

/* Report that @verb, after @group or NULL, is no verb, and suggest a similar one. */
int unknown_verb(const char *group, const char *verb);

void print_overview(FILE *to);
/* Print the two-word verbs that start with @group. */
void print_group(FILE *to, const char *group);
void print_command_help(const struct command *cmd);

#endif /* VPOOLCTL_CLI_HELP_H */
