// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl monitor: print events of pools and virtual machines as they come.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "host/proc.h"
#include "monitor/event.h"
#include "monitor/machines.h"
#include "monitor/pools.h"
#include "monitor/tracing.h"
#include "monitor/uevent.h"
#include "output/messages.h"
#include "output/units.h"

#define DEFAULT_MS 1000
#define LEAST_MS 100
/* Messages of the kernel come in groups. Wait for the rest of a group. */
#define SETTLE_US 10000

enum {
	OPT_EVENTS,
	OPT_DELAY,
	OPT_JSON,
};

static const struct option_def monitor_options[] = {
	[OPT_EVENTS] = {
		.name = "events", .letter = 'n', .arg = "N",
		.help = "end after N events; started does not count",
	},
	[OPT_DELAY] = {
		.name = "delay", .letter = 'd', .arg = "SECONDS",
		.help =
			"seconds between two looks at counters and virtual machines;\n"
			"default 1, at least 0.1",
	},
	[OPT_JSON] = {
		.name = "json", .letter = 'J',
		.help = "print JSON lines, one document per line for each event",
	},
};

/**
 * struct monitor - a running monitor
 * @inv: the command
 * @sink: where events go
 * @ms: milliseconds between two looks
 * @uevent_fd: descriptor of messages of the kernel, or a negative errno
 * @tracing: tracepoints, where the caller may use them
 * @pools: the pools
 * @machines: the virtual machines
 */
struct monitor {
	const struct invocation *inv;
	struct event_sink sink;
	__u32 ms;
	int uevent_fd;
	struct tracing tracing;
	struct pool_watch pools;
	struct machine_watch machines;
};

static int take_options(struct monitor *mon)
{
	const struct invocation *inv = mon->inv;
	const char *text = inv->value[OPT_EVENTS];
	int i;

	mon->ms = DEFAULT_MS;
	if (inv->given[OPT_DELAY] &&
	    (parse_seconds(inv->value[OPT_DELAY], &mon->ms) || mon->ms < LEAST_MS))
		return usage_error(inv->cmd,
				   "--delay: '%s' is not a time of 0.1 seconds or more",
				   inv->value[OPT_DELAY]);
	if (inv->given[OPT_EVENTS]) {
		mon->sink.limited = true;
		if (parse_number(text, 1, ULONG_MAX, &mon->sink.left))
			return usage_error(inv->cmd,
					   "--events: '%s' is not a number of at least 1",
					   text);
	}
	for (i = 0; i < inv->argc; i++)
		if (!vpool_name_is_valid(inv->argv[i]))
			return usage_error(inv->cmd, "'%s' is not a pool's name",
					   inv->argv[i]);
	mon->sink.json = inv->given[OPT_JSON];
	mon->sink.names = inv->argv;
	mon->sink.nr_names = inv->argc;
	return EXIT_OK;
}

/* Tracepoints */

static void report_escape(struct event_sink *sink, const struct traced *traced)
{
	struct event event = {
		.kind = EVENT_ESCAPED, .pool = traced->pool, .pid = traced->tid,
	};
	struct task task;

	if (read_task(traced->tid, &task)) {
		event_print(sink, &event, "task %d could run on CPUs that are not for it",
			    traced->tid);
		return;
	}
	event_print(sink, &event,
		    "task %d (%s) may run on CPUs that are not for it; its mask is %s now",
		    traced->tid, task.comm, task.mask);
	free(task.mask);
}

static void report_traced(struct event_sink *sink, const struct traced *traced)
{
	struct event event = { .pool = *traced->pool ? traced->pool : NULL };

	if (!strcmp(traced->event, "escape")) {
		report_escape(sink, traced);
	} else if (!strcmp(traced->event, "memory_error")) {
		event.kind = EVENT_MEMORY_ERROR;
		event_print(sink, &event,
			    "page %#lx of the host, in the pool's memory, has a hardware error",
			    traced->pfn);
	} else {
		event.kind = EVENT_REFUSED;
		event.pid = traced->pid;
		event.call = traced->call;
		event.code = traced->code;
		event_print(sink, &event, "%s by %s, process %d: %s", traced->call,
			    traced->comm, traced->pid, traced->reason);
	}
}

/* The loop */

static void report_started(struct monitor *mon)
{
	struct event event = { .kind = EVENT_STARTED };
	size_t pools = mon->pools.last.nr_pools, machines = mon->machines.nr;

	event_print(&mon->sink, &event, "watching %zu pool%s and %zu virtual machine%s%s",
		    pools, pools == 1 ? "" : "s", machines,
		    machines == 1 ? "" : "s", mon->tracing.dir ? "" :
		    "; refused calls are not shown, which needs root and tracefs");
}

