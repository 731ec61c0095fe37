/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_GRADE_H
#define VPOOLCTL_GRADE_H

#include <libvpool.h>

/**
 * enum grade - how strictly a pool's CPUs and its members belong together
 * @GRADE_PLAIN: members have the pool's CPUs as their affinity
 * @GRADE_CONFINED: members are in a balanced cpuset that they cannot leave
 * @GRADE_ISOLATED: that cpuset is a partition: no other task is on its CPUs
 * @GRADE_NOBALANCE: as isolated, but the scheduler does not balance its CPUs
 */
enum grade {
	GRADE_PLAIN,
	GRADE_CONFINED,
	GRADE_ISOLATED,
	GRADE_NOBALANCE,
};

/* Return a grade as people read it: "plain", "isolated-nobalance". */
const char *grade_text(enum grade grade);
/* Return the type of cpuset partition that a grade needs. */
const char *grade_partition(enum grade grade);
/* Tell whether a grade keeps other tasks and interrupts off the CPUs. */
bool grade_excludes(enum grade grade);

/**
 * struct note - what VPOOL_RUN remembers about a pool that is not plain
 * @grade: its grade
 * @irqs: a line "IRQ OLD NEW" for each interrupt that was moved; for free(3)
 */
struct note {
	enum grade grade;
	char *irqs;
};

/*
 * Read a pool's note: 0, -ENOENT if there is none, -EBADMSG if it is damaged, or
 * another negative errno.
 */
int note_read(const char *name, struct note *note);
/* Write a pool's note. */
int note_write(const char *name, const struct note *note);
/* Remove a pool's note. */
int note_remove(const char *name);
/* Return the pool's name in the name of a note's file, or NULL. For free(3). */
char *note_pool(const char *file);
/* Tell whether there is any note. */
bool note_any(void);

/*
 * Rename a file of VPOOL_RUN that cannot be understood to FILE.bad, so that no
 * later command meets it, and say so on standard error.
 */
void state_set_aside(const char *file);

/* Return the grade of a pool that exists. */
enum grade grade_of(const struct vpool_info *info);
/* Tell whether the host's cpusets are as the grade of a pool needs them. */
bool grade_in_force(const struct vpool_info *info, enum grade grade);

#endif /* VPOOLCTL_GRADE_H */
