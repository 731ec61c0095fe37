// SPDX-License-Identifier: GPL-2.0-only
/*
 * Start QEMU.
 *
 * QEMU starts without memory and devices (-preconfig). placement.c adds them over QMP, so
 * that vm start can measure the time of each step.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "host/proc.h"
#include "host/slice.h"
#include "output/messages.h"
#include "output/printable.h"
#include "vm/backing.h"
#include "vm/confine.h"
#include "vm/keeper.h"
#include "vm/plug.h"
#include "vm/qemu.h"
#include "vm/qemu_args.h"
#include "vm/qmp.h"
#include "vm/user.h"
#include "vm/vm.h"

/* The oldest tested version of QEMU. */
#define OLDEST_MAJOR 7
#define OLDEST_MINOR 2

/* Time limit for QEMU to answer after its start, in milliseconds. */
#define LAUNCH_MS 60000
/* Number of bytes at the end of its log to print when it has ended. */
#define LAST_WORDS 2000
/* Time limit for a program to print its version, in milliseconds. */
#define VERSION_MS 60000

/* Version */

/* Run the program with --version and its output in a pipe. Called in a child. */
static void say_version(int to)
{
	const char *program = qemu_program();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (dup2(null, STDIN_FILENO) < 0 || dup2(to, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0)
		_exit(EXIT_CANNOT_RUN);
	execlp(program, program, "--version", (char *)NULL);
	_exit(EXIT_NOT_FOUND);
}

/* Read one line, or up to the end. Return 0, -EINTR or -ETIMEDOUT. */
static int read_line(int fd, char *line, size_t room)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	double deadline = now_ms() + VERSION_MS;
	size_t len = 0;
	ssize_t got = 1;

	*line = '\0';
	while (got > 0 && len + 1 < room && !strchr(line, '\n')) {
		if (interrupted())
			return -EINTR;
		if (now_ms() > deadline)
			return -ETIMEDOUT;
		if (poll(&poll_fd, 1, 100) <= 0)
			continue;
		got = read(fd, line + len, room - len - 1);
		len += got > 0 ? got : 0;
		line[len] = '\0';
	}
	return interrupted() ? -EINTR : 0;
}

/* Read the first line of its output, which is empty if the program cannot run. */
static int version_line(char *line, size_t room)
{
	int ends[2], err;
	pid_t pid;

	*line = '\0';
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		say_version(ends[1]);
	err = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (!err) {
		err = read_line(ends[0], line, room);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	close(ends[0]);
	return err;
}

int qemu_check(const struct invocation *inv, const char *name)
{
	static const char before[] = "QEMU emulator version ";
	unsigned int major = 0, minor = 0;
	char line[256];
	int err = version_line(line, sizeof(line));

	if (err == -EINTR)
		cmd_error(inv, name, VPOOL_CODE_INTERRUPTED,
			  "interrupted; nothing was started");
	else if (err)
		cmd_error(inv, name, TOOL_QEMU_UNSUITABLE,
			  "%s does not print its version: %s",
			  qemu_program(), strerror(-err));
	else if (!*line)
		cmd_error(inv, name, TOOL_QEMU_MISSING,
			  "%s does not exist or does not run; install QEMU (qemu-system-x86), or set VPOOL_QEMU to its path",
			  qemu_program());
	else if (strncmp(line, before, sizeof(before) - 1) ||
		 sscanf(line + sizeof(before) - 1, "%u.%u", &major,
			&minor) != 2)
		cmd_error(inv, name, TOOL_QEMU_UNSUITABLE,
			  "%s is not QEMU", qemu_program());
	else if (major < OLDEST_MAJOR ||
		 (major == OLDEST_MAJOR && minor < OLDEST_MINOR))
		cmd_error(inv, name, TOOL_QEMU_UNSUITABLE,
			  "%s is QEMU %u.%u; %d.%d or newer is needed",
			  qemu_program(), major, minor, OLDEST_MAJOR,
			  OLDEST_MINOR);
	else
		return 0;
	return -1;
}

/* Starting */

static int show_monitors(const struct vm_slot *slot)
{
	int err = 0;
	size_t i;

	for (i = 0; i < NR_QEMU_MONITORS; i++) {
		char *path = vm_slot_path(slot, qemu_monitors[i]);
		char *hidden = xprintf("%s" VM_HIDDEN, path);

		if (rename(hidden, path))
			err = -errno;
		free(hidden);
		free(path);
	}
	return err;
}

/* Move a descriptor to a number. Exit on failure. */
static void move_fd(int fd, int at)
{
	if (fd == at ? fcntl(fd, F_SETFD, 0) : dup2(fd, at) < 0)
		_exit(EXIT_CANNOT_RUN);
}

/* Take the lock that shows that the slot is in use. exec(2) keeps it. */
static int hold_alive(const struct vm_slot *slot)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char *path = vm_slot_path(slot, "alive");
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	free(path);
	return fd < 0 || fcntl(fd, F_SETLK, &lock) ? -errno : 0;
}

