// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes the manual page and the completion from the command table, at build
 * time: docgen man TEMPLATE, docgen bash.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

/* Roff */

/* Text with what roff takes for itself escaped. */
static void roff(const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\n')
			fputs("\n.IP\n", stdout);
		else
			putchar(*text);
		start = *text == '\n';
	}
	putchar('\n');
}

/* "SIZE[@NODE],...": words in capitals are what the user fills in. */
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
		putchar(' ');
		roff_arg(opt->arg);
	}
	putchar('\n');
	roff(opt->help);
	puts(".RE");
}

static void man_columns(const struct command *cmd)
{
	size_t i;

	puts(".IP\nIts columns, those with an asterisk only when asked for:");
	for (i = 0; i < cmd->nr_columns; i++) {
		puts(".RS\n.TP");
		printf("%s%s\n", cmd->columns[i].name,
		       cmd->columns[i].hidden ? " *" : "");
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

static int man(const char *template)
{
	FILE *in = fopen(template, "re");
	char line[1024];
	size_t i;

	if (!in) {
		perror(template);
		return EXIT_FAILED;
	}
	while (fgets(line, sizeof(line), in)) {
		if (strcmp(line, "@COMMANDS@\n")) {
			fputs(line, stdout);
			continue;
		}
		for (i = 0; i < nr_commands; i++)
			man_command(commands[i]);
	}
	fclose(in);
	return EXIT_OK;
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
};

static void bash_verbs(void)
{
	size_t i;

	fputs("_vpoolctl_verbs='", stdout);
	for (i = 0; i < nr_commands; i++)
		printf("%s%s", i ? " " : "", commands[i]->name);
	puts("'\n");
}

/* What a verb's option takes; nothing for one that takes no value. */
static void bash_values(void)
{
	size_t i, j;

	puts("_vpoolctl_value()\n{\n\tcase $1:$2 in");
	for (i = 0; i < nr_commands; i++) {
		const struct command *cmd = commands[i];

		for (j = 0; j < cmd->nr_options; j++) {
			const struct option_def *opt = cmd->options + j;

			if (!opt->arg)
				continue;
			printf("\t%s:--%s", cmd->name, opt->name);
			if (opt->letter)
				printf("|%s:-%c", cmd->name, opt->letter);
			printf(") echo %s ;;\n", kinds[opt->complete]);
		}
	}
	puts("\tesac\n}\n");
}

static void bash_command(const struct command *cmd)
{
	size_t i;

	printf("\t%s)\n\t\toptions='--help", cmd->name);
	for (i = 0; i < cmd->nr_options; i++)
		printf(" --%s", cmd->options[i].name);
	printf("'\n\t\tfirst=%s\n\t\trest=%s\n", kinds[cmd->complete],
	       kinds[cmd->complete_rest]);
	if (cmd->columns) {
		fputs("\t\tcolumns='", stdout);
		for (i = 0; i < cmd->nr_columns; i++)
			printf("%s%s", i ? " " : "", cmd->columns[i].name);
		puts("'");
	}
	puts("\t\t;;");
}

static const char bash_head[] =
	"# bash completion for vpoolctl                  -*- shell-script -*-\n"
	"# SPDX-License-Identifier: GPL-2.0-only\n"
	"# shellcheck shell=bash\n"
	"# Made from the command table of vpoolctl.\n"
	"\n";

static const char bash_middle[] =
	"_vpoolctl_pools()\n"
	"{\n"
	"\tlocal dir\n"
	"\n"
	"\tfor dir in /sys/kernel/vpool/pools/*/; do\n"
	"\t\t[ -d \"$dir\" ] && basename \"$dir\"\n"
	"\tdone\n"
	"}\n"
	"\n"
	"# Offer words of a kind: _vpoolctl_offer KIND CURRENT COLUMNS\n"
	"_vpoolctl_offer()\n"
	"{\n"
	"\tlocal list=${2%\"${2##*[,+]}\"}\n"
	"\n"
	"\tcase $1 in\n"
	"\tpool) mapfile -t COMPREPLY < <(compgen -W \"$(_vpoolctl_pools)\" -- \"$2\") ;;\n"
	"\tverb) mapfile -t COMPREPLY < <(compgen -W \"$_vpoolctl_verbs\" -- \"$2\") ;;\n"
	"\tsize) mapfile -t COMPREPLY < <(compgen -W '4K 2M' -- \"$2\") ;;\n"
	"\towner) mapfile -t COMPREPLY < <(compgen -u -- \"$2\") ;;\n"
	"\tcolumns) mapfile -t COMPREPLY < <(compgen -P \"$list\" -W \"$3\" -- \"${2#\"$list\"}\") ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"_vpoolctl()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]}\n"
	"\tlocal options='' first=none rest=none columns='' i nr=0 value=''\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$_vpoolctl_verbs --help --version\" -- \"$cur\")\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tcase $verb in\n";

static const char bash_tail[] =
	"\t*) return ;;\n"
	"\tesac\n"
	"\n"
	"\t# How many arguments are in front, and is an option's value wanted?\n"
	"\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	"\t\tif [ -n \"$value\" ]; then\n"
	"\t\t\tvalue=\n"
	"\t\telif [[ ${COMP_WORDS[i]} == -- ]]; then\n"
	"\t\t\t:\n"
	"\t\telif [[ ${COMP_WORDS[i]} == -* ]]; then\n"
	"\t\t\tvalue=$(_vpoolctl_value \"$verb\" \"${COMP_WORDS[i]}\")\n"
	"\t\telse\n"
	"\t\t\tnr=$((nr + 1))\n"
	"\t\t\t# From the program on, complete as if it stood alone.\n"
	"\t\t\tif [ \"$rest\" = command ] && [ $nr -eq 2 ]; then\n"
	"\t\t\t\tdeclare -F _command_offset >/dev/null &&\n"
	"\t\t\t\t\t_command_offset \"$i\"\n"
	"\t\t\t\treturn\n"
	"\t\t\tfi\n"
	"\t\tfi\n"
	"\tdone\n"
	"\n"
	"\tif [ -n \"$value\" ]; then\n"
	"\t\t_vpoolctl_offer \"$value\" \"$cur\" \"$columns\"\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
	"\telif [ $nr -eq 0 ]; then\n"
	"\t\t_vpoolctl_offer \"$first\" \"$cur\" \"$columns\"\n"
	"\telif [ \"$rest\" = command ]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
	"\telse\n"
	"\t\t_vpoolctl_offer \"$rest\" \"$cur\" \"$columns\"\n"
	"\tfi\n"
	"} && complete -F _vpoolctl vpoolctl\n";

static int bash(void)
{
	size_t i;

	fputs(bash_head, stdout);
	bash_verbs();
	bash_values();
	fputs(bash_middle, stdout);
	for (i = 0; i < nr_commands; i++)
		bash_command(commands[i]);
	fputs(bash_tail, stdout);
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "man"))
		return finish_output(man(argv[2]));
	if (argc == 2 && !strcmp(argv[1], "bash"))
		return finish_output(bash());
	fputs("usage: docgen man TEMPLATE | docgen bash\n", stderr);
	return EXIT_USAGE;
}
