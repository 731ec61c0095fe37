// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Counts of the requests that the pool served, and the report at exit.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "heap/count.h"
#include "heap/macros.h"
#include "heap/settings.h"

static const char * const call_names[HEAP_CALLS] = {
	[HEAP_SHARED] = "shared",
	[HEAP_PRIVATE] = "private",
	[HEAP_MEMFD] = "memfd",
	[HEAP_SHM] = "shm",
	[HEAP_FORK] = "fork",
};

static const char * const reason_names[HEAP_REASONS] = {
	[HEAP_NO_POOL] = "no access to the pool",
	[HEAP_NO_MEMORY] = "too little memory in the pool",
	[HEAP_PAGE_SIZE] = "other page size",
	[HEAP_SEALS] = "seals",
	[HEAP_KEY] = "key",
	[HEAP_NOT_PRIVATE] = "private",
	[HEAP_OTHER] = "other",
};

static struct {
	atomic_ulong served;
	atomic_ulong bytes;
	atomic_ulong not_served;
} counts[HEAP_CALLS];

static atomic_ulong reasons[HEAP_REASONS];

void heap_count(enum heap_call call, enum heap_reason reason, size_t bytes)
{
	reasons[reason]++;
	if (reason == HEAP_SERVED) {
		counts[call].served++;
		counts[call].bytes += bytes;
	} else {
		counts[call].not_served++;
	}
}

void heap_count_reset(void)
{
	memset(counts, 0, sizeof(counts));
	memset(reasons, 0, sizeof(reasons));
}

/**
 * struct text - a line that is being composed
 * @buf: the text, NUL-terminated
 * @len: its length
 */
struct text {
	char buf[1024];
	size_t len;
};

/* vsnprintf(3) does not call malloc(3) for these formats. */
static void __printf(2, 3) add(struct text *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text->buf + text->len, sizeof(text->buf) - text->len, format,
			args);
	va_end(args);
	if (len > 0)
		text->len += len;
	if (text->len >= sizeof(text->buf))
		text->len = sizeof(text->buf) - 1;
}

static void add_calls(struct text *text)
{
	size_t i;

	for (i = 0; i < HEAP_CALLS; i++) {
		if (!counts[i].served && !counts[i].not_served)
			continue;
		add(text, "; %s: %lu served (%lu MiB), %lu not", call_names[i],
		    counts[i].served, counts[i].bytes >> 20, counts[i].not_served);
	}
}

static void add_reasons(struct text *text)
{
	size_t i;

	for (i = HEAP_SERVED + 1; i < HEAP_REASONS; i++)
		if (reasons[i])
			add(text, "; %s: %lu", reason_names[i], reasons[i]);
}

/* A process that made no request is silent: a program can have many helpers. */
static void write_report(const char *file)
{
	struct text text = { .len = 0 };
	int fd = STDERR_FILENO;
	ssize_t ignored;

	add(&text, "vpool-heap: %s (%d): pool %s", program_invocation_short_name,
	    (int)getpid(), heap_settings()->pool);
	add_calls(&text);
	add_reasons(&text);
	add(&text, "\n");
	if (strcmp(file, "-"))
		fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY,
			  0666);
	if (fd < 0)
		return;
	ignored = write(fd, text.buf, text.len);
	(void)ignored;
	if (fd != STDERR_FILENO)
		close(fd);
}

__attribute__((destructor))
static void count_report(void)
{
	const struct heap_settings *settings = heap_settings();
	unsigned long total = 0;
	size_t i;

	for (i = 0; i < HEAP_REASONS; i++)
		total += reasons[i];
	if (*settings->pool && *settings->report && total)
		write_report(settings->report);
}
