// SPDX-License-Identifier: GPL-2.0
/*
 * Select a number of CPUs: lowest rank first, in whole cores if possible.
 *
 * This file uses no kernel topology, so that its test can simulate any machine.
 */
#include <linux/bitmap.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "cpu_select.h"

/* Return the lowest rank that is at least @from, or VPOOL_RANK_NEVER. */
static unsigned int
vpool_cpu_select_next_rank(const struct vpool_cpu_candidate *candidates,
			   unsigned int nr, unsigned int from)
{
	unsigned int cpu, rank = VPOOL_RANK_NEVER;

	for (cpu = 0; cpu < nr; cpu++)
		if (candidates[cpu].rank >= from)
			rank = min(rank, candidates[cpu].rank);
	return rank;
}

/*
 * Set @core_size of each core's first CPU to the number of its CPUs, or to 0 if one of
 * them must not be selected.
 */
static void
vpool_cpu_select_count(const struct vpool_cpu_candidate *candidates,
		       unsigned int nr, unsigned int *core_size)
{
	unsigned int cpu;

	memset(core_size, 0, nr * sizeof(*core_size));
	for (cpu = 0; cpu < nr; cpu++)
		core_size[candidates[cpu].core]++;
	for (cpu = 0; cpu < nr; cpu++)
		if (candidates[cpu].rank == VPOOL_RANK_NEVER)
			core_size[candidates[cpu].core] = 0;
}

/*
 * Select the first CPU of each whole core of @rank that fits. Return the number of CPUs
 * that are still wanted.
 */
static unsigned int
vpool_cpu_select_cores(const struct vpool_cpu_candidate *candidates,
		       unsigned int nr, unsigned int wanted,
		       const unsigned int *core_size, unsigned int rank,
		       unsigned long *selected)
{
	unsigned int cpu;

	for (cpu = 0; cpu < nr; cpu++) {
		if (candidates[cpu].core != cpu ||
		    candidates[cpu].rank != rank || !core_size[cpu] ||
		    core_size[cpu] > wanted)
			continue;
		wanted -= core_size[cpu];
		__set_bit(cpu, selected);
	}
	return wanted;
}

/* Select single CPUs of @rank. Return the number of CPUs that are still wanted. */
static unsigned int
vpool_cpu_select_threads(const struct vpool_cpu_candidate *candidates,
			 unsigned int nr, unsigned int wanted,
			 unsigned int rank, unsigned long *selected)
{
	unsigned int cpu;

	for (cpu = 0; cpu < nr && wanted; cpu++) {
		if (candidates[cpu].rank != rank || test_bit(cpu, selected))
			continue;
		__set_bit(cpu, selected);
		wanted--;
	}
	return wanted;
}

/**
 * vpool_cpu_select - select a number of CPUs
 * @candidates: array of @nr candidates, indexed by CPU number
 * @nr: number of candidates
 * @wanted: number of CPUs to select
 * @split_cores: select single CPUs of a core if whole cores are too few
 * @core_size: scratch array of @nr entries
 * @selected: bitmap of @nr bits; set to the selected CPUs
 *
 * A core has the rank of its first CPU. Cores of equal rank are selected in the order
 * of their numbers.
 *
 * Context: any.
 * Return: the number of selected CPUs; less than @wanted if there are not enough.
 */
unsigned int vpool_cpu_select(const struct vpool_cpu_candidate *candidates,
			      unsigned int nr, unsigned int wanted,
			      bool split_cores, unsigned int *core_size,
			      unsigned long *selected)
{
	unsigned int cpu, rank, left = wanted;

	bitmap_zero(selected, nr);
	vpool_cpu_select_count(candidates, nr, core_size);
	for (rank = vpool_cpu_select_next_rank(candidates, nr, 0);
	     rank != VPOOL_RANK_NEVER;
	     rank = vpool_cpu_select_next_rank(candidates, nr, rank + 1))
		left = vpool_cpu_select_cores(candidates, nr, left, core_size,
					      rank, selected);
	/* So far only the first CPU of each selected core is set. */
	for (cpu = 0; cpu < nr; cpu++)
		if (test_bit(candidates[cpu].core, selected))
			__set_bit(cpu, selected);
	if (!split_cores)
		return wanted - left;
	for (rank = vpool_cpu_select_next_rank(candidates, nr, 0);
	     rank != VPOOL_RANK_NEVER;
	     rank = vpool_cpu_select_next_rank(candidates, nr, rank + 1))
		left = vpool_cpu_select_threads(candidates, nr, left, rank,
						selected);
	return wanted - left;
}
