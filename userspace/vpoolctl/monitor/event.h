/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_MONITOR_EVENT_H
#define VPOOLCTL_MONITOR_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <libvpool.h>

#include "base/macros.h"

/**
 * enum event_kind - kinds of event
 * @EVENT_STARTED: monitor watches from now on
 * @EVENT_CREATED: a pool was created
 * @EVENT_RESIZED: a pool has another amount of memory, or other CPUs
 * @EVENT_DEGRADED: a CPU of a pool is offline
 * @EVENT_RECOVERED: all CPUs of a pool are online again
 * @EVENT_DESTROYED: a pool was destroyed
 * @EVENT_ESCAPED: a member may run on CPUs that are not for it
 * @EVENT_REFUSED: a call that would have changed something failed
 * @EVENT_OUT_OF_MEMORY: a pool had too little memory for a region
 * @EVENT_LIMITED: max_regions, max_members or a limit of a user refused a call
 * @EVENT_MEMORY_ERROR: memory of a pool has a hardware error
 * @EVENT_VM_STARTED: a virtual machine runs
 * @EVENT_VM_MOVED: a virtual machine was migrated to another pool
 * @EVENT_VM_STATE: a virtual machine has another run state
 * @EVENT_VM_ENDED: a virtual machine does not run any more
 * @EVENT_MODULE_UNLOADED: the module was unloaded
 * @EVENT_MODULE_LOADED: the module is loaded again
 */
enum event_kind {
	EVENT_STARTED,
	EVENT_CREATED,
	EVENT_RESIZED,
	EVENT_DEGRADED,
	EVENT_RECOVERED,
	EVENT_DESTROYED,
	EVENT_ESCAPED,
	EVENT_REFUSED,
	EVENT_OUT_OF_MEMORY,
	EVENT_LIMITED,
	EVENT_MEMORY_ERROR,
	EVENT_VM_STARTED,
	EVENT_VM_MOVED,
	EVENT_VM_STATE,
	EVENT_VM_ENDED,
	EVENT_MODULE_UNLOADED,
	EVENT_MODULE_LOADED,
};

/**
 * struct event - an event
 * @kind: what has happened
 * @pool: name of the pool, or NULL
 * @vm: name of the virtual machine, or NULL
 * @pid: process or thread that the event is about, or 0
 * @info: the pool after the event, or NULL
 * @state: run state of the virtual machine, or NULL
 * @count: how often it has happened since the last such event, or 0
 * @call: the refused call, or NULL
 * @code: enum vpool_code of a refusal, or 0
 */
struct event {
	enum event_kind kind;
	const char *pool;
	const char *vm;
	pid_t pid;
	const struct vpool_info *info;
	const char *state;
	__u64 count;
	const char *call;
	int code;
};

/**
 * struct event_sink - where events go
 * @json: print JSON
 * @names: print only events of these pools, and those of no pool
 * @nr_names: length of @names; 0 for all pools
 * @limited: end after @left events
 * @left: how many events to print, with @limited
 */
struct event_sink {
	bool json;
	char **names;
	size_t nr_names;
	bool limited;
	unsigned long left;
};

/* Print an event on standard output, unless nobody asked for it. */
void event_print(struct event_sink *sink, const struct event *event,
		 const char *fmt, ...) __printf(3, 4);

/* Tell whether all events that were asked for have been printed. */
bool event_sink_is_full(const struct event_sink *sink);

#endif /* VPOOLCTL_MONITOR_EVENT_H */
