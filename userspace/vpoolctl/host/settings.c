// SPDX-License-Identifier: GPL-2.0-only
/*
 * Settings of the host that isolated pools change, and that come back with the last of them.
 *
 * A setting belongs to the host and not to a pool, so all isolated pools share one record,
 * beside their notes. It has a line for each setting, from the first isolated pool to the
 * last:
 *
 *	NAME WAS MINE [NEXT]
 *
 * WAS is the value before the first pool. MINE is the value that vpoolctl has left there,
 * and NEXT is the value that it is about to write. A new value depends only on WAS and on
 * the CPUs of all isolated pools of that moment, so pools can be created, changed and
 * destroyed in any order.
 *
 * The following can happen at the same time:
 *
 * - Another vpoolctl: the lock of isolate_lock() excludes it.
 * - A crash or SIGKILL at any point. NEXT is on disk before the value is written. After a
 *   crash the value is MINE or NEXT, so the next call knows that it is vpoolctl's own, and
 *   continues. The record alone, without any note, makes isolate_mend() call this, so the
 *   values also come back after a crash between the end of the last note and here.
 * - A pool ends without vpoolctl, as an ephemeral pool does: the next call restores, as with
 *   its cpuset.
 * - The administrator writes another value. It is neither MINE nor NEXT, and from then on
 *   MINE is "-": the value is not touched until the last isolated pool is gone, and stays
 *   after that. A value that equals MINE cannot be told from vpoolctl's own. The same goes
 *   for a value that is written between the read and the write here: the kernel has no call
 *   that compares and writes. The later write wins.
 * - A CPU goes offline or online: the files keep offline CPUs.
 * - The kernel keeps workers off an isolated cpuset partition by itself. That changes the mask
 *   in effect, and not the one that was written last: so read the latter. A write replaces
 *   both, so leave out the CPUs that the kernel isolates, or their workers would come back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/files.h"
#include "base/macros.h"
#include "host/cpumask.h"
#include "host/kernel_file.h"
#include "host/pools.h"
#include "host/settings.h"

#define WORKQUEUE "/sys/devices/virtual/workqueue/"
#define WATCHDOG "/proc/sys/kernel/watchdog_cpumask"
#define EXPEDITED "/sys/kernel/rcu_expedited"

/* Stands for an empty list of CPUs, and for a value that vpoolctl does not touch. */
#define NO_CPUS "none"
#define FOREIGN "-"

/* Values */

/* Return the text of a set for the record, for free(3). */
static char *set_text(const struct vpool_cpus *cpus)
{
	return vpool_cpus_count(cpus) ? cpus_text(cpus) : xstrdup(NO_CPUS);
}

static bool parse_set(const char *text, struct vpool_cpus *cpus)
{
	*cpus = (struct vpool_cpus) { 0 };
	return !strcmp(text, NO_CPUS) || !vpool_cpus_parse(text, cpus, NULL, 0);
}

/* Return a set without two others. If nothing were left, return the set itself. */
static char *set_without(const char *text, const struct vpool_cpus *cpus,
			 const struct vpool_cpus *more)
{
	struct vpool_cpus set;
	char *rest;

	parse_set(text, &set);
	vpool_cpus_subtract(&set, cpus);
	if (more)
		vpool_cpus_subtract(&set, more);
	rest = vpool_cpus_count(&set) ? cpus_text(&set) : xstrdup(text);
	vpool_cpus_free(&set);
	return rest;
}

static int write_line(const char *path, const char *value)
{
	char *whole = kernel_path(path), *line = xprintf("%s\n", value);
	int err = write_text(whole, line);

	free(line);
	free(whole);
	return err;
}

static char *read_workqueue(void)
{
	struct vpool_cpus set;
	char *text = NULL;

	if (kernel_mask(WORKQUEUE "cpumask_requested", &set) ||
	    kernel_mask(WORKQUEUE "cpumask", &set))
		text = set_text(&set);
	vpool_cpus_free(&set);
	return text;
}

static char *choose_workqueue(const char *was, const struct vpool_cpus *cpus)
{
	struct vpool_cpus isolated;
	char *text;

	kernel_mask(WORKQUEUE "cpumask_isolated", &isolated);
	text = set_without(was, cpus, &isolated);
	vpool_cpus_free(&isolated);
	return text;
}

