// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generator of the manual page and the shell completion. It copies a template and replaces
 * some of its lines by texts from the command table.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/command.h"
#include "base/exit.h"
#include "base/macros.h"
#include "cmd/verbs.h"
#include "config/property.h"
#include "output/messages.h"
#include "output/table.h"

/* Roff */

/* Print one line, with the characters special to roff escaped. */
static void roff_line(const char *text, int len)
{
	const char *end = text + len;

	if (text < end && (*text == '.' || *text == '\''))
		fputs("\\&", stdout);
	for (; text < end; text++) {
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else
			putchar(*text);
	}
	putchar('\n');
}

/* Print text. A line that starts with spaces is an example and stays unchanged. */
static void roff(const char *text)
{
	bool example = false;

	while (*text) {
		int len = strcspn(text, "\n");

		if (!len)
			puts(example ? ".fi\n.IP" : ".IP");
		else if ((*text == ' ') != example)
			puts(example ? ".fi" : ".nf");
		example = *text == ' ';
		if (len)
			roff_line(text, len);
		text += len + !!text[len];
	}
	if (example)
		puts(".fi");
}

/* Print a placeholder as "SIZE[@NODE],...": the user replaces words in capitals. */
static void roff_arg(const char *arg)
{
	bool italic = false;

	for (; *arg; arg++) {
		bool upper = isupper((unsigned char)*arg);

		if (upper != italic)
			fputs(upper ? "\\fI" : "\\fR", stdout);
		italic = upper;
		if (*arg == '-')
			putchar('\\');
		putchar(*arg);
	}
	fputs(italic ? "\\fR" : "", stdout);
}

static void roff_long(const char *name)
{
	fputs("\\fB\\-\\-", stdout);
	for (; *name; name++) {
		if (*name == '-')
			putchar('\\');
		putchar(*name);
	}
	fputs("\\fR", stdout);
}

static void man_option(const struct option_def *opt)
{
	puts(".RS\n.TP");
	if (opt->letter)
		printf("\\fB\\-%c\\fR, ", opt->letter);
	roff_long(opt->name);
	if (opt->arg) {
		fputs(opt->may_lack_arg ? "[=" : " ", stdout);
		roff_arg(opt->arg);
		fputs(opt->may_lack_arg ? "]" : "", stdout);
	}
	putchar('\n');
	roff(opt->help);
	puts(".RE");
}

static void man_columns(const struct command *cmd)
{
	size_t i;

	puts(".IP\nIts columns, those with an asterisk only on request:");
	for (i = 0; i < cmd->nr_columns; i++) {
		puts(".RS\n.TP");
		printf("%s%s\n", cmd->columns[i].name,
		       cmd->columns[i].show != SHOW_ALWAYS ? " *" : "");
		roff(cmd->columns[i].help);
		puts(".RE");
	}
}

static void man_command(const struct command *cmd)
{
	size_t i;

	printf(".TP\n\\fBvpoolctl %s\\fR", cmd->name);
	if (cmd->nr_options)
		fputs(" [\\fIOPTION\\fR...]", stdout);
	if (cmd->args) {
		putchar(' ');
		roff_arg(cmd->args);
	}
	putchar('\n');
	roff(cmd->description);
	for (i = 0; i < cmd->nr_options; i++)
		man_option(cmd->options + i);
	if (cmd->columns)
		man_columns(cmd);
}

static void man_commands(void)
{
	size_t i;

	for (i = 0; i < nr_verbs; i++)
		man_command(verbs[i]);
}

static void man_properties(void)
{
	size_t i;

	for (i = 0; i < nr_property_defs; i++) {
		printf(".TP\n\\fB%s:\\fR ", property_defs[i].name);
		roff_arg(property_defs[i].arg);
		putchar('\n');
		roff(property_defs[i].help);
	}
}

/* Bash */

static const char *const kinds[] = {
	[COMPLETE_NONE] = "none",
	[COMPLETE_POOL] = "pool",
	[COMPLETE_COLUMNS] = "columns",
	[COMPLETE_SIZE] = "size",
	[COMPLETE_OWNER] = "owner",
	[COMPLETE_COMMAND] = "command",
	[COMPLETE_VERB] = "verb",
	[COMPLETE_FILE] = "file",
	[COMPLETE_VM] = "vm",
	[COMPLETE_CPUS] = "cpus",
	[COMPLETE_CPU] = "cpu",
	[COMPLETE_NODE] = "node",
	[COMPLETE_PID] = "pid",
	[COMPLETE_SIGNAL] = "signal",
	[COMPLETE_MOUNT] = "mount",
	[COMPLETE_DEVICE] = "device",
};

