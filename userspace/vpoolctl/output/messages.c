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

#include "output/hint.h"

#define MAX_ADVICE 4

/**
 * struct next - what to try in the end, as far as has been told
 * @cmd: the command that failed, or NULL
 * @text: sentences, each once
 * @nr: how many
 * @known: there is something to try, be it in the messages themselves
 */
static struct next {
	const struct command *cmd;
	char text[MAX_ADVICE][ADVICE_SIZE];
	size_t nr;
	bool known;
} next;

void advise(const char *sentence)
{
	size_t i;

	for (i = 0; i < next.nr; i++)
		if (!strcmp(next.text[i], sentence))
			return;
	if (!*sentence || next.nr == MAX_ADVICE)
		return;
	snprintf(next.text[next.nr++], ADVICE_SIZE, "%s", sentence);
}

static void advise_about(const struct invocation *inv, const char *subject,
			 const char *reason)
{
	char text[ADVICE_SIZE];

	next.cmd = inv->cmd;
	next.known |= advice_for(reason, subject, text, sizeof(text));
	advise(text);
}

/* A line of text on standard error. */
static void tell_line(const char *text)
{
	char *line = printable(text);

	fprintf(stderr, "%s\n", line);
	free(line);
}

/* Once, behind all that went wrong. */
static void give_advice(void)
{
	size_t i;

	for (i = 0; i < next.nr; i++)
		tell_line(next.text[i]);
	if (next.cmd && !next.known)
		fprintf(stderr, "Try 'vpoolctl %s --help'.\n", next.cmd->name);
	next.cmd = NULL;
	next.nr = 0;
}

void complain(const struct invocation *inv, const char *subject,
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
	advise_about(inv, subject, text ? text : fmt);
	free(text);
}

int wrong_usage(const struct command *cmd, const char *fmt, ...)
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

int failed(const struct invocation *inv, const char *subject,
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
		complain(inv, subject, "%s: did you mean '%s'?", reason, near);
	else
		complain(inv, subject, "%s", *reason ? reason : strerror(-err));
	free(near);
	return err == -VPOOL_NO_MODULE ? EXIT_NO_MODULE : EXIT_FAILED;
}

int finish_output(int status)
{
	if (status)
		give_advice();
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
