// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl agent: tell a load balancer how much work a pool can take. The answer is one
 * line in the format of the agent-check of haproxy.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "host/drain.h"
#include "output/messages.h"

/* The first descriptor that systemd passes to a service. */
#define LISTEN_FD 3
/* Time for a client to close the connection after it has got the line, in milliseconds. */
#define CLOSE_TIMEOUT 100

enum {
	OPT_DRAIN,
	OPT_READY,
	OPT_PER_CPU,
};

static const struct option_def agent_options[] = {
	[OPT_DRAIN] = {
		.name = "drain",
		.help =
			"answer drain from now on, until --ready or a boot; prints\n"
			"nothing",
	},
	[OPT_READY] = {
		.name = "ready",
		.help = "end --drain; prints nothing",
	},
	[OPT_PER_CPU] = {
		.name = "per-cpu", .arg = "PERCENT",
		.help =
			"percentage of the server's configured weight for each CPU;\n"
			"default 10, so that the weight is the number of CPUs if\n"
			"the configured weight is 10",
	},
};

/**
 * struct agent - who asks about which pool
 * @name: the pool
 * @per_cpu: percentage of the weight for each CPU
 * @vp: handle of the last answer, with its message; NULL before
 * @err: 0, or the negative errno of the last answer
 */
struct agent {
	const char *name;
	unsigned long per_cpu;
	struct vpool *vp;
	int err;
};

static bool takes_work(const struct vpool_info *info)
{
	return info->state == VPOOL_STATE_ACTIVE || info->state == VPOOL_STATE_DEGRADED;
}

/* Write the answer for a pool that exists. Return whether its service is up. */
static bool answer_for(const struct agent *agent, const struct vpool_info *info,
		       char *line, size_t room)
{
	unsigned int assigned = vpool_cpus_count(&info->cpus);
	unsigned int effective = vpool_cpus_count(&info->effective);

	if (!takes_work(info))
		snprintf(line, room, "down#pool %s is %s", info->name, info->state_name);
	else if (assigned && !effective)
		snprintf(line, room, "down#no CPU of pool %s is online", info->name);
	else if (drain_is_set(info->name))
		snprintf(line, room, "up drain");
	else if (!assigned)
		/* The pool has memory only, which says nothing about the weight. */
		snprintf(line, room, "up ready");
	else
		snprintf(line, room, "up ready %lu%%", effective * agent->per_cpu);
	return strncmp(line, "down", 4);
}

/*
 * Write the answer, without a newline. Return whether the service is up. The handle is
 * opened for each answer, as it would keep the module from being replaced.
 */
static bool answer(struct agent *agent, char *line, size_t room)
{
	struct vpool_info *info;
	bool up;

	vpool_close(agent->vp);
	agent->err = vpool_open_reader(&agent->vp);
	if (!agent->err)
		agent->err = vpool_query(agent->vp, agent->name, &info);
	if (agent->err) {
		snprintf(line, room, "down#%s", vpool_reason(agent->vp));
		line[strcspn(line, "\r\n")] = '\0';
		return false;
	}
	up = answer_for(agent, info, line, room);
	vpool_info_free(info);
	return up;
}

/* Sockets */

/* Tell whether systemd has passed a listening socket. */
static bool is_activated(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	socklen_t len = sizeof(int);
	int listens = 0;

	return pid && fds && atol(pid) == getpid() && atoi(fds) == 1 &&
	       !getsockopt(LISTEN_FD, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) &&
	       listens;
}

/*
 * Send a line and close the connection. If a client's data is still unread then, the
 * client gets a reset, and may lose the line.
 */
