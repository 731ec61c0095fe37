// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verbs on other hosts. A verb that prints a table prints it as JSON there. The rows of
 * all hosts are joined here, and sizes, columns and headings are formatted here.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/macros.h"
#include "fleet/fleet.h"
#include "fleet/hosts.h"
#include "fleet/ssh.h"
#include "output/messages.h"
#include "output/printable.h"
#include "output/table.h"

#define COLUMN_HOST "HOST"

/**
 * struct fleet - a verb on several hosts
 * @inv: the verb
 * @hosts: the hosts
 * @answers: their answers
 * @columns: columns of the joined table, of which the first is the host's; else NULL
 * @json: print JSON
 * @status: exit status so far; -1 before the first answer
 */
struct fleet {
	const struct invocation *inv;
	struct hosts hosts;
	struct answer *answers;
	struct column *columns;
	bool json;
	int status;
};

/* Return the index of an option of a verb, or -1. */
static int option_of(const struct command *cmd, const char *name)
{
	size_t i;

	for (i = 0; i < command_nr_options(cmd); i++)
		if (!strcmp(command_option(cmd, i)->name, name))
			return i;
	return -1;
}

static bool given(const struct invocation *inv, const char *name)
{
	int i = option_of(inv->cmd, name);

	return i >= 0 && inv->given[i];
}

/* Tell whether an option is only about the format of a table. */
static bool is_format(const struct option_def *opt)
{
	static const char *const names[] = { "bytes", "json", "noheadings", "raw" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(opt->name, names[i]))
			return true;
	return opt->complete == COMPLETE_COLUMNS;
}

static void add_word(char **command, const char *word)
{
	char *quoted = shell_quote(word), *longer;

	longer = xprintf("%s %s", *command, quoted);
	free(quoted);
	free(*command);
	*command = longer;
}

static void add_option(char **command, const struct option_def *opt, const char *value)
{
	char *word = xprintf("--%s%s%s", opt->name, value ? "=" : "",
			     value ? value : "");

	add_word(command, word);
	free(word);
}

/* Return the command line for the other hosts, for free(3). */
static char *remote_command(const struct fleet *fleet)
{
	const struct invocation *inv = fleet->inv;
	char *command = xprintf("vpoolctl %s%s", inv->cmd->name,
				fleet->columns ? " --json" : "");
	const struct option_def *opt;
	size_t i;
	int arg;

	for (i = 0; i < inv->nr_settings; i++) {
		opt = command_option(inv->cmd, inv->settings[i].option);
		if (!(fleet->columns && is_format(opt)))
			add_option(&command, opt, inv->settings[i].value);
	}
	for (arg = 0; arg < inv->argc; arg++) {
		if (arg == inv->before)
			add_word(&command, "--");
		add_word(&command, inv->argv[arg]);
	}
	return command;
}

/* Let the columns of the verb follow a column for the host. */
static void join_columns(struct fleet *fleet)
{
	const struct command *cmd = fleet->inv->cmd;

	fleet->columns = xcalloc(cmd->nr_columns + 1, sizeof(*fleet->columns));
	fleet->columns[0] = (struct column) { COLUMN_HOST, CELL_TEXT, "the host",
					      SHOW_ALWAYS };
	memcpy(fleet->columns + 1, cmd->columns,
	       cmd->nr_columns * sizeof(*fleet->columns));
}

/* Choose the columns of -o. The host is always there. */
static int choose(struct table *tb, const char *spec, char *message, size_t room)
{
	char *whole = *spec == '+' ? xstrdup(spec) :
				     xprintf(COLUMN_HOST ",%s", spec);
	int err = table_choose(tb, whole, message, room);

	free(whole);
	return err;
}

static struct table *new_table(const struct fleet *fleet)
{
	const struct invocation *inv = fleet->inv;
	int output = option_of(inv->cmd, "output");
	struct table *tb;
	char message[128];

	tb = table_new("rows", fleet->columns, inv->cmd->nr_columns + 1);
	if (output < 0 || !inv->given[output] ||
	    !choose(tb, inv->value[output], message, sizeof(message)))
		return tb;
	usage_error(inv->cmd, "%s", message);
	table_free(tb);
	return NULL;
}

/* Errors */

