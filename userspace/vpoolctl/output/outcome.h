/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_OUTPUT_OUTCOME_H
#define VPOOLCTL_OUTPUT_OUTCOME_H

#include <stdbool.h>

#include "base/macros.h"

struct invocation;

/* Options of verbs that change something. A table can have them in any place. */
#define DRY_RUN_HELP "check as much as possible, but change nothing"
#define OPTION_DRY_RUN \
	{ .name = "dry-run", .letter = 'n', \
	  .help = DRY_RUN_HELP }
#define OPTION_QUIET \
	{ .name = "quiet", .letter = 'q', .help = "print nothing on success" }
#define OPTION_OUTCOME \
	{ .name = "json", .letter = 'J', .help = "print the outcome as JSON" }

/* Tell whether these options are given. A verb without them has none. */
bool outcome_is_dry(const struct invocation *inv);
bool outcome_is_quiet(const struct invocation *inv);
bool outcome_is_json(const struct invocation *inv);

/*
 * Report on standard output what a verb has done to @subject, or NULL, or would do: a
 * sentence without a newline; an object with --json; nothing with --quiet.
 */
void outcome_print(const struct invocation *inv, const char *subject,
		   const char *fmt, ...) __printf(3, 4);
/*
 * Report it only if asked to: with --json or --dry-run. For verbs that print nothing
 * otherwise.
 */
void outcome_print_silent(const struct invocation *inv, const char *subject,
			  const char *fmt, ...) __printf(3, 4);

#endif /* VPOOLCTL_OUTPUT_OUTCOME_H */
