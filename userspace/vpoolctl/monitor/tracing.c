// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints of the module, through a trace instance of this process.
 *
 * An instance has its own buffer, so that neither other users of tracing nor other
 * monitors lose events. Its name has the process id of its monitor, so that the next
 * monitor can remove it if that process was killed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/files.h"
#include "base/macros.h"
#include "monitor/tracing.h"

#define TRACEFS "/sys/kernel/tracing"
#define INSTANCES TRACEFS "/instances"
#define PREFIX "vpoolctl-monitor-"

static const char * const events[] = {
	"escape",
	"memory_error",
	"refuse",
};

/* Remove an instance. A tracepoint that is enabled would keep it. */
static void remove_instance(const char *dir)
{
	char *enable = xprintf("%s/events/vpool/enable", dir);

	write_text(enable, "0");
	free(enable);
	rmdir(dir);
}

/* Remove the instances of monitors that do not run any more. */
static void remove_leftovers(void)
{
	DIR *dir = opendir(INSTANCES);
	struct dirent *entry;
	char *path;
	int pid;

	while (dir && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, PREFIX "%d", &pid) != 1 || pid <= 0 ||
		    !kill(pid, 0) || errno != ESRCH)
			continue;
		path = xprintf(INSTANCES "/%s", entry->d_name);
		remove_instance(path);
		free(path);
	}
	if (dir)
		closedir(dir);
}

static void write_option(const struct tracing *tracing, const char *file,
			 const char *text)
{
	char *path = xprintf("%s/%s", tracing->dir, file);

	write_text(path, text);
	free(path);
}

void tracing_enable(const struct tracing *tracing)
{
	char file[64];
	size_t i;

	if (!tracing->dir)
		return;
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		snprintf(file, sizeof(file), "events/vpool/vpool_%s/enable",
			 events[i]);
		write_option(tracing, file, "1");
	}
}

int tracing_start(struct tracing *tracing)
{
	char *pipe;
	int err;

	*tracing = (struct tracing) { .fd = -1 };
	if (access(TRACEFS "/events/vpool/vpool_refuse", F_OK))
		return -errno;
	remove_leftovers();
	tracing->dir = xprintf(INSTANCES "/" PREFIX "%d", getpid());
	if (mkdir(tracing->dir, 0700)) {
		err = -errno;
		free(tracing->dir);
		tracing->dir = NULL;
		return err;
	}
	/* Wake poll(2) with the first event, and not when the buffer is half full. */
	write_option(tracing, "buffer_percent", "0");
	write_option(tracing, "buffer_size_kb", "64");
	pipe = xprintf("%s/trace_pipe", tracing->dir);
	tracing->fd = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	err = tracing->fd < 0 ? -errno : 0;
	free(pipe);
	if (err)
		tracing_stop(tracing);
	else
		tracing_enable(tracing);
	return err;
}

void tracing_stop(struct tracing *tracing)
{
	if (tracing->fd >= 0)
		close(tracing->fd);
	tracing->fd = -1;
	if (tracing->dir)
		remove_instance(tracing->dir);
	free(tracing->dir);
	tracing->dir = NULL;
}

/* Copy the word after @key, which may be empty. Return what follows it, or NULL. */
static const char *take_word(const char *text, const char *key, char *word, size_t room)
{
	const char *at = text ? strstr(text, key) : NULL;
	size_t len;

	if (!at)
		return NULL;
	at += strlen(key);
	len = strcspn(at, "\n ");
	snprintf(word, room, "%.*s", (int)len, at);
	return at + len;
}

/*
 * Parse what comes before the event: "  COMM-PID     [CPU] FLAGS  TIME". COMM can have any
 * character.
 */
static bool parse_task(const char *line, const char *end, struct traced *traced)
{
	const char *at = end, *begin = line + strspn(line, " ");

	while (at > line && *at != '[')
		at--;
	while (at > line && *at != '-')
		at--;
	if (at <= begin)
		return false;
	traced->pid = atoi(at + 1);
	snprintf(traced->comm, sizeof(traced->comm), "%.*s", (int)(at - begin), begin);
	return true;
}

bool traced_parse(const char *line, struct traced *traced)
{
	static const char marker[] = ": vpool_";
	const char *at = strstr(line, marker), *rest;
	char number[32] = "";
	size_t len;

	*traced = (struct traced) { 0 };
	if (!at || !parse_task(line, at, traced))
		return false;
	at += strlen(marker);
	len = strcspn(at, ":");
	snprintf(traced->event, sizeof(traced->event), "%.*s", (int)len, at);
	rest = take_word(at, " pool=", traced->pool, sizeof(traced->pool));
	if (!strcmp(traced->event, "escape")) {
		rest = take_word(rest, " tid=", number, sizeof(number));
		traced->tid = atoi(number);
		return rest;
	}
	if (!strcmp(traced->event, "memory_error")) {
		rest = take_word(rest, " pfn=", number, sizeof(number));
		traced->pfn = strtoul(number, NULL, 0);
		return rest;
	}
	if (strcmp(traced->event, "refuse"))
		return false;
	rest = take_word(rest, " call=", traced->call, sizeof(traced->call));
	rest = take_word(rest, " code=", number, sizeof(number));
	traced->code = atoi(number);
	at = rest ? strstr(rest, " comm=") : NULL;
	rest = at ? strstr(at, " reason=") : NULL;
	if (rest) {
		snprintf(traced->comm, sizeof(traced->comm), "%.*s",
			 (int)(rest - at - 6), at + 6);
		snprintf(traced->reason, sizeof(traced->reason), "%.*s",
			 (int)strcspn(rest + 8, "\n"), rest + 8);
	}
	return rest;
}

bool tracing_next(struct tracing *tracing, struct traced *traced)
{
	char *end;
	ssize_t got;
	bool found;

	if (tracing->fd < 0)
		return false;
	for (;;) {
		end = memchr(tracing->text, '\n', tracing->len);
		if (end) {
			*end = '\0';
			found = traced_parse(tracing->text, traced);
			tracing->len -= end + 1 - tracing->text;
			memmove(tracing->text, end + 1, tracing->len);
			if (found)
				return true;
			continue;
		}
		/* No line is that long. */
		if (tracing->len == sizeof(tracing->text))
			tracing->len = 0;
		got = read(tracing->fd, tracing->text + tracing->len,
			   sizeof(tracing->text) - tracing->len);
		if (got <= 0)
			return false;
		tracing->len += got;
	}
}
