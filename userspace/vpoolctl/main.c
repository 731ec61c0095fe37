// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl: carve a host into named pools of CPUs and memory.
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/command.h"
#include "base/exit.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cmd/verbs.h"
#include "fleet/fleet.h"
#include "output/messages.h"

/* Report that the words are no verb, or print the help of a group. */
static int no_verb(char **words)
{
	if (!is_group(words[0]))
		return unknown_verb(NULL, words[0]);
	if (!words[1] || !strcmp(words[1], "--help") ||
	    !strcmp(words[1], "-h")) {
		print_group(words[1] ? stdout : stderr, words[0]);
		return words[1] ? EXIT_OK : EXIT_USAGE;
	}
	return unknown_verb(words[0], words[1]);
}

static char *verb_of(char *arg)
{
	if (!strcmp(arg, "--help") || !strcmp(arg, "-h"))
		return "help";
	if (!strcmp(arg, "--version") || !strcmp(arg, "-V"))
		return "version";
	return arg;
}

int main(int argc, char **argv)
{
	const struct command *cmd;
	struct invocation inv;
	int status, nr;

	setlocale(LC_ALL, "");
	commands_set(verbs, nr_verbs);
	if (argc > 1)
		argv = options_after_verb(argc, argv, &argc);
	if (!argv)
		return EXIT_USAGE;
	if (argc < 2) {
		print_overview(stderr);
		return EXIT_USAGE;
	}
	/* Programs parse the numbers. */
	setlocale(LC_NUMERIC, "C");
	argv[1] = verb_of(argv[1]);
	cmd = find_command(argv + 1, &nr);
	if (!cmd && !strncmp(argv[1], "--", 2))
		return usage_error(NULL, "these options need a verb");
	if (!cmd)
		return finish_output(no_verb(argv + 1));
	status = parse_options(cmd, argc - nr, argv + nr, &inv);
	if (!status)
		status = options_hosts() ? fleet_run(options_hosts(), &inv) :
					   cmd->run(&inv);
	/* A negative status means that help was printed. */
	return finish_output(status < 0 ? EXIT_OK : status);
}
