// SPDX-License-Identifier: GPL-2.0-only
/*
 * Move interrupts off the CPUs of a pool, and restore their affinity.
 *
 * The note of a pool has a line "IRQ OLD NEW" for each moved interrupt. The IRQ
 * "default" stands for interrupts that are requested later. The note is complete on
 * disk before the first interrupt moves.
 *
 * Restoring respects changes by other programs: an affinity that is still NEW becomes
 * OLD. Any other affinity gets the CPUs of OLD that it lacks.
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
#include "base/code.h"
#include "base/failure.h"
#include "base/files.h"
#include "host/cpumask.h"
#include "host/grade.h"
#include "host/irq.h"
#include "host/pools.h"

#define IRQ_DIR "/proc/irq"

/* Affinity of interrupts that are requested later, in a file with another format. */
#define DEFAULT_IRQ "default"
#define DEFAULT_FILE IRQ_DIR "/default_smp_affinity"

static char *affinity_path(const char *irq)
{
	return strcmp(irq, DEFAULT_IRQ) ?
	       xprintf(IRQ_DIR "/%s/smp_affinity_list", irq) :
	       xstrdup(DEFAULT_FILE);
}

static int read_affinity(const char *irq, struct vpool_cpus *cpus)
{
	char *path = affinity_path(irq), *text = read_text(path);
	int err = -ENOENT;

	*cpus = (struct vpool_cpus) { 0 };
	if (text && !strcmp(irq, DEFAULT_IRQ)) {
		err = mask_parse(text, cpus);
	} else if (text) {
		text[strcspn(text, "\n")] = '\0';
		err = vpool_cpus_parse(text, cpus, NULL, 0);
	}
	free(text);
	free(path);
	return err;
}

static int write_affinity(const char *irq, const struct vpool_cpus *cpus)
{
	char *path = affinity_path(irq);
	char *text = strcmp(irq, DEFAULT_IRQ) ? cpus_text(cpus) :
						mask_text(cpus);
	int err = write_text(path, text);

	free(text);
	free(path);
	return err;
}

static int read_online(struct vpool_cpus *cpus)
{
	char *text = read_text("/sys/devices/system/cpu/online");
	int err = -ENOENT;

	if (text) {
		text[strcspn(text, "\n")] = '\0';
		err = vpool_cpus_parse(text, cpus, NULL, 0);
	}
	free(text);
	return err;
}

/* Return "IRQ OLD NEW" for an interrupt that is allowed on the CPUs, or NULL. */
static char *plan_irq(const char *irq, const struct vpool_cpus *cpus,
		      const struct vpool_cpus *taken)
{
	struct vpool_cpus old, new = { 0 };
	char *from, *to, *line = NULL;

	if (read_affinity(irq, &old))
		return NULL;
	if (!vpool_cpus_copy(&new, &old)) {
		vpool_cpus_subtract(&new, cpus);
		/* If no CPU is left, allow all online CPUs that no pool has taken. */
		if (!vpool_cpus_count(&new) && !read_online(&new)) {
			vpool_cpus_subtract(&new, cpus);
			vpool_cpus_subtract(&new, taken);
		}
	}
	from = cpus_text(&old);
	to = cpus_text(&new);
	if (*to && strcmp(from, to))
		line = xprintf("%s %s %s\n", irq, from, to);
	free(from);
	free(to);
	vpool_cpus_free(&new);
	vpool_cpus_free(&old);
	return line;
}

/* Tell whether the note has a line for the interrupt. */
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

/**
 * struct moves - interrupts to move
 * @cpus: CPUs that interrupts must leave
 * @taken: CPUs of other pools that interrupts must not use
 * @note: lines "IRQ OLD NEW" of all interrupts moved now or earlier; owned
 * @lines: lines "IRQ OLD NEW" of the interrupts to move now; owned
 */
struct moves {
	const struct vpool_cpus *cpus;
	const struct vpool_cpus *taken;
	char *note;
	char *lines;
};

static void append(char **text, const char *line)
{
	char *more = xprintf("%s%s", *text, line);

	free(*text);
	*text = more;
}

static void plan_move(struct moves *moves, const char *irq)
{
	char *line = plan_irq(irq, moves->cpus, moves->taken);

	if (!line)
		return;
	append(&moves->lines, line);
	if (!noted(moves->note, irq))
		append(&moves->note, line);
	free(line);
}

static void plan_all(struct moves *moves)
{
	DIR *dir = opendir(IRQ_DIR);
	struct dirent *entry;

	/* First the default, for interrupts requested during the loop. */
	plan_move(moves, DEFAULT_IRQ);
	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			plan_move(moves, entry->d_name);
	if (dir)
		closedir(dir);
}

/* Interrupts of timers and of devices with managed affinity cannot move: ignore errors. */
static void move_all(char *moves)
{
	char irq[32], old[2048], new[2048], *line, *save;
	struct vpool_cpus cpus = { 0 };

	for (line = strtok_r(moves, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%31s %2047s %2047s", irq, old, new) == 3 &&
		    !vpool_cpus_parse(new, &cpus, NULL, 0))
			write_affinity(irq, &cpus);
		vpool_cpus_free(&cpus);
	}
}

int irq_move_off(const char *name, const struct vpool_cpus *cpus,
		 const struct vpool_cpus *taken, struct failure *failure)
{
	struct moves moves = {
		.cpus = cpus, .taken = taken, .lines = xstrdup(""),
	};
	struct note note;
	int err;

	err = note_read(name, &note);
	if (!err) {
		moves.note = xstrdup(note.irqs);
		plan_all(&moves);
		free(note.irqs);
		note.irqs = moves.note;
	}
	if (!err && *moves.lines)
		err = note_write(name, &note);
	if (err)
		failure_set(failure, err, TOOL_NOTE_DAMAGED, "its note: %s",
			    strerror(-err));
	else
		move_all(moves.lines);
	free(moves.lines);
	free(note.irqs);
	return err;
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
		cpus_add_all(&next, &now);
	cpus_add_all(&next, old);
	vpool_cpus_subtract(&next, taken);
	if (vpool_cpus_count(&next))
		write_affinity(irq, &next);
	free(is);
	free(was);
	vpool_cpus_free(&next);
	vpool_cpus_free(&now);
}

void irq_put_back(const char *name, const struct vpool_cpus *taken)
{
	char irq[32], old[2048], new[2048], *line, *save;
	struct note note;

	if (note_read(name, &note))
		return;
	for (line = strtok_r(note.irqs, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct vpool_cpus from = { 0 }, to = { 0 };

		if (sscanf(line, "%31s %2047s %2047s", irq, old, new) == 3 &&
		    !vpool_cpus_parse(old, &from, NULL, 0) &&
		    !vpool_cpus_parse(new, &to, NULL, 0))
			put_back(irq, &from, &to, taken);
		vpool_cpus_free(&from);
		vpool_cpus_free(&to);
	}
	free(note.irqs);
}
