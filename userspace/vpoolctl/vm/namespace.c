// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user namespace of a helper.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/files.h"
#include "vm/namespace.h"
#include "vm/user.h"

static int send_byte(int sync)
{
	return write(sync, "", 1) == 1 ? 0 : -EPIPE;
}

static int wait_byte(int sync)
{
	char byte;
	ssize_t got;

	do
		got = read(sync, &byte, 1);
	while (got < 0 && errno == EINTR);
	return got == 1 ? 0 : -EPIPE;
}

int namespace_enter(int sync)
{
	int err = unshare(CLONE_NEWUSER) ? -errno : send_byte(sync);

	if (!err)
		err = wait_byte(sync);
	if (err)
		return err;
	if (setgroups(0, NULL) || setresgid(0, 0, 0) || setresuid(0, 0, 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return 0;
}

unsigned long namespace_range(const char *text, const char *name, unsigned long *first)
{
	size_t len = strlen(name);
	unsigned long nr;
	const char *line;

	for (line = text; line; line = (line = strchr(line, '\n')) ? line + 1 : NULL)
		if (!strncmp(line, name, len) && line[len] == ':' &&
		    sscanf(line + len, ":%lu:%lu", first, &nr) == 2)
			return nr;
	return 0;
}

static int write_map(pid_t child, const char *map, const char *ranges,
		     const struct vm_user *user, unsigned int id)
{
	char *path = xprintf("/proc/%d/%s", child, map), *text = read_text(ranges), *lines;
	unsigned long first, nr = text ? namespace_range(text, user->name, &first) : 0;
	int err;

	lines = nr ? xprintf("0 %u 1\n1 %lu %lu\n", id, first, nr) : xprintf("0 %u 1\n", id);
	err = write_text(path, lines);
	free(lines);
	free(text);
	free(path);
	return err;
}

int namespace_map(pid_t child, int sync, const struct vm_user *user)
{
	int err = wait_byte(sync);

	if (!err)
		err = write_map(child, "uid_map", "/etc/subuid", user, user->uid);
	if (!err)
		err = write_map(child, "gid_map", "/etc/subgid", user, user->gid);
	return err ? err : send_byte(sync);
}
