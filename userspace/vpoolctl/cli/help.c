// SPDX-License-Identifier: GPL-2.0-only
/*
 * Texts of the help verb and of --help, from the command table.
 */
#include <stdio.h>
#include <string.h>

#include "base/command.h"
#include "base/macros.h"
#include "base/suggest.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "output/messages.h"
#include "output/table.h"

#define WIDTH 79

/* Print a line unchanged. Return the text that follows it. */
static const char *put_verbatim(const char *text, int indent)
{
	int len = strcspn(text, "\n");

	printf("%.*s", len, text);
	text += len;
	if (*text && text[1] != '\n')
		printf("\n%*s", indent, "");
	return *text && text[1] != '\n' ? text + 1 : text;
}

/*
 * Print text, wrapped and indented by @indent. The first line starts at column @at. A
 * line that starts with spaces is an example and is printed unchanged.
 */
static void wrap(const char *text, int at, int indent)
{
	while (*text) {
		int len = strcspn(text, "\n ");

		while (*text == ' ' && at == indent)
			text = put_verbatim(text, indent);
		len = strcspn(text, "\n ");
		if (at > indent && at + 1 + len > WIDTH) {
			printf("\n%*s", indent, "");
			at = indent;
		} else if (at > indent) {
			putchar(' ');
			at++;
		}
		printf("%.*s", len, text);
		at += len;
		text += len;
		if (!strncmp(text, "\n\n", 2)) {
			printf("\n\n%*s", indent, "");
			at = indent;
			text += 2;
			continue;
		}
		text += strspn(text, "\n ");
	}
	putchar('\n');
}

/*
 * The path from an empty host to a virtual machine on an isolated pool, and back. A
 * test runs these commands.
 */
static const struct {
	const char *command;
	const char *what;
} first_steps[] = {
	{ "host", "show what a pool can take" },
	{ "create web --ncpus 2 --mem 1G --isolate", "create a pool" },
	{ "vm start shop --pool web --disk IMAGE", "start a machine on it" },
	{ "vm list", "show the machine and its CPUs" },
	{ "audit web", "check the isolation" },
	{ "vm stop shop", "shut the machine down" },
	{ "destroy web", "destroy the pool" },
};

void print_overview(FILE *to)
{
	const struct command *const *commands;
	size_t i, nr_commands;

	commands = commands_get(&nr_commands);
	fputs("usage: vpoolctl [OPTION...] VERB [OPTION...] [ARGUMENT...]\n\n"
	      "Carve this host's CPUs and memory into named pools.\n\n", to);
	for (i = 0; i < nr_commands; i++)
		fprintf(to, "  %-14s%s\n", commands[i]->name,
			commands[i]->summary);
	fputs("\nFirst steps, as root:\n\n", to);
	for (i = 0; i < ARRAY_SIZE(first_steps); i++)
		fprintf(to, "    vpoolctl %-41s# %s\n", first_steps[i].command,
			first_steps[i].what);
	fputs("\nOptions that many verbs share can also be given before the verb, or between its\n"
	      "words: -J (--json), -b (--bytes), -o (--output) COLUMNS, -q (--quiet),\n"
	      "--noheadings, --raw. With --json, errors are JSON objects, too.\n"
	      "-H (--hosts) HOST[,HOST...] before the verb runs it on other hosts by ssh.\n"
	      "'vpoolctl VERB --help' describes a verb; "
	      "vpoolctl(8) describes all.\n", to);
}

static void print_option(const struct option_def *opt)
{
	char left[48];
	int len;

	if (opt->letter)
		len = snprintf(left, sizeof(left), "  -%c, --%s%s%s",
			       opt->letter, opt->name, opt->arg ? " " : "",
			       opt->arg ? opt->arg : "");
	else
		len = snprintf(left, sizeof(left), "      --%s%s%s%s", opt->name,
			       opt->may_lack_arg ? "[=" : opt->arg ? " " : "",
			       opt->arg ? opt->arg : "",
			       opt->may_lack_arg ? "]" : "");
	if (len < 27)
		printf("%-28s", left);
	else
		printf("%s\n%28s", left, "");
	wrap(opt->help, 28, 28);
}

static void print_columns(const struct command *cmd)
{
	size_t i;

	puts("\nColumns (those with * are shown only on request):");
	for (i = 0; i < cmd->nr_columns; i++) {
		printf("  %c %-12s", cmd->columns[i].show == SHOW_ALWAYS ? ' ' : '*',
		       cmd->columns[i].name);
		wrap(cmd->columns[i].help, 16, 16);
	}
}

