// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connection to a vpoolctl on another host, over ssh.
 *
 * Each line is a JSON object. A thread of each side sends a beat every two seconds and
 * receives, also while the main thread waits for QEMU. So a side that hears nothing for
 * PEER_SILENCE_MS knows that the host or the link is dead.
 *
 * Beats are numbered, and each object carries the number of the last beat that its
 * sender has received. The receiver knows when it sent that beat, and so, by its own
 * clock, that the object cannot be older than that: see peer_age().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/exit.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "vm/peer.h"
#include "vm/qmp.h"

/* Interval between two beats, and the longest sleep of a thread, in milliseconds. */
#define BEAT_MS 2000
#define TICK_MS 100
/* Limit of an object, so that a wrong program cannot fill the memory. */
#define OBJECT_MAX (4U << 20)
/* Number of beats whose time is kept: more than fit into PEER_SILENCE_MS. */
#define BEATS 16
/* Limit of the messages of ssh and of the other vpoolctl that are kept. */
#define MESSAGES_MAX 16384

/**
 * struct peer - a connection
 * @in: descriptor to read from
 * @out: descriptor to write to
 * @messages: standard error of ssh, or -1
 * @ssh: process id of ssh, or 0
 * @status: exit status of ssh, or -1
 * @thread: sends beats and receives
 * @lock: guards the fields below
 * @news: signalled when @objects or @lost changes
 * @stop: request to the thread to end
 * @objects: array of the objects that peer_wait() has not returned yet
 * @lost: negative errno if the connection is lost, or 0
 * @interrupt: send SIGTERM to this process when it is lost
 * @heard: time of the last received byte, in milliseconds
 * @has_heard: the other side has sent an object
 * @beat: number of the last sent beat
 * @beat_at: time of each of the last beats, by its number modulo BEATS
 * @ack: number of the last received beat
 * @text: received text without a whole line
 * @len: length of @text
 * @said: text from @messages
 * @said_len: length of @said
 * @error: message for peer_error(), or NULL
 */
struct peer {
	int in, out, messages;
	pid_t ssh;
	int status;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t news;
	bool stop;
	struct json_object *objects;
	int lost;
	bool interrupt;
	double heard;
	bool has_heard;
	long long beat;
	double beat_at[BEATS];
	long long ack;
	char *text;
	size_t len;
	char said[MESSAGES_MAX];
	size_t said_len;
	char *error;
};

/* Sending. The caller holds the lock. */

static void lose(struct peer *peer, int err)
{
	if (peer->lost)
		return;
	peer->lost = err;
	pthread_cond_broadcast(&peer->news);
	if (peer->interrupt)
		kill(getpid(), SIGTERM);
}

static int send_text(int fd, const char *text, size_t len)
{
	ssize_t done;

	while (len) {
		done = write(fd, text, len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		text += done;
		len -= done;
	}
	return 0;
}

static void send_object(struct peer *peer, struct json_object *object)
{
	char *line;

	json_object_object_add(object, "ack", json_object_new_int64(peer->ack));
	line = xprintf("%s\n",
		       json_object_to_json_string_ext(object,
						      JSON_C_TO_STRING_PLAIN));
	/* The reader finds out that the other side has ended, and what it said before. */
	send_text(peer->out, line, strlen(line));
	free(line);
	json_object_put(object);
}

static void send_beat(struct peer *peer)
{
	struct json_object *beat = peer_word("beat");

	peer->beat++;
	peer->beat_at[peer->beat % BEATS] = now_ms();
	json_object_object_add(beat, "nr", json_object_new_int64(peer->beat));
	send_object(peer, beat);
}

/* Receiving. The caller holds the lock. */

static void take_object(struct peer *peer, struct json_object *object)
{
	if (!strcmp(json_text(object, "say"), "beat")) {
		peer->ack = json_number(object, "nr");
		json_object_put(object);
		return;
	}
	json_object_array_add(peer->objects, object);
	pthread_cond_broadcast(&peer->news);
}

static void take_line(struct peer *peer, const char *line)
{
	struct json_object *object = json_tokener_parse(line);

	if (json_object_is_type(object, json_type_object)) {
		peer->has_heard = true;
		take_object(peer, object);
		return;
	}
	json_object_put(object);
	/* A login script of the other host may print something. */
	if (peer->has_heard)
		lose(peer, -EPROTO);
}

static void take_text(struct peer *peer)
{
	char *line = peer->text, *end;

	while ((end = memchr(line, '\n', peer->text + peer->len - line))) {
		*end = '\0';
		take_line(peer, line);
		line = end + 1;
	}
	peer->len -= line - peer->text;
	memmove(peer->text, line, peer->len);
	if (peer->len > OBJECT_MAX)
		lose(peer, -EPROTO);
}

static void receive(struct peer *peer)
{
	ssize_t got;

	peer->text = xrealloc(peer->text, peer->len + 4096);
	got = read(peer->in, peer->text + peer->len, 4096);
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		lose(peer, -EPIPE);
		return;
	}
	peer->heard = now_ms();
	peer->len += got;
	take_text(peer);
}

