/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_MONITOR_MACHINES_H
#define VPOOLCTL_MONITOR_MACHINES_H

#include <stddef.h>

struct event_sink;
struct machine;

/**
 * struct machine_watch - the virtual machines as the events so far describe them
 * @all: the machines at the last look; owned
 * @nr: length of @all
 */
struct machine_watch {
	struct machine *all;
	size_t nr;
};

/*
 * Look at the caller's virtual machines, and report what is different since the last look.
 * With @sink NULL, only remember them.
 */
void machine_watch_look(struct machine_watch *watch, struct event_sink *sink);
void machine_watch_stop(struct machine_watch *watch);

#endif /* VPOOLCTL_MONITOR_MACHINES_H */
