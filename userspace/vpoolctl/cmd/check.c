// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl check: check files that declare pools.
 */
#include <stdlib.h>

#include "base/command.h"
#include "base/exit.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "config/config.h"
#include "config/reader.h"
#include "output/table.h"

enum {
	OPT_JSON,
};

static const struct option_def check_options[] = {
	[OPT_JSON] = {
		.name = "json", .letter = 'J',
		.help = "print the mistakes as JSON, on standard output",
	},
};

enum {
	COL_FILE,
	COL_LINE,
	COL_COLUMN,
	COL_MESSAGE,
};

static const struct column check_columns[] = {
	[COL_FILE] = { .name = "FILE", .type = CELL_TEXT },
	[COL_LINE] = { .name = "LINE", .type = CELL_NUMBER },
	[COL_COLUMN] = { .name = "COLUMN", .type = CELL_NUMBER },
	[COL_MESSAGE] = { .name = "MESSAGE", .type = CELL_TEXT },
};

static void print_json(const struct config *cfg)
{
	struct table *tb = table_new("mistakes", check_columns,
				     ARRAY_SIZE(check_columns));
	struct style style = { .json = true };
	size_t i;

	for (i = 0; i < cfg->nr_mistakes; i++) {
		const struct mistake *mistake = cfg->mistakes + i;

		table_row(tb);
		table_text(tb, COL_FILE, mistake->location.file);
		if (mistake->location.line) {
			table_number(tb, COL_LINE, mistake->location.line);
			table_number(tb, COL_COLUMN, mistake->location.column);
		}
		table_text(tb, COL_MESSAGE, mistake->text);
	}
	table_print(tb, &style, stdout);
	table_free(tb);
}

static int run_check(const struct invocation *inv)
{
	struct config cfg = { 0 };
	int status;

	config_read(&cfg, inv->argv, inv->argc);
	status = cfg.nr_mistakes ? EXIT_FAILED : EXIT_OK;
	if (inv->given[OPT_JSON])
		print_json(&cfg);
	else if (cfg.nr_mistakes)
		config_report(&cfg);
	else
		printf("%zu file%s, %zu pool%s, no mistakes\n", cfg.nr_files,
		       cfg.nr_files == 1 ? "" : "s", cfg.nr_pools,
		       cfg.nr_pools == 1 ? "" : "s");
	config_free(&cfg);
	return status;
}

const struct command cmd_check = {
	.name = "check",
	.args = "[FILE...]",
	.summary = "check files that declare pools",
	.description =
		"Check files that declare pools, and print all mistakes with\n"
		"file, line and column. The check needs neither the module\n"
		"nor privileges. It does not compare the files with the\n"
		"resources of this host; 'vpoolctl apply --dry-run' does.\n\n"
		"Without FILE, check reads /etc/vpool.conf and\n"
		"/etc/vpool.d/*.conf. The name - stands for standard input.\n"
		"vpool.conf(5) describes the format.",
	.options = check_options,
	.nr_options = ARRAY_SIZE(check_options),
	.max_args = -1,
	.complete = COMPLETE_FILE,
	.complete_args = COMPLETE_FILE,
	.run = run_check,
};