/* Keep what ssh and the other vpoolctl print on standard error. */
static void receive_message(struct peer *peer)
{
	size_t room = MESSAGES_MAX - 1 - peer->said_len;
	char rest[512];
	ssize_t got;

	got = read(peer->messages, room ? peer->said + peer->said_len : rest,
		   room ? room : sizeof(rest));
	if (got < 0 && errno == EINTR)
		return;
	if (got <= 0) {
		close(peer->messages);
		peer->messages = -1;
	} else if (room) {
		peer->said_len += got;
	}
}

static void tick(struct peer *peer, const struct pollfd *ready)
{
	if (ready[1].revents && peer->messages >= 0)
		receive_message(peer);
	if (!peer->lost && ready[0].revents)
		receive(peer);
	if (!peer->lost && peer->has_heard &&
	    now_ms() - peer->heard > PEER_SILENCE_MS)
		lose(peer, -EHOSTUNREACH);
	/* The first beat of the side that called ssh must not be read by a shell. */
	if (!peer->lost && (peer->has_heard || !peer->ssh) &&
	    now_ms() - peer->beat_at[peer->beat % BEATS] >= BEAT_MS)
		send_beat(peer);
}

static void *serve(void *data)
{
	struct peer *peer = data;
	struct pollfd fds[2];
	bool stop = false;

	while (!stop) {
		pthread_mutex_lock(&peer->lock);
		fds[0] = (struct pollfd){ peer->lost ? -1 : peer->in, POLLIN, 0 };
		fds[1] = (struct pollfd){ peer->messages, POLLIN, 0 };
		pthread_mutex_unlock(&peer->lock);
		poll(fds, 2, TICK_MS);
		pthread_mutex_lock(&peer->lock);
		tick(peer, fds);
		stop = peer->stop;
		pthread_mutex_unlock(&peer->lock);
	}
	return NULL;
}

/* Connecting */

struct peer *peer_talk(int in, int out)
{
	struct peer *peer = xcalloc(1, sizeof(*peer));
	pthread_condattr_t attr;
	sigset_t all, old;

