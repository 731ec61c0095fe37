// SPDX-License-Identifier: GPL-2.0-only
/*
 * The outcome of a verb that changes something.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/command.h"
#include "output/outcome.h"
#include "output/printable.h"
#include "output/table.h"

enum {
	COL_COMMAND,
	COL_NAME,
	COL_DRY_RUN,
	COL_MESSAGE,
};

static const struct column outcome_columns[] = {
	[COL_COMMAND] = { .name = "COMMAND", .type = CELL_TEXT },
	[COL_NAME] = { .name = "NAME", .type = CELL_TEXT },
	[COL_DRY_RUN] = { .name = "DRY-RUN", .type = CELL_BOOL },
	[COL_MESSAGE] = { .name = "MESSAGE", .type = CELL_TEXT },
};

static bool is_given(const struct invocation *inv, const char *name)
{
	size_t i;

	for (i = 0; i < command_nr_options(inv->cmd); i++)
		if (!strcmp(command_option(inv->cmd, i)->name, name))
			return inv->given[i];
	return false;
}

bool outcome_is_dry(const struct invocation *inv)
{
	return is_given(inv, "dry-run");
}

bool outcome_is_quiet(const struct invocation *inv)
{
	return is_given(inv, "quiet");
}

bool outcome_is_json(const struct invocation *inv)
{
	return is_given(inv, "json");
}

static void print_json(const struct invocation *inv, const char *subject,
		       const char *message)
{
	struct table *tb = record_new("result", outcome_columns,
				      ARRAY_SIZE(outcome_columns));
	struct style style = { .json = true };

	table_text(tb, COL_COMMAND, inv->cmd->name);
	if (subject)
		table_text(tb, COL_NAME, subject);
	table_number(tb, COL_DRY_RUN, outcome_is_dry(inv));
	table_text(tb, COL_MESSAGE, message);
	table_print(tb, &style, stdout);
	table_free(tb);
}

static void print(const struct invocation *inv, const char *subject,
		  const char *fmt, va_list args)
{
	char *message, *text;

	if (vasprintf(&message, fmt, args) < 0)
		message = xstrdup(fmt);
	if (outcome_is_json(inv)) {
		print_json(inv, subject, message);
	} else if (!outcome_is_quiet(inv)) {
		text = printable(message);
		printf("%s\n", text);
		free(text);
	}
	free(message);
}

void outcome_print(const struct invocation *inv, const char *subject,
		   const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(inv, subject, fmt, args);
	va_end(args);
}

void outcome_print_silent(const struct invocation *inv, const char *subject,
			  const char *fmt, ...)
{
	va_list args;

	if (!outcome_is_json(inv) && !outcome_is_dry(inv))
		return;
	va_start(args, fmt);
	print(inv, subject, fmt, args);
	va_end(args);
}
