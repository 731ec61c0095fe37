/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_ISOLATE_H
#define VPOOLCTL_ISOLATE_H

#include "host/grade.h"
#include "vpoolctl.h"

/*
 * Confinement and isolation are outside the module: a cpuset and the affinities
 * of interrupts. A pool that has them has a note in VPOOL_RUN. isolate_sync()
 * makes the host match the notes and the pools that exist, whatever an earlier
 * call left half done. All under one lock.
 */
#define VPOOL_RUN "/run/vpool"

#define WHY_SIZE 512

/* Can this host give pools that grade? 0, or a negative errno with a sentence. */
int isolate_check(enum grade grade, char *why);

/* Keep other callers out; a descriptor to close(2), or a negative errno. */
int isolate_lock(char *why);

/*
 * Locked: give each noted pool the cpuset of its grade, and remove the cpusets of
 * pools that are gone. Return 0, or the first error with a sentence in why. With
 * a name, return only errors about that pool, and print the rest.
 */
int isolate_sync(struct vpool *vp, const char *name, char *why);

/*
 * Locked: make a pool of a grade other than plain. If it cannot have that grade,
 * the pool is not made.
 */
int isolate_create(struct vpool *vp, struct vpool_request *req,
		   enum grade grade, char *why);

/*
 * As isolate_sync(), with the lock, if there is any note and the caller may. A
 * state that cannot be changed counts only if the pool @name is not plain.
 */
int isolate_mend(const char *name, char *why);

/*
 * Destroy a pool. Without force also a process that is in the pool's slice, but
 * no member, makes that -EBUSY. why is empty if the handle has the reason.
 */
int isolate_destroy(struct vpool *vp, const char *name, bool force, char *why);

/* -EBUSY with a sentence if a process is in the pool's slice. */
int isolate_idle(const char *name, char *why);

/* place.c: moving processes into a pool's cpuset, and back */

/**
 * struct origin - where a process came from
 * @pid: the process, or 0 if it was not moved
 * @from: its cgroup, for free(3)
 */
struct origin {
	int pid;
	char *from;
};

/*
 * Move a process where the members of a pool must be, unless it is there. Only
 * with @move it is taken out of a cgroup whose limits it would lose. 0 if it may
 * be attached now; place_undo() and place_free() take @was.
 */
int place_join(const struct vpool_info *info, int pid, bool move,
	       struct origin *was, char *why);
void place_undo(struct origin *was);
void place_free(struct origin *was);

/*
 * Move a process out of a pool's cpuset. 1 if it stays there, because its own
 * unit is in the pool's slice.
 */
int place_leave(const char *name, int pid, struct origin *was, char *why);

/*
 * After the kernel has refused to attach a process outside the slice of a pool that
 * has one: advise to start it there. Without a pid, about the pool alone.
 */
void place_advise(const struct vpool_info *info, int pid);

#define OPTION_MOVE_CGROUP \
	{ .name = "move-cgroup", \
	  .help = \
		"move the process to the pool's slice wherever it is:\n" \
		"the limits of its cgroup end for it, and stopping its\n" \
		"service does not reach it any more" }

/*
 * irq.c: keep interrupts off a pool's CPUs, and off the taken ones of other pools;
 * the note remembers where they were.
 */
int irq_move_off(const char *name, const struct vpool_cpus *cpus,
		 const struct vpool_cpus *taken, char *why);
/* Put back what the note has, but not on CPUs that other pools have taken. */
void irq_put_back(const char *name, const struct vpool_cpus *taken);

/* irqbalance.c: have irqbalance keep off CPUs; none undoes that. */
void irqbalance_keep_off(const struct vpool_cpus *cpus);

/* files.c */

/* The whole text of a file for free(3), or NULL with errno. */
char *read_text(const char *path);
/* Write in one call, as files of the kernel want it; a negative errno. */
int write_text(const char *path, const char *text);
/* Replace a file, so that it is old or new, never half. */
int replace_file(const char *path, const char *text);

#endif /* VPOOLCTL_ISOLATE_H */
