/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_ISOLATE_H
#define VPOOLCTL_ISOLATE_H

#include <libvpool.h>

#include "host/grade.h"

struct failure;

/*
 * vpoolctl, not the module, confines and isolates pools: with a cpuset and the
 * affinities of interrupts. Each such pool has a note in VPOOL_RUN. isolate_sync() makes
 * the host match the notes and the existing pools, also after an interrupted call. One
 * lock serializes all of this.
 *
 * A function that takes @failure sets it when it returns a negative errno.
 */
#define VPOOL_RUN "/run/vpool"

/* Check whether this host supports a grade. Return 0 or a negative errno. */
int isolate_check(enum grade grade, struct failure *failure);

/* Take the lock. Return a descriptor, whose close(2) releases it, or a negative errno. */
int isolate_lock(struct failure *failure);

/*
 * Give each pool with a note the cpuset of its grade, and remove the cpusets of
 * destroyed pools. With a @name, return only errors about that pool, and print all other errors.
 * Return 0, or the first error. The caller holds the lock.
 */
int isolate_sync(struct vpool *vp, const char *name, struct failure *failure);

/*
 * Create a pool of a grade other than plain. If the grade cannot be established, destroy
 * the pool again. The caller holds the lock.
 */
int isolate_create(struct vpool *vp, struct vpool_request *req,
		   enum grade grade, struct failure *failure);

/*
 * Take the lock and call isolate_sync(), if there is any note and the caller has the
 * privilege. A state directory that cannot be written is an error only if the pool
 * @name is not plain.
 */
int isolate_mend(const char *name, struct failure *failure);

/*
 * Destroy a pool. Without @force, return -EBUSY also for a process that is in the slice
 * of the pool, but not a member. @failure is empty if the handle has the message.
 */
int isolate_destroy(struct vpool *vp, const char *name, bool force, struct failure *failure);

/*
 * Let systemd forget the CPUs of a plain pool's slice. The processes in it continue to run,
 * on the CPUs of the host. The caller holds the lock.
 */
void isolate_forget_unit(const char *name);

/* Return -EBUSY if a process is in the slice of the pool, 0 otherwise. */
int isolate_idle(const char *name, struct failure *failure);

#endif /* VPOOLCTL_ISOLATE_H */
