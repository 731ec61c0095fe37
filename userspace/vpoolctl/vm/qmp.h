/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_QMP_H
#define VPOOLCTL_QMP_H

#include <json-c/json.h>
#include <stdbool.h>
#include <sys/types.h>

/* No time limit: wait until QEMU answers or ends, or the user interrupts. */
#define QMP_FOREVER (-1)
/*
 * Time limit for a command that QEMU runs at once, in milliseconds. Its answer can still
 * take many seconds, on a host that swaps or has more tasks than CPUs.
 */
#define QMP_MS 60000

struct qmp;

/**
 * qmp_open() - connect to a QEMU
 * @path: path of the socket
 * @pid: process that must listen there, or 0 for any
 * @ms: time limit in milliseconds, or QMP_FOREVER
 * @qmp: out: the connection, for qmp_close(); NULL on failure
 *
 * Return: 0; -ENOENT or -ECONNREFUSED if QEMU does not listen; -EPERM if another process
 * than @pid listens; -ETIMEDOUT; -EINTR
 */
int qmp_open(const char *path, pid_t pid, int ms, struct qmp **qmp);
/* Tell whether a process listens on the unix socket that @fd is connected to. */
bool qmp_is_peer(int fd, pid_t pid);

/**
 * qmp_talk() - use an existing connection to a QEMU
 * @fd: descriptor of the connection; the call takes ownership
 * @ms: time limit in milliseconds, or QMP_FOREVER
 * @qmp: out: the connection, for qmp_close(); NULL on failure
 *
 * Return: 0; -EPIPE if QEMU is gone; -ETIMEDOUT; -EINTR
 */
int qmp_talk(int fd, int ms, struct qmp **qmp);
void qmp_close(struct qmp *qmp);

/**
 * qmp_run() - run a command in QEMU
 * @qmp: the connection
 * @ms: time limit in milliseconds, or QMP_FOREVER
 * @command: name of the command
 * @args: arguments of the command, or NULL; the call takes ownership
 * @ret: out: result of the command, for json_object_put(); or NULL
 *
 * Return: 0; -EREMOTEIO if QEMU refused, see qmp_message(); -EPIPE if it is gone;
 * -ETIMEDOUT; -EINTR
 */
int qmp_run(struct qmp *qmp, int ms, const char *command,
	    struct json_object *args, struct json_object **ret);

/* Return the message of the last failed call, valid until the next call. */
const char *qmp_message(const struct qmp *qmp);

/**
 * qmp_wait() - wait for an event
 * @qmp: the connection
 * @ms: time limit in milliseconds, or QMP_FOREVER
 * @event: name of the event; one that came since the last wait for it counts
 *
 * Return: 0; -EPIPE if QEMU is gone; -ETIMEDOUT; -EINTR
 */
int qmp_wait(struct qmp *qmp, int ms, const char *event);

/* Return the run state of QEMU, for free(3), or NULL if QEMU does not answer. */
char *qmp_status(struct qmp *qmp);
/* Wait for that at most this time, in milliseconds, instead of 2 s. */
char *qmp_status_within(struct qmp *qmp, int ms);

/* Return a member of an object, or "" or 0 if it is missing. */
const char *json_text(struct json_object *object, const char *key);
long long json_number(struct json_object *object, const char *key);

#endif /* VPOOLCTL_QMP_H */