/* Move the child into a scope, or into the slice of a confined or isolated pool. */
static int join_slice(struct vpool *pool, const char *scope)
{
	struct vpool_info *info;
	struct failure failure = { 0 };
	int err;

	err = vpool_query(pool, NULL, &info);
	if (err) {
		fprintf(stderr, "%s\n", vpool_reason(pool));
		return err;
	}
	err = slice_enter_machine(info, scope, &failure);
	if (err)
		fprintf(stderr, "%s\n", failure.text);
	vpool_info_free(info);
	return err;
}

/**
 * struct launch - what a new process needs to become QEMU
 * @slot: slot of the QEMU
 * @pool: the pool that it becomes a member of
 * @monitor: descriptor of its end of the first connection
 * @cwd: descriptor of its working directory, or -1
 * @args: arguments, NULL-terminated
 * @backing: files that it inherits
 * @plugs: descriptors that it inherits for its parts
 * @user: user that it becomes
 * @bounds: its limits
 */
struct launch {
	const struct vm_slot *slot;
	struct vpool *pool;
	int monitor;
	int cwd;
	char **args;
	const struct backing *backing;
	const struct vm_plugs *plugs;
	const struct vm_user *user;
	const struct qemu_bounds *bounds;
};

/* Execute QEMU in the new process. */
static void become(void *data, int output)
{
	const struct launch *launch = data;
	const char *context = launch->bounds->context;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int err;

	setsid();
	move_fd(null, STDIN_FILENO);
	move_fd(output, STDOUT_FILENO);
	move_fd(output, STDERR_FILENO);
	move_fd(launch->monitor, QEMU_BOOT_FD);
	err = launch->cwd >= 0 && fchdir(launch->cwd) ? -errno : hold_alive(launch->slot);
	if (!err)
		err = backing_inherit(launch->backing);
	if (err) {
		fprintf(stderr, "%s: %s\n", launch->slot->dir, strerror(-err));
		_exit(EXIT_CANNOT_RUN);
	}
	if (join_slice(launch->pool, launch->bounds->scope))
		_exit(EXIT_CANNOT_RUN);
	if (vpool_attach(launch->pool, VPOOL_SELF, VPOOL_ATTACH_PROCESS)) {
		fprintf(stderr, "%s\n", vpool_reason(launch->pool));
		_exit(EXIT_CANNOT_RUN);
	}
	err = vm_plugs_inherit(launch->plugs, launch->slot, launch->user);
	if (err) {
		fprintf(stderr, "%s: %s\n", launch->slot->dir, strerror(-err));
		_exit(EXIT_CANNOT_RUN);
	}
	/* The profile and the user belong to the process that executes QEMU. */
	if (vm_confine_enter(launch->slot, context))
		_exit(EXIT_CANNOT_RUN);
	err = vm_user_become(launch->user, context);
	if (err) {
		fprintf(stderr, "QEMU cannot run as user %s: %s\n", launch->user->name,
			strerror(-err));
		_exit(EXIT_CANNOT_RUN);
	}
	execvp(*launch->args, launch->args);
	err = errno;
	fprintf(stderr, "%s: %s\n", *launch->args, strerror(err));
	if (context && err == EACCES)
		fprintf(stderr, "SELinux may refuse it in context %s: see the audit log\n",
			context);
	_exit(EXIT_NOT_FOUND);
}

/*
 * Create the directory of the slot. The user of QEMU gets access to it at the end, so that
 * no file of vpoolctl can be a link of that user. Return 0, a negative errno, or 1 after a
 * message.
 */
static int make_slot(const struct invocation *inv, const char *name,
		     const struct launch *launch)
{
	if (mkdir(launch->slot->dir, 0700))
		return -errno;
	if (launch->bounds->confined &&
	    vm_confine_load(inv, name, launch->slot, launch->pool, launch->args, launch->cwd,
			    launch->user))
		return 1;
	return vm_user_share_slot(launch->user, launch->slot->dir);
}

