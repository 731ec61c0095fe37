/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_OUTPUT_MESSAGES_H
#define VPOOLCTL_OUTPUT_MESSAGES_H

#include <libvpool.h>

#include "base/macros.h"

struct command;
struct invocation;

/* Report on standard error that a command failed: "vpoolctl: create web: ...". */
void cmd_error(const struct invocation *inv, const char *subject,
	       const char *fmt, ...) __printf(3, 4);
/* Add a hint: a sentence to print after the last message. */
void add_hint(const char *sentence);
/* Report wrong usage of @cmd, or of vpoolctl for NULL. Return EXIT_USAGE. */
int usage_error(const struct command *cmd, const char *fmt, ...)
	__printf(2, 3);
/* Report the error of a handle. Return the exit status for it. */
int handle_error(const struct invocation *inv, const char *subject,
		 const struct vpool *vp, int err);
/* Print the hints and flush standard output. Return EXIT_FAILED if output is lost. */
int finish_output(int status);

/* Tell whether to use colours: standard output is a terminal and NO_COLOR is unset. */
bool want_colour(void);

#endif /* VPOOLCTL_OUTPUT_MESSAGES_H */
