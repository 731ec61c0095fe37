// SPDX-License-Identifier: GPL-2.0-only
/*
 * QMP, the protocol of QEMU: JSON objects over a unix socket.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "vm/qmp.h"

/* Interval between attempts to connect to a socket, in milliseconds. */
#define RETRY_MS 10

struct qmp {
	int fd;
	struct json_tokener *parser;
	/* Data that was read but not parsed yet. */
	char data[4096];
	size_t at, len;
	/* Id of the last command. Answers to other commands are dropped. */
	long long id;
	/* Array of the events that no caller has waited for yet. */
	struct json_object *events;
	char message[256];
};

static int left_ms(double deadline)
{
	double left = deadline - now_ms();

	return left > 0 ? (int)left + 1 : 0;
}

__printf(3, 4)
static int qmp_fail(struct qmp *qmp, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(qmp->message, sizeof(qmp->message), fmt, args);
	va_end(args);
	return err;
}

/* Reading */

static int wait_readable(struct qmp *qmp, int ms, double deadline)
{
	struct pollfd poll_fd = { .fd = qmp->fd, .events = POLLIN };
	int nr;

	if (interrupted())
		return qmp_fail(qmp, -EINTR, "interrupted");
	/* Use a timeout, because a signal may have come just before poll(). */
	nr = poll(&poll_fd, 1, ms < 0 ? 500 : left_ms(deadline));
	if (nr < 0 && errno != EINTR)
		return qmp_fail(qmp, -errno, "poll: %s", strerror(errno));
	if (nr > 0)
		return 1;
	if (nr == 0 && ms >= 0)
		return qmp_fail(qmp, -ETIMEDOUT, "QEMU does not answer");
	return 0;
}

static int read_more(struct qmp *qmp, int ms, double deadline)
{
	ssize_t len;
	int ready;

	do
		ready = wait_readable(qmp, ms, deadline);
	while (!ready);
	if (ready < 0)
		return ready;
	len = read(qmp->fd, qmp->data, sizeof(qmp->data));
	if (len <= 0)
		return qmp_fail(qmp, -EPIPE, "QEMU has ended");
	qmp->at = 0;
	qmp->len = len;
	return 0;
}

/* Read the next object of any kind. */
static int read_object(struct qmp *qmp, int ms, struct json_object **object)
{
	double deadline = now_ms() + ms;
	enum json_tokener_error state = json_tokener_continue;
	int err;

	*object = NULL;
	while (!*object) {
		while (qmp->at < qmp->len &&
		       strchr("\r\n", qmp->data[qmp->at]))
			qmp->at++;
		if (qmp->at == qmp->len) {
			err = read_more(qmp, ms, deadline);
			if (err)
				return err;
		}
		*object = json_tokener_parse_ex(qmp->parser,
						qmp->data + qmp->at,
						qmp->len - qmp->at);
		state = json_tokener_get_error(qmp->parser);
		if (!*object && state != json_tokener_continue)
			return qmp_fail(qmp, -EPROTO, "QEMU's answer is not JSON");
		qmp->at += json_tokener_get_parse_end(qmp->parser);
	}
	return 0;
}

static bool keep_event(struct qmp *qmp, struct json_object *object)
{
	if (!json_object_object_get_ex(object, "event", NULL))
		return false;
	json_object_array_add(qmp->events, object);
	return true;
}

/* Read the answer to the last command. Keep events that come before it. */
static int read_answer(struct qmp *qmp, int ms, struct json_object **answer)
{
	int err;

	for (;;) {
		err = read_object(qmp, ms, answer);
		if (err)
			return err;
		if (keep_event(qmp, *answer))
			continue;
		if (json_number(*answer, "id") == qmp->id)
			return 0;
		json_object_put(*answer);
	}
}

/* Calling */

static int send_all(struct qmp *qmp, const char *text)
{
	size_t len = strlen(text);
	ssize_t done;

	while (len) {
		done = send(qmp->fd, text, len, MSG_NOSIGNAL);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return qmp_fail(qmp, -EPIPE, "QEMU has ended");
		text += done;
		len -= done;
	}
	return 0;
}

static int send_command(struct qmp *qmp, const char *command,
			struct json_object *args)
{
	struct json_object *call = json_object_new_object();
	int err;

	json_object_object_add(call, "execute",
			       json_object_new_string(command));
	json_object_object_add(call, "id", json_object_new_int64(++qmp->id));
	if (args)
		json_object_object_add(call, "arguments", args);
	err = send_all(qmp, json_object_to_json_string(call));
	json_object_put(call);
	return err ? err : send_all(qmp, "\n");
}

