// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check that the user of a QEMU can open the files of a machine.
 *
 * Access can depend on directories, lists of access control, groups and network
 * filesystems. So a child becomes the user and opens the file, as QEMU will.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/code.h"
#include "output/messages.h"
#include "vm/config.h"
#include "vm/user.h"
#include "vm/user_files.h"

/**
 * struct attempt - what a child found out about a file
 * @err: errno of the attempt, or 0
 * @closed: length of the part of the path that is a directory without access, or 0
 */
struct attempt {
	int err;
	size_t closed;
};

/* Find the first directory of an absolute path that this process may not search. */
static size_t find_closed(const char *path)
{
	char *part = xstrdup(path), *slash = part;
	size_t len = 0;

	while (!len && (slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		if (access(part, X_OK) && errno == EACCES)
			len = slash - part;
		*slash = '/';
	}
	free(part);
	return len;
}

/* Try to open the file, in the child. */
static void attempt_open(const struct vm_user *user, const char *path, bool writes, int to)
{
	struct attempt attempt = { 0 };
	int err = vm_user_become(user, false), fd;

	if (err) {
		attempt.err = -err;
	} else {
		fd = open(path, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
		attempt.err = fd < 0 ? errno : 0;
		/* A directory must also be open to a search. */
		if (fd >= 0 && openat(fd, ".", O_PATH | O_CLOEXEC) < 0 && errno == EACCES)
			attempt.err = EACCES;
		if (attempt.err == EACCES)
			attempt.closed = find_closed(path);
	}
	_exit(write(to, &attempt, sizeof(attempt)) != sizeof(attempt));
}

static struct attempt attempt_as(const struct vm_user *user, const char *path, bool writes)
{
	struct attempt attempt = { 0 };
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return (struct attempt) { .err = errno };
	pid = fork();
	if (!pid)
		attempt_open(user, path, writes, ends[1]);
	if (pid < 0)
		attempt.err = errno;
	close(ends[1]);
	if (pid > 0 && read(ends[0], &attempt, sizeof(attempt)) != sizeof(attempt))
		attempt.err = EIO;
	close(ends[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return attempt;
}

int vm_user_check_file(const struct invocation *inv, const char *vm,
		       const struct vm_user *user, const char *what, const char *path,
		       bool writes)
{
	struct attempt attempt;
	const char *mode;
	struct stat st;
	char *real;

	if (!user->name)
		return 0;
	/* A closed directory can also be behind a symbolic link. */
	real = realpath(path, NULL);
	attempt = attempt_as(user, real ? real : path, writes);
	mode = writes ? "rw" : !stat(path, &st) && S_ISDIR(st.st_mode) ? "rx" : "r";
	if (attempt.closed)
		cmd_error(inv, vm, TOOL_VM_USER_FILE,
			  "%s %s: the directory %.*s is closed to user '%s', as which QEMU runs; 'setfacl -m u:%s:x %.*s' opens it",
			  what, path, (int)attempt.closed, real ? real : path, user->name,
			  user->name, (int)attempt.closed, real ? real : path);
	else if (attempt.err == EACCES || attempt.err == EPERM)
		cmd_error(inv, vm, TOOL_VM_USER_FILE,
			  "%s %s: user '%s', as which QEMU runs, may not %s it; 'setfacl -m u:%s:%s %s' allows that",
			  what, path, user->name, writes ? "write" : "read", user->name, mode,
			  real ? real : path);
	else if (attempt.err)
		cmd_error(inv, vm, TOOL_VM_USER_FILE,
			  "%s %s: user '%s', as which QEMU runs, cannot open it: %s",
			  what, path, user->name, strerror(attempt.err));
	free(real);
	return attempt.err ? -1 : 0;
}

/* Open the console's file. Give it to the user if it is new. */
static int open_console(const char *path, const struct vm_user *user, bool *created)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);

	*created = fd >= 0;
	if (fd < 0)
		return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (user->name && fchown(fd, user->uid, user->gid)) {
		close(fd);
		unlink(path);
		return -1;
	}
	return fd;
}

int vm_user_make_console(const struct invocation *inv, const char *vm,
			 const struct vm_user *user, const char *path)
{
	bool created;
	int fd = open_console(path, user, &created);

	if (fd < 0) {
		cmd_error(inv, vm, errno_code(errno), "the console's file %s: %s", path,
			  strerror(errno));
		return -1;
	}
	close(fd);
	if (!vm_user_check_file(inv, vm, user, "the console's file", path, true))
		return 0;
	if (created)
		unlink(path);
	return -1;
}

int vm_user_check_kvm(const struct invocation *inv, const char *vm,
		      const struct vm_user *user)
{
	struct attempt attempt;

	if (!user->name)
		return 0;
	attempt = attempt_as(user, "/dev/kvm", true);
	if (!attempt.err)
		return 0;
	cmd_error(inv, vm, TOOL_VM_USER_FILE,
		  "user '%s', as which QEMU runs, cannot open /dev/kvm: %s; it must belong to a group, usually kvm, that may write it",
		  user->name, strerror(attempt.err));
	return -1;
}

int vm_user_check_config(const struct invocation *inv, const struct vm_user *user,
			 const struct vm_config *config)
{
	const char *vm = config->name;
	size_t i;

	if (config->kernel &&
	    vm_user_check_file(inv, vm, user, "the kernel", config->kernel, false))
		return -1;
	if (config->initrd &&
	    vm_user_check_file(inv, vm, user, "the initrd", config->initrd, false))
		return -1;
	for (i = 0; i < config->nr_disks; i++)
		if (vm_user_check_file(inv, vm, user, "the disk", config->disks[i].file,
				       !config->disks[i].readonly))
			return -1;
	for (i = 0; i < config->nr_cdroms; i++)
		if (vm_user_check_file(inv, vm, user, "the CD", config->cdroms[i], false))
			return -1;
	for (i = 0; i < config->nr_shares; i++)
		if (vm_user_check_file(inv, vm, user, "the share", config->shares[i].dir,
				       false))
			return -1;
	if (config->accel && strcmp(config->accel, "kvm"))
		return 0;
	return vm_user_check_kvm(inv, vm, user);
}
