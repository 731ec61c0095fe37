// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages on standard error.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/suggest.h"
#include "output/hint.h"
#include "output/messages.h"
#include "output/printable.h"
#include "output/table.h"

#define MAX_HINTS 4

/**
 * struct pending - hints that are printed after the last message
 * @cmd: the command that failed, or NULL
 * @text: the hints, each once
 * @nr: length of @text
 * @known: a message or a hint says what to do, so that the help is not pointed to
 * @json: print errors as JSON
 * @host: with @json, host of the errors from now on; NULL for this host
 * @error: with @json, the last error, which may still get a hint; or NULL
 */
static struct pending {
	const struct command *cmd;
	char text[MAX_HINTS][HINT_SIZE];
	size_t nr;
	bool known;
	bool json;
	const char *host;
	struct json_object *error;
} pending;

void messages_set_json(void)
{
	pending.json = true;
}

/* Print text as one line on standard error. */
static void print_line(const char *text)
{
	char *line = printable(text);

	fprintf(stderr, "%s\n", line);
	free(line);
}

static void add_string(struct json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key,
			       text ? json_object_new_string(text) : NULL);
}

/* Print {"error": {"code": 2, ...}}. */
static void print_error(struct json_object *whole)
{
	fprintf(stderr, "%s\n",
		json_object_to_json_string_ext(whole, JSON_C_TO_STRING_PLAIN |
					       JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* Print the last error with its hints. */
static void flush_error(void)
{
	struct json_object *whole;
	char *hint = NULL, *longer;
	size_t i;

	if (!pending.error)
		return;
	for (i = 0; i < pending.nr; i++) {
		longer = hint ? xprintf("%s %s", hint, pending.text[i]) :
				xstrdup(pending.text[i]);
		free(hint);
		hint = longer;
	}
	add_string(pending.error, "hint", hint);
	free(hint);
	whole = json_object_new_object();
	json_object_object_add(whole, "version", json_object_new_int(JSON_VERSION));
	json_object_object_add(whole, "error", pending.error);
	print_error(whole);
	json_object_put(whole);
	pending.error = NULL;
	pending.nr = 0;
}

static void begin_error(int code, const char *command, const char *subject,
			const char *message)
{
	flush_error();
	pending.error = json_object_new_object();
	json_object_object_add(pending.error, "code", json_object_new_int(code));
	add_string(pending.error, "kind", code_name(code));
	add_string(pending.error, "command", command);
	add_string(pending.error, "subject", subject);
	add_string(pending.error, "message", message);
	if (pending.host)
		add_string(pending.error, "host", pending.host);
}

void messages_set_host(const char *host)
{
	flush_error();
	pending.host = host;
}

/* Return a string of an error, or NULL. */
static const char *string_of(struct json_object *error, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(error, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static void relay_text(const char *host, const char *text)
{
	char *line = xprintf("%s: %s", host, text);

	print_line(line);
	free(line);
}

/* Print an error of another host as that host prints it without --json. */
static void relay_json_as_text(const char *host, struct json_object *error)
{
	const char *command = string_of(error, "command");
	const char *subject = string_of(error, "subject");
	const char *message = string_of(error, "message");
	char *text;

	text = xprintf("%s%s%s%s%s%s", command ? "vpoolctl: " : "",
		       command ? command : "", subject ? " " : "",
		       subject ? subject : "", command || subject ? ": " : "",
		       message ? message : "unknown error");
	relay_text(host, text);
	free(text);
	if (string_of(error, "hint"))
		relay_text(host, string_of(error, "hint"));
}

void relay_error(const struct invocation *inv, const char *host, const char *line)
{
	struct json_object *whole = json_tokener_parse(line), *error;
	bool is_error = json_object_is_type(whole, json_type_object) &&
			json_object_object_get_ex(whole, "error", &error) &&
			json_object_is_type(error, json_type_object);

	fflush(stdout);
	pending.known = true;
	if (is_error && pending.json) {
		flush_error();
		add_string(error, "host", host);
		print_error(whole);
	} else if (is_error) {
		relay_json_as_text(host, error);
	} else if (pending.json) {
		begin_error(TOOL_HOST_ANSWER, inv->cmd->name, host, line);
	} else {
		relay_text(host, line);
	}
	json_object_put(whole);
}

void add_hint(const char *sentence)
{
	size_t i;

	for (i = 0; i < pending.nr; i++)
		if (!strcmp(pending.text[i], sentence))
			return;
	if (!*sentence || pending.nr == MAX_HINTS)
		return;
	snprintf(pending.text[pending.nr++], HINT_SIZE, "%s", sentence);
}

static void hint_about(const struct invocation *inv, const char *subject,
		       int code, const char *message)
{
	char text[HINT_SIZE];

	pending.cmd = inv->cmd;
	pending.known |= hint_for(code, message, subject, text, sizeof(text));
	add_hint(text);
}

static void print_hints(void)
{
	size_t i;

	if (pending.json) {
		flush_error();
		return;
	}
	for (i = 0; i < pending.nr; i++)
		print_line(pending.text[i]);
	if (pending.cmd && !pending.known)
		fprintf(stderr, "Try 'vpoolctl %s --help'.\n", pending.cmd->name);
	pending.cmd = NULL;
	pending.nr = 0;
}

void cmd_error(const struct invocation *inv, const char *subject, int code,
	       const char *fmt, ...)
{
	char *text, *line;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	fflush(stdout);
	if (pending.json) {
		begin_error(code, inv->cmd->name, subject, text ? text : fmt);
	} else {
		line = xprintf("vpoolctl: %s%s%s: %s", inv->cmd->name,
			       subject ? " " : "", subject ? subject : "",
			       text ? text : fmt);
		print_line(line);
		free(line);
	}
	hint_about(inv, subject, code, text ? text : fmt);
	free(text);
}

int failure_report(const struct invocation *inv, const char *subject,
		   const struct failure *failure)
{
	cmd_error(inv, subject, failure->code, "%s", failure->text);
	return EXIT_FAILED;
}

void report_error(int code, const char *text)
{
	if (pending.json)
		begin_error(code, NULL, NULL, text);
	else
		print_line(text);
}

int usage_error(const struct command *cmd, const char *fmt, ...)
{
	char *text, *line, *help;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	help = cmd ? xprintf("Try 'vpoolctl %s --help'.", cmd->name) :
		     xstrdup("Try 'vpoolctl help'.");
	if (pending.json) {
		begin_error(TOOL_USAGE, cmd ? cmd->name : NULL, NULL,
			    text ? text : fmt);
		add_hint(help);
		flush_error();
	} else {
		line = xprintf("vpoolctl: %s%s%s", cmd ? cmd->name : "",
			       cmd ? ": " : "", text ? text : fmt);
		print_line(line);
		print_line(help);
		free(line);
	}
	free(help);
	free(text);
	return EXIT_USAGE;
}

/* Return the name of a pool similar to @name, for free(3), or NULL. */
static char *nearest_pool(const char *name)
{
	struct vpool_list_entry *entries = NULL;
	const char **names, *near = NULL;
	char *copy = NULL;
	struct vpool *vp;
	size_t i, nr = 0;

	if (!vpool_open_reader(&vp) && !vpool_list(vp, &entries, &nr)) {
		names = xcalloc(nr + 1, sizeof(*names));
		for (i = 0; i < nr; i++)
			names[i] = entries[i].name;
		near = nearest(name, names, nr);
		copy = near ? xstrdup(near) : NULL;
		free(names);
		free(entries);
	}
	vpool_close(vp);
	return copy;
}

int handle_error(const struct invocation *inv, const char *subject,
		 const struct vpool *vp, int err)
{
	struct failure failure;
	char *near = NULL;

	failure_set_handle(&failure, vp, err);
	/* Without the module the error is not about the subject. */
	if (err == -VPOOL_NO_MODULE)
		subject = NULL;
	if (subject && failure.code == VPOOL_CODE_NO_POOL)
		near = nearest_pool(subject);
	if (near)
		cmd_error(inv, subject, failure.code, "%s: did you mean '%s'?",
			  failure.text, near);
	else
		failure_report(inv, subject, &failure);
	free(near);
	return err == -VPOOL_NO_MODULE ? EXIT_NO_MODULE : EXIT_FAILED;
}

int finish_output(int status)
{
	if (status)
		print_hints();
	if (!ferror(stdout) && !fflush(stdout))
		return status;
	fprintf(stderr, "vpoolctl: standard output: %s\n", strerror(errno));
	return status ? status : EXIT_FAILED;
}

bool want_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no && *no);
}