	peer->in = in;
	peer->out = out;
	peer->messages = -1;
	peer->status = -1;
	peer->objects = json_object_new_array();
	peer->heard = now_ms();
	peer->beat_at[0] = now_ms();
	pthread_mutex_init(&peer->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&peer->news, &attr);
	pthread_condattr_destroy(&attr);
	signal(SIGPIPE, SIG_IGN);
	/* Signals must interrupt the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&peer->thread, NULL, serve, peer)) {
		fputs("vpoolctl: cannot create a thread\n", stderr);
		exit(EXIT_FAILED);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return peer;
}

static const char *ssh_program(void)
{
	const char *program = getenv("VPOOL_SSH");

	return program && *program ? program : "ssh";
}

/*
 * Execute ssh in a child. A shared connection may be to a host that has died, and would
 * hang: use a new one.
 */
static void become_ssh(const char *host, const char *command, int in, int out,
		       int messages)
{
	const char *program = ssh_program();

	/* A signal from the terminal goes to vpoolctl, which still needs ssh. */
	setsid();
	signal(SIGPIPE, SIG_DFL);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(messages, STDERR_FILENO) < 0)
		_exit(EXIT_CANNOT_RUN);
	execlp(program, program, "-T", "-x", "-a", "-o", "BatchMode=yes",
	       "-o", "ClearAllForwardings=yes", "-o", "ConnectTimeout=15",
	       "-o", "ControlMaster=no", "-o", "ControlPath=none",
	       "--", host, command, (char *)NULL);
	fprintf(stderr, "%s: %s\n", program, strerror(errno));
	_exit(EXIT_NOT_FOUND);
}

static void close_two(int *fds)
{
	if (fds[0] >= 0)
		close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
}

int peer_connect(const char *host, const char *command, struct peer **ret)
{
	int to[2] = { -1, -1 }, from[2] = { -1, -1 }, say[2] = { -1, -1 };
	struct peer *peer;
	pid_t ssh = -1;
	int err = 0;

	*ret = NULL;
	if (!pipe2(to, O_CLOEXEC) && !pipe2(from, O_CLOEXEC) &&
	    !pipe2(say, O_CLOEXEC))
		ssh = fork();
	if (!ssh)
		become_ssh(host, command, to[0], from[1], say[1]);
	if (ssh < 0) {
		err = -errno;
		close_two(to);
		close_two(from);
		close_two(say);
		return err;
	}
	close(to[0]);
	close(from[1]);
	close(say[1]);
	peer = peer_talk(from[0], to[1]);
	pthread_mutex_lock(&peer->lock);
	peer->ssh = ssh;
	peer->messages = say[0];
	pthread_mutex_unlock(&peer->lock);
	*ret = peer;
	return 0;
}

/* Wait until ssh has ended. Return false if it still runs after the time limit. */
static bool reap(struct peer *peer, int ms)
{
	double deadline = now_ms() + ms;
	int status;
	pid_t pid;

	while (peer->ssh) {
		pid = waitpid(peer->ssh, &status, WNOHANG);
		if (pid == peer->ssh) {
			peer->status = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
			peer->ssh = 0;
			break;
		}
		if (now_ms() > deadline)
			return false;
		usleep(10000);
	}
	return true;
}

void peer_close(struct peer *peer, int ms)
{
	if (!peer)
		return;
	pthread_mutex_lock(&peer->lock);
	peer->interrupt = false;
	peer->stop = true;
	pthread_mutex_unlock(&peer->lock);
	pthread_join(peer->thread, NULL);
	close(peer->out);
	/* ssh ends when the other vpoolctl does, but not on a dead link. */
	if (!reap(peer, peer->lost == -EHOSTUNREACH ? 0 : ms)) {
		kill(peer->ssh, SIGKILL);
		reap(peer, 10000);
	}
	close(peer->in);
	if (peer->messages >= 0)
		close(peer->messages);
	json_object_put(peer->objects);
	pthread_cond_destroy(&peer->news);
	pthread_mutex_destroy(&peer->lock);
	free(peer->error);
	free(peer->text);
	free(peer);
}

void peer_interrupt_if_lost(struct peer *peer)
{
	pthread_mutex_lock(&peer->lock);
	peer->interrupt = true;
	if (peer->lost)
		kill(getpid(), SIGTERM);
	pthread_mutex_unlock(&peer->lock);
}

bool peer_settle(struct peer *peer)
{
	bool there;

	pthread_mutex_lock(&peer->lock);
	peer->interrupt = false;
	there = !peer->lost;
	pthread_mutex_unlock(&peer->lock);
	return there;
}

/* Objects */