static int write_workqueue(const char *value)
{
	struct vpool_cpus set;
	char *mask;
	int err;

	parse_set(value, &set);
	mask = mask_text(&set);
	err = write_line(WORKQUEUE "cpumask", mask);
	free(mask);
	vpool_cpus_free(&set);
	return err;
}

static char *read_watchdog(void)
{
	struct vpool_cpus set;
	char *text = kernel_cpus(WATCHDOG, &set) ? set_text(&set) : NULL;

	vpool_cpus_free(&set);
	return text;
}

static char *choose_watchdog(const char *was, const struct vpool_cpus *cpus)
{
	return set_without(was, cpus, NULL);
}

static int write_watchdog(const char *value)
{
	return write_line(WATCHDOG, strcmp(value, NO_CPUS) ? value : "");
}

static char *read_expedited(void)
{
	long long number;

	return kernel_number(EXPEDITED, &number) ? xprintf("%lld", number) : NULL;
}

static char *choose_expedited(const char *was, const struct vpool_cpus *cpus)
{
	return xstrdup(vpool_cpus_count(cpus) ? "0" : was);
}

static int write_expedited(const char *value)
{
	return write_line(EXPEDITED, value);
}

/**
 * struct setting - a setting of the host
 * @name: its name in the record
 * @file: its file, for messages
 * @is_set: its values are sets of CPUs, and not numbers
 * @read: returns its value for the record, for free(3); NULL if this kernel has none
 * @choose: returns the value to write while pools have isolated @cpus, for free(3), from
 *	the value @was without any; with no CPUs, the value to restore
 * @write: writes a value; returns 0 or a negative errno
 */
struct setting {
	const char *name;
	const char *file;
	bool is_set;
	char *(*read)(void);
	char *(*choose)(const char *was, const struct vpool_cpus *cpus);
	int (*write)(const char *value);
};

static const struct setting settings[] = {
	{ "workqueue", WORKQUEUE "cpumask", true,
	  read_workqueue, choose_workqueue, write_workqueue },
	{ "watchdog", WATCHDOG, true,
	  read_watchdog, choose_watchdog, write_watchdog },
	{ "rcu_expedited", EXPEDITED, false,
	  read_expedited, choose_expedited, write_expedited },
};

/* The record */

/**
 * struct line - the line of a setting in the record
 * @was: value before the first isolated pool; NULL if there is no line; owned
 * @mine: value that vpoolctl has left, or FOREIGN; owned
 * @next: value that vpoolctl is about to write, or could not write; NULL if none; owned
 */
struct line {
	char *was;
	char *mine;
	char *next;
};

static void line_clear(struct line *line)
{
	free(line->was);
	free(line->mine);
	free(line->next);
	*line = (struct line) { 0 };
}

static void replace(char **text, const char *value)
{
	char *copy = value ? xstrdup(value) : NULL;

	free(*text);
	*text = copy;
}

static bool is_value(const struct setting *setting, const char *text)
{
	struct vpool_cpus set;
	bool good;

	if (!setting->is_set)
		return text[strspn(text, "-")] && !text[strspn(text, "-0123456789")];
	good = parse_set(text, &set);
	vpool_cpus_free(&set);
	return good;
}

static bool take_line(struct line *lines, char *text)
{
	char *save, *word[4];
	size_t i, nr = 0;

	for (; nr < 4 && (word[nr] = strtok_r(nr ? NULL : text, " ", &save)); nr++)
		;
	for (i = 0; nr >= 3 && i < ARRAY_SIZE(settings); i++) {
		if (strcmp(word[0], settings[i].name))
			continue;
		if (!is_value(settings + i, word[1]) ||
		    (strcmp(word[2], FOREIGN) && !is_value(settings + i, word[2])) ||
		    (nr > 3 && !is_value(settings + i, word[3])))
			return false;
		replace(&lines[i].was, word[1]);
		replace(&lines[i].mine, word[2]);
		replace(&lines[i].next, nr > 3 ? word[3] : NULL);
		return true;
	}
	return false;
}

