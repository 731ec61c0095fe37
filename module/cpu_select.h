/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which CPUs to take, when only their number is given.
 */
#ifndef VPOOL_PICK_H
#define VPOOL_PICK_H

#include <linux/types.h>

/* Of a CPU that must not be taken. */
#define VPOOL_RANK_NEVER (~0U)

/**
 * struct vpool_place - one CPU as the choice sees it
 * @core: the first CPU of its core, itself for that one
 * @rank: in which order it is to be taken, the lowest first; VPOOL_RANK_NEVER
 *for one that is taken already or may not be
 */
struct vpool_place {
	unsigned int core;
	unsigned int rank;
};

unsigned int vpool_pick(const struct vpool_place *places, unsigned int nr,
			unsigned int wanted, bool split_cores,
			unsigned int *room, unsigned long *picked);

#endif /* VPOOL_PICK_H */
