/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_PLAN_H
#define VPOOLCTL_PLAN_H

#include <stdio.h>

#include <libvpool.h>

#include "config/config.h"
#include "host/mounts.h"

/**
 * enum change_kind - kind of change of a pool
 * @CHANGE_CREATE: create it
 * @CHANGE_DESTROY: destroy it, as it is not declared
 * @CHANGE_RESIZE: change its memory or CPUs while it is in use
 * @CHANGE_REPLACE: destroy it and create it again
 * @CHANGE_MOUNT: mount or unmount its files, and nothing else
 */
enum change_kind {
	CHANGE_CREATE,
	CHANGE_DESTROY,
	CHANGE_RESIZE,
	CHANGE_REPLACE,
	CHANGE_MOUNT,
};

/**
 * struct change - the change of one pool
 * @kind: kind of the change
 * @info: the existing pool, owned by struct plan, or NULL
 * @have: declaration of the existing pool, owned; without a name if there is none
 * @want: declaration of the wanted pool, owned by struct config, or NULL
 * @target: memory requests of a resize, owned
 * @nr_target: length of @target
 * @kept: the CPUs that a resize keeps, owned
 * @differs: whether each property differs, by enum property
 * @released: its resources were released
 * @taken: its resources were taken
 * @unmounted: its old mount was taken off
 * @mounted: its new mount was put on, or adjusted
 * @refused: the change is impossible or failed, and was reported
 */
struct change {
	enum change_kind kind;
	const struct vpool_info *info;
	struct pool_config have;
	const struct pool_config *want;
	struct vpool_mem *target;
	size_t nr_target;
	struct vpool_cpus kept;
	bool differs[NR_PROPERTIES];
	bool released;
	bool taken;
	bool unmounted;
	bool mounted;
	bool refused;
};

/**
 * struct plan - the changes that make the host match the declarations
 * @cfg: the declarations, owned by the caller
 * @pools: the existing pools, owned
 * @nr_pools: length of @pools
 * @mounts: the mounts of the host, owned
 * @changes: changes of existing pools in the order of @pools, then new pools; owned
 * @nr: length of @changes; 0 if the host matches
 */
struct plan {
	const struct config *cfg;
	struct vpool_info **pools;
	size_t nr_pools;
	struct mounts mounts;
	struct change *changes;
	size_t nr;
};

/*
 * Find the fewest changes. Undeclared pools are destroyed, unless @keep is true. Return
 * 0, or a negative errno with a message in the handle.
 */
int plan_make(struct plan *plan, struct config *cfg, struct vpool *vp,
	      bool keep);
void plan_free(struct plan *plan);

const char *change_name(const struct change *change);
const char *change_word(const struct change *change);

/* Tell whether a change sets limits of users. */
bool change_limits(const struct change *change);

/* Tell whether the change releases resources that another change can take. */
bool change_releases(const struct change *change);
/* Tell whether the change takes resources that another change can release. */
bool change_takes(const struct change *change);
/* Tell whether the pool exists before and after the change. */
bool change_in_place(const struct change *change);
/* Tell whether the change takes a mount off, puts one on, or only changes its owner or mode. */
bool change_unmounts(const struct change *change);
bool change_mounts(const struct change *change);
bool change_adjusts_mount(const struct change *change);
/* The parts of a resize. */
bool change_shrinks(const struct change *change);
bool change_grows(const struct change *change);
bool change_loses_cpus(const struct change *change);
bool change_gains_cpus(const struct change *change);

/* Print the changes as a diff. */
void plan_print(const struct plan *plan, bool colour, FILE *to);

/* Tell whether existing memory matches the declared memory. */
bool mem_matches(const struct pool_config *have,
		 const struct pool_config *want);

#endif /* VPOOLCTL_PLAN_H */