int qemu_launch(const struct invocation *inv, const char *name,
		struct vm_slot *slot, struct vpool *pool, int cwd, char **args,
		const struct backing *backing, struct vm_plugs *plugs,
		const struct vm_user *user, const struct qemu_bounds *bounds,
		struct qemu *qemu)
{
	struct launch launch = {
		.slot = slot, .pool = pool, .cwd = cwd, .args = args, .backing = backing,
		.plugs = plugs, .user = user, .bounds = bounds,
	};
	int err, ends[2];

	/* Adopt orphans of QEMU, so that qemu_stop() finds them. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	memset(qemu, 0, sizeof(*qemu));
	qemu->slot = slot;
	qemu->keeper.fd = -1;
	err = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ?
		-errno : 0;
	if (!err) {
		launch.monitor = ends[1];
		err = make_slot(inv, name, &launch);
		if (!err)
			err = backing_give(backing, user);
		if (!err)
			err = keeper_start(&qemu->keeper, name, slot, ends[0], become,
					   &launch);
		close(ends[1]);
		/* Only QEMU has them from here on: if a helper fails, QEMU must notice. */
		vm_plugs_close(plugs);
		if (err)
			close(ends[0]);
		else
			err = qmp_talk(ends[0], LAUNCH_MS, &qemu->qmp);
	}
	if (!err)
		err = show_monitors(slot);
	if (!err)
		return 0;
	if (err < 0)
		qemu_failed(inv, name, qemu, err);
	qemu_stop(qemu);
	return -1;
}

void qemu_release(struct qemu *qemu)
{
	keeper_release(&qemu->keeper);
}

void qemu_close(struct qemu *qemu)
{
	qmp_close(qemu->qmp);
	if (qemu->qmp)
		keeper_listen(&qemu->keeper);
	qemu->qmp = NULL;
}

/* Kill the children that have a file open. Return their number. */
static size_t kill_once(const struct stat *file)
{
	char *path = xprintf("/proc/self/task/%d/children", getpid());
	char *text = read_text(path), *at = text, *end;
	size_t nr = 0;
	long pid;

	for (; at && (pid = strtol(at, &end, 10)); at = end) {
		if (!process_has_open(pid, file))
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		nr++;
	}
	free(text);
	free(path);
	return nr;
}

/*
 * Kill all descendants of the QEMU of a slot: a script in VPOOL_QEMU may have started it
 * as its child, or QEMU may have forked. Each of them has inherited the descriptor of
 * "alive", and becomes a child of vpoolctl when its parent dies. vpoolctl can have other
 * children, from a shell that has executed it.
 */
static void kill_descendants(const struct stat *alive)
{
	while (kill_once(alive))
		;
}

void qemu_stop(struct qemu *qemu)
{
	char *path = vm_slot_path(qemu->slot, "alive");
	struct stat alive;
	bool begun = !stat(path, &alive);

	free(path);
	qemu_close(qemu);
	vm_slot_stop(qemu->slot);
	keeper_end(&qemu->keeper);
	if (begun)
		kill_descendants(&alive);
}

/* Failures */

bool qemu_show_log(const struct vm_slot *slot)
{
	char *path = vm_slot_path(slot, "log"), words[LAST_WORDS + 1], *line;
	FILE *log = fopen(path, "re");
	size_t len = 0;

	free(path);
	if (log && fseek(log, -LAST_WORDS, SEEK_END))
		rewind(log);
	if (log) {
		len = fread(words, 1, LAST_WORDS, log);
		fclose(log);
	}
	words[len] = '\0';
	for (line = strtok(words, "\r\n"); line; line = strtok(NULL, "\r\n")) {
		char *text = printable(line);

		fprintf(stderr, "  %s\n", text);
		free(text);
	}
	return len;
}

void qemu_failed(const struct invocation *inv, const char *name,
		 const struct qemu *qemu, int err)
{
	bool ended;

	if (interrupted()) {
		cmd_error(inv, name, VPOOL_CODE_INTERRUPTED,
			  "interrupted; the machine was removed");
		return;
	}
	/* QEMU closes its sockets shortly before it exits. */
	ended = qemu->slot->pidfd >= 0 &&
		!vm_slot_wait(qemu->slot, err == -EPIPE ? 2000 : 0);
	if (!ended) {
		cmd_error(inv, name, TOOL_QEMU_FAILED,
			  "%s", *qmp_message(qemu->qmp) ?
			  qmp_message(qemu->qmp) : strerror(-err));
		return;
	}
	vm_slot_wait_keeper(qemu->slot);
	cmd_error(inv, name, TOOL_QEMU_ENDED, "QEMU has ended; its output:");
	if (!qemu_show_log(qemu->slot))
		fputs("  (nothing)\n", stderr);
}
