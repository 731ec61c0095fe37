// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm log: print the log of a virtual machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "output/messages.h"
#include "output/printable.h"
#include "output/units.h"
#include "vm/cmd.h"
#include "vm/dirs.h"
#include "vm/log.h"

enum {
	LOG_LINES,
	LOG_FOLLOW,
};

/* How often to look for more, in microseconds. */
#define EVERY_US 200000

static const struct option_def log_options[] = {
	[LOG_LINES] = {
		.name = "lines", .letter = 'n', .arg = "NUMBER",
		.help = "print only the last lines",
	},
	[LOG_FOLLOW] = {
		.name = "follow", .letter = 'f',
		.help = "print new lines as they come, until interrupted",
	},
};

/* Move to the last lines of a file. */
static void skip_lines(FILE *file, unsigned long nr)
{
	unsigned long lines = 0;
	int c;

	while ((c = getc(file)) != EOF)
		lines += c == '\n';
	rewind(file);
	while (lines > nr && (c = getc(file)) != EOF)
		lines -= c == '\n';
}

/* Print what a file has. QEMU can print characters that control a terminal. */
static void print_rest(FILE *file)
{
	char *line = NULL, *text;
	size_t room = 0;
	ssize_t len;

	clearerr(file);
	while ((len = getline(&line, &room, file)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		text = printable(line);
		puts(text);
		free(text);
	}
	free(line);
	fflush(stdout);
}

/* Tell whether the log begins again in a new file. */
static bool is_old(FILE *file, const char *path)
{
	struct stat ours, now;

	return !fstat(fileno(file), &ours) && !stat(path, &now) &&
	       (ours.st_ino != now.st_ino || ours.st_dev != now.st_dev);
}

static void follow(FILE **file, const char *path)
{
	FILE *next;

	while (!interrupted() && !ferror(stdout)) {
		usleep(EVERY_US);
		print_rest(*file);
		next = is_old(*file, path) ? fopen(path, "re") : NULL;
		if (!next)
			continue;
		print_rest(*file);
		fclose(*file);
		*file = next;
	}
}

static int print_log(const struct invocation *inv, const char *path, unsigned long nr)
{
	FILE *file = fopen(path, "re");
	struct stat st;

	if (file && !fstat(fileno(file), &st) && S_ISDIR(st.st_mode)) {
		fclose(file);
		file = NULL;
		errno = EISDIR;
	}
	if (!file) {
		cmd_error(inv, inv->argv[0], errno_code(errno),
			  "%s: %s; 'journalctl VPOOL_VM=%s' shows what the journal has",
			  path, strerror(errno), inv->argv[0]);
		return EXIT_FAILED;
	}
	if (inv->given[LOG_LINES])
		skip_lines(file, nr);
	print_rest(file);
	if (inv->given[LOG_FOLLOW])
		follow(&file, path);
	fclose(file);
	return EXIT_OK;
}

static int run_vm_log(const struct invocation *inv)
{
	const char *name = inv->argv[0], *lines = inv->value[LOG_LINES];
	unsigned long nr = 0;
	int status;
	char *path;

	if (lines && parse_number(lines, 0, ULONG_MAX, &nr))
		return usage_error(inv->cmd, "--lines: '%s' is not a number", lines);
	if (!vm_name_ok(name)) {
		cmd_error(inv, NULL, TOOL_VM_NAME,
			  "'%s' is not a valid name of a virtual machine", name);
		return EXIT_FAILED;
	}
	catch_interrupts();
	path = vm_log_path(name);
	status = print_log(inv, path, nr);
	free(path);
	return status;
}

const struct command cmd_vm_log = {
	.name = "vm log",
	.args = "VM",
	.summary = "print the log of a virtual machine",
	.description =
		"Print what QEMU has printed, and when and why it started and\n"
		"ended. The log is /var/log/vpool/VM.log, or vpool/log/VM.log in\n"
		"XDG_STATE_HOME for users other than root. It stays when the\n"
		"machine ends. When it is larger than 1M, it moves to VM.log.1. The\n"
		"journal has the same lines: journalctl VPOOL_VM=VM.",
	.options = log_options,
	.nr_options = ARRAY_SIZE(log_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_log,
};
