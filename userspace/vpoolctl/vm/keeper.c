// SPDX-License-Identifier: GPL-2.0-only
/*
 * The process that watches a QEMU.
 *
 * Only the parent of a process learns how it ended, and vpoolctl exits as soon as the
 * machine runs. So vpoolctl starts a keeper, and the keeper starts QEMU. The keeper is a
 * copy of vpoolctl with no descriptors but those below. It ends right after QEMU.
 *
 * QEMU tells the reason for a shutdown in an event. vpoolctl has the monitor first, and
 * the keeper reads it from keeper_listen() on.
 *
 * The keeper has no part in finding a machine: a machine whose keeper was killed runs on,
 * but its log and the reason for its end are lost.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "vm/ended.h"
#include "vm/handed.h"
#include "vm/keeper.h"
#include "vm/log.h"
#include "vm/vm.h"

/* Words to the keeper. */
#define WORD_KNOWN 'k'
#define WORD_RELEASE 'r'
#define WORD_LISTEN 'l'

/* Limit for the copy of the log that vpoolctl shows if QEMU does not start. */
#define MAX_COPY (64 << 10)
/* Longest line of the log and longest event that is understood. */
#define MAX_LINE 4096

/* The descriptors of a keeper, which has no others. */
enum {
	FD_QEMU,
	FD_OUTPUT,
	FD_WORDS,
	FD_EVENTS,
	FD_COPY,
	FD_LOCK,
	FD_REPORT,
	NR_FDS,
};

/**
 * struct lines - a stream that is read in lines
 * @text: the unfinished line
 * @len: its length
 */
struct lines {
	char text[MAX_LINE];
	size_t len;
};

/**
 * struct watch - state of a keeper
 * @name: name of the machine
 * @slot: slot of the QEMU
 * @log: log of the machine
 * @pid: process id of the QEMU
 * @released: QEMU may outlive vpoolctl
 * @listens: this process has the events
 * @copied: bytes in the copy of the log
 * @output: output of the QEMU
 * @events: events of the QEMU
 * @reason: reason for the shutdown in the last such event, or empty
 * @polled: descriptors to wait for
 */
struct watch {
	const char *name;
	const struct vm_slot *slot;
	struct vm_log log;
	pid_t pid;
	bool released;
	bool listens;
	size_t copied;
	struct lines output;
	struct lines events;
	char reason[64];
	struct pollfd polled[NR_FDS];
};

/* The keeper: reading */

/* Pass each whole line to @take, and a line that is too long in parts. */
static void split(struct watch *watch, struct lines *lines, const char *data, size_t len,
		  void (*take)(struct watch *watch, const char *line))
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (data[i] != '\n' && data[i] != '\r' && data[i])
			lines->text[lines->len++] = data[i];
		if (data[i] != '\n' && lines->len + 1 < sizeof(lines->text))
			continue;
		lines->text[lines->len] = '\0';
		if (lines->len)
			take(watch, lines->text);
		lines->len = 0;
	}
}

static void take_output(struct watch *watch, const char *line)
{
	vm_log_line(&watch->log, line);
}

/* QEMU escapes quotes in strings, so that a guest cannot forge such an event. */
static void take_event(struct watch *watch, const char *line)
{
	static const char key[] = "\"reason\": \"";
	const char *at;

	if (!strstr(line, "\"event\": \"SHUTDOWN\""))
		return;
	at = strstr(line, key);
	if (at)
		snprintf(watch->reason, sizeof(watch->reason), "%.*s",
			 (int)strcspn(at + sizeof(key) - 1, "\""), at + sizeof(key) - 1);
}

static void copy_output(struct watch *watch, const char *data, ssize_t len)
{
	if (watch->copied + len > MAX_COPY)
		return;
	if (write(watch->polled[FD_COPY].fd, data, len) == len)
		watch->copied += len;
}

/* Close a descriptor at the end of its stream. */
static void end_stream(struct watch *watch, int which)
{
	close(watch->polled[which].fd);
	watch->polled[which].fd = -1;
}

static void read_output(struct watch *watch)
{
	struct pollfd *polled = watch->polled + FD_OUTPUT;
	char data[MAX_LINE];
	ssize_t len;

	while (polled->fd >= 0) {
		len = read(polled->fd, data, sizeof(data));
		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (len <= 0) {
			end_stream(watch, FD_OUTPUT);
			return;
		}
		copy_output(watch, data, len);
		split(watch, &watch->output, data, len, take_output);
	}
}

/*
 * vpoolctl has the same socket, so that its flags cannot change. Poll before each read
 * instead.
 */
static bool has_events(const struct watch *watch)
{
	struct pollfd one = { .fd = watch->polled[FD_EVENTS].fd, .events = POLLIN };

	return one.fd >= 0 && poll(&one, 1, 0) > 0;
}

static void read_events(struct watch *watch)
{
	char data[MAX_LINE];
	ssize_t len;

	while (watch->listens && has_events(watch)) {
		len = read(watch->polled[FD_EVENTS].fd, data, sizeof(data));
		if (len > 0)
			split(watch, &watch->events, data, len, take_event);
		else
			end_stream(watch, FD_EVENTS);
	}
}