/* Tell whether an earlier command has the same first word. */
static bool is_repeated(size_t nr)
{
	size_t i, len = strcspn(verbs[nr]->name, " ");

	for (i = 0; i < nr; i++)
		if (strcspn(verbs[i]->name, " ") == len &&
		    !strncmp(verbs[i]->name, verbs[nr]->name, len))
			return true;
	return false;
}

static void bash_verbs(void)
{
	size_t i;

	fputs("_vpoolctl_verbs='", stdout);
	for (i = 0; i < nr_verbs; i++)
		if (!is_repeated(i))
			printf("%s%.*s", i ? " " : "",
			       (int)strcspn(verbs[i]->name, " "),
			       verbs[i]->name);
	puts("'");
}

/* Print the second words of two-word verbs. */
static void bash_second_words(void)
{
	const char *space;
	size_t i;

	puts("_vpoolctl_second()\n{\n\tcase $1 in");
	for (i = 0; i < nr_verbs; i++) {
		space = strchr(verbs[i]->name, ' ');
		if (!space)
			continue;
		printf("\t%.*s)\n\t\techo '",
		       (int)(space - verbs[i]->name), verbs[i]->name);
		for (; i < nr_verbs; i++) {
			printf("%s ", space + 1);
			space = i + 1 < nr_verbs ?
				strchr(verbs[i + 1]->name, ' ') : NULL;
			if (!space || !is_repeated(i + 1))
				break;
		}
		puts("'\n\t\t;;");
	}
	puts("\tesac\n}");
}

/* Print the completion of an option that takes a value. */
static void bash_values(void)
{
	size_t i, j;

	puts("_vpoolctl_value()\n{\n\tcase $1:$2 in");
	for (i = 0; i < nr_verbs; i++) {
		const struct command *cmd = verbs[i];

		for (j = 0; j < cmd->nr_options; j++) {
			const struct option_def *opt = cmd->options + j;

			/* An optional value is never the next word. */
			if (!opt->arg || opt->may_lack_arg)
				continue;
			printf("\t'%s':--%s", cmd->name, opt->name);
			if (opt->letter)
				printf("|'%s':-%c", cmd->name, opt->letter);
			/* A placeholder as "user|none" lists the values. */
			printf(")\n\t\techo '%s'\n\t\t;;\n",
			       strchr(opt->arg, '|') && islower(*opt->arg) ?
			       opt->arg : kinds[opt->complete]);
		}
	}
	puts("\tesac\n}");
}

static void bash_command(const struct command *cmd)
{
	size_t i;

	printf("\t'%s')\n\t\toptions='--help", cmd->name);
	for (i = 0; i < cmd->nr_options; i++)
		printf(" --%s", cmd->options[i].name);
	printf("'\n\t\tfirst='%s'\n\t\trest='%s'\n", kinds[cmd->complete],
	       kinds[cmd->complete_args]);
	if (cmd->columns) {
		fputs("\t\tcolumns='", stdout);
		for (i = 0; i < cmd->nr_columns; i++)
			printf("%s%s", i ? " " : "", cmd->columns[i].name);
		puts("'");
	}
	puts("\t\t;;");
}

static void bash_cases(void)
{
	size_t i;

	for (i = 0; i < nr_verbs; i++)
		bash_command(verbs[i]);
}

/* Templates */

static const struct {
	const char *line;
	void (*put)(void);
} placeholders[] = {
	{ "@CASES@\n", bash_cases },
	{ "@COMMANDS@\n", man_commands },
	{ "@PROPERTIES@\n", man_properties },
	{ "@SECOND@\n", bash_second_words },
	{ "@VALUES@\n", bash_values },
	{ "@VERBS@\n", bash_verbs },
};

static void put_line(const char *line)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(placeholders); i++) {
		if (strcmp(line, placeholders[i].line))
			continue;
		placeholders[i].put();
		return;
	}
	fputs(line, stdout);
}

int main(int argc, char **argv)
{
	FILE *in = argc == 2 ? fopen(argv[1], "re") : NULL;
	char line[1024];

	if (!in) {
		fputs("usage: docgen TEMPLATE\n", stderr);
		return EXIT_USAGE;
	}
	while (fgets(line, sizeof(line), in))
		put_line(line);
	fclose(in);
	return finish_output(EXIT_OK);
}
