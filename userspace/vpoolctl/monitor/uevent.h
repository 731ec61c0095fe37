/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_MONITOR_UEVENT_H
#define VPOOLCTL_MONITOR_UEVENT_H

#include <stdbool.h>
#include <stddef.h>

#include <libvpool.h>

/**
 * enum uevent_action - what the kernel reports about a pool
 * @UEVENT_ADD: the pool's directory exists; its memory is being gathered
 * @UEVENT_CHANGE: the pool has another state or other CPUs
 * @UEVENT_REMOVE: the pool's directory is gone
 */
enum uevent_action {
	UEVENT_ADD,
	UEVENT_CHANGE,
	UEVENT_REMOVE,
};

/**
 * struct uevent - a message of the kernel about a pool
 * @action: what has happened
 * @pool: name of the pool
 */
struct uevent {
	enum uevent_action action;
	char pool[VPOOL_NAME_SIZE];
};

/* Return a descriptor that becomes readable with each message, or a negative errno. */
int uevent_open(void);

/*
 * Read the next message about a pool. Skip all others. Return false if there is none. The
 * kernel drops messages that are read too late.
 */
bool uevent_next(int fd, struct uevent *uevent);

/* Parse a message of @len bytes, with a NUL at its end. Return false if it is about no pool. */
bool uevent_parse(const char *text, size_t len, struct uevent *uevent);

#endif /* VPOOLCTL_MONITOR_UEVENT_H */