static void begin_to_listen(struct watch *watch)
{
	if (watch->listens)
		return;
	watch->listens = true;
	/* poll(2) ignores a negative descriptor. */
	watch->polled[FD_EVENTS].fd = ~watch->polled[FD_EVENTS].fd;
}

static void read_words(struct watch *watch)
{
	ssize_t got;
	char word;

	while ((got = read(watch->polled[FD_WORDS].fd, &word, 1)) == 1) {
		watch->released |= word == WORD_RELEASE;
		if (word == WORD_LISTEN)
			begin_to_listen(watch);
	}
	if (got < 0)
		return;
	/* vpoolctl has ended. */
	end_stream(watch, FD_WORDS);
	if (!watch->released)
		syscall(SYS_pidfd_send_signal, watch->polled[FD_QEMU].fd, SIGKILL, NULL, 0);
	begin_to_listen(watch);
}

/* The keeper: the end */

static const struct {
	const char *reason;
	bool unexpected;
	const char *text;
} reasons[] = {
	{ "guest-panic", true, "the guest panicked" },
	{ "guest-reset", false, "the guest reset itself, and may not restart" },
	{ "guest-shutdown", false, "the guest shut down" },
	{ "host-qmp-quit", false, "QEMU was told to quit" },
	{ "host-qmp-system-reset", false, "a reset was requested, and it may not restart" },
	{ "host-ui", false, "its window was closed" },
};

static void set_ended(struct ended *ended, bool unexpected, const char *text)
{
	ended->unexpected = unexpected;
	snprintf(ended->reason, sizeof(ended->reason), "%s", text);
}

/* Find out why QEMU ended with this status of waitpid(2). */
static void explain(const struct watch *watch, int status, struct ended *ended)
{
	char *dir = xprintf("%.*s", (int)(strrchr(watch->slot->dir, '/') - watch->slot->dir),
			    watch->slot->dir);
	struct handed handed;
	char text[ENDED_REASON];
	size_t i;

	ended->at = time(NULL);
	if (WIFSIGNALED(status)) {
		snprintf(text, sizeof(text), "QEMU was ended by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
		set_ended(ended, true, text);
	} else if (WEXITSTATUS(status)) {
		snprintf(text, sizeof(text), "QEMU failed with exit status %d",
			 WEXITSTATUS(status));
		set_ended(ended, true, text);
	} else if (handed_read(dir, &handed)) {
		snprintf(text, sizeof(text), "it moved to host %.200s", handed.host);
		set_ended(ended, false, text);
	} else {
		set_ended(ended, true, *watch->reason ? watch->reason : "QEMU ended");
		if (!strcmp(watch->reason, "host-signal"))
			set_ended(ended, true, "QEMU was requested to end by a signal");
		for (i = 0; i < ARRAY_SIZE(reasons); i++)
			if (!strcmp(reasons[i].reason, watch->reason))
				set_ended(ended, reasons[i].unexpected, reasons[i].text);
	}
	free(dir);
}

/* Tell whether the machine has another QEMU, to which it has moved or will move. */
static bool has_other_qemu(const struct watch *watch)
{
	const char *at = watch->slot->dir;
	size_t len = strlen(at);
	struct vm_slot other = { .pidfd = -1 };
	bool has;

	other.dir = xprintf("%.*s%c", (int)len - 1, at, at[len - 1] == '0' ? '1' : '0');
	vm_slot_update(&other);
	has = other.pid;
	if (other.pidfd >= 0)
		close(other.pidfd);
	free(other.dir);
	return has;
}

static void finish(struct watch *watch)
{
	struct ended ended = { 0 };
	int status = 0;
	char *line;

	read_output(watch);
	/* QEMU can end right after the last word. */
	read_words(watch);
	read_events(watch);
	split(watch, &watch->output, "\n", 1, take_output);
	while (waitpid(watch->pid, &status, 0) < 0 && errno == EINTR)
		;
	explain(watch, status, &ended);
	line = xprintf("ended: %s", ended.reason);
	vm_log_line(&watch->log, line);
	free(line);
	/* If vpoolctl has not released QEMU, it reports the failure itself. */
	if (watch->released && !has_other_qemu(watch))
		ended_write(watch->name, &ended);
}

/* The keeper: the process */

/* Give the descriptors the lowest numbers, and close all others. */
static void keep_only(struct pollfd *polled)
{
	int i, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* First move all out of the way. */
	for (i = 0; i < NR_FDS; i++)
		polled[i].fd = fcntl(polled[i].fd, F_DUPFD_CLOEXEC, 3 + NR_FDS);
	for (i = 0; i < 3; i++)
		dup2(null, i);
	for (i = 0; i < NR_FDS; i++) {
		polled[i].fd = polled[i].fd < 0 ? -1 : dup2(polled[i].fd, 3 + i);
		fcntl(3 + i, F_SETFD, FD_CLOEXEC);
	}
	syscall(SYS_close_range, 3 + NR_FDS, ~0U, 0);
	fcntl(polled[FD_OUTPUT].fd, F_SETFL, O_NONBLOCK);
}

static int open_in(const struct vm_slot *slot, const char *file)
{
	char *path = vm_slot_path(slot, file);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	free(path);
	return fd;
}

static void watch_qemu(struct watch *watch)
{
	char *line = xprintf("started: process %d", watch->pid);

	vm_log_init(&watch->log, watch->name);
	vm_log_line(&watch->log, line);
	free(line);
	while (!watch->polled[FD_QEMU].revents) {
		if (poll(watch->polled, FD_COPY, -1) < 0)
			continue;
		if (watch->polled[FD_OUTPUT].revents)
			read_output(watch);
		if (watch->polled[FD_WORDS].revents)
			read_words(watch);
		read_events(watch);
	}
	finish(watch);
	_exit(0);
}

/* Start QEMU in the keeper. Return its process id or a negative errno. */
static pid_t start_qemu(void (*run)(void *data, int output), void *data, int *output)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		run(data, ends[1]);
	if (pid < 0)
		pid = -errno;
	close(ends[1]);
	*output = ends[0];
	return pid;
}

