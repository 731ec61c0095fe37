/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters of a pool, since its creation.
 */
#ifndef VPOOL_STAT_H
#define VPOOL_STAT_H

#include <linux/atomic.h>

/**
 * enum vpool_stat_item - counters, each a file in the pool's stat directory
 * @VPOOL_STAT_ALLOCS: regions that got their memory
 * @VPOOL_STAT_ALLOC_FAILURES: regions that got none because memory was short
 * @VPOOL_STAT_FREES: regions that gave their memory back
 * @VPOOL_STAT_FAULTS_HUGE: page faults that map a huge page
 * @VPOOL_STAT_FAULTS_BASE: page faults that map a base page
 * @VPOOL_STAT_MAPPED_AROUND: huge pages that a fault or populating mapped in addition
 * @VPOOL_STAT_ATTACHES: successful attach calls; inherited memberships do not count
 * @VPOOL_STAT_ESCAPES: members whose mask was found to have a CPU they may not use
 * @VPOOL_STAT_LIMITED: calls refused by max_regions, max_members and limits of users
 * @VPOOL_STAT_SCRUBBED_BYTES: bytes zeroed, in the background or in a call
 * @VPOOL_NR_STATS: number of counters
 */
enum vpool_stat_item {
	VPOOL_STAT_ALLOCS,
	VPOOL_STAT_ALLOC_FAILURES,
	VPOOL_STAT_FREES,
	VPOOL_STAT_FAULTS_HUGE,
	VPOOL_STAT_FAULTS_BASE,
	VPOOL_STAT_MAPPED_AROUND,
	VPOOL_STAT_ATTACHES,
	VPOOL_STAT_ESCAPES,
	VPOOL_STAT_LIMITED,
	VPOOL_STAT_SCRUBBED_BYTES,
	VPOOL_NR_STATS,
};

/**
 * struct vpool_stat - counters of a pool
 * @item: values, indexed by enum vpool_stat_item
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