int qmp_run(struct qmp *qmp, int ms, const char *command,
	    struct json_object *args, struct json_object **ret)
{
	struct json_object *answer, *member;
	int err;

	err = send_command(qmp, command, args);
	if (!err)
		err = read_answer(qmp, ms, &answer);
	if (err == -ETIMEDOUT)
		return qmp_fail(qmp, err, "%s: QEMU has not answered for %d s",
				command, ms / 1000);
	if (err)
		return err;
	if (json_object_object_get_ex(answer, "error", &member))
		err = qmp_fail(qmp, -EREMOTEIO, "%s: %s", command,
			       json_text(member, "desc"));
	else if (!json_object_object_get_ex(answer, "return", &member))
		err = qmp_fail(qmp, -EPROTO, "%s: no answer", command);
	else if (ret)
		*ret = json_object_get(member);
	json_object_put(answer);
	return err;
}

const char *qmp_message(const struct qmp *qmp)
{
	return qmp ? qmp->message : "";
}

/* Remove an event from the kept ones. Return false if it is not there. */
static bool take_event(struct qmp *qmp, const char *event)
{
	size_t i, nr = json_object_array_length(qmp->events);

	for (i = 0; i < nr; i++) {
		struct json_object *one =
			json_object_array_get_idx(qmp->events, i);

		if (strcmp(json_text(one, "event"), event))
			continue;
		json_object_array_del_idx(qmp->events, i, 1);
		return true;
	}
	return false;
}

int qmp_wait(struct qmp *qmp, int ms, const char *event)
{
	double deadline = now_ms() + ms;
	struct json_object *object;
	int err;

	while (!take_event(qmp, event)) {
		err = read_object(qmp, ms < 0 ? ms : left_ms(deadline),
				  &object);
		if (err)
			return err;
		if (!keep_event(qmp, object))
			json_object_put(object);
	}
	return 0;
}

char *qmp_status(struct qmp *qmp)
{
	return qmp_status_within(qmp, 2000);
}

char *qmp_status_within(struct qmp *qmp, int ms)
{
	struct json_object *ret;
	char *status;

	if (qmp_run(qmp, ms, "query-status", NULL, &ret))
		return NULL;
	status = xstrdup(json_text(ret, "status"));
	json_object_put(ret);
	return status;
}

/* Connecting */

static int connect_once(int fd, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path));
	return connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
}

/* EAGAIN: the queue of the socket is full because of other clients. */
static int connect_to(int fd, const char *path, double deadline)
{
	struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
	int err;

	for (;;) {
		err = connect_once(fd, path);
		if (err != -EAGAIN && err != -EINTR)
			return err;
		if (interrupted())
			return -EINTR;
		if (!left_ms(deadline))
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
}

int qmp_talk(int fd, int ms, struct qmp **ret)
{
	double deadline = now_ms() + ms;
	struct json_object *greeting;
	struct qmp *qmp;
	int err;

	*ret = NULL;
	qmp = xcalloc(1, sizeof(*qmp));
	qmp->parser = json_tokener_new();
	qmp->events = json_object_new_array();
	qmp->fd = fd;
	err = read_answer(qmp, ms, &greeting);
	if (!err) {
		json_object_put(greeting);
		err = qmp_run(qmp, left_ms(deadline), "qmp_capabilities", NULL,
			      NULL);
	}
	if (err)
		qmp_close(qmp);
	else
		*ret = qmp;
	return err;
}

bool qmp_is_peer(int fd, pid_t pid)
{
	socklen_t len = sizeof(struct ucred);
	struct ucred peer;

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) && peer.pid == pid;
}

int qmp_open(const char *path, pid_t pid, int ms, struct qmp **ret)
{
	double deadline = now_ms() + ms;
	int err, fd;

	*ret = NULL;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	err = connect_to(fd, path, deadline);
	if (!err && pid && !qmp_is_peer(fd, pid))
		err = -EPERM;
	if (!err)
		return qmp_talk(fd, left_ms(deadline), ret);
	close(fd);
	return err;
}

void qmp_close(struct qmp *qmp)
{
	if (!qmp)
		return;
	if (qmp->fd >= 0)
		close(qmp->fd);
	json_object_put(qmp->events);
	json_tokener_free(qmp->parser);
	free(qmp);
}

/* JSON */

const char *json_text(struct json_object *object, const char *key)
{
	struct json_object *member;

	if (!json_object_object_get_ex(object, key, &member))
		return "";
	return json_object_get_string(member);
}

long long json_number(struct json_object *object, const char *key)
{
	struct json_object *member;

	if (!json_object_object_get_ex(object, key, &member))
		return 0;
	return json_object_get_int64(member);
}