/* Run as the keeper. @report tells vpoolctl the process id of QEMU or a negative errno. */
static void become_keeper(struct watch *watch, int report, int words, int events,
			  void (*run)(void *data, int output), void *data)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	sigset_t all;
	char word;
	int i;

	setsid();
	watch->pid = start_qemu(run, data, &watch->polled[FD_OUTPUT].fd);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_NAME, "vpool-keeper");
	watch->polled[FD_REPORT].fd = report;
	watch->polled[FD_QEMU].fd = syscall(SYS_pidfd_open, watch->pid, 0);
	watch->polled[FD_WORDS].fd = words;
	watch->polled[FD_EVENTS].fd = events;
	watch->polled[FD_COPY].fd = open_in(watch->slot, "log");
	watch->polled[FD_LOCK].fd = open_in(watch->slot, VM_KEEPER);
	keep_only(watch->polled);
	/* From here on, closing a descriptor of the file would end the lock. */
	fcntl(watch->polled[FD_LOCK].fd, F_SETLK, &lock);
	if (write(watch->polled[FD_REPORT].fd, &watch->pid, sizeof(watch->pid)) < 0 ||
	    watch->pid < 0)
		_exit(1);
	end_stream(watch, FD_REPORT);
	for (i = 0; i < NR_FDS; i++)
		watch->polled[i].events = POLLIN;
	watch->polled[FD_EVENTS].fd = ~watch->polled[FD_EVENTS].fd;
	/* Do not reap QEMU before vpoolctl has a pidfd for it. Any end of this wait will do. */
	if (read(watch->polled[FD_WORDS].fd, &word, 1) != 1)
		kill(watch->pid, SIGKILL);
	fcntl(watch->polled[FD_WORDS].fd, F_SETFL, O_NONBLOCK);
	watch_qemu(watch);
}

/* vpoolctl */

static void tell(struct keeper *keeper, char word)
{
	sighandler_t old = signal(SIGPIPE, SIG_IGN);

	/* A keeper that was killed can do nothing any more. */
	if (keeper->fd >= 0 && write(keeper->fd, &word, 1) != 1) {
		close(keeper->fd);
		keeper->fd = -1;
	}
	signal(SIGPIPE, old);
}

/* Read the process id of QEMU. Return 0 or a negative errno. */
static int read_report(int report, struct vm_slot *slot)
{
	pid_t pid;

	if (read(report, &pid, sizeof(pid)) != sizeof(pid))
		return -EPIPE;
	if (pid < 0)
		return pid;
	slot->pid = pid;
	slot->pidfd = syscall(SYS_pidfd_open, pid, 0);
	return slot->pidfd < 0 ? -errno : 0;
}

int keeper_start(struct keeper *keeper, const char *name, struct vm_slot *slot,
		 int events, void (*run)(void *data, int output), void *data)
{
	struct watch watch = { .name = name, .slot = slot };
	int words[2], report[2], err;

	if (pipe2(words, O_CLOEXEC))
		return -errno;
	if (pipe2(report, O_CLOEXEC)) {
		err = -errno;
		close(words[0]);
		close(words[1]);
		return err;
	}
	keeper->pid = fork();
	if (!keeper->pid) {
		close(words[1]);
		become_keeper(&watch, report[1], words[0], events, run, data);
	}
	err = keeper->pid < 0 ? -errno : 0;
	keeper->fd = words[1];
	close(words[0]);
	close(report[1]);
	if (!err)
		err = read_report(report[0], slot);
	close(report[0]);
	tell(keeper, WORD_KNOWN);
	return err;
}

void keeper_release(struct keeper *keeper)
{
	tell(keeper, WORD_RELEASE);
}

void keeper_listen(struct keeper *keeper)
{
	tell(keeper, WORD_LISTEN);
}

void keeper_end(struct keeper *keeper)
{
	if (keeper->fd >= 0)
		close(keeper->fd);
	keeper->fd = -1;
	if (keeper->pid > 0)
		waitpid(keeper->pid, NULL, 0);
	keeper->pid = 0;
}
