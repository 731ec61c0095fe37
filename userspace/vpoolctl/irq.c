// SPDX-License-Identifier: GPL-2.0-only
/*
 * The affinities of interrupts: moved off a pool's CPUs, and put back.
 *
 * A note has a line "IRQ OLD NEW" for each interrupt that is to move, and is
 * complete on disk before the first one does. What others changed since is
 * kept: only an affinity that is still NEW becomes OLD, any other gets back the
 * CPUs of OLD that it lacks.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "isolate.h"

#define IRQ_DIR "/proc/irq"

static int read_affinity(const char *irq, struct vpool_cpus *cpus)
{
	char *path = xprintf(IRQ_DIR "/%s/smp_affinity_list", irq);
	char *text = read_text(path), why[WHY_SIZE];
	int err = -ENOENT;

	*cpus = (struct vpool_cpus) { 0 };
	if (text) {
		text[strcspn(text, "\n")] = '\0';
		err = vpool_cpus_parse(text, cpus, why, sizeof(why));
	}
	free(text);
	free(path);
	return err;
}

static int write_affinity(const char *irq, const struct vpool_cpus *cpus)
{
	char *path = xprintf(IRQ_DIR "/%s/smp_affinity_list", irq);
	char *list = cpus_text(cpus);
	int err = write_text(path, list);

	free(list);
	free(path);
	return err;
}

static int read_online(struct vpool_cpus *cpus)
{
	char *text = read_text("/sys/devices/system/cpu/online");
	char why[WHY_SIZE];
	int err = -ENOENT;

	if (text) {
		text[strcspn(text, "\n")] = '\0';
		err = vpool_cpus_parse(text, cpus, why, sizeof(why));
	}
	free(text);
	return err;
}

/* "OLD NEW" for an interrupt that is allowed on the CPUs, or NULL. */
static char *plan_irq(const char *irq, const struct vpool_cpus *cpus)
{
	struct vpool_cpus old, new = { 0 };
	char *from, *to, *line = NULL;

	if (read_affinity(irq, &old))
		return NULL;
	if (!vpool_cpus_copy(&new, &old)) {
		vpool_cpus_subtract(&new, cpus);
		if (vpool_cpus_count(&new) != vpool_cpus_count(&old)) {
			if (!vpool_cpus_count(&new) && !read_online(&new))
				vpool_cpus_subtract(&new, cpus);
			from = cpus_text(&old);
			to = cpus_text(&new);
			line = xprintf("%s %s %s\n", irq, from, to);
			free(from);
			free(to);
		}
	}
	vpool_cpus_free(&new);
	vpool_cpus_free(&old);
	return line;
}

/* Does the note have a line for that interrupt? */
static bool noted(const char *note, const char *irq)
{
	size_t len = strlen(irq);

	while (note && *note) {
		if (!strncmp(note, irq, len) && note[len] == ' ')
			return true;
		note = strchr(note, '\n');
		note += note ? 1 : 0;
	}
	return false;
}

/* The note with lines for all that must move; moves has their numbers. */
static char *plan_all(const char *old_note, const struct vpool_cpus *cpus,
		      char **moves)
{
	char *note = xstrdup(old_note ? old_note : ""), *more, *line;
	DIR *dir = opendir(IRQ_DIR);
	struct dirent *entry;

	*moves = xstrdup("");
	while (dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		line = plan_irq(entry->d_name, cpus);
		if (!line)
			continue;
		more = xprintf("%s%s", *moves, line);
		free(*moves);
		*moves = more;
		if (!noted(note, entry->d_name)) {
			more = xprintf("%s%s", note, line);
			free(note);
			note = more;
		}
		free(line);
	}
	if (dir)
		closedir(dir);
	return note;
}

/* Some, of timers and of devices that place them themselves, cannot move. */
static void move_all(char *moves)
{
	char irq[32], old[2048], new[2048], why[WHY_SIZE], *line, *save;
	struct vpool_cpus cpus = { 0 };

	for (line = strtok_r(moves, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%31s %2047s %2047s", irq, old, new) == 3 &&
		    !vpool_cpus_parse(new, &cpus, why, sizeof(why)))
			write_affinity(irq, &cpus);
		vpool_cpus_free(&cpus);
	}
}

int irq_move_off(const char *path, const struct vpool_cpus *cpus, char *why)
{
	char *old = read_text(path), *moves, *note;
	int err = 0;

	note = plan_all(old, cpus, &moves);
	if (!old || strcmp(old, note))
		err = replace_file(path, note);
	if (err)
		snprintf(why, WHY_SIZE, "%s: %s", path, strerror(-err));
	else
		move_all(moves);
	free(old);
	free(note);
	free(moves);
	return err;
}

static void add_all(struct vpool_cpus *to, const struct vpool_cpus *from)
{
	unsigned int cpu, left = vpool_cpus_count(from);

	for (cpu = 0; left; cpu++)
		if (vpool_cpus_test(from, cpu)) {
			vpool_cpus_add(to, cpu);
			left--;
		}
}

static void put_back(const char *irq, const struct vpool_cpus *old,
		     const struct vpool_cpus *new,
		     const struct vpool_cpus *taken)
{
	struct vpool_cpus now, next = { 0 };
	char *is, *was;

	if (read_affinity(irq, &now))
		return;
	is = cpus_text(&now);
	was = cpus_text(new);
	if (strcmp(is, was))
		add_all(&next, &now);
	add_all(&next, old);
	vpool_cpus_subtract(&next, taken);
	if (vpool_cpus_count(&next))
		write_affinity(irq, &next);
	free(is);
	free(was);
	vpool_cpus_free(&next);
	vpool_cpus_free(&now);
}

void irq_put_back(const char *path, const struct vpool_cpus *taken)
{
	char irq[32], old[2048], new[2048], why[WHY_SIZE], *line, *save;
	char *note = read_text(path);

	for (line = note ? strtok_r(note, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct vpool_cpus from = { 0 }, to = { 0 };

		if (sscanf(line, "%31s %2047s %2047s", irq, old, new) == 3 &&
		    !vpool_cpus_parse(old, &from, why, sizeof(why)) &&
		    !vpool_cpus_parse(new, &to, why, sizeof(why)))
			put_back(irq, &from, &to, taken);
		vpool_cpus_free(&from);
		vpool_cpus_free(&to);
	}
	free(note);
	unlink(path);
}
