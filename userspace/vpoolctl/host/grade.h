/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_GRADE_H
#define VPOOLCTL_GRADE_H

#include <libvpool.h>

/**
 * enum grade - isolation between a pool and the rest of the host
 * @GRADE_PLAIN: members have the pool's CPUs as their affinity
 * @GRADE_CONFINED: members are also in a cpuset that they cannot leave
 * @GRADE_ISOLATED: the cpuset is a partition, so no other task runs on its CPUs
 * @GRADE_NOBALANCE: the partition also has no load balancing
 */
enum grade {
	GRADE_PLAIN,
	GRADE_CONFINED,
	GRADE_ISOLATED,
	GRADE_NOBALANCE,
};

/* Return the name of a grade, such as "plain" or "isolated-nobalance". */
const char *grade_text(enum grade grade);
/* Return the type of cpuset partition that a grade needs. */
const char *grade_partition(enum grade grade);
/* Tell whether a grade keeps other tasks and interrupts off the CPUs. */
bool grade_excludes(enum grade grade);

/**
 * struct note - file in VPOOL_RUN about a pool that is not plain
 * @grade: grade of the pool
 * @irqs: a line "IRQ OLD NEW" for each moved interrupt; for free(3)
 */
struct note {
	enum grade grade;
	char *irqs;
};

/*
 * Read a pool's note. Return 0, -ENOENT if there is none, -EBADMSG if it is damaged, or
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
 * Rename a file of VPOOL_RUN that cannot be parsed to FILE.bad, so that no later command
 * reads it. Print a message on standard error.
 */
void state_set_aside(const char *file);

/* Return the grade of a pool that exists. */
enum grade grade_of(const struct vpool_info *info);
/* Tell whether the cpuset of a pool matches its grade. */
bool grade_in_force(const struct vpool_info *info, enum grade grade);

#endif /* VPOOLCTL_GRADE_H */
