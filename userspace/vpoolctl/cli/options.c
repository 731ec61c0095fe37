// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parser of the command line, driven by the command table.
 */
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/suggest.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/options.h"
#include "output/messages.h"

/* Values of long options start above every letter. */
#define OPTION_BASE 256
#define OPTION_HELP (OPTION_BASE + MAX_OPTIONS)

struct getopt_form {
	struct option longs[MAX_OPTIONS + 2];
	char shorts[2 * MAX_OPTIONS + 5];
};

static void make_form(const struct command *cmd, struct getopt_form *form)
{
	char *s = form->shorts;
	size_t i;

	memset(form, 0, sizeof(*form));
	/* "-" makes getopt return each argument in place, with the value 1. */
	*s++ = cmd->stop_at_args ? '+' : '-';
	*s++ = ':';
	*s++ = 'h';
	for (i = 0; i < command_nr_options(cmd); i++) {
		const struct option_def *opt = command_option(cmd, i);

		form->longs[i].name = opt->name;
		form->longs[i].has_arg = !opt->arg ? no_argument :
					 opt->may_lack_arg ? optional_argument :
							     required_argument;
		form->longs[i].val = OPTION_BASE + i;
		if (opt->letter)
			*s++ = opt->letter;
		if (opt->letter && opt->arg)
			*s++ = ':';
	}
	form->longs[i].name = "help";
	form->longs[i].val = OPTION_HELP;
}

static int unknown_option(const struct command *cmd, const char *arg,
			  int letter)
{
	const char *names[MAX_OPTIONS + 1], *near;
	char word[64];
	size_t i;

	if (letter && letter < OPTION_BASE)
		return usage_error(cmd, "unknown option '-%c'", letter);
	if (letter)
		return usage_error(cmd, "option '--%s' takes no value",
				   letter == OPTION_HELP ? "help" :
				   command_option(cmd, letter - OPTION_BASE)->name);
	for (i = 0; i < command_nr_options(cmd); i++)
		names[i] = command_option(cmd, i)->name;
	names[i++] = "help";
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(arg + 2, "="),
		 arg + 2);
	near = nearest_slip(word, names, i);
	if (!near)
		return usage_error(cmd, "unknown option '--%s'", word);
	return usage_error(cmd, "unknown option '--%s': did you mean '--%s'?",
			   word, near);
}

static int option_index(const struct command *cmd, int value)
{
	size_t i;

	if (value >= OPTION_BASE)
		return value - OPTION_BASE;
	for (i = 0; i < command_nr_options(cmd); i++)
		if (command_option(cmd, i)->letter == value)
			break;
	return i;
}

/* Check whether a word is "--", or an option of a verb such as --name or --name=value. */
static bool is_option(const struct command *cmd, const char *word)
{
	size_t len, i;

	if (strncmp(word, "--", 2))
		return false;
	word += 2;
	len = strcspn(word, "=");
	for (i = 0; len && i < command_nr_options(cmd); i++)
		if (strlen(command_option(cmd, i)->name) == len &&
		    !strncmp(command_option(cmd, i)->name, word, len))
			return true;
	return !len && !*word;
}

/* Take an option. @word is the last word of it. */
static int take_option(struct invocation *inv, int value, const char *word)
{
	const struct command *cmd = inv->cmd;
	int i = option_index(cmd, value);
	const struct option_def *opt = command_option(cmd, i);
	bool again = inv->given[i];

	/* getopt takes any word for the value, so that a value may begin with a dash. */
	if (opt->arg && optarg == word && is_option(cmd, word))
		return usage_error(cmd, "option '--%s' needs a value, but '%s' follows",
				   opt->name, word);
	if (again && opt->arg && opt->list != LIST_OF_VALUES)
		return usage_error(cmd, "option '--%s' is given twice", opt->name);
	if (!strcmp(opt->name, "json"))
		messages_set_json();
	inv->given[i] = true;
	inv->value[i] = optarg;
	if (!again || opt->arg)
		inv->settings[inv->nr_settings++] = (struct setting) { i, optarg };
	return EXIT_OK;
}

static int check_args(const struct invocation *inv)
{
	const struct command *cmd = inv->cmd;

	if (inv->argc < cmd->min_args)
		return usage_error(cmd, "too few arguments: expected %s",
				   cmd->args);
	if (cmd->max_args == 0 && inv->argc)
		return usage_error(cmd, "unexpected argument '%s'",
				   inv->argv[0]);
	if (cmd->max_args >= 0 && inv->argc > cmd->max_args)
		return usage_error(cmd,
				   "unexpected argument '%s': expected %s",
				   inv->argv[cmd->max_args], cmd->args);
	return EXIT_OK;
}

