// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl top: show the pools and their activity, with updates.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/ascii.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/macros.h"
#include "base/suggest.h"
#include "cmd/cmd.h"
#include "host/sample.h"
#include "output/messages.h"
#include "output/table.h"
#include "output/units.h"
#include "top/screen.h"
#include "top/view.h"

#define DEFAULT_MS 2000
#define LEAST_MS 100

enum {
	OPT_BATCH,
	OPT_ITERATIONS,
	OPT_DELAY,
	OPT_SORT,
	OPT_REVERSE,
	OPT_COLUMNS,
	OPT_BYTES,
	OPT_NOHEADINGS,
	OPT_RAW,
	OPT_JSON,
};

static const struct option_def top_options[] = {
	[OPT_BATCH] = {
		.name = "batch", .letter = 'b',
		.help = "print tables one after another, for files and pipes",
	},
	[OPT_ITERATIONS] = {
		.name = "iterations", .letter = 'n', .arg = "N",
		.help = "end after N refreshes",
	},
	[OPT_DELAY] = {
		.name = "delay", .letter = 'd', .arg = "SECONDS",
		.help = "seconds between two refreshes; default 2, at least 0.1",
	},
	[OPT_SORT] = {
		.name = "sort", .letter = 's', .arg = "COLUMN",
		.complete = COMPLETE_COLUMNS,
		.help =
			"column to sort by: numbers in descending order, texts in\n"
			"ascending order; default USED",
	},
	[OPT_REVERSE] = {
		.name = "reverse", .letter = 'r', .help = "sort in reverse",
	},
	[OPT_COLUMNS] = OPTION_COLUMNS,
	[OPT_BYTES] = { .name = "bytes", .help = "print sizes in bytes" },
	[OPT_NOHEADINGS] = OPTION_NOHEADINGS,
	[OPT_RAW] = OPTION_RAW,
	[OPT_JSON] = {
		.name = "json", .letter = 'J',
		.help =
			"print JSON lines, one document per line for each refresh;\n"
			"implies --batch",
	},
};

static int take_iterations(const struct invocation *inv, struct top *top)
{
	const char *text = inv->value[OPT_ITERATIONS];

	if (!inv->given[OPT_ITERATIONS])
		return EXIT_OK;
	if (parse_number(text, 1, ULONG_MAX, &top->views))
		return usage_error(inv->cmd,
				   "--iterations: '%s' is not a number of at least 1",
				   text);
	return EXIT_OK;
}

static int take_delay(const struct invocation *inv, struct top *top)
{
	top->ms = DEFAULT_MS;
	if (inv->given[OPT_DELAY] &&
	    (parse_seconds(inv->value[OPT_DELAY], &top->ms) ||
	     top->ms < LEAST_MS))
		return usage_error(inv->cmd,
				   "--delay: '%s' is not a time of 0.1 seconds or more",
				   inv->value[OPT_DELAY]);
	return EXIT_OK;
}

static int take_sort(const struct invocation *inv, struct top *top)
{
	const char *names[NR_TOP_COLUMNS], *near;
	const char *text = inv->value[OPT_SORT];
	size_t i;

	top->sort = TOP_USED;
	if (!inv->given[OPT_SORT])
		return EXIT_OK;
	for (i = 0; i < NR_TOP_COLUMNS; i++) {
		names[i] = top_columns[i].name;
		if (ascii_casecmp(names[i], text))
			continue;
		top->sort = i;
		return EXIT_OK;
	}
	near = nearest(text, names, NR_TOP_COLUMNS);
	return usage_error(inv->cmd, "--sort: no column '%s'%s%s%s", text,
			   near ? ": did you mean '" : "", near ? near : "",
			   near ? "'?" : "");
}

static int take_columns(const struct invocation *inv, struct top *top)
{
	struct table *tb;
	char message[128];
	int err;

	if (!inv->given[OPT_COLUMNS])
		return EXIT_OK;
	top->spec = inv->value[OPT_COLUMNS];
	tb = table_new("pools", top_columns, NR_TOP_COLUMNS);
	err = table_choose(tb, top->spec, message, sizeof(message));
	table_free(tb);
	return err ? usage_error(inv->cmd, "%s", message) : EXIT_OK;
}

static int take_options(const struct invocation *inv, struct top *top)
{
	int (* const steps[])(const struct invocation *, struct top *) = {
		take_iterations, take_delay, take_sort, take_columns,
	};
	int status = EXIT_OK;
	size_t i;

	memset(top, 0, sizeof(*top));
	top->inv = inv;
	top->reverse = inv->given[OPT_REVERSE];
	top->style.json = inv->given[OPT_JSON];
	top->style.line = inv->given[OPT_JSON];
	top->style.bytes = inv->given[OPT_BYTES];
	top->style.noheadings = inv->given[OPT_NOHEADINGS];
	top->style.raw = inv->given[OPT_RAW];
	for (i = 0; !status && i < ARRAY_SIZE(steps); i++)
		status = steps[i](inv, top);
	return status;
}

static void wait_for(unsigned int ms)
{
	struct timespec left = {
		.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L,
	};

	while (nanosleep(&left, &left))
		;
}

/* Wait before each refresh, so that the first one has rates, too. */
static int run_batch(struct top *top)
{
	unsigned long i;
	int err;

	err = top_sample(top);
	for (i = 0; !err && (!top->views || i < top->views); i++) {
		struct table *tb;

		wait_for(top->ms);
		err = top_sample(top);
		if (err)
			break;
		if (i && !top->style.json)
			putchar('\n');
		tb = top_table(top);
		table_print(tb, &top->style, stdout);
		table_free(tb);
		if (finish_output(EXIT_OK))
			return EXIT_FAILED;
	}
	return err ? handle_error(top->inv, NULL, top->vp, err) : EXIT_OK;
}

static int run_top(const struct invocation *inv)
{
	struct top top;
	bool batch;
	int status, err;

	status = take_options(inv, &top);
	if (status)
		return status;
	batch = inv->given[OPT_BATCH] || inv->given[OPT_JSON];
	if (!batch && !isatty(STDOUT_FILENO))
		return usage_error(inv->cmd,
				   "standard output is not a terminal: use --batch");
	/* At end of file, every read would look like a key press. */
	if (!batch && !isatty(STDIN_FILENO))
		return usage_error(inv->cmd,
				   "standard input is not a terminal: use --batch");
	err = vpool_open_reader(&top.vp);
	if (err)
		status = handle_error(inv, NULL, top.vp, err);
	else
		status = batch ? run_batch(&top) : top_screen(&top);
	sample_free(&top.last);
	sample_free(&top.now);
	vpool_close(top.vp);
	return status;
}

const struct command cmd_top = {
	.name = "top",
	.local = true,
	.summary = "watch memory, CPUs and rates of the pools",
	.description =
		"Show all pools and their activity, with updates: memory, CPU\n"
		"load, members, regions, and rates. Any user can run this\n"
		"command. A terminal that is too narrow for all columns shows\n"
		"fewer, unless --output selects them.\n\n"
		"Keys: q quits; space refreshes at once; M sorts by used\n"
		"memory, P by CPU load, N by name, < and > by the column to\n"
		"the left or right; R reverses the order; b shows bytes; d\n"
		"asks for the time between two refreshes; h shows the keys.",
	.options = top_options,
	.nr_options = ARRAY_SIZE(top_options),
	.columns = top_columns,
	.nr_columns = NR_TOP_COLUMNS,
	.run = run_top,
};
