/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_OUTPUT_MESSAGES_H
#define VPOOLCTL_OUTPUT_MESSAGES_H

#include <libvpool.h>

#include "base/macros.h"

struct failure;
struct json_object;

struct command;
struct invocation;

/* Print errors as JSON objects from now on. */
void messages_set_json(void);

/*
 * Report on standard error that a command failed: "vpoolctl: create web: ...". @subject
 * is the object of the command, or NULL. @code is an enum vpool_code, vpool_lib_code
 * or tool_code.
 */
void cmd_error(const struct invocation *inv, const char *subject, int code,
	       const char *fmt, ...) __printf(4, 5);
/* Report a failure as cmd_error() does. Return EXIT_FAILED. */
int failure_report(const struct invocation *inv, const char *subject,
		   const struct failure *failure);
/* Report an error in a file: @text begins with the file's name. */
void report_error(int code, const char *text);
/* Relate the errors from now on to another host, in JSON. NULL is this host. */
void messages_set_host(const char *host);
/* Repeat a line that a command printed on the standard error of another host. */
void relay_error(const struct invocation *inv, const char *host, const char *line);

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
