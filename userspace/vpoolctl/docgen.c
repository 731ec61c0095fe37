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
#include "vm/property.h"

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
	if (command_nr_options(cmd))
		fputs(" [\\fIOPTION\\fR...]", stdout);
	if (cmd->args) {
		putchar(' ');
		roff_arg(cmd->args);
	}
	putchar('\n');
	roff(cmd->description);
	for (i = 0; i < command_nr_options(cmd); i++)
		man_option(command_help_option(cmd, i));
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

static void man_vm_properties(void)
{
	size_t i;

	for (i = 0; i < NR_VM_PROPERTIES; i++) {
		printf(".TP\n\\fB%s:\\fR ", vm_properties[i].name);
		roff_arg(vm_properties[i].arg ? vm_properties[i].arg : "true|false");
		putchar('\n');
		roff(vm_properties[i].help);
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
	[COMPLETE_TEMPLATE] = "template",
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

		for (j = 0; j < command_nr_options(cmd); j++) {
			const struct option_def *opt = command_option(cmd, j);

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
	for (i = 0; i < command_nr_options(cmd); i++)
		printf(" --%s", command_help_option(cmd, i)->name);
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

/* Zsh and fish */

/* Tell whether words of an option's value are listed in its placeholder. */
static bool is_list(const struct option_def *opt)
{
	return opt->arg && strchr(opt->arg, '|') && islower(*opt->arg);
}

static const char *kind_of(const struct option_def *opt)
{
	return is_list(opt) ? opt->arg : kinds[opt->complete];
}

/*
 * Print the first clause of a help text on one line, inside of single quotes, with a
 * backslash before each of the characters @special.
 */
static void put_clause(const char *text, const char *special)
{
	for (; *text && *text != ';' && strncmp(text, ". ", 2) &&
	     strncmp(text, ".\n", 2); text++) {
		if (*text == '\'')
			fputs("'\\'", stdout);
		else if (strchr(special, *text))
			putchar('\\');
		putchar(*text == '\n' ? ' ' : *text);
	}
}

static void zsh_verbs(void)
{
	size_t i;

	for (i = 0; i < nr_verbs; i++) {
		const char *space = strchr(verbs[i]->name, ' ');

		if (is_repeated(i))
			continue;
		printf("\t\t'%.*s:", (int)strcspn(verbs[i]->name, " "),
		       verbs[i]->name);
		if (space)
			fputs("virtual machines", stdout);
		else
			put_clause(verbs[i]->summary, ":");
		puts("'");
	}
}

static void zsh_second_words(void)
{
	size_t i, j, len;

	for (i = 0; i < nr_verbs; i++) {
		len = strcspn(verbs[i]->name, " ");
		if (!verbs[i]->name[len] || is_repeated(i))
			continue;
		printf("\t%.*s)\n\t\tverbs=(\n", (int)len, verbs[i]->name);
		for (j = i; j < nr_verbs; j++) {
			if (strncmp(verbs[i]->name, verbs[j]->name, len + 1))
				continue;
			printf("\t\t\t'%s:", verbs[j]->name + len + 1);
			put_clause(verbs[j]->summary, ":");
			puts("'");
		}
		puts("\t\t)\n\t\t;;");
	}
}

static void zsh_groups(void)
{
	size_t i;

	fputs("_vpoolctl_groups='", stdout);
	for (i = 0; i < nr_verbs; i++)
		if (strchr(verbs[i]->name, ' ') && !is_repeated(i))
			printf("%.*s ", (int)strcspn(verbs[i]->name, " "),
			       verbs[i]->name);
	puts("'");
}

static void put_columns(const struct command *cmd)
{
	size_t i;

	for (i = 0; i < cmd->nr_columns; i++)
		printf(" %s", cmd->columns[i].name);
}

/* Print an option as _arguments takes it: '(-n --name)'{-n,--name}'[help]:ARG:ACTION'. */
static void zsh_option(const struct command *cmd, const struct option_def *opt)
{
	fputs(" \\\n\t\t\t", stdout);
	if (opt->letter)
		printf("'(-%c --%s)'{-%c,--%s%s}", opt->letter, opt->name,
		       opt->letter, opt->name,
		       !opt->arg ? "" : opt->may_lack_arg ? "=-" : "=");
	else
		printf("--%s%s", opt->name,
		       !opt->arg ? "" : opt->may_lack_arg ? "=-" : "=");
	fputs("'[", stdout);
	put_clause(opt->help, ":[]\\");
	putchar(']');
	if (opt->arg) {
		fputs(opt->may_lack_arg ? "::" : ":", stdout);
		put_clause(opt->arg, ":\\");
		printf(":{_vpoolctl_offer \"%s\"", kind_of(opt));
		if (opt->complete == COMPLETE_COLUMNS)
			put_columns(cmd);
		putchar('}');
	}
	putchar('\'');
}

static void zsh_command(const struct command *cmd)
{
	size_t i;

	printf("\t'%s')\n\t\t_arguments -s %s'(- *)'{-h,--help}'[print help]'",
	       cmd->name, cmd->stop_at_args ? "-A '-*' " : "");
	for (i = 0; i < command_nr_options(cmd); i++)
		zsh_option(cmd, command_help_option(cmd, i));
	if (cmd->max_args)
		printf(" \\\n\t\t\t'1:argument:{_vpoolctl_offer %s}'",
		       kinds[cmd->complete]);
	if (cmd->complete_args == COMPLETE_COMMAND)
		fputs(" \\\n\t\t\t'*::program:_normal'", stdout);
	else if (cmd->max_args < 0 || cmd->max_args > 1)
		printf(" \\\n\t\t\t'*:argument:{_vpoolctl_offer %s}'",
		       kinds[cmd->complete_args]);
	puts("\n\t\t;;");
}

static void zsh_cases(void)
{
	size_t i;

	for (i = 0; i < nr_verbs; i++)
		zsh_command(verbs[i]);
}

/* Print the words that fish offers for a value or an argument. */
static void fish_words(const struct command *cmd, const char *kind, bool list)
{
	if (list) {
		fputs(" -xa '", stdout);
		for (; *kind; kind++)
			putchar(*kind == '|' ? ' ' : *kind);
		putchar('\'');
	} else if (!strcmp(kind, "columns")) {
		fputs(" -xa '", stdout);
		put_columns(cmd);
		putchar('\'');
	} else if (!strcmp(kind, "file") || !strcmp(kind, "command")) {
		fputs(" -rF", stdout);
	} else {
		printf(" -xa '(__vpoolctl_offer %s)'", kind);
	}
}

static void fish_verb(const struct command *cmd, bool repeated)
{
	const char *space = strchr(cmd->name, ' ');

	if (!space) {
		printf("complete -c vpoolctl -n __vpoolctl_no_verb -a %s -d '", cmd->name);
	} else {
		if (!repeated)
			printf("complete -c vpoolctl -n __vpoolctl_no_verb -a %.*s -d '%s'\n",
			       (int)(space - cmd->name), cmd->name, "virtual machines");
		printf("complete -c vpoolctl -n '__vpoolctl_group %.*s' -a %s -d '",
		       (int)(space - cmd->name), cmd->name, space + 1);
	}
	put_clause(cmd->summary, "");
	puts("'");
}

static void fish_command(const struct command *cmd)
{
	size_t i;

	for (i = 0; i < command_nr_options(cmd); i++) {
		const struct option_def *opt = command_help_option(cmd, i);

		printf("complete -c vpoolctl -n '__vpoolctl_verb %s' -l %s", cmd->name,
		       opt->name);
		if (opt->letter)
			printf(" -s %c", opt->letter);
		if (opt->arg && !opt->may_lack_arg)
			fish_words(cmd, kind_of(opt), is_list(opt));
		fputs(" -d '", stdout);
		put_clause(opt->help, "");
		puts("'");
	}
	printf("complete -c vpoolctl -n '__vpoolctl_verb %s' -l help -s h -d 'print help'\n",
	       cmd->name);
	if (cmd->complete != COMPLETE_NONE && cmd->complete != COMPLETE_VERB) {
		printf("complete -c vpoolctl -n '__vpoolctl_first %s'", cmd->name);
		fish_words(cmd, kinds[cmd->complete], false);
		putchar('\n');
	}
	if (cmd->complete_args != COMPLETE_NONE) {
		printf("complete -c vpoolctl -n '__vpoolctl_rest %s'", cmd->name);
		fish_words(cmd, kinds[cmd->complete_args], false);
		putchar('\n');
	}
}

static void fish(void)
{
	size_t i;

	puts("complete -c vpoolctl -f");
	for (i = 0; i < nr_verbs; i++) {
		fish_verb(verbs[i], is_repeated(i));
		fish_command(verbs[i]);
	}
}

/* Templates */

static const struct {
	const char *line;
	void (*put)(void);
} placeholders[] = {
	{ "@CASES@\n", bash_cases },
	{ "@COMMANDS@\n", man_commands },
	{ "@FISH@\n", fish },
	{ "@PROPERTIES@\n", man_properties },
	{ "@SECOND@\n", bash_second_words },
	{ "@VALUES@\n", bash_values },
	{ "@VERBS@\n", bash_verbs },
	{ "@VM_PROPERTIES@\n", man_vm_properties },
	{ "@ZSH_CASES@\n", zsh_cases },
	{ "@ZSH_GROUPS@\n", zsh_groups },
	{ "@ZSH_SECOND@\n", zsh_second_words },
	{ "@ZSH_VERBS@\n", zsh_verbs },
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
