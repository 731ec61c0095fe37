/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_ISOLATE_H
#define VPOOLCTL_ISOLATE_H

#include "vpoolctl.h"

/*
 * Isolation is outside the module: a cpuset partition and the affinities of
 * interrupts. A pool that is to have it has a note in VPOOL_RUN, written before
 * the pool is made; isolate_sync() makes the host match the notes and the pools
 * there are, whatever an earlier call left half done. All under one lock.
 */
#define VPOOL_RUN "/run/vpool"

#define WHY_SIZE 512

/* Can this host do it? 0, or a negative errno with a sentence in why. */
int isolate_check(char *why);

/* Keep other callers out; a descriptor to close(2), or a negative errno. */
int isolate_lock(char *why);

/*
 * Locked: isolate the pools that are noted, and undo what is left of those that
 * are not there any more. 0, or the first error, with a sentence in why.
 */
int isolate_sync(struct vpool *vp, char *why);

/* Locked: make a pool that is isolated; if it cannot be, there is none. */
int isolate_create(struct vpool *vp, struct vpool_request *req, char *why);

/* As isolate_sync(), with the lock; does nothing for who is not root. */
int isolate_mend(char *why);

/* Is a process in a pool's partition? */
bool isolate_has(const char *name, int pid);

/* Move a process into a pool's partition, or back; 0 if it has none. */
int isolate_join(const char *name, int pid, char *why);
int isolate_leave(const char *name, int pid, char *why);

/* irq.c: keep interrupts off CPUs, remembering what was in the file note. */
int irq_move_off(const char *note, const struct vpool_cpus *cpus, char *why);
/* Put back what the note has; it is removed. taken are still others' CPUs. */
void irq_put_back(const char *note, const struct vpool_cpus *taken);

/* files.c */

/* The whole text of a file for free(3), or NULL with errno. */
char *read_text(const char *path);
/* Write in one call, as files of the kernel want it; a negative errno. */
int write_text(const char *path, const char *text);
/* Replace a file, so that it is old or new, never half. */
int replace_file(const char *path, const char *text);

#endif /* VPOOLCTL_ISOLATE_H */