static void send_line(int fd, const char *line, size_t len)
{
	struct pollfd client = { .fd = fd, .events = POLLIN };
	char ignored[256];

	if (send(fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len &&
	    !shutdown(fd, SHUT_WR))
		while (poll(&client, 1, CLOSE_TIMEOUT) > 0 &&
		       recv(fd, ignored, sizeof(ignored), MSG_DONTWAIT) > 0)
			;
	close(fd);
}

/* Answer each connection to the socket until a signal ends the program. */
static int serve(const struct invocation *inv, struct agent *agent)
{
	char line[600];
	int fd;

	catch_interrupts();
	while (!interrupted()) {
		fd = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0) {
			cmd_error(inv, inv->argv[0], errno_code(errno),
				  "cannot accept a connection: %s", strerror(errno));
			return EXIT_FAILED;
		}
		answer(agent, line, sizeof(line) - 1);
		strcat(line, "\n");
		send_line(fd, line, strlen(line));
	}
	return EXIT_OK;
}

static int print_answer(const struct invocation *inv, struct agent *agent)
{
	char line[600];
	bool up = answer(agent, line, sizeof(line));

	puts(line);
	if (agent->err)
		return handle_error(inv, agent->name, agent->vp, agent->err);
	return up ? EXIT_OK : EXIT_FAILED;
}

/* Drain */

static int drain_error(const struct invocation *inv, int err)
{
	cmd_error(inv, inv->argv[0], errno_code(-err), "cannot change the drain file: %s",
		  strerror(-err));
	return EXIT_FAILED;
}

static int change_drain(const struct invocation *inv, struct agent *agent)
{
	char line[600];
	int err;

	if (inv->given[OPT_READY]) {
		err = drain_clear(agent->name);
		if (err != -ENOENT)
			return err ? drain_error(inv, err) : EXIT_OK;
	}
	/* Find a misspelt name. */
	answer(agent, line, sizeof(line));
	if (agent->err)
		return handle_error(inv, agent->name, agent->vp, agent->err);
	err = inv->given[OPT_DRAIN] ? drain_set(agent->name) : 0;
	return err ? drain_error(inv, err) : EXIT_OK;
}

static int parse_per_cpu(const struct invocation *inv, unsigned long *per_cpu)
{
	const char *text = inv->value[OPT_PER_CPU];
	char *end;

	*per_cpu = 10;
	if (!text)
		return EXIT_OK;
	*per_cpu = strtoul(text, &end, 10);
	if (*text >= '1' && *text <= '9' && !*end && *per_cpu <= 1000)
		return EXIT_OK;
	return usage_error(inv->cmd,
			   "--per-cpu: '%s' is not a percentage from 1 to 1000", text);
}

static int run_agent(const struct invocation *inv)
{
	struct agent agent = { .name = inv->argv[0] };
	int status;

	if (inv->given[OPT_DRAIN] && inv->given[OPT_READY])
		return usage_error(inv->cmd, "--drain and --ready exclude each other");
	status = parse_per_cpu(inv, &agent.per_cpu);
	if (status)
		return status;
	if (inv->given[OPT_DRAIN] || inv->given[OPT_READY])
		status = change_drain(inv, &agent);
	else if (is_activated())
		status = serve(inv, &agent);
	else
		status = print_answer(inv, &agent);
	vpool_close(agent.vp);
	return status;
}

const struct command cmd_agent = {
	.name = "agent",
	.args = "NAME",
	.summary = "tell a load balancer how much work a pool can take",
	.description =
		"Print one line in the format of the agent-check of haproxy,\n"
		"or send it to each client of the socket that systemd passes:\n"
		"vpool-agent@NAME.socket is such a unit, for TCP port 9707.\n"
		"Any user can run this command.\n\n"
		"The line is \"up ready\" with a percentage of the server's\n"
		"weight, computed from the online CPUs of the pool, and\n"
		"without one if the pool has memory only. It is \"up drain\"\n"
		"while the file /run/vpool/NAME.drain exists, which --drain\n"
		"creates and --ready removes. It is \"down\" with a reason if\n"
		"there is no such pool, if the pool is being created or\n"
		"destroyed, or if all its CPUs are offline. Then the exit\n"
		"status is not 0.",
	.options = agent_options,
	.nr_options = ARRAY_SIZE(agent_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_POOL,
	.run = run_agent,
};
