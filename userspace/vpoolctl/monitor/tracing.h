/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_MONITOR_TRACING_H
#define VPOOLCTL_MONITOR_TRACING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <libvpool.h>

/**
 * struct tracing - a trace instance of this process
 * @dir: directory of the instance in tracefs; owned. NULL if there is none
 * @fd: descriptor of its trace_pipe, or -1
 * @text: what has been read of the next lines
 * @len: length of @text
 */
struct tracing {
	char *dir;
	int fd;
	char text[16384];
	size_t len;
};

/**
 * struct traced - an event that a tracepoint reports
 * @event: name of the tracepoint without "vpool_"
 * @pool: name of the pool; empty if the caller gave no valid name
 * @pid: thread in which the tracepoint was reached
 * @comm: name of that thread; for other events than refuse it can be "<...>"
 * @call: refuse: name of the call
 * @code: refuse: enum vpool_code
 * @reason: refuse: the sentence
 * @tid: escape: the member
 * @pfn: memory_error: number of the page
 */
struct traced {
	char event[32];
	char pool[VPOOL_NAME_SIZE];
	pid_t pid;
	char comm[32];
	char call[16];
	int code;
	char reason[VPOOL_REASON_SIZE];
	pid_t tid;
	unsigned long pfn;
};

/*
 * Create a trace instance, and remove those of monitors that have died. Return 0 or a
 * negative errno: only root may, and tracefs must be mounted.
 */
int tracing_start(struct tracing *tracing);
/* Enable the tracepoints again after the module was loaded again. */
void tracing_enable(const struct tracing *tracing);
void tracing_stop(struct tracing *tracing);

/* Read the next event. Return false if there is none. */
bool tracing_next(struct tracing *tracing, struct traced *traced);

/* Parse a line of trace_pipe. Return false if it is no event that monitor reports. */
bool traced_parse(const char *line, struct traced *traced);

#endif /* VPOOLCTL_MONITOR_TRACING_H */
