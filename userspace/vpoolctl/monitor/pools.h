/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_MONITOR_POOLS_H
#define VPOOLCTL_MONITOR_POOLS_H

#include <stdbool.h>
#include <stddef.h>

#include "host/sample.h"
#include "monitor/event.h"
#include "monitor/uevent.h"

/**
 * struct pool_watch - the pools as the events so far describe them
 * @last: the pools at the last look
 * @loaded: the module is loaded
 * @traced: tracepoints report escapes and memory errors, so counters need not
 * @adding: names of pools that are being created; owned
 * @nr_adding: length of @adding
 */
struct pool_watch {
	struct sample last;
	bool loaded;
	bool traced;
	char (*adding)[VPOOL_NAME_SIZE];
	size_t nr_adding;
};

/*
 * Take the first look. Return 0, or a negative errno with the message in *@vp, a handle for
 * vpool_close(). On success, *@vp is NULL.
 */
int pool_watch_start(struct pool_watch *watch, struct vpool **vp);
void pool_watch_stop(struct pool_watch *watch);

/*
 * Look at the pools, and report what is different since the last look. @uevents, read
 * before, have what came and went in between. An unloaded module is an event, not an
 * error. Return 0 or a negative errno, and *@vp as pool_watch_start() does.
 */
int pool_watch_look(struct pool_watch *watch, struct event_sink *sink,
		    const struct uevent *uevents, size_t nr, struct vpool **vp);

#endif /* VPOOLCTL_MONITOR_POOLS_H */
