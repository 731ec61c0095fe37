// SPDX-License-Identifier: GPL-2.0-only
/*
 * The process that watches a QEMU, with a program that plays QEMU, and the logs of machines.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/files.h"
#include "base/macros.h"
#include "vm/ended.h"
#include "vm/keeper.h"
#include "vm/log.h"
#include "vm/vm.h"
#include "tap.h"

static char dir[64];
static int monitor[2];

/* The event, as QEMU formats it. */
#define SHUTDOWN(reason) \
	"{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": \"" reason "\"}}\r\n"

/**
 * struct play - what the program does
 * @output: what it prints
 * @event: what it sends to the monitor, or NULL
 * @signal: signal that ends it, or 0
 * @status: its exit status
 */
struct play {
	const char *output;
	const char *event;
	int signal;
	int status;
};

/* Play QEMU. It waits for a byte on the monitor before it ends. */
static void play(void *data, int output)
{
	const struct play *as = data;
	char byte;

	if (write(output, as->output, strlen(as->output)) < 0)
		_exit(99);
	if (read(monitor[1], &byte, 1) < 0)
		_exit(99);
	if (as->event && write(monitor[1], as->event, strlen(as->event)) < 0)
		_exit(99);
	if (as->signal)
		kill(getpid(), as->signal);
	_exit(as->status);
}

static void make_slot(struct vm_slot *slot)
{
	*slot = (struct vm_slot) { .pidfd = -1 };
	slot->dir = xprintf("%s/vm/m/0", dir);
	expect(!make_dirs(slot->dir));
}

/* Run the program under a keeper. Return what the log has, without times, for free(3). */
static char *run(const struct play *as, bool release, struct ended *ended)
{
	char *path = vm_log_path("m"), *text, *line, *all = xstrdup("");
	struct keeper keeper = { .fd = -1 };
	struct vm_slot slot;

	unlink(path);
	ended_remove("m");
	make_slot(&slot);
	expect(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, monitor));
	expect(!keeper_start(&keeper, "m", &slot, monitor[0], play, (void *)as));
	expect(slot.pid > 0 && slot.pidfd >= 0);
	if (release)
		keeper_release(&keeper);
	keeper_listen(&keeper);
	expect(write(monitor[0], "x", 1) == 1);
	expect(!vm_slot_wait(&slot, 10000));
	vm_slot_wait_keeper(&slot);
	memset(ended, 0, sizeof(*ended));
	ended_read("m", ended);
	keeper_end(&keeper);
	text = read_text(path);
	for (line = text ? strtok(text, "\n") : NULL; line; line = strtok(NULL, "\n")) {
		char *more = xprintf("%s%s\n", all, strchr(line, ' ') ?: "?");

		free(all);
		all = more;
	}
	free(text);
	free(path);
	close(monitor[0]);
	close(monitor[1]);
	vm_slot_stop(&slot);
	free(slot.dir);
	return all;
}

/* The lines after that of the start, which has a process id. */
static const char *after_start(const char *log)
{
	return strchr(log, '\n') ? strchr(log, '\n') + 1 : "";
}

static void shutdown_of_guest(void)
{
	struct play as = {
		.output = "one\ntwo\r\nunfinished",
		.event = "{\"event\": \"RESET\"}\r\n" SHUTDOWN("guest-shutdown"),
	};
	struct ended ended;
	char *log = run(&as, true, &ended);

	expect(!strncmp(log, " started: process ", 18));
	expect_text(after_start(log),
		    " one\n two\n unfinished\n ended: the guest shut down\n");
	expect_text(ended.reason, "the guest shut down");
	expect(!ended.unexpected && ended.at);
	free(log);
}

static void panic_of_guest(void)
{
	struct play as = {
		.output = "",
		.event = SHUTDOWN("guest-panic"),
	};
	struct ended ended;

	free(run(&as, true, &ended));
	expect_text(ended.reason, "the guest panicked");
	expect(ended.unexpected);
	/* A reason that this version does not know. */
	as.event = SHUTDOWN("new");
	free(run(&as, true, &ended));
	expect_text(ended.reason, "new");
}

static void forged_event(void)
{
	struct play as = {
		.output = "",
		.event = "{\"a\": \"\\\"event\\\": \\\"SHUTDOWN\\\"\", \"reason\": \"x\"}\n",
	};
	struct ended ended;

	free(run(&as, true, &ended));
	expect_text(ended.reason, "QEMU ended");
}

static void crash(void)
{
	struct play as = { .output = "", .signal = SIGKILL };
	struct ended ended;

	free(run(&as, true, &ended));
	expect_text(ended.reason, "QEMU was ended by signal 9 (Killed)");
	expect(ended.unexpected);
	as = (struct play) { .output = "", .status = 3 };
	free(run(&as, true, &ended));
	expect_text(ended.reason, "QEMU failed with exit status 3");
	expect(ended.unexpected);
}

/* vpoolctl reports the failure of a start itself. */
static void failed_start(void)
{
	struct play as = { .output = "no such device\n", .status = 1 };
	struct ended ended;
	char *log = run(&as, false, &ended);

	expect_text(ended.reason, "");
	expect_text(after_start(log),
		    " no such device\n ended: QEMU failed with exit status 1\n");
	free(log);
}

static void unwritable_log(void)
{
	struct play as = { .output = "lost\n" };
	struct ended ended;
	struct vm_log log;
	char *text;

	setenv("VPOOL_LOG_DIR", "/proc/nowhere", 1);
	text = run(&as, true, &ended);
	expect_text(text, "");
	expect_text(ended.reason, "QEMU ended");
	free(text);
	vm_log_init(&log, "m");
	expect(vm_log_line(&log, "x") < 0 && log.err);
	vm_log_free(&log);
	setenv("VPOOL_LOG_DIR", dir, 1);
}

static void long_log(void)
{
	char *line = xcalloc(1, 2001), *old;
	struct vm_log log;
	struct stat st;
	int i;

	memset(line, 'x', 2000);
	vm_log_init(&log, "long");
	for (i = 0; i < 1200; i++)
		expect(!vm_log_line(&log, line));
	old = xprintf("%s.1", log.path);
	expect(!stat(log.path, &st) && st.st_size < 1 << 20 && st.st_size > 2000);
	expect(!stat(old, &st) && st.st_size < (1 << 20) + 4096);
	free(old);
	free(line);
	vm_log_free(&log);
}

static const struct tap_case cases[] = {
	{ "the guest shuts down", shutdown_of_guest },
	{ "the guest panics", panic_of_guest },
	{ "a guest cannot forge a reason", forged_event },
	{ "QEMU crashes", crash },
	{ "QEMU does not start", failed_start },
	{ "the log cannot be written", unwritable_log },
	{ "the log is long", long_log },
};

int main(void)
{
	char *command;
	int status;

	snprintf(dir, sizeof(dir), "/tmp/vpool-keeper-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	setenv("VPOOL_RUN_DIR", dir, 1);
	setenv("VPOOL_LOG_DIR", dir, 1);
	setenv("VPOOL_JOURNAL_SOCKET", "/nowhere", 1);
	status = tap_main(cases, ARRAY_SIZE(cases));
	command = xprintf("rm -r %s", dir);
	if (system(command))
		status = 1;
	free(command);
	return status;
}
