// SPDX-License-Identifier: GPL-2.0-only
/*
 * Print events: one line or one JSON object for each.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/code.h"
#include "host/pools.h"
#include "monitor/event.h"
#include "output/printable.h"
#include "output/table.h"

static const char * const kind_names[] = {
	[EVENT_STARTED] = "started",
	[EVENT_CREATED] = "created",
	[EVENT_RESIZED] = "resized",
	[EVENT_DEGRADED] = "degraded",
	[EVENT_RECOVERED] = "recovered",
	[EVENT_DESTROYED] = "destroyed",
	[EVENT_ESCAPED] = "escaped",
	[EVENT_REFUSED] = "refused",
	[EVENT_OUT_OF_MEMORY] = "out_of_memory",
	[EVENT_LIMITED] = "limited",
	[EVENT_MEMORY_ERROR] = "memory_error",
	[EVENT_VM_STARTED] = "vm_started",
	[EVENT_VM_MOVED] = "vm_moved",
	[EVENT_VM_STATE] = "vm_state",
	[EVENT_VM_ENDED] = "vm_ended",
	[EVENT_MODULE_UNLOADED] = "module_unloaded",
	[EVENT_MODULE_LOADED] = "module_loaded",
};

enum {
	COL_TIME,
	COL_EVENT,
	COL_POOL,
	COL_VM,
	COL_PID,
	COL_STATE,
	COL_TOTAL,
	COL_CPUS,
	COL_EFFECTIVE,
	COL_COUNT,
	COL_CALL,
	COL_CODE,
	COL_KIND,
	COL_MESSAGE,
};

static const struct column event_columns[] = {
	[COL_TIME] = { .name = "TIME", .type = CELL_TEXT },
	[COL_EVENT] = { .name = "EVENT", .type = CELL_TEXT },
	[COL_POOL] = { .name = "POOL", .type = CELL_TEXT },
	[COL_VM] = { .name = "VM", .type = CELL_TEXT },
	[COL_PID] = { .name = "PID", .type = CELL_NUMBER },
	[COL_STATE] = { .name = "STATE", .type = CELL_TEXT },
	[COL_TOTAL] = { .name = "TOTAL", .type = CELL_SIZE },
	[COL_CPUS] = { .name = "CPUS", .type = CELL_TEXT },
	[COL_EFFECTIVE] = { .name = "EFFECTIVE", .type = CELL_TEXT },
	[COL_COUNT] = { .name = "COUNT", .type = CELL_NUMBER },
	[COL_CALL] = { .name = "CALL", .type = CELL_TEXT },
	[COL_CODE] = { .name = "CODE", .type = CELL_NUMBER },
	[COL_KIND] = { .name = "KIND", .type = CELL_TEXT },
	[COL_MESSAGE] = { .name = "MESSAGE", .type = CELL_TEXT },
};

static void fill_text(struct table *tb, size_t column, const char *text)
{
	if (text)
		table_text(tb, column, text);
}

static void fill_info(struct table *tb, const struct vpool_info *info)
{
	char *text;

	table_text(tb, COL_STATE, info->state_name);
	table_number(tb, COL_TOTAL, info->total_bytes);
	text = cpus_text(&info->cpus);
	table_text(tb, COL_CPUS, text);
	free(text);
	text = cpus_text(&info->effective);
	table_text(tb, COL_EFFECTIVE, text);
	free(text);
}

static void print_json(const struct event *event, const char *time, const char *message)
{
	struct table *tb = record_new("event", event_columns,
				      ARRAY_SIZE(event_columns));
	struct style style = { .json = true, .line = true };

	fill_text(tb, COL_TIME, time);
	table_text(tb, COL_EVENT, kind_names[event->kind]);
	fill_text(tb, COL_POOL, event->pool);
	fill_text(tb, COL_VM, event->vm);
	if (event->pid)
		table_number(tb, COL_PID, event->pid);
	if (event->info)
		fill_info(tb, event->info);
	fill_text(tb, COL_STATE, event->state);
	if (event->count)
		table_number(tb, COL_COUNT, event->count);
	fill_text(tb, COL_CALL, event->call);
	if (event->code) {
		table_number(tb, COL_CODE, event->code);
		table_text(tb, COL_KIND, code_name(event->code));
	}
	table_text(tb, COL_MESSAGE, message);
	table_print(tb, &style, stdout);
	table_free(tb);
}

static void print_line(const struct event *event, const char *time, const char *message)
{
	const char *subject = event->vm ? event->vm : event->pool;
	char *text = printable(message);

	printf("%s %s%s%s: %s\n", time ? time : "-", kind_names[event->kind],
	       subject ? " " : "", subject ? subject : "", text);
	free(text);
}

static bool is_wanted(const struct event_sink *sink, const struct event *event)
{
	size_t i;

	if (!event->pool || !sink->nr_names)
		return true;
	for (i = 0; i < sink->nr_names; i++)
		if (!strcmp(sink->names[i], event->pool))
			return true;
	return false;
}

void event_print(struct event_sink *sink, const struct event *event,
		 const char *fmt, ...)
{
	char *message, *time;
	struct timespec now;
	va_list args;

	if (event_sink_is_full(sink) || !is_wanted(sink, event))
		return;
	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = xstrdup(fmt);
	va_end(args);
	clock_gettime(CLOCK_REALTIME, &now);
	time = time_text(&now, true);
	if (sink->json)
		print_json(event, time, message);
	else
		print_line(event, time, message);
	free(time);
	free(message);
	if (sink->limited && event->kind != EVENT_STARTED)
		sink->left--;
}

bool event_sink_is_full(const struct event_sink *sink)
{
	return sink->limited && !sink->left;
}
