// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl: carve a host into named pools of CPUs and memory.
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "vpoolctl.h"

static int unknown_verb(const char *verb)
{
	const char *names[64], *near;
	size_t i;

	if (*verb == '-')
		return wrong_usage(NULL, "unknown option '%s'", verb);
	for (i = 0; i < nr_commands && i < ARRAY_SIZE(names); i++)
		names[i] = commands[i]->name;
	near = nearest(verb, names, i);
	if (!near)
		return wrong_usage(NULL, "unknown verb '%s'", verb);
	return wrong_usage(NULL, "unknown verb '%s': did you mean '%s'?",
			   verb, near);
}

static const char *verb_of(const char *arg)
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
	int status;

	setlocale(LC_ALL, "");
	if (argc < 2) {
		print_overview(stderr);
		return EXIT_USAGE;
	}
	cmd = find_command(verb_of(argv[1]));
	if (!cmd)
		return unknown_verb(argv[1]);
	status = parse_options(cmd, argc - 1, argv + 1, &inv);
	if (!status)
		status = cmd->run(&inv);
	/* Less than nothing: help was asked for, and given. */
	return finish_output(status < 0 ? EXIT_OK : status);
}
