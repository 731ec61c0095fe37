// SPDX-License-Identifier: GPL-2.0
/*
 * The choice of CPUs, of whole cores where that can be. Knows of no kernel
 * structure, so that it can be tried for machines that are not there.
 */
#include <linux/bitmap.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "cpu_select.h"

static unsigned int vpool_next_rank(const struct vpool_place *places,
				    unsigned int nr, unsigned int above)
{
	unsigned int cpu, rank = VPOOL_RANK_NEVER;

	for (cpu = 0; cpu < nr; cpu++)
		if (places[cpu].rank >= above)
			rank = min(rank, places[cpu].rank);
	return rank;
}

/* How many CPUs each core has, at its first; none if one of them is not free.
 */
static void vpool_count_cores(const struct vpool_place *places, unsigned int nr,
			      unsigned int *size)
{
	unsigned int cpu;

	memset(size, 0, nr * sizeof(*size));
	for (cpu = 0; cpu < nr; cpu++)
		size[places[cpu].core]++;
	for (cpu = 0; cpu < nr; cpu++)
		if (places[cpu].rank == VPOOL_RANK_NEVER)
			size[places[cpu].core] = 0;
}

/* Whole cores, as many as fit. Returns how many CPUs are wanted still. */
static unsigned int vpool_pick_cores(const struct vpool_place *places,
				     unsigned int nr, unsigned int wanted,
				     unsigned int *size, unsigned int rank,
				     unsigned long *picked)
{
	unsigned int cpu;

	for (cpu = 0; cpu < nr; cpu++) {
		if (places[cpu].core != cpu || places[cpu].rank != rank ||
		    !size[cpu] || size[cpu] > wanted)
			continue;
		wanted -= size[cpu];
		__set_bit(cpu, picked);
	}
	return wanted;
}

/* Single threads of cores. */
static unsigned int vpool_pick_threads(const struct vpool_place *places,
				       unsigned int nr, unsigned int wanted,
				       unsigned int rank, unsigned long *picked)
{
	unsigned int cpu;

	for (cpu = 0; cpu < nr && wanted; cpu++) {
		if (places[cpu].rank != rank || test_bit(cpu, picked))
			continue;
		__set_bit(cpu, picked);
		wanted--;
	}
	return wanted;
}

/**
 * vpool_pick - choose CPUs
 * @places: of each CPU
 * @nr: how many there are
 * @wanted: how many are to be chosen
 * @split_cores: rather part of a core than too few
 * @room: for @nr numbers
 * @picked: for @nr bits; set to the choice
 *
 * Cores whose first CPU has the lowest rank come first, and among these the
 * ones with the lowest number.
 *
 * Return: how many were chosen; with fewer than @wanted there is no such
 * choice.
 */
unsigned int vpool_pick(const struct vpool_place *places, unsigned int nr,
			unsigned int wanted, bool split_cores,
			unsigned int *room, unsigned long *picked)
{
	unsigned int cpu, rank, left = wanted;

	bitmap_zero(picked, nr);
	vpool_count_cores(places, nr, room);
	for (rank = vpool_next_rank(places, nr, 0); rank != VPOOL_RANK_NEVER;
	     rank = vpool_next_rank(places, nr, rank + 1))
		left = vpool_pick_cores(places, nr, left, room, rank, picked);
	/* So far it is the first of each core. */
	for (cpu = 0; cpu < nr; cpu++)
		if (test_bit(places[cpu].core, picked))
			__set_bit(cpu, picked);
	if (!split_cores)
		return wanted - left;
	for (rank = vpool_next_rank(places, nr, 0); rank != VPOOL_RANK_NEVER;
	     rank = vpool_next_rank(places, nr, rank + 1))
		left = vpool_pick_threads(places, nr, left, rank, picked);
	return wanted - left;
}