/* Return the last line of a text that is not empty. Cut the text there. */
static char *last_line(char *text)
{
	char *end = text + strlen(text), *line;

	while (end > text && strchr("\r\n", end[-1]))
		*--end = '\0';
	line = strrchr(text, '\n');
	return line ? line + 1 : text;
}

static void add_status(struct fleet *fleet, int status)
{
	fleet->status = fleet->status < 0 || fleet->status == status ? status :
								       EXIT_FAILED;
}

static void host_error(const struct fleet *fleet, size_t nr, int code,
		       const char *message, const char *detail)
{
	const char *host = fleet->hosts.names[nr];

	messages_set_host(host);
	cmd_error(fleet->inv, host, code, "%s%s%s", message,
		  *detail ? ": " : "", detail);
	messages_set_host(NULL);
}

static void relay_errors(const struct fleet *fleet, size_t nr)
{
	char *next = fleet->answers[nr].err, *line;

	while ((line = strsep(&next, "\n"))) {
		line[strcspn(line, "\r")] = '\0';
		if (*line)
			relay_error(fleet->inv, fleet->hosts.names[nr], line);
	}
}

/* Report the errors of a host. Return whether it can have printed something. */
static bool check_answer(struct fleet *fleet, size_t nr)
{
	struct answer *answer = fleet->answers + nr;

	if (answer->status == SSH_FAILED) {
		add_status(fleet, EXIT_FAILED);
		host_error(fleet, nr, TOOL_HOST_UNREACHABLE, "no connection",
			   last_line(answer->err));
		return false;
	}
	/* A program that run does not find has the same status. */
	if (answer->status == EXIT_NOT_FOUND && !fleet->inv->cmd->stop_at_args) {
		add_status(fleet, EXIT_FAILED);
		host_error(fleet, nr, TOOL_HOST_NO_TOOL, "vpoolctl cannot be run",
			   last_line(answer->err));
		return false;
	}
	add_status(fleet, answer->status);
	relay_errors(fleet, nr);
	return true;
}

/* Report that the output of a host cannot be used. */
static void bad_answer(struct fleet *fleet, size_t nr, const char *message, const char *detail)
{
	add_status(fleet, EXIT_FAILED);
	host_error(fleet, nr, TOOL_HOST_ANSWER, message, detail);
}

/*
 * Return the JSON document that a host printed, if it is an object of this version. Otherwise
 * report @message and what is wrong.
 */
static struct json_object *answer_document(struct fleet *fleet, size_t nr,
					   const char *message)
{
	struct json_object *document = json_tokener_parse(fleet->answers[nr].out), *version;
	char detail[96] = "";
	int theirs;

	if (json_object_is_type(document, json_type_object)) {
		if (!json_object_object_get_ex(document, "version", &version))
			return document;
		theirs = json_object_get_int(version);
		if (theirs == JSON_VERSION)
			return document;
		snprintf(detail, sizeof(detail), "it has version %d of the JSON, not %d", theirs,
			 JSON_VERSION);
	}
	json_object_put(document);
	bad_answer(fleet, nr, message, detail);
	return NULL;
}

/* Tables */

#define NOT_A_TABLE "the answer is not a table"

/* Return the first array in a document, and its key. */
static struct json_object *array_in(struct json_object *document, const char **key)
{
	if (!json_object_is_type(document, json_type_object))
		return NULL;
	json_object_object_foreach(document, name, value) {
		if (!json_object_is_type(value, json_type_array))
			continue;
		*key = name;
		return value;
	}
	return NULL;
}

/* Add the rows of a host. Name the table as the host names it, with @name for free(3). */
static void add_rows(struct fleet *fleet, size_t nr, struct table *tb, char **name)
{
	struct json_object *document = answer_document(fleet, nr, NOT_A_TABLE), *rows;
	const char *key;
	size_t i;

	if (!document)
		return;
	rows = array_in(document, &key);
	if (!rows) {
		bad_answer(fleet, nr, NOT_A_TABLE, "");
	} else if (!*name) {
		*name = xstrdup(key);
		table_name(tb, *name);
	}
	for (i = 0; rows && i < json_object_array_length(rows); i++) {
		table_row(tb);
		table_text(tb, 0, fleet->hosts.names[nr]);
		table_json(tb, 1, json_object_array_get_idx(rows, i));
	}
	json_object_put(document);
}

