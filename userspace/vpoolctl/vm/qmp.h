/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_QMP_H
#define VPOOLCTL_QMP_H

#include <json-c/json.h>
#include <stdbool.h>

/* Wait for as long as it takes, or until QEMU or the user ends it. */
#define QMP_FOREVER (-1)

struct qmp;

/**
 * qmp_open() - talk to a QEMU
 * @path: its socket
 * @ms: how long to wait for it to answer
 * @qmp: the connection, for qmp_close(); NULL on failure
 *
 * Return: 0; -ENOENT or -ECONNREFUSED if nobody listens; -ETIMEDOUT; -EINTR
 */
int qmp_open(const char *path, int ms, struct qmp **qmp);

/**
 * qmp_talk() - talk to a QEMU by a connection that is there
 * @fd: the connection; the call takes it over
 * @ms: how long to wait for an answer
 * @qmp: for qmp_close(); NULL on failure
 *
 * Return: 0; -EPIPE if QEMU is gone; -ETIMEDOUT; -EINTR
 */
int qmp_talk(int fd, int ms, struct qmp **qmp);
void qmp_close(struct qmp *qmp);

/**
 * qmp_run() - have QEMU do something
 * @qmp: the connection
 * @ms: how long to wait for it to be done
 * @command: what
 * @args: its arguments or NULL; the call takes them over
 * @ret: what QEMU returned, for json_object_put(), or NULL
 *
 * Return: 0; -EREMOTEIO if QEMU refused, see qmp_message(); -EPIPE if it is gone;
 * -ETIMEDOUT; -EINTR
 */
int qmp_run(struct qmp *qmp, int ms, const char *command,
	    struct json_object *args, struct json_object **ret);

/* Why the last call failed, one sentence. */
const char *qmp_message(const struct qmp *qmp);

/**
 * qmp_wait() - wait for an event
 * @qmp: the connection
 * @ms: for how long
 * @event: which; it may have come already, since it was last waited for
 *
 * Return: 0; -EPIPE if QEMU is gone; -ETIMEDOUT; -EINTR
 */
int qmp_wait(struct qmp *qmp, int ms, const char *event);

/* The word for QEMU's run state, for free(3); NULL if it does not answer. */
char *qmp_status(struct qmp *qmp);

/* Members of objects, with a value for those that are missing. */
const char *json_text(struct json_object *object, const char *key);
long long json_number(struct json_object *object, const char *key);

#endif /* VPOOLCTL_QMP_H */
