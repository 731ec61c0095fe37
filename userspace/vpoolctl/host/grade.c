// SPDX-License-Identifier: GPL-2.0-only
/*
 * The grade of a pool, and the note that stores it.
 *
 * The module only knows whether it enforces the affinity of a pool's members. All
 * grades but plain enforce it. A note in VPOOL_RUN stores which grade the pool has.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/files.h"
#include "base/macros.h"
#include "host/cgroup.h"
#include "host/grade.h"
#include "host/isolate.h"
#include "host/pools.h"

#define SUFFIX ".isolated"
#define GRADE_KEY "grade "

static const struct {
	const char *text;
	const char *partition;
} grades[] = {
	[GRADE_PLAIN] = { "plain", "member" },
	[GRADE_CONFINED] = { "confined", "member" },
	[GRADE_ISOLATED] = { "isolated", "root" },
	[GRADE_NOBALANCE] = { "isolated-nobalance", "isolated" },
};

const char *grade_text(enum grade grade)
{
	return grades[grade].text;
}

const char *grade_partition(enum grade grade)
{
	return grades[grade].partition;
}

bool grade_excludes(enum grade grade)
{
	return grade == GRADE_ISOLATED || grade == GRADE_NOBALANCE;
}

static char *note_path(const char *name)
{
	return xprintf(VPOOL_RUN "/%s" SUFFIX, name);
}

char *note_pool(const char *file)
{
	size_t len = strlen(file), end = strlen(SUFFIX);

	if (len <= end || strcmp(file + len - end, SUFFIX))
		return NULL;
	return xprintf("%.*s", (int)(len - end), file);
}

bool note_any(void)
{
	DIR *dir = opendir(VPOOL_RUN);
	struct dirent *entry;
	bool any = false;
	char *name;

	while (dir && !any && (entry = readdir(dir))) {
		name = note_pool(entry->d_name);
		any = name;
		free(name);
	}
	if (dir)
		closedir(dir);
	return any;
}

static bool take_grade(const char *word, enum grade *grade)
{
	size_t i;

	for (i = GRADE_CONFINED; i < ARRAY_SIZE(grades); i++)
		if (!strcmp(word, grades[i].text)) {
			*grade = i;
			return true;
		}
	return false;
}

/* Tell whether a line has the form "IRQ OLD NEW", where OLD and NEW are CPU lists. */
static bool is_irq_line(const char *line)
{
	char irq[32], list[2][2048], more;
	struct vpool_cpus cpus;
	int i;

	if (sscanf(line, "%31s %2047s %2047s %c", irq, list[0], list[1],
		   &more) != 3)
		return false;
	if (strcmp(irq, "default") && irq[strspn(irq, "0123456789")])
		return false;
	for (i = 0; i < 2; i++) {
		if (vpool_cpus_parse(list[i], &cpus, NULL, 0))
			return false;
		vpool_cpus_free(&cpus);
	}
	return true;
}

static bool are_irq_lines(const char *text)
{
	char *copy = xstrdup(text), *line, *save;
	bool good = true;

	for (line = strtok_r(copy, "\n", &save); line && good;
	     line = strtok_r(NULL, "\n", &save))
		good = is_irq_line(line);
	free(copy);
	return good;
}

/* Older versions wrote notes without a grade, for partitions without load balancing. */
static int note_parse(const char *text, struct note *note)
{
	char word[32] = "";
	size_t len;

	note->grade = GRADE_NOBALANCE;
	if (!strncmp(text, GRADE_KEY, strlen(GRADE_KEY))) {
		text += strlen(GRADE_KEY);
		len = strcspn(text, "\n");
		snprintf(word, sizeof(word), "%.*s", (int)len, text);
		if (!take_grade(word, &note->grade))
			return -EBADMSG;
		text += len + !!text[len];
	}
	if (!are_irq_lines(text))
		return -EBADMSG;
	note->irqs = xstrdup(text);
	return 0;
}

int note_read(const char *name, struct note *note)
{
	char *path = note_path(name), *text = read_text(path);
	int err = text ? 0 : -errno;

	*note = (struct note) { 0 };
	if (text)
		err = note_parse(text, note);
	else if (err == -EISDIR)
		err = -EBADMSG;
	free(text);
	free(path);
	return err;
}

int note_write(const char *name, const struct note *note)
{
	char *path = note_path(name);
	char *text = xprintf(GRADE_KEY "%s\n%s", grade_text(note->grade),
			     note->irqs ? note->irqs : "");
	int err = replace_file(path, text);

	free(text);
	free(path);
	return err;
}

int note_remove(const char *name)
{
	char *path = note_path(name);
	int err = unlink(path) && errno != ENOENT ? -errno : 0;

	free(path);
	return err;
}

void state_set_aside(const char *file)
{
	char *path = xprintf(VPOOL_RUN "/%s", file);
	char *aside = xprintf("%s.bad", path);

	if (!rename(path, aside))
		fprintf(stderr, "vpoolctl: %s cannot be parsed; it is renamed to %s\n",
			path, aside);
	else
		fprintf(stderr, "vpoolctl: %s cannot be parsed, and cannot be renamed: %s\n",
			path, strerror(errno));
	free(aside);
	free(path);
}

/* Return the first line of a file in the pool's cgroup, or NULL if it cannot be read. */
static char *slice_text(const char *name, const char *file)
{
	char *dir = cgroup_slice_dir(name);
	char *path = dir ? xprintf("%s/%s", dir, file) : NULL;
	char *text = path ? read_text(path) : NULL;

	if (text)
		text[strcspn(text, "\n")] = '\0';
	free(path);
	free(dir);
	return text;
}

/* Derive the grade from the partition of the pool, when its note is lost. */
static enum grade grade_by_partition(const char *name)
{
	char *type = slice_text(name, "cpuset.cpus.partition");
	enum grade grade = GRADE_ISOLATED, i;

	for (i = GRADE_CONFINED; type && i <= GRADE_NOBALANCE; i++)
		if (!strcmp(type, grades[i].partition))
			grade = i;
	free(type);
	return grade;
}

enum grade grade_of(const struct vpool_info *info)
{
	struct note note;
	enum grade grade;

	if (!(info->create_flags & VPOOL_CREATE_ISOLATED))
		return GRADE_PLAIN;
	if (note_read(info->name, &note))
		return grade_by_partition(info->name);
	grade = note.grade;
	free(note.irqs);
	return grade;
}

bool grade_in_force(const struct vpool_info *info, enum grade grade)
{
	char *type, *list, *cpus;
	bool right;

	if (grade == GRADE_PLAIN)
		return true;
	type = slice_text(info->name, "cpuset.cpus.partition");
	list = slice_text(info->name, "cpuset.cpus");
	cpus = cpus_text(&info->cpus);
	right = type && list && !strcmp(type, grade_partition(grade)) &&
		!strcmp(list, cpus);
	free(cpus);
	free(list);
	free(type);
	return right;
}
