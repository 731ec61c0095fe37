/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_PLAN_H
#define VPOOLCTL_PLAN_H

#include <stdio.h>

#include <libvpool.h>

#include "config/config.h"

/**
 * enum change_kind - what is to happen to a pool
 * @CHANGE_CREATE: it is not there
 * @CHANGE_DESTROY: it is there and not declared
 * @CHANGE_RESIZE: it has to get other memory or CPUs, while it is in use
 * @CHANGE_REPLACE: it has to be destroyed and made anew
 */
enum change_kind {
	CHANGE_CREATE,
	CHANGE_DESTROY,
	CHANGE_RESIZE,
	CHANGE_REPLACE,
};

/**
 * struct change - what is to happen to one pool
 * @kind: in a word
 * @info: the pool that is there, or NULL
 * @have: the same as it would be declared; without a name if there is none
 * @want: the pool that is declared, or NULL
 * @target: for a resize of memory, what to ask the kernel for
 * @nr_target: how many of these
 * @kept: for a resize of CPUs, those that it has and is to have
 * @differs: which properties differ, by enum property
 * @released: what it had was given back
 * @taken: what it is to have was taken
 * @refused: the change cannot be made, or has failed, and a message says so
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
	bool refused;
};

/**
 * struct plan - what makes the host match a file
 * @cfg: the file
 * @pools: the pools that are there
 * @nr_pools: how many
 * @changes: those of the host first, as they are listed, then new ones
 * @nr: how many; none if the host matches
 */
struct plan {
	const struct config *cfg;
	struct vpool_info **pools;
	size_t nr_pools;
	struct change *changes;
	size_t nr;
};

/*
 * Find the fewest changes. Pools that are not declared are destroyed, or with
 * keep left alone. 0, or a negative errno with the handle's reason.
 */
int plan_make(struct plan *plan, struct config *cfg, struct vpool *vp,
	      bool keep);
void plan_free(struct plan *plan);

const char *change_name(const struct change *change);
const char *change_word(const struct change *change);

/* Does it give something back that another change may take? */
bool change_releases(const struct change *change);
/* Does it take something that another may give back? */
bool change_takes(const struct change *change);
/* The parts of a resize. */
bool change_shrinks(const struct change *change);
bool change_grows(const struct change *change);
bool change_loses_cpus(const struct change *change);
bool change_gains_cpus(const struct change *change);

/* Print the changes as a diff of files. */
void plan_print(const struct plan *plan, bool colour, FILE *to);

/* Does memory that is there match what is declared? */
bool mem_matches(const struct pool_config *have,
		 const struct pool_config *want);

#endif /* VPOOLCTL_PLAN_H */
