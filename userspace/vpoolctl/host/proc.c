// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read processes and threads from /proc.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/files.h"
#include "host/proc.h"

/* Fields of /proc/PID/task/TID/stat, numbered as in proc(5). */
enum {
	STAT_STATE = 3,
	STAT_UTIME = 14,
	STAT_STIME = 15,
	STAT_PROCESSOR = 39,
};

int parse_stat(const char *line, long ticks_per_second, struct task *task)
{
	const char *open = strchr(line, '('), *close = strrchr(line, ')');
	__u64 ticks = 0;
	char *at;
	int field;

	/* The name can contain parentheses and spaces. */
	if (!open || !close || close < open || close[1] != ' ')
		return -EINVAL;
	snprintf(task->comm, sizeof(task->comm), "%.*s",
		 (int)(close - open - 1), open + 1);
	at = (char *)close + 3;
	for (field = STAT_STATE + 1; field <= STAT_PROCESSOR; field++) {
		const char *start = at;
		__u64 value = strtoull(at, &at, 10);

		if (at == start)
			return -EINVAL;
		if (field == STAT_UTIME || field == STAT_STIME)
			ticks += value;
		if (field == STAT_PROCESSOR)
			task->cpu = value;
	}
	task->seconds = ticks / ticks_per_second;
	return 0;
}

static int read_stat(int tid, struct task *task)
{
	char path[64], *line = NULL;
	size_t room = 0;
	int err = -ESRCH;
	FILE *file;

	/* /proc/TID/stat would have the sums of the process. */
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", tid, tid);
	file = fopen(path, "re");
	if (!file)
		return -ESRCH;
	/* The name can contain a newline. */
	if (getdelim(&line, &room, '\0', file) > 0)
		err = parse_stat(line, sysconf(_SC_CLK_TCK), task);
	free(line);
	fclose(file);
	return err;
}

static int read_mask(int tid, struct task *task)
{
	static const char key[] = "Cpus_allowed_list:\t";
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	file = fopen(path, "re");
	if (!file)
		return -ESRCH;
	task->mask = NULL;
	while (!task->mask && getline(&line, &room, file) > 0) {
		if (strncmp(line, key, sizeof(key) - 1))
			continue;
		line[strcspn(line, "\n")] = '\0';
		task->mask = xstrdup(line + sizeof(key) - 1);
	}
	free(line);
	fclose(file);
	return task->mask ? 0 : -ESRCH;
}

int read_task(int tid, struct task *task)
{
	int err;

	err = read_stat(tid, task);
	return err ? err : read_mask(tid, task);
}

char *process_name(int pid)
{
	char *path = xprintf("/proc/%d/comm", pid), *name = read_text(path);

	free(path);
	if (!name)
		return xstrdup("?");
	name[strcspn(name, "\n")] = '\0';
	return name;
}

int status_number(int id, const char *key)
{
	char *path = xprintf("/proc/%d/status", id), *text = read_text(path);
	char *line = xprintf("\n%s:", key);
	const char *at = text ? strstr(text, line) : NULL;
	int number = at ? atoi(at + strlen(line)) : 0;

	free(line);
	free(text);
	free(path);
	return number;
}

bool process_has_open(int pid, const struct stat *file)
{
	char *path = xprintf("/proc/%d/fd", pid);
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool has = false;
	struct stat st;

	while (dir && !has && (entry = readdir(dir)))
		has = !fstatat(dirfd(dir), entry->d_name, &st, 0) &&
		      st.st_dev == file->st_dev && st.st_ino == file->st_ino;
	if (dir)
		closedir(dir);
	free(path);
	return has;
}
