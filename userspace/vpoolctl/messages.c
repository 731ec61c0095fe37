// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes to standard error, and the exit statuses with it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vpoolctl.h"

void complain(const struct invocation *inv, const char *subject,
	      const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "vpoolctl: %s", inv->cmd->name);
	if (subject)
		fprintf(stderr, " %s", subject);
	fputs(": ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

int wrong_usage(const struct command *cmd, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "vpoolctl: %s%s", cmd ? cmd->name : "",
		cmd ? ": " : "");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	if (cmd)
		fprintf(stderr, "\nTry 'vpoolctl %s --help'.\n", cmd->name);
	else
		fputs("\nTry 'vpoolctl help'.\n", stderr);
	return EXIT_USAGE;
}

int failed(const struct invocation *inv, const char *subject,
	   const struct vpool *vp, int err)
{
	const char *reason = vpool_reason(vp);

	/* Without the module nothing is wrong with the subject. */
	if (err == -VPOOL_NO_MODULE)
		subject = NULL;
	complain(inv, subject, "%s", *reason ? reason : strerror(-err));
	return err == -VPOOL_NO_MODULE ? EXIT_NO_MODULE : EXIT_FAILED;
}

int finish_output(int status)
{
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