/* Accept "-9" and "-KILL", but not a cluster of option letters. */
static bool is_bare(const char *word)
{
	size_t len = strspn(word + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-");

	return word[0] == '-' && word[1] != '-' && len && !word[1 + len] &&
	       (len > 1 || isdigit((unsigned char)word[1]));
}

/* Like getopt_long(), but accept "-9" for "-s9". */
static int next_option(const struct command *cmd, int argc, char **argv,
		       const struct getopt_form *form)
{
	/* An optind of 0 makes glibc restart at the first argument. */
	int at = optind ? optind : 1;
	size_t i;

	for (i = 0; at < argc && i < command_nr_options(cmd); i++) {
		if (!command_option(cmd, i)->bare || !is_bare(argv[at]))
			continue;
		optarg = argv[at] + 1;
		optind = at + 1;
		return OPTION_BASE + i;
	}
	return getopt_long(argc, argv, form->shorts, form->longs, NULL);
}

/* Report an error in an option as JSON even if --json follows it. */
static void detect_json(const struct command *cmd, int argc, char **argv)
{
	bool has = false;
	size_t i;
	int at;

	for (i = 0; i < command_nr_options(cmd); i++)
		has |= !strcmp(command_option(cmd, i)->name, "json");
	for (at = 1; has && at < argc && strcmp(argv[at], "--"); at++)
		if (!strcmp(argv[at], "--json") || !strcmp(argv[at], "-J"))
			messages_set_json();
}

int parse_options(const struct command *cmd, int argc, char **argv,
		  struct invocation *inv)
{
	/* Not freed, like the arguments of main(). */
	static struct setting *settings;
	struct getopt_form form;
	int value, status = EXIT_OK;

	memset(inv, 0, sizeof(*inv));
	inv->cmd = cmd;
	/* Collect the arguments in place of the verb and the options. */
	inv->argv = argv + 1;
	/* A word can have many options without values, but repeats are not counted. */
	settings = xrealloc(settings, (argc + MAX_OPTIONS) * sizeof(*settings));
	inv->settings = settings;
	detect_json(cmd, argc, argv);
	make_form(cmd, &form);
	optind = 0;
	opterr = 0;
	while (!status) {
		value = next_option(cmd, argc, argv, &form);
		if (value == -1)
			break;
		if (value == 'h' || value == OPTION_HELP) {
			print_command_help(cmd);
			return -1;
		}
		if (value == ':')
			return usage_error(cmd, "option '%s' needs a value",
					   argv[optind - 1]);
		if (value == '?')
			return unknown_option(cmd, argv[optind - 1], optopt);
		if (value == 1)
			inv->argv[inv->argc++] = optarg;
		else
			status = take_option(inv, value, argv[optind - 1]);
	}
	inv->before = inv->argc;
	while (optind < argc)
		inv->argv[inv->argc++] = argv[optind++];
	inv->argv[inv->argc] = NULL;
	return status ? status : check_args(inv);
}

/* Options common to many verbs, by the letter accepted before a verb. */
static const struct option common_options[] = {
	{ "bytes", no_argument, NULL, 'b' },
	{ "help", no_argument, NULL, 'h' },
	{ "hosts", required_argument, NULL, 'H' },
	{ "json", no_argument, NULL, 'J' },
	{ "noheadings", no_argument, NULL, 'n' },
	{ "output", required_argument, NULL, 'o' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "raw", no_argument, NULL, 'r' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static const char *common_name(int letter)
{
	size_t i;

	for (i = 0; common_options[i].name; i++)
		if (common_options[i].val == letter)
			break;
	return common_options[i].name;
}

static const char *hosts;

const char *options_hosts(void)
{
	return hosts;
}

/*
 * Move the common options that @words begins with to @found. @nr receives the number of
 * words that they take. Return EXIT_OK, or EXIT_USAGE after a message.
 */
static int take_common(int argc, char **words, char **found, int *nr_found,
		       int *nr)
{
	int letter;

	optind = 0;
	opterr = 0;
	while ((letter = getopt_long(argc, words, "+:bhH:Jo:qV", common_options,
				     NULL)) != -1) {
		if (letter == ':')
			return usage_error(NULL, "option '%s' needs a value",
					   words[optind - 1]);
		if (letter == '?' && optopt)
			return usage_error(NULL, "unknown option '-%c'", optopt);
		if (letter == '?')
			return usage_error(NULL, "unknown option '%s'",
					   words[optind - 1]);
		if (letter == 'J')
			messages_set_json();
		if (letter == 'H' && hosts)
			return usage_error(NULL, "option '--hosts' is given twice");
		if (letter == 'H')
			hosts = optarg;
		else if (letter == 'o')
			found[(*nr_found)++] = xprintf("--output=%s", optarg);
		else
			found[(*nr_found)++] = xprintf("--%s",
						       common_name(letter));
	}
	*nr = optind - 1;
	return EXIT_OK;
}

char **options_after_verb(int argc, char **argv, int *nr)
{
	/* The arrays are never freed, like the arguments of main(). */
	static char **words, **found;
	int i, nr_found = 0, taken;

	found = xcalloc(argc + 1, sizeof(*found));
	words = xcalloc(argc + 1, sizeof(*words));
	*nr = 0;
	words[(*nr)++] = *argv;
	if (take_common(argc, argv, found, &nr_found, &taken))
		return NULL;
	argv += taken + 1;
	argc -= taken + 1;
	if (argc && is_group(*argv)) {
		words[(*nr)++] = *argv;
		/*
		 * For getopt, the first word of the verb takes the place of the program
		 * name.
		 */
		if (take_common(argc, argv, found, &nr_found, &taken))
			return NULL;
		argv += taken + 1;
		argc -= taken + 1;
	}
	if (argc) {
		words[(*nr)++] = *argv++;
		argc--;
	}
	for (i = 0; i < nr_found; i++)
		words[(*nr)++] = found[i];
	for (i = 0; i < argc; i++)
		words[(*nr)++] = argv[i];
	return words;
}
