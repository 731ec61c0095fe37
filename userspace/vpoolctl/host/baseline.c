// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of the host at the time when a pool was created.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/files.h"
#include "host/baseline.h"
#include "host/grade.h"
#include "host/isolate.h"

/* Field of /proc/PID/stat, numbered as in proc(5). */
#define STAT_STARTTIME 22
/* Field of a line "cpuN ..." in /proc/stat; field 0 is the name. */
#define STAT_STEAL 8

static void add(struct figures *figures, char *key, __u64 value)
{
	/* Double the array when the length reaches a power of two. */
	if (!(figures->nr & (figures->nr - 1)))
		figures->all = xrealloc(figures->all, (figures->nr * 2 + 1) *
					sizeof(*figures->all));
	figures->all[figures->nr++] = (struct figure) { key, value };
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct figure *)a)->key,
		      ((const struct figure *)b)->key);
}

bool figures_find(const struct figures *figures, const char *key, __u64 *value)
{
	struct figure wanted = { (char *)key, 0 }, *found = NULL;

	if (figures->nr)
		found = bsearch(&wanted, figures->all, figures->nr,
				sizeof(wanted), compare);
	if (found)
		*value = found->value;
	return found;
}

void figures_free(struct figures *figures)
{
	while (figures->nr)
		free(figures->all[--figures->nr].key);
	free(figures->all);
	*figures = (struct figures) { 0 };
}

/* The first line has the CPU of each column. */
static void read_interrupts(struct figures *figures)
{
	char *text = read_text("/proc/interrupts"), *line, *save, *at, *end;
	unsigned int cpus[8192], nr = 0, i;

	line = text ? strtok_r(text, "\n", &save) : NULL;
	for (at = line; at && (at = strstr(at, "CPU")) && nr < 8192;)
		cpus[nr++] = strtoul(at + 3, &at, 10);
	while (line && (line = strtok_r(NULL, "\n", &save))) {
		line += strspn(line, " ");
		at = strchr(line, ':');
		if (!at)
			continue;
		*at++ = '\0';
		for (i = 0; i < nr; i++, at = end) {
			__u64 value = strtoull(at, &end, 10);

			if (end == at)
				break;
			add(figures, xprintf("irq %s %u", line, cpus[i]), value);
		}
	}
	free(text);
}

static void read_steal(struct figures *figures)
{
	char *text = read_text("/proc/stat"), *line, *save;
	unsigned long long steal;
	unsigned int cpu;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, "cpu%u %*s %*s %*s %*s %*s %*s %*s %llu", &cpu,
			   &steal) == 2)
			add(figures, xprintf("steal %u", cpu), steal);
	free(text);
}

static bool read_start(int pid, int tid, __u64 *start)
{
	char *path = xprintf("/proc/%d/task/%d/stat", pid, tid);
	char *text = read_text(path);
	char *at = text ? strrchr(text, ')') : NULL;
	int field;

	for (field = 2; at && field < STAT_STARTTIME; field++) {
		at = strchr(at, ' ');
		at += at ? 1 : 0;
	}
	if (at)
		*start = strtoull(at, NULL, 10);
	free(text);
	free(path);
	return at;
}

bool task_switches(int pid, int tid, __u64 *start, __u64 *switches)
{
	static const char key[] = "voluntary_ctxt_switches:";
	char *path = xprintf("/proc/%d/task/%d/status", pid, tid);
	char *text = read_text(path), *at = text;

	*switches = 0;
	/* "nonvoluntary_ctxt_switches" ends with the key "voluntary_ctxt_switches". */
	while (at && (at = strstr(at, key))) {
		at += strlen(key);
		*switches += strtoull(at, NULL, 10);
	}
	free(path);
	at = text;
	free(text);
	return at && read_start(pid, tid, start);
}

static void read_threads(struct figures *figures, int pid)
{
	char *path = xprintf("/proc/%d/task", pid);
	DIR *dir = opendir(path);
	struct dirent *entry;
	__u64 start, switches;

	while (dir && (entry = readdir(dir))) {
		int tid = atoi(entry->d_name);

		if (tid && task_switches(pid, tid, &start, &switches))
			add(figures, xprintf("task %d %llu", tid, start),
			    switches);
	}
	if (dir)
		closedir(dir);
	free(path);
}

static void read_tasks(struct figures *figures)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			read_threads(figures, atoi(entry->d_name));
	if (dir)
		closedir(dir);
}

void figures_read(struct figures *figures)
{
	*figures = (struct figures) { 0 };
	read_interrupts(figures);
	read_steal(figures);
	read_tasks(figures);
	if (figures->nr)
		qsort(figures->all, figures->nr, sizeof(*figures->all), compare);
}

static char *baseline_path(const char *name)
{
	return xprintf(VPOOL_RUN "/%s.baseline", name);
}

static void write_baseline(const char *name, __u64 created_ns)
{
	char *path = baseline_path(name), *text = NULL;
	struct figures figures;
	size_t i, room;
	FILE *to = open_memstream(&text, &room);

	if (!to) {
		free(path);
		return;
	}
	figures_read(&figures);
	fprintf(to, "%llu\n", created_ns);
	for (i = 0; i < figures.nr; i++)
		fprintf(to, "%llu %s\n", figures.all[i].value,
			figures.all[i].key);
	if (!fclose(to)) {
		mkdir(VPOOL_RUN, 0755);
		/* If this fails, audit reports that it counts from boot. */
		replace_file(path, text);
	}
	free(text);
	figures_free(&figures);
	free(path);
}

void baseline_save(struct vpool *vp, const char *name)
{
	struct vpool_info *info;

	if (vpool_query(vp, name, &info))
		return;
	if (vpool_cpus_count(&info->cpus))
		write_baseline(name, info->created_ns);
	vpool_info_free(info);
}

/* Tell whether the text is a line "NUMBER", followed by lines "NUMBER KEY". */
static bool baseline_valid(const char *text)
{
	bool first = true;

	for (; *text; first = false) {
		size_t digits = strspn(text, "0123456789");

		if (!digits || text[digits] != (first ? '\n' : ' '))
			return false;
		text += strcspn(text, "\n");
		text += !!*text;
	}
	return !first;
}

void baseline_load(const char *name, __u64 created_ns, struct figures *figures)
{
	char *path = baseline_path(name), *text = read_text(path);
	char *line, *save, *key;

	*figures = (struct figures) { 0 };
	if (text && !baseline_valid(text)) {
		state_set_aside(strrchr(path, '/') + 1);
		*text = '\0';
	}
	line = text ? strtok_r(text, "\n", &save) : NULL;
	if (line && strtoull(line, NULL, 10) == created_ns) {
		figures->created_ns = created_ns;
		while ((line = strtok_r(NULL, "\n", &save))) {
			__u64 value = strtoull(line, &key, 10);

			if (*key == ' ')
				add(figures, xstrdup(key + 1), value);
		}
	}
	free(text);
	free(path);
}

void baseline_forget(const char *name)
{
	char *path = baseline_path(name);

	unlink(path);
	free(path);
}