struct json_object *peer_word(const char *word)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "say", json_object_new_string(word));
	return object;
}

void peer_send(struct peer *peer, struct json_object *object)
{
	pthread_mutex_lock(&peer->lock);
	send_object(peer, object);
	pthread_mutex_unlock(&peer->lock);
}

/* Sleep until something happens, for at most a tick. The caller holds the lock. */
static void sleep_tick(struct peer *peer)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += TICK_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&peer->news, &peer->lock, &until);
}

/* Remove the first object. The caller holds the lock. */
static struct json_object *first_object(struct peer *peer)
{
	struct json_object *object;

	if (!json_object_array_length(peer->objects))
		return NULL;
	object = json_object_get(json_object_array_get_idx(peer->objects, 0));
	json_object_array_del_idx(peer->objects, 0, 1);
	return object;
}

int peer_wait(struct peer *peer, int ms, struct json_object **object)
{
	double deadline = now_ms() + ms;
	int err = 0;

	*object = NULL;
	pthread_mutex_lock(&peer->lock);
	for (;;) {
		/* Objects that came before the end count. */
		*object = first_object(peer);
		err = *object ? 0 : peer->lost;
		if (*object || err)
			break;
		err = interrupted() ? -EINTR : now_ms() >= deadline ? -ETIMEDOUT : 0;
		if (err)
			break;
		sleep_tick(peer);
	}
	pthread_mutex_unlock(&peer->lock);
	return err;
}

int peer_lost(struct peer *peer)
{
	int lost;

	pthread_mutex_lock(&peer->lock);
	lost = peer->lost;
	pthread_mutex_unlock(&peer->lock);
	return lost;
}

double peer_age(struct peer *peer, struct json_object *object)
{
	long long ack = json_number(object, "ack");
	double age = 1e9;

	pthread_mutex_lock(&peer->lock);
	if (ack > 0 && ack <= peer->beat && peer->beat - ack < BEATS)
		age = now_ms() - peer->beat_at[ack % BEATS];
	pthread_mutex_unlock(&peer->lock);
	return age;
}

/* Errors */

/* Read a line {"error": {"code": ..., "message": ...}} of a vpoolctl. */
static char *parse_error(const char *line, int *code)
{
	struct json_object *whole = json_tokener_parse(line), *error;
	char *message = NULL;

	if (json_object_is_type(whole, json_type_object) &&
	    json_object_object_get_ex(whole, "error", &error)) {
		*code = json_number(error, "code");
		message = xstrdup(json_text(error, "message"));
	}
	json_object_put(whole);
	return message;
}

/* Wait until the thread has read all messages. */
static void drain_messages(struct peer *peer)
{
	double deadline = now_ms() + 1000;
	bool done = false;

	while (!done && now_ms() < deadline) {
		pthread_mutex_lock(&peer->lock);
		done = peer->messages < 0;
		if (!done)
			sleep_tick(peer);
		pthread_mutex_unlock(&peer->lock);
	}
}

static void replace_text(char **text, char *by)
{
	free(*text);
	*text = by;
}

const char *peer_error(struct peer *peer, int *code)
{
	char *text, *line, *message, *last = NULL, *log = xstrdup("");

	*code = 0;
	reap(peer, peer_lost(peer) == -EHOSTUNREACH ? 0 : PEER_SILENCE_MS);
	drain_messages(peer);
	text = xstrdup(peer->said);
	for (line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n")) {
		/* vpoolctl indents the lines of QEMU's log. */
		if (!strncmp(line, "  ", 2)) {
			replace_text(&log, xprintf("%s%s", log, line + 1));
			continue;
		}
		message = parse_error(line, code);
		if (!message && !*code)
			message = xstrdup(line);
		if (message)
			replace_text(&last, message);
	}
	free(text);
	replace_text(&peer->error, xprintf("%s%s", last ? last : "", log));
	free(last);
	free(log);
	return peer->error;
}

int peer_exit_status(const struct peer *peer)
{
	return peer->status;
}
