// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm console: connect to the first serial port of a virtual machine.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "output/messages.h"
#include "vm/cmd.h"
#include "vm/console.h"
#include "vm/qmp.h"
#include "vm/vm.h"

/* Ctrl-] disconnects, as in telnet and virsh. */
#define ESCAPE 0x1d

int console_open(const struct vm_slot *slot)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char *path = vm_slot_path(slot, "console");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (strlen(path) >= sizeof(addr.sun_path))
		err = -ENAMETOOLONG;
	else
		memcpy(addr.sun_path, path, strlen(path));
	if (fd < 0 || (!err && connect(fd, (struct sockaddr *)&addr,
				       sizeof(addr))))
		err = -errno;
	free(path);
	/* The user of QEMU can create sockets here. */
	if (!err && !qmp_is_peer(fd, slot->pid))
		err = -EPERM;
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

static bool write_all(int fd, const char *data, ssize_t len)
{
	ssize_t done;

	for (; len > 0; data += done, len -= done) {
		done = write(fd, data, len);
		if (done < 0 && errno != EINTR)
			return false;
		if (done < 0)
			done = 0;
	}
	return true;
}

/* Copy available data from one end to the other. Return false at the end of @from. */
static bool pass(int from, int to, bool typed)
{
	char data[4096], *escape;
	ssize_t len = read(from, data, sizeof(data));

	if (len < 0 && errno == EINTR)
		return true;
	if (len <= 0)
		return false;
	escape = typed ? memchr(data, ESCAPE, len) : NULL;
	if (escape)
		len = escape - data;
	return write_all(to, data, len) && !escape;
}

static void relay(int fd, bool tty)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};

	while (!interrupted()) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[0].revents && !pass(fd, STDOUT_FILENO, false))
			break;
		if (!fds[1].revents)
			continue;
		if (pass(STDIN_FILENO, fd, tty))
			continue;
		if (tty)
			break;
		/* The input has ended: keep printing the output of the machine. */
		fds[1].fd = -1;
	}
}

int console_relay(const struct invocation *inv, int fd)
{
	struct termios old, raw;
	bool tty = !tcgetattr(STDIN_FILENO, &old);

	(void)inv;
	fflush(stdout);
	/* On SIGPIPE, the terminal must still be restored. */
	signal(SIGPIPE, SIG_IGN);
	if (tty) {
		fputs("(Ctrl-] leaves)\n", stderr);
		raw = old;
		cfmakeraw(&raw);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	relay(fd, tty);
	if (tty)
		tcsetattr(STDIN_FILENO, TCSANOW, &old);
	close(fd);
	return EXIT_OK;
}

/*
 * Tell whether another program is connected. QEMU serves one connection at a time, and
 * lets a second one wait. While no program is connected, QEMU reports the socket as
 * "disconnected:...".
 */
static bool console_taken(const struct vm_slot *slot)
{
	static const char free_name[] = "disconnected:";
	struct json_object *list = NULL, *one;
	bool taken = false;
	struct qmp *qmp;
	size_t i;

	if (!vm_slot_connect(slot, "state", 2000, &qmp) &&
	    !qmp_run(qmp, 2000, "query-chardev", NULL, &list)) {
		for (i = 0; i < json_object_array_length(list); i++) {
			one = json_object_array_get_idx(list, i);
			if (strcmp(json_text(one, "label"), "console"))
				continue;
			taken = strncmp(json_text(one, "filename"), free_name,
					sizeof(free_name) - 1);
		}
		json_object_put(list);
	}
	qmp_close(qmp);
	return taken;
}

static int run_vm_console(const struct invocation *inv)
{
	const char *name = inv->argv[0];
	struct vm *vm;
	int fd, status;

	catch_interrupts();
	vm = vm_running(inv, name, &status);
	if (!vm)
		return status;
	fd = console_taken(vm->slot + vm->now) ? -EBUSY :
	     console_open(vm->slot + vm->now);
	vm_close(vm);
	if (fd >= 0)
		return console_relay(inv, fd);
	if (fd == -EBUSY || fd == -EAGAIN)
		cmd_error(inv, name, TOOL_VM_CONSOLE_TAKEN,
			  "another program is connected to its console, which has one connection at a time");
	else
		cmd_error(inv, name, errno_code(-fd),
			  "its console: %s", strerror(-fd));
	return EXIT_FAILED;
}

const struct command cmd_vm_console = {
	.name = "vm console",
	.local = true,
	.args = "VM",
	.summary = "connect to a virtual machine's console",
	.description =
		"Connect to the first serial port of a virtual machine, until\n"
		"the machine ends or moves to another pool. On a terminal,\n"
		"Ctrl-] disconnects. Only one program can be connected at a\n"
		"time.",
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_console,
};
