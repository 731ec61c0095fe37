// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands on other hosts, by ssh(1).
 *
 * A host that is down must not hold up the others. ssh gives up if it gets no connection
 * within ConnectTimeout, or no answer to ServerAliveCountMax questions. It has a connection
 * of its own, as a shared one to a host that is down would wait for the kernel's timeout.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "fleet/hosts.h"
#include "fleet/ssh.h"

/* The largest number of hosts that are asked at the same time. */
#define FANOUT 32

/**
 * struct stream - an output of a command
 * @fd: end of a pipe; -1 after the end of the output
 * @text: the output so far, NUL-terminated
 * @len: length of @text
 * @room: allocated size of @text
 */
struct stream {
	int fd;
	char *text;
	size_t len;
	size_t room;
};

/**
 * struct asked - a host that is asked
 * @pid: id of ssh, or 0 for none
 * @streams: standard output and standard error
 * @answer: receives the answer
 */
struct asked {
	pid_t pid;
	struct stream streams[2];
	struct answer *answer;
};

char *shell_quote(const char *word)
{
	const char *at = word;
	char *text, *to;

	while (isalnum((unsigned char)*at) || (*at && strchr("_@%+=:,./-", *at)))
		at++;
	if (*word && !*at)
		return xstrdup(word);
	text = xcalloc(4 * strlen(word) + 3, 1);
	to = stpcpy(text, "'");
	for (; *word; word++) {
		if (*word == '\'')
			to = stpcpy(to, "'\\''");
		else
			*to++ = *word;
	}
	*to = '\'';
	return text;
}

static int start_ssh(const char *host, const char *command, int out, int err,
		     pid_t *pid)
{
	const char *program = getenv("VPOOL_SSH");
	const char *const argv[] = {
		"ssh", "-T",
		"-o", "BatchMode=yes",
		"-o", "ConnectTimeout=10",
		"-o", "ServerAliveInterval=5",
		"-o", "ServerAliveCountMax=3",
		"-o", "ControlMaster=no",
		"-o", "ControlPath=none",
		"-o", "LogLevel=ERROR",
		"--", host, command, NULL,
	};
	posix_spawn_file_actions_t actions;
	int error;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, err, 2);
	error = posix_spawnp(pid, program && *program ? program : "ssh", &actions,
			     NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* Answer for a host for which no ssh can run. */
static void cannot_ask(struct asked *asked, int error)
{
	asked->answer->out = xstrdup("");
	asked->answer->err = xprintf("cannot run ssh: %s", strerror(error));
	asked->answer->status = SSH_FAILED;
}

static void ask(struct asked *asked, const char *host, const char *command)
{
	int pipes[2][2] = { { -1, -1 }, { -1, -1 } }, error = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pipes) && !error; i++)
		error = pipe2(pipes[i], O_CLOEXEC) ? errno : 0;
	if (!error)
		error = start_ssh(host, command, pipes[0][1], pipes[1][1],
				  &asked->pid);
	for (i = 0; i < ARRAY_SIZE(pipes); i++) {
		if (pipes[i][1] >= 0)
			close(pipes[i][1]);
		if (error && pipes[i][0] >= 0)
			close(pipes[i][0]);
		asked->streams[i].fd = error ? -1 : pipes[i][0];
		asked->streams[i].text = error ? NULL : xstrdup("");
	}
	if (!error)
		return;
	asked->pid = 0;
	cannot_ask(asked, error);
}

static void read_stream(struct stream *stream)
{
	ssize_t got;

	if (stream->room - stream->len < 4096) {
		stream->room = 2 * stream->room + 8192;
		stream->text = xrealloc(stream->text, stream->room);
	}
	got = read(stream->fd, stream->text + stream->len,
		   stream->room - stream->len - 1);
	if (got < 0 && errno == EINTR)
		return;
	if (got > 0) {
		stream->len += got;
		stream->text[stream->len] = '\0';
		return;
	}
	close(stream->fd);
	stream->fd = -1;
}

/* Take the answer of a host whose outputs have ended. */
static void finish(struct asked *asked)
{
	int status;

	while (waitpid(asked->pid, &status, 0) < 0 && errno == EINTR)
		;
	asked->pid = 0;
	asked->answer->status = WIFEXITED(status) ? WEXITSTATUS(status) : SSH_FAILED;
	asked->answer->out = asked->streams[0].text;
	asked->answer->err = asked->streams[1].text;
}

/* Read what the hosts have sent, and finish those that have ended. */
static void serve(struct asked *asked, size_t nr)
{
	struct pollfd fds[2 * FANOUT];
	size_t i;

	for (i = 0; i < 2 * nr; i++) {
		fds[i].fd = asked[i / 2].pid ? asked[i / 2].streams[i % 2].fd : -1;
		fds[i].events = POLLIN;
	}
	if (poll(fds, 2 * nr, -1) < 0)
		return;
	for (i = 0; i < 2 * nr; i++)
		if (fds[i].fd >= 0 && fds[i].revents)
			read_stream(asked[i / 2].streams + i % 2);
	for (i = 0; i < nr; i++)
		if (asked[i].pid && asked[i].streams[0].fd < 0 &&
		    asked[i].streams[1].fd < 0)
			finish(asked + i);
}

struct answer *ssh_ask(const struct hosts *hosts, const char *command)
{
	struct answer *answers = xcalloc(hosts->nr, sizeof(*answers));
	size_t next = 0, nr = hosts->nr < FANOUT ? hosts->nr : FANOUT, i;
	struct asked asked[FANOUT] = { 0 };
	bool busy;

	do {
		busy = false;
		for (i = 0; i < nr; i++) {
			if (!asked[i].pid && next < hosts->nr) {
				memset(asked + i, 0, sizeof(asked[i]));
				asked[i].answer = answers + next;
				ask(asked + i, hosts->names[next++], command);
			}
			busy |= asked[i].pid;
		}
		if (busy)
			serve(asked, nr);
	} while (busy || next < hosts->nr);
	return answers;
}

void answers_free(struct answer *answers, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		free(answers[i].out);
		free(answers[i].err);
	}
	free(answers);
}
