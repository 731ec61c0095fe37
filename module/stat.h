/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a pool counts since it was created.
 */
#ifndef VPOOL_STAT_H
#define VPOOL_STAT_H

#include <linux/atomic.h>

/**
 * enum vpool_stat_item - the counters, each a file in the pool's stat directory
 * @VPOOL_STAT_ALLOCS: regions that were given their memory
 * @VPOOL_STAT_ALLOC_FAILURES: regions that were not, for want of memory
 * @VPOOL_STAT_FREES: regions that gave their memory back
 * @VPOOL_STAT_FAULTS_HUGE: faults that offered the core a whole huge folio
 * @VPOOL_STAT_FAULTS_BASE: faults that offered it a base page
 * @VPOOL_STAT_ATTACHES: tasks attached by a call, not those they forked
 * @VPOOL_STAT_ESCAPES: members seen with CPUs in their mask that are not for them
 * @VPOOL_STAT_LIMITED: opens and attaches refused because there are so many already
 * @VPOOL_STAT_SCRUBBED_BYTES: bytes zeroed, in the background or in a call
 * @VPOOL_NR_STATS: how many there are
 */
enum vpool_stat_item {
	VPOOL_STAT_ALLOCS,
	VPOOL_STAT_ALLOC_FAILURES,
	VPOOL_STAT_FREES,
	VPOOL_STAT_FAULTS_HUGE,
	VPOOL_STAT_FAULTS_BASE,
	VPOOL_STAT_ATTACHES,
	VPOOL_STAT_ESCAPES,
	VPOOL_STAT_LIMITED,
	VPOOL_STAT_SCRUBBED_BYTES,
	VPOOL_NR_STATS,
};

/**
 * struct vpool_stat - a pool's counters
 * @item: one for each of enum vpool_stat_item
 */
struct vpool_stat {
	atomic64_t item[VPOOL_NR_STATS];
};

static inline void vpool_stat_add(struct vpool_stat *stat,
				  enum vpool_stat_item item, u64 n)
{
	atomic64_add(n, &stat->item[item]);
}

static inline void vpool_stat_inc(struct vpool_stat *stat,
				  enum vpool_stat_item item)
{
	atomic64_inc(&stat->item[item]);
}

static inline u64 vpool_stat_read(struct vpool_stat *stat,
				  enum vpool_stat_item item)
{
	return atomic64_read(&stat->item[item]);
}

#endif /* VPOOL_STAT_H */