void print_command_help(const struct command *cmd)
{
	static const struct option_def help = {
		.name = "help", .letter = 'h', .help = "show this help",
	};
	size_t i;

	printf("usage: vpoolctl %s [OPTION...]%s%s\n\n", cmd->name,
	       cmd->args ? " " : "", cmd->args ? cmd->args : "");
	wrap(cmd->description, 0, 0);
	puts("\nOptions:");
	for (i = 0; i < command_nr_options(cmd); i++)
		print_option(command_help_option(cmd, i));
	print_option(&help);
	if (cmd->columns)
		print_columns(cmd);
}

void print_group(FILE *to, const char *group)
{
	const struct command *const *commands;
	size_t i, nr_commands, len = strlen(group);

	commands = commands_get(&nr_commands);
	fprintf(to, "usage: vpoolctl %s VERB [OPTION...] [ARGUMENT...]\n\n",
		group);
	for (i = 0; i < nr_commands; i++)
		if (!strncmp(commands[i]->name, group, len) &&
		    commands[i]->name[len] == ' ')
			fprintf(to, "  %-14s%s\n", commands[i]->name,
				commands[i]->summary);
}

/* Collect the names of all verbs, or the second words of the verbs of @group. */
static size_t verb_names(const char *group, const char **names, size_t room)
{
	size_t i, nr_commands, nr = 0, len = group ? strlen(group) : 0;
	const struct command *const *commands = commands_get(&nr_commands);

	for (i = 0; i < nr_commands && nr < room; i++) {
		if (!group)
			names[nr++] = commands[i]->name;
		else if (!strncmp(commands[i]->name, group, len) &&
			 commands[i]->name[len] == ' ')
			names[nr++] = commands[i]->name + len + 1;
	}
	return nr;
}

/*
 * Words that other tools use for the same action. An entry must not lead to a verb with
 * a different meaning.
 */
static const struct {
	const char *word;
	const char *verb;
} synonyms[] = {
	{ "add", "create" },
	{ "cat", "show" },
	{ "del", "destroy" },
	{ "delete", "destroy" },
	{ "dump", "export" },
	{ "exec", "run" },
	{ "get", "show" },
	{ "info", "show" },
	{ "join", "attach" },
	{ "leave", "detach" },
	{ "ls", "list" },
	{ "make", "create" },
	{ "members", "ps" },
	{ "mk", "create" },
	{ "new", "create" },
	{ "remove", "destroy" },
	{ "rm", "destroy" },
	{ "save", "export" },
	{ "stats", "top" },
	{ "status", "list" },
	{ "validate", "check" },
	{ "vm create", "vm start" },
	{ "vm info", "vm list" },
	{ "vm ls", "vm list" },
	{ "vm move", "vm migrate" },
	{ "vm new", "vm start" },
	{ "vm ps", "vm list" },
	{ "vm reboot", "vm reset" },
	{ "vm run", "vm start" },
	{ "vm shutdown", "vm stop" },
	{ "vm status", "vm list" },
	{ "vm suspend", "vm pause" },
};

static const char *synonym_of(const char *verb)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(synonyms); i++)
		if (!strcmp(synonyms[i].word, verb))
			return synonyms[i].verb;
	return NULL;
}

int unknown_verb(const char *group, const char *verb)
{
	const char *names[64], *near;
	char whole[64];

	if (*verb == '-')
		return usage_error(NULL, "unknown option '%s'", verb);
	snprintf(whole, sizeof(whole), "%s%s%s", group ? group : "",
		 group ? " " : "", verb);
	near = synonym_of(whole);
	if (near)
		return usage_error(NULL, "unknown verb '%s': did you mean '%s'?",
				   whole, near);
	near = nearest_slip(verb, names,
			    verb_names(group, names, ARRAY_SIZE(names)));
	/* "vm top" is not a typing error for "vm stop": top is a verb. */
	if (!near || (group && find_command((char *[]) { (char *)verb, NULL },
					    &(int){ 0 })))
		return usage_error(NULL, "unknown verb '%s'", whole);
	return usage_error(NULL, "unknown verb '%s': did you mean '%s%s%s'?",
			   whole, group ? group : "", group ? " " : "", near);
}
