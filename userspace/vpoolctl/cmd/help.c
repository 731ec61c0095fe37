// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl help: show all verbs, or the help of one.
 */
#include <stdio.h>

#include "base/command.h"
#include "base/exit.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cmd/cmd.h"

static int run_help(const struct invocation *inv)
{
	const struct command *cmd;
	int nr;

	if (!inv->argc) {
		print_overview(stdout);
		return EXIT_OK;
	}
	cmd = find_command(inv->argv, &nr);
	if (cmd && nr == inv->argc) {
		print_command_help(cmd);
		return EXIT_OK;
	}
	if (inv->argc == 1 && is_group(inv->argv[0])) {
		print_group(stdout, inv->argv[0]);
		return EXIT_OK;
	}
	if (is_group(inv->argv[0]))
		return unknown_verb(inv->argv[0], inv->argv[1]);
	return unknown_verb(NULL, inv->argv[0]);
}

const struct command cmd_help = {
	.name = "help",
	.local = true,
	.args = "[VERB]",
	.summary = "show all verbs, or the help of one",
	.description = "Show all verbs, or the help of one verb.",
	.max_args = 2,
	.complete = COMPLETE_VERB,
	.run = run_help,
};
