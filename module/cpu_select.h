/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Select CPUs by number: lowest rank first, in whole cores if possible.
 */
#ifndef VPOOL_CPU_SELECT_H
#define VPOOL_CPU_SELECT_H

#include <linux/types.h>

/* Rank of a CPU that must not be selected. */
#define VPOOL_RANK_NEVER (~0U)

/**
 * struct vpool_cpu_candidate - one CPU that may be selected
 * @core: number of the first CPU of its core; its own number if it is the first
 * @rank: position in the order of selection, lowest first; VPOOL_RANK_NEVER for a CPU
 *	that must not be selected
 */
struct vpool_cpu_candidate {
	unsigned int core;
	unsigned int rank;
};

unsigned int vpool_cpu_select(const struct vpool_cpu_candidate *candidates,
			      unsigned int nr, unsigned int wanted,
			      bool split_cores, unsigned int *core_size,
			      unsigned long *selected);

#endif /* VPOOL_CPU_SELECT_H */
