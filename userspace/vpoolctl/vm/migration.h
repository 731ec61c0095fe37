/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_MIGRATION_H
#define VPOOLCTL_VM_MIGRATION_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct qmp;
struct vm_slot;

#define MIGRATION_MESSAGE 512

/**
 * struct migration - a migration as the source QEMU runs it
 * @name: name of the machine, for the progress
 * @qmp: connection to the source QEMU
 * @timeout_ms: time limit, in milliseconds
 * @downtime_ms: downtime limit, in milliseconds
 * @bandwidth: limit of the copied bytes per second
 * @tls: id of the TLS credentials, or NULL
 * @alive: check of the target, called several times a second; it returns a negative
 *	number with a message to give up; or NULL
 * @switchover: called when the vCPUs have stopped and before the devices are copied; it
 *	returns a negative number with a message to give up; or NULL
 * @data: argument of @alive and @switchover
 * @total_ms: out: duration of the migration, in milliseconds
 * @stood_ms: out: downtime of the machine, in milliseconds
 * @message: out: reason of a failure
 * @begun: QEMU was told to migrate
 * @progress: a progress line is on the terminal
 */
struct migration {
	const char *name;
	struct qmp *qmp;
	__u32 timeout_ms;
	__u32 downtime_ms;
	__u64 bandwidth;
	const char *tls;
	int (*alive)(void *data, char *message, size_t room);
	int (*switchover)(void *data, char *message, size_t room);
	void *data;
	long long total_ms;
	long long stood_ms;
	char message[MIGRATION_MESSAGE];
	bool begun;
	bool progress;
};

/* The source stops before the devices are copied, and calls @switchover. */
#define MIGRATION_PAUSE 1
/* The target opens its disks when it is told to run, and not before. */
#define MIGRATION_LATE_DISKS 2
/* Only the state of the devices is copied, in one direction. The pool has the memory. */
#define MIGRATION_NO_MEMORY 4

/* Set the capabilities of a QEMU. Return 0 or a negative errno. */
int migration_prepare(struct qmp *qmp, unsigned int flags);

/* Set the credentials of the next migration, or none for "". Return 0 or a negative errno. */
int migration_set_tls(struct qmp *qmp, const char *tls);

/* Let a QEMU listen for a migration. Return 0 or a negative errno. */
int migration_listen(struct qmp *qmp, const char *uri);
/* Let a QEMU begin to migrate. Return 0 or a negative errno. */
int migration_begin(struct qmp *qmp, const char *uri);
/*
 * Wait up to @ms milliseconds until a QEMU has loaded what it receives, after which it no
 * longer waits for a migration. Return 0, or -EPIPE, -ETIMEDOUT or -EINTR.
 */
int migration_wait_loaded(struct qmp *qmp, const struct vm_slot *slot, int ms);

/*
 * Migrate to a QEMU that listens. Return 0 when the target has everything. Return -1 with
 * a message otherwise: the caller must call migration_cancel().
 */
int migration_run(struct migration *migration, const char *uri);

/*
 * Cancel the migration, if it has begun. Return false if the source QEMU has already handed the
 * machine over.
 */
bool migration_cancel(struct migration *migration);

/* Print a progress line if standard error is a terminal. */
void migration_show(struct migration *migration, const char *what,
		    __u64 left, __u64 total, long long ms);
/* Remove the progress line. */
void migration_clear(struct migration *migration);

#endif /* VPOOLCTL_VM_MIGRATION_H */