static void join_tables(struct fleet *fleet, struct table *tb)
{
	struct style style = {
		.json = fleet->json,
		.bytes = given(fleet->inv, "bytes"),
		.noheadings = given(fleet->inv, "noheadings"),
		.raw = given(fleet->inv, "raw"),
	};
	char *name = NULL;
	size_t i;

	for (i = 0; i < fleet->hosts.nr; i++)
		/* A verb that fails need not print a table. */
		if (check_answer(fleet, i) && *fleet->answers[i].out)
			add_rows(fleet, i, tb, &name);
	if (name)
		table_print(tb, &style, stdout);
	free(name);
}

/* Other output */

static void print_lines(const struct fleet *fleet, size_t nr)
{
	char *next = fleet->answers[nr].out, *line, *clean;

	while (next && *next) {
		line = strsep(&next, "\n");
		clean = printable(line);
		printf("%s: %s\n", fleet->hosts.names[nr], clean);
		free(clean);
	}
}

/* Add the document of a host to @all, with its name. */
static void add_document(struct fleet *fleet, size_t nr, struct json_object *all)
{
	struct json_object *document = answer_document(fleet, nr, "the answer is not JSON");
	struct json_object *entry;

	if (!document)
		return;
	entry = json_object_new_object();
	json_object_object_add(entry, "host",
			       json_object_new_string(fleet->hosts.names[nr]));
	json_object_object_foreach(document, key, value)
		json_object_object_add(entry, key, json_object_get(value));
	json_object_array_add(all, entry);
	json_object_put(document);
}

static void join_documents(struct fleet *fleet)
{
	struct json_object *whole = json_object_new_object();
	struct json_object *all = json_object_new_array();
	size_t i;

	json_object_object_add(whole, "version", json_object_new_int(JSON_VERSION));
	json_object_object_add(whole, "hosts", all);
	for (i = 0; i < fleet->hosts.nr; i++)
		if (check_answer(fleet, i) && *fleet->answers[i].out)
			add_document(fleet, i, all);
	json_print(whole, stdout);
	json_object_put(whole);
}

static void join_lines(struct fleet *fleet)
{
	size_t i;

	for (i = 0; i < fleet->hosts.nr; i++)
		if (check_answer(fleet, i))
			print_lines(fleet, i);
}

/* Refuse what needs this terminal. */
static int check_local(const struct invocation *inv)
{
	size_t i;

	if (inv->cmd->local)
		return usage_error(inv->cmd, "--hosts cannot be used with this verb");
	for (i = 0; i < command_nr_options(inv->cmd); i++)
		if (inv->given[i] && command_option(inv->cmd, i)->local)
			return usage_error(inv->cmd,
					   "--hosts cannot be used with --%s",
					   command_option(inv->cmd, i)->name);
	return EXIT_OK;
}

static void fleet_ask(struct fleet *fleet)
{
	char *command = remote_command(fleet);

	fleet->answers = ssh_ask(&fleet->hosts, command);
	free(command);
}

static int run_joined(struct fleet *fleet)
{
	struct table *tb = NULL;

	if (fleet->columns) {
		tb = new_table(fleet);
		if (!tb)
			return EXIT_USAGE;
	}
	fleet_ask(fleet);
	if (tb)
		join_tables(fleet, tb);
	else if (fleet->json)
		join_documents(fleet);
	else
		join_lines(fleet);
	if (tb)
		table_free(tb);
	answers_free(fleet->answers, fleet->hosts.nr);
	return fleet->status;
}

int fleet_run(const char *list, const struct invocation *inv)
{
	struct fleet fleet = {
		.inv = inv,
		.json = given(inv, "json"),
		.status = -1,
	};
	char message[300];
	int status;

	status = check_local(inv);
	if (status)
		return status;
	if (hosts_parse(list, &fleet.hosts, message, sizeof(message)))
		return usage_error(inv->cmd, "--hosts: %s", message);
	if (inv->cmd->columns && option_of(inv->cmd, "json") >= 0)
		join_columns(&fleet);
	status = run_joined(&fleet);
	free(fleet.columns);
	hosts_free(&fleet.hosts);
	return status;
}
