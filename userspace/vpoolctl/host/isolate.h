/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_ISOLATE_H
#define VPOOLCTL_ISOLATE_H

#include <libvpool.h>

#include "host/grade.h"

struct failure;

/*
 * Confinement and isolation are outside the module: a cpuset and the affinities
 * of interrupts. A pool that has them has a note in VPOOL_RUN. isolate_sync()
 * makes the host match the notes and the pools that exist, whatever an earlier
 * call left half done. All under one lock.
 */
#define VPOOL_RUN "/run/vpool"

/* Can this host give pools that grade? 0, or a negative errno with a sentence. */
int isolate_check(enum grade grade, struct failure *failure);

/* Keep other callers out; a descriptor to close(2), or a negative errno. */
int isolate_lock(struct failure *failure);

/*
 * Locked: give each noted pool the cpuset of its grade, and remove the cpusets of
 * pools that are gone. Return 0, or the first error with a message in @failure. With
 * a name, return only errors about that pool, and print the rest.
 */
int isolate_sync(struct vpool *vp, const char *name, struct failure *failure);

/*
 * Locked: make a pool of a grade other than plain. If it cannot have that grade,
 * the pool is not made.
 */
int isolate_create(struct vpool *vp, struct vpool_request *req,
		   enum grade grade, struct failure *failure);

/*
 * As isolate_sync(), with the lock, if there is any note and the caller may. A
 * state that cannot be changed counts only if the pool @name is not plain.
 */
int isolate_mend(const char *name, struct failure *failure);

/*
 * Destroy a pool. Without force also a process that is in the pool's slice, but
 * no member, makes that -EBUSY. @failure is empty if the handle has the message.
 */
int isolate_destroy(struct vpool *vp, const char *name, bool force, struct failure *failure);

/* -EBUSY with a sentence if a process is in the pool's slice. */
int isolate_idle(const char *name, struct failure *failure);

#endif /* VPOOLCTL_ISOLATE_H */
