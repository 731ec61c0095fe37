// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes to standard error, and the exit statuses with it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/suggest.h"
#include "output/hint.h"
#include "output/messages.h"
#include "output/printable.h"

#define MAX_HINTS 4

/**
 * struct next - what to try in the end, as far as has been told
 * @cmd: the command that failed, or NULL
 * @text: sentences, each once
 * @nr: how many
 * @known: there is something to try, be it in the messages themselves
 */
static struct next {
	const struct command *cmd;
	char text[MAX_HINTS][HINT_SIZE];
	size_t nr;
	bool known;
} next;

void add_hint(const char *sentence)
{
	size_t i;

	for (i = 0; i < next.nr; i++)
		if (!strcmp(next.text[i], sentence))
			return;
	if (!*sentence || next.nr == MAX_HINTS)
		return;
	snprintf(next.text[next.nr++], HINT_SIZE, "%s", sentence);
}

static void hint_about(const struct invocation *inv, const char *subject,
		       const char *reason)
{
	char text[HINT_SIZE];

	next.cmd = inv->cmd;
	next.known |= hint_for(reason, subject, text, sizeof(text));
	add_hint(text);
}

/* A line of text on standard error. */
static void tell_line(const char *text)
{
	char *line = printable(text);

	fprintf(stderr, "%s\n", line);
	free(line);
}

/* Once, behind all that went wrong. */
static void print_hints(void)
{
	size_t i;

	for (i = 0; i < next.nr; i++)
		tell_line(next.text[i]);
	if (next.cmd && !next.known)
		fprintf(stderr, "Try 'vpoolctl %s --help'.\n", next.cmd->name);
	next.cmd = NULL;
	next.nr = 0;
}

void cmd_error(const struct invocation *inv, const char *subject,
	       const char *fmt, ...)
{
	char *text, *line;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	fflush(stdout);
	line = xprintf("vpoolctl: %s%s%s: %s", inv->cmd->name,
		       subject ? " " : "", subject ? subject : "",
		       text ? text : fmt);
	tell_line(line);
	free(line);
	hint_about(inv, subject, text ? text : fmt);
	free(text);
}

int usage_error(const struct command *cmd, const char *fmt, ...)
{
	char *text, *line;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	line = xprintf("vpoolctl: %s%s%s", cmd ? cmd->name : "",
		       cmd ? ": " : "", text ? text : fmt);
	tell_line(line);
	free(line);
	free(text);
	if (cmd)
		fprintf(stderr, "Try 'vpoolctl %s --help'.\n", cmd->name);
	else
		fputs("Try 'vpoolctl help'.\n", stderr);
	return EXIT_USAGE;
}

/* A pool whose name is nearly what was given, for free(3), or NULL. */
static char *nearest_pool(const char *wrong)
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
		near = nearest(wrong, names, nr);
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
	static const char no_pool[] = "there is no pool '";
	const char *reason = vpool_reason(vp);
	char *near = NULL;

	/* Without the module nothing is wrong with the subject. */
	if (err == -VPOOL_NO_MODULE)
		subject = NULL;
	if (subject && !strncmp(reason, no_pool, sizeof(no_pool) - 1))
		near = nearest_pool(subject);
	if (near)
		cmd_error(inv, subject, "%s: did you mean '%s'?", reason, near);
	else
		cmd_error(inv, subject, "%s", *reason ? reason : strerror(-err));
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