/* Read the record. Set aside one that cannot be parsed: the former values are lost then. */
static void read_record(const char *record, struct line *lines)
{
	char *text = read_text(record), *line, *save, *aside;
	bool good = true;
	size_t i;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line && good;
	     line = strtok_r(NULL, "\n", &save))
		good = take_line(lines, line);
	free(text);
	if (good)
		return;
	for (i = 0; i < ARRAY_SIZE(settings); i++)
		line_clear(lines + i);
	aside = xprintf("%s.bad", record);
	if (!rename(record, aside))
		fprintf(stderr, "vpoolctl: %s cannot be parsed; it is renamed to %s\n", record,
			aside);
	free(aside);
}

/* Write the record, or remove it if it has no line. Return 0 or a negative errno. */
static int write_record(const char *record, const struct line *lines)
{
	char *text = xstrdup(""), *more, *old = read_text(record);
	int err = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		if (!lines[i].was)
			continue;
		more = xprintf("%s%s %s %s%s%s\n", text, settings[i].name, lines[i].was,
			       lines[i].mine, lines[i].next ? " " : "",
			       lines[i].next ? lines[i].next : "");
		free(text);
		text = more;
	}
	if (!*text && old && unlink(record))
		err = -errno;
	else if (*text && (!old || strcmp(old, text)))
		err = replace_file(record, text);
	free(old);
	free(text);
	return err;
}

/* One setting */

/* Tell whether a value is one that vpoolctl has written, or was about to write. */
static bool is_own(const struct line *line, const char *now)
{
	return !strcmp(line->mine, now) || (line->next && !strcmp(line->next, now));
}

/**
 * struct change - a call of settings_keep_off()
 * @record: path of the record
 * @cpus: CPUs of all isolated pools
 * @lines: the record, a line for each setting
 */
struct change {
	const char *record;
	const struct vpool_cpus *cpus;
	struct line lines[ARRAY_SIZE(settings)];
};

static void tell_failure(const struct change *change, const char *file, const char *value,
			 int err)
{
	fprintf(stderr, "vpoolctl: cannot write '%s' to %s: %s; %s\n", value, file,
		strerror(-err),
		vpool_cpus_count(change->cpus) ?
		"'vpoolctl audit NAME' shows what still disturbs a pool" :
		"that was its value before there were isolated pools");
}

/*
 * Write a value. While there are isolated pools, @next must be on disk first. Without any, a
 * crash after the write does no harm: the value is the one to restore. Report a failure once.
 */
static int write_value(const struct change *change, const struct setting *setting,
		       struct line *line, const char *now, const char *value)
{
	bool first = !line->next || strcmp(line->next, value);
	const char *file = change->record;
	int err = 0;

	replace(&line->mine, now);
	replace(&line->next, value);
	if (vpool_cpus_count(change->cpus))
		err = write_record(change->record, change->lines);
	if (!err) {
		file = setting->file;
		err = setting->write(value);
	}
	if (err && first)
		tell_failure(change, file, value, err);
	if (err)
		return err;
	replace(&line->mine, value);
	replace(&line->next, NULL);
	return 0;
}

static void adjust(struct change *change, size_t i, const char *now)
{
	const struct setting *setting = settings + i;
	struct line *line = change->lines + i;
	bool any = vpool_cpus_count(change->cpus);
	char *value;
	int err = 0;

	if (!line->was && any) {
		replace(&line->was, now);
		replace(&line->mine, now);
	}
	if (!line->was)
		return;
	if (!is_own(line, now)) {
		replace(&line->mine, FOREIGN);
		replace(&line->next, NULL);
		if (!any)
			line_clear(line);
		return;
	}
	value = setting->choose(line->was, change->cpus);
	if (strcmp(value, now)) {
		err = write_value(change, setting, line, now, value);
	} else {
		replace(&line->mine, value);
		replace(&line->next, NULL);
	}
	if (!err && !any)
		line_clear(line);
	free(value);
}

void settings_keep_off(const char *record, const struct vpool_cpus *cpus)
{
	struct change change = { .record = record, .cpus = cpus };
	char *now;
	size_t i;

	if (!vpool_cpus_count(cpus) && !settings_are_kept(record))
		return;
	read_record(record, change.lines);
	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		now = settings[i].read();
		if (now)
			adjust(&change, i, now);
		else
			line_clear(change.lines + i);
		free(now);
	}
	write_record(record, change.lines);
	for (i = 0; i < ARRAY_SIZE(settings); i++)
		line_clear(change.lines + i);
}

bool settings_are_kept(const char *record)
{
	return !access(record, F_OK);
}