static size_t read_uevents(int fd, struct uevent **uevents)
{
	struct uevent one;
	size_t nr = 0;

	*uevents = NULL;
	while (fd >= 0 && uevent_next(fd, &one)) {
		*uevents = xrealloc(*uevents, (nr + 1) * sizeof(one));
		(*uevents)[nr++] = one;
	}
	return nr;
}

/* Report everything that has happened since the last look. */
static int look(struct monitor *mon)
{
	bool loaded = mon->pools.loaded;
	struct uevent *uevents;
	struct traced traced;
	struct vpool *vp;
	size_t nr;
	int err;

	nr = read_uevents(mon->uevent_fd, &uevents);
	err = pool_watch_look(&mon->pools, &mon->sink, uevents, nr, &vp);
	free(uevents);
	if (err) {
		err = handle_error(mon->inv, NULL, vp, err);
		vpool_close(vp);
		return err;
	}
	while (tracing_next(&mon->tracing, &traced))
		report_traced(&mon->sink, &traced);
	if (mon->pools.loaded && !loaded)
		tracing_enable(&mon->tracing);
	machine_watch_look(&mon->machines, &mon->sink);
	return EXIT_OK;
}

/*
 * Wait until something may have happened. Return false if the reader of the output is
 * gone.
 */
static bool wait_for_events(struct monitor *mon)
{
	struct pollfd fds[] = {
		{ .fd = mon->uevent_fd, .events = POLLIN },
		{ .fd = mon->tracing.fd, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};

	if (poll(fds, ARRAY_SIZE(fds), mon->ms) <= 0)
		return true;
	if (fds[0].revents)
		usleep(SETTLE_US);
	return !(fds[2].revents & (POLLERR | POLLHUP));
}

static int watch(struct monitor *mon)
{
	int status = EXIT_OK;

	report_started(mon);
	for (;;) {
		if (fflush(stdout)) {
			/* The reader has seen enough, as with "| head -n 1". */
			if (errno != EPIPE)
				return EXIT_FAILED;
			clearerr(stdout);
			return EXIT_OK;
		}
		if (event_sink_is_full(&mon->sink) || interrupted() ||
		    !wait_for_events(mon))
			return EXIT_OK;
		status = look(mon);
		if (status)
			return status;
	}
}

static int run_monitor(const struct invocation *inv)
{
	struct monitor mon = { .inv = inv, .tracing.fd = -1 };
	struct vpool *vp;
	int status, err;

	status = take_options(&mon);
	if (status)
		return status;
	catch_interrupts();
	signal(SIGPIPE, SIG_IGN);
	/* Listen before the first look, so that nothing is missed in between. */
	mon.uevent_fd = uevent_open();
	tracing_start(&mon.tracing);
	err = pool_watch_start(&mon.pools, &vp);
	if (err) {
		status = handle_error(inv, NULL, vp, err);
		vpool_close(vp);
	} else {
		mon.pools.traced = mon.tracing.dir;
		machine_watch_look(&mon.machines, NULL);
		status = watch(&mon);
	}
	pool_watch_stop(&mon.pools);
	machine_watch_stop(&mon.machines);
	tracing_stop(&mon.tracing);
	if (mon.uevent_fd >= 0)
		close(mon.uevent_fd);
	return status;
}

const struct command cmd_monitor = {
	.name = "monitor",
	.local = true,
	.args = "[NAME...]",
	.summary = "print events of pools and virtual machines as they come",
	.description =
		"Print one line for each event until a signal ends the command:\n"
		"its time, its kind, the pool or virtual machine, and a\n"
		"sentence. With names, print only the events of these pools.\n\n"
		"The events are created, resized, degraded (a CPU is offline),\n"
		"recovered and destroyed for pools; escaped (a member may run\n"
		"on CPUs that are not for it), out_of_memory, limited\n"
		"(max_regions, max_members, limits of users) and memory_error; vm_started,\n"
		"vm_moved, vm_state and vm_ended for the caller's virtual\n"
		"machines; module_unloaded and module_loaded; and started, when\n"
		"the command begins to watch.\n\n"
		"For root, refused reports each call that fails to change\n"
		"something, with the program and the reason, and escaped names\n"
		"the task. This needs tracefs. Any user sees the other events.\n\n"
		"The kernel reports changes of pools at once. Counters, virtual\n"
		"machines and, for other users, memory errors are looked at\n"
		"every second. The command does not keep the module loaded.",
	.options = monitor_options,
	.nr_options = ARRAY_SIZE(monitor_options),
	.max_args = -1,
	.complete = COMPLETE_POOL,
	.complete_args = COMPLETE_POOL,
	.run = run_monitor,
};
