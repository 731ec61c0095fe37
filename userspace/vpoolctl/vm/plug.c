// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors that QEMU inherits, and the helpers at their other ends.
 *
 * A helper is a program that implements a part of the machine in a process, such as swtpm.
 * It is a child of QEMU, and a member of the pool as QEMU is. It also runs as QEMU's user.
 * The kernel ends it when QEMU ends for whatever reason, so that no vpoolctl is needed for
 * that. QEMU and the helper are
 * connected by a socket without a path, which no other program can open.
 *
 * All helpers of a QEMU inherit a lock on a file. Memory of the guest that a helper has
 * mapped is back in the pool when the lock is free.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/exit.h"
#include "vm/args.h"
#include "vm/namespace.h"
#include "vm/plug.h"
#include "vm/user.h"
#include "vm/vm.h"

/* vpoolctl's descriptors are above all of QEMU's, so that moving one overwrites none. */
#define OUR_FD 256
/* Number of files that a helper in a namespace may open, as virtiofsd wants it. */
#define FILES_MAX 1000000

/* Move a descriptor above those of QEMU. Return its new number or a negative errno. */
static int move_up(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, OUR_FD), err = moved < 0 ? -errno : moved;

	close(fd);
	return err;
}

static void close_plug(struct vm_plug *plug)
{
	if (plug->fd >= 0)
		close(plug->fd);
	if (plug->end >= 0)
		close(plug->end);
	args_free(plug->program);
}

int vm_plugs_add(struct vm_plugs *plugs, int at, int fd, int end, char **program)
{
	struct vm_plug plug = { .at = at, .end = -1, .program = program };
	int err = 0;

	plug.fd = move_up(fd);
	if (end >= 0)
		plug.end = move_up(end);
	if (plug.fd < 0)
		err = plug.fd;
	else if (end >= 0 && plug.end < 0)
		err = plug.end;
	else if (plugs->nr == VM_PLUGS_MAX)
		err = -ENOSPC;
	if (err)
		close_plug(&plug);
	else
		plugs->plug[plugs->nr++] = plug;
	return err;
}

void vm_plugs_close(struct vm_plugs *plugs)
{
	size_t i;

	for (i = 0; i < plugs->nr; i++)
		close_plug(plugs->plug + i);
	plugs->nr = 0;
}

/* Let the kernel end this process with its parent. Exit if the parent has ended. */
static void end_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
		_exit(EXIT_CANNOT_RUN);
}

/* Become the user of QEMU, or root in a namespace of that user. */
static void become_user(const struct vm_plug *plug, const struct vm_user *user, int sync)
{
	struct rlimit files = { FILES_MAX, FILES_MAX };
	int err;

	if (!user->name)
		return;
	if (plug->is_root) {
		/* The helper cannot raise it in a namespace. A lower limit will do, too. */
		setrlimit(RLIMIT_NOFILE, &files);
		err = namespace_enter(sync);
	} else {
		err = vm_user_become(user, false);
	}
	if (!err)
		return;
	fprintf(stderr, "%s cannot run as user %s%s: %s\n", *plug->program, user->name,
		plug->is_root ? " in a user namespace" : "", strerror(-err));
	_exit(EXIT_CANNOT_RUN);
}

/* Execute a helper in a child of the process that becomes QEMU. */
static void become_helper(const struct vm_plug *plug, int lock, pid_t parent,
			  const struct vm_user *user, int sync)
{
	end_with(parent);
	become_user(plug, user, sync);
	/* Another user makes the kernel forget it. */
	end_with(parent);
	if (dup2(plug->end, VM_HELPER_FD) < 0 || dup2(lock, VM_HELPER_FD + 1) < 0)
		_exit(EXIT_CANNOT_RUN);
	syscall(SYS_close_range, VM_HELPER_FD + 2, ~0U, 0);
	execv(*plug->program, plug->program);
	fprintf(stderr, "%s: %s\n", *plug->program, strerror(errno));
	_exit(EXIT_NOT_FOUND);
}

/* Start one helper, which inherits the lock. Return 0 or a negative errno. */
static int start_helper(const struct vm_plug *plug, int lock, const struct vm_user *user)
{
	pid_t parent = getpid(), pid;
	int ends[2], err = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	ends[1] = move_up(ends[1]);
	if (ends[1] < 0) {
		close(ends[0]);
		return ends[1];
	}
	pid = fork();
	if (!pid) {
		close(ends[0]);
		become_helper(plug, lock, parent, user, ends[1]);
	}
	close(ends[1]);
	if (pid < 0)
		err = -errno;
	else if (user->name && plug->is_root)
		err = namespace_map(pid, ends[0], user);
	close(ends[0]);
	return err;
}

/* Start the helpers. Return 0 or a negative errno. */
static int start_helpers(const struct vm_plugs *plugs, const struct vm_slot *slot,
			 const struct vm_user *user)
{
	char *path = vm_slot_path(slot, VM_HELPERS);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), lock;
	int err = 0;
	size_t i;

	free(path);
	if (fd < 0)
		return -errno;
	lock = move_up(fd);
	if (lock < 0)
		return lock;
	if (flock(lock, LOCK_EX))
		return -errno;
	for (i = 0; i < plugs->nr && !err; i++)
		if (plugs->plug[i].program)
			err = start_helper(plugs->plug + i, lock, user);
	return err;
}

int vm_plugs_inherit(const struct vm_plugs *plugs, const struct vm_slot *slot,
		     const struct vm_user *user)
{
	bool helps = false;
	int err = 0;
	size_t i;

	for (i = 0; i < plugs->nr; i++)
		helps |= !!plugs->plug[i].program;
	if (helps)
		err = start_helpers(plugs, slot, user);
	for (i = 0; i < plugs->nr && !err; i++)
		if (dup2(plugs->plug[i].fd, plugs->plug[i].at) < 0)
			err = -errno;
	return err;
}
