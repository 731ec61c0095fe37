// SPDX-License-Identifier: GPL-2.0-only
/*
 * Find what keeps a mounted filesystem busy. No file is opened and no link followed, so that
 * a network filesystem that hangs cannot stop the search.
 */
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/files.h"
#include "host/mount_users.h"
#include "host/mounts.h"
#include "host/proc.h"

/* The clauses that a message can hold. */
#define MAX_CLAUSES 4

/**
 * struct search - state of a search
 * @mp: the mount
 * @text: the clauses so far, owned
 * @nr: number of users found; those above MAX_CLAUSES are only counted
 */
struct search {
	const struct mount_point *mp;
	char *text;
	size_t nr;
};

/* Add a clause, which the call takes over. */
static void found(struct search *search, char *clause)
{
	char *longer;

	if (search->nr++ < MAX_CLAUSES) {
		longer = search->text ? xprintf("%s, %s", search->text, clause) :
					xstrdup(clause);
		free(search->text);
		search->text = longer;
	}
	free(clause);
}

/* Tell whether a path is that of the mount's directory or below it. */
static bool is_below(const struct mount_point *mp, const char *path)
{
	size_t len = strlen(mp->dir);

	return !strncmp(path, mp->dir, len) && (!path[len] || path[len] == '/');
}

/* Return the target of a link below /proc/PID, for free(3), or NULL. */
static char *target_of(int pid, const char *link)
{
	char *path = xprintf("/proc/%d/%s", pid, link), target[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target) - 1);

	free(path);
	if (len < 0)
		return NULL;
	target[len] = '\0';
	return xstrdup(target);
}

/* Tell whether a descriptor is open on the mount. */
static bool is_open_on(const struct mount_point *mp, int pid, const char *fd)
{
	char *path = xprintf("/proc/%d/fdinfo/%s", pid, fd), *text = read_text(path);
	const char *line = text ? strstr(text, "mnt_id:") : NULL;
	bool on = line && atoi(line + strlen("mnt_id:")) == mp->id;

	free(text);
	free(path);
	return on;
}

/* Return a file that the process has open, for free(3), or NULL. */
static char *open_file(const struct mount_point *mp, int pid)
{
	char *path = xprintf("/proc/%d/fd", pid), *link, *file = NULL;
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && !file && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)*entry->d_name) ||
		    !is_open_on(mp, pid, entry->d_name))
			continue;
		link = xprintf("fd/%s", entry->d_name);
		file = target_of(pid, link);
		free(link);
	}
	if (dir)
		closedir(dir);
	free(path);
	return file;
}

/* Return a file that the process has mapped, for free(3), or NULL. */
static char *mapped_file(const struct mount_point *mp, int pid)
{
	char *path = xprintf("/proc/%d/maps", pid), *text = read_text(path);
	char *line, *save, *at, *file = NULL;
	unsigned int major, minor;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line && !file;
	     line = strtok_r(NULL, "\n", &save)) {
		at = strchr(line, '/');
		if (at && sscanf(line, "%*s %*s %*s %x:%x", &major, &minor) == 2 &&
		    makedev(major, minor) == mp->dev && is_below(mp, at))
			file = xstrdup(at);
	}
	free(text);
	free(path);
	return file;
}

static void try_process(struct search *search, int pid)
{
	static const char *const links[] = { "cwd", "root" };
	const char *how = "open";
	char *file = open_file(search->mp, pid), *name;
	size_t i;

	if (!file) {
		how = "mapped";
		file = mapped_file(search->mp, pid);
	}
	for (i = 0; !file && i < 2; i++) {
		how = i ? "as its root directory" : "as its working directory";
		file = target_of(pid, links[i]);
		if (file && !is_below(search->mp, file)) {
			free(file);
			file = NULL;
		}
	}
	if (!file)
		return;
	name = process_name(pid);
	found(search, xprintf("process %d (%s) has %s %s", pid, name, file, how));
	free(name);
	free(file);
}

char *mount_users(const struct mounts *mounts, const struct mount_point *mp)
{
	struct search search = { .mp = mp };
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char *text;
	size_t i;

	for (i = 0; i < mounts->nr; i++)
		if (mounts->all[i].parent == mp->id)
			found(&search, xprintf("%s is mounted at %s",
					       mounts->all[i].type,
					       mounts->all[i].dir));
	while (dir && (entry = readdir(dir))) {
		int pid = atoi(entry->d_name);

		if (pid > 0 && pid != getpid())
			try_process(&search, pid);
	}
	if (dir)
		closedir(dir);
	if (search.nr <= MAX_CLAUSES)
		return search.text;
	text = xprintf("%s, and %zu more", search.text, search.nr - MAX_CLAUSES);
	free(search.text);
	return text;
}
