// SPDX-License-Identifier: GPL-2.0
/*
 * Excluding pool memory from the resident set size (RSS) of processes.
 *
 * The OOM killer kills the process with the largest RSS, because that frees the most
 * memory for the host. Pool memory returns to the pool instead, so killing a process for
 * it would not help. For the same reason, the core does not count hugetlb pages. It does
 * count pool memory, as file pages, when it maps and unmaps them. This file subtracts
 * the pages that a fault maps, and adds them back when the core closes the mapping.
 *
 * Invariant: for each pair of address space and region, the counter of file pages is
 * too low by vpool_rss.hidden. Nothing may be hidden when the address space ends;
 * otherwise the kernel reports a bad counter. This holds because only a fault on a
 * mapping hides pages, each mapping is closed before its address space ends, and closing
 * shows all hidden pages again. It holds no matter how mappings are split, merged or
 * copied. If a process closes one of several mappings of a region, the pages of the
 * other mappings count until the next fault.
 *
 * Two faults that map the same folios at the same time may hide them twice. The number of
 * hidden pages is then too high until a mapping is closed.
 *
 * The number of hidden pages never exceeds the size of the region, so a process cannot
 * hide other memory by dropping and touching the same pages repeatedly. The core clamps
 * a negative counter to 0. A file that loses folios lowers this bound for all processes
 * that map it.
 */
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "region.h"
#include "rss.h"

#define VPOOL_RSS_BITS 8

/**
 * struct vpool_rss - pages of one region hidden in one address space
 * @link: in the list of its bucket
 * @mm: address space without a reference. It cannot end while the entry is on a list
 * @region: region; a key without a reference, never dereferenced
 * @hidden: number of pages subtracted from the counter of file pages of @mm
 */
struct vpool_rss {
	struct hlist_node link;
	struct mm_struct *mm;
	const struct vpool_region *region;
	unsigned long hidden;
};

/**
 * struct vpool_rss_bucket - entries with the same hash
 * @lock: guards @list and the entries on it; a leaf
 * @list: list of struct vpool_rss
 */
struct vpool_rss_bucket {
	spinlock_t lock;	/* the list and its entries */
	struct hlist_head list;
};

static struct vpool_rss_bucket vpool_rss_buckets[1 << VPOOL_RSS_BITS];

static struct vpool_rss_bucket *
vpool_rss_bucket_of(const struct mm_struct *mm,
		    const struct vpool_region *region)
{
	unsigned long key = (unsigned long)mm ^ (unsigned long)region;

	return &vpool_rss_buckets[hash_long(key, VPOOL_RSS_BITS)];
}

static struct vpool_rss *vpool_rss_find(struct vpool_rss_bucket *bucket,
					const struct mm_struct *mm,
					const struct vpool_region *region)
{
	struct vpool_rss *rss;

	lockdep_assert_held(&bucket->lock);
	hlist_for_each_entry(rss, &bucket->list, link)
		if (rss->mm == mm && rss->region == region)
			return rss;
	return NULL;
}

/**
 * vpool_rss_start - initialize the locks of the table
 */
void vpool_rss_start(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vpool_rss_buckets); i++)
		spin_lock_init(&vpool_rss_buckets[i].lock);
}

/* Hide pages. If there is no entry, use *@new and clear it; false if it is NULL, too. */
static bool vpool_rss_add(struct vpool_rss_bucket *bucket,
			  struct mm_struct *mm, struct vpool_region *region,
			  struct vpool_rss **new, unsigned long pages,
			  unsigned long max)
{
	struct vpool_rss *rss;

	spin_lock(&bucket->lock);
	rss = vpool_rss_find(bucket, mm, region);
	if (!rss && *new) {
		rss = *new;
		*new = NULL;
		atomic_inc(&region->nr_rss);
		hlist_add_head(&rss->link, &bucket->list);
	}
	if (rss) {
		pages = min(pages, max - min(max, rss->hidden));
		rss->hidden += pages;
		vpool_mm_add_file_pages(mm, -(long)pages);
	}
	spin_unlock(&bucket->lock);
	return rss;
}

/**
 * vpool_rss_hide - exclude pages from the RSS of a process
 * @mm: address space in which the caller handles a fault, or populates
 * @region: region of which the core maps pages
 * @pages: number of pages that the core has added or will add to the counter
 * @max: number of pages in the region
 *
 * If there is no kernel memory for an entry, the pages stay in the RSS.
 *
 * Context: sleeps.
 */
void vpool_rss_hide(struct mm_struct *mm, struct vpool_region *region,
		    unsigned long pages, unsigned long max)
{
	struct vpool_rss_bucket *bucket = vpool_rss_bucket_of(mm, region);
	struct vpool_rss *new = NULL;

	if (vpool_rss_add(bucket, mm, region, &new, pages, max))
		return;
	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!new)
		return;
	new->mm = mm;
	new->region = region;
	vpool_rss_add(bucket, mm, region, &new, pages, max);
	/* Not NULL if another thread has added an entry first. */
	kfree(new);
}

/**
 * vpool_rss_show - include all hidden pages of a region in the RSS again
 * @mm: address space in which the core closes a mapping of @region
 * @region: region of that mapping
 *
 * Context: any.
 */
void vpool_rss_show(struct mm_struct *mm, struct vpool_region *region)
{
	struct vpool_rss_bucket *bucket = vpool_rss_bucket_of(mm, region);
	struct vpool_rss *rss;

	spin_lock(&bucket->lock);
	rss = vpool_rss_find(bucket, mm, region);
	if (rss) {
		hlist_del(&rss->link);
		atomic_dec(&region->nr_rss);
		vpool_mm_add_file_pages(mm, rss->hidden);
	}
	spin_unlock(&bucket->lock);
	kfree(rss);
}

/* Apply vpool_rss_limit() to a bucket, and return its number of entries of @region. */
static int vpool_rss_limit_bucket(struct vpool_rss_bucket *bucket,
				  const struct vpool_region *region,
				  unsigned long max)
{
	struct vpool_rss *rss;
	int nr = 0;

	spin_lock(&bucket->lock);
	hlist_for_each_entry(rss, &bucket->list, link) {
		if (rss->region != region)
			continue;
		nr++;
		if (rss->hidden <= max)
			continue;
		vpool_mm_add_file_pages(rss->mm, rss->hidden - max);
		rss->hidden = max;
	}
	spin_unlock(&bucket->lock);
	return nr;
}

/**
 * vpool_rss_limit - include pages in the RSS that a region does not have any more
 * @region: region that has lost folios, which the core has unmapped
 * @max: number of pages that it still has
 *
 * The core has subtracted the unmapped pages from the counters of all processes. Those
 * that map a part of the region only may still have too many hidden pages.
 *
 * Context: any.
 */
void vpool_rss_limit(struct vpool_region *region, unsigned long max)
{
	struct vpool_rss_bucket *own = vpool_rss_bucket_of(current->mm, region);
	int left = atomic_read(&region->nr_rss);
	unsigned int i;

	/* Most often, only the caller maps the region. */
	if (left > 0)
		left -= vpool_rss_limit_bucket(own, region, max);
	for (i = 0; left > 0 && i < ARRAY_SIZE(vpool_rss_buckets); i++)
		if (&vpool_rss_buckets[i] != own &&
		    !hlist_empty(&vpool_rss_buckets[i].list))
			left -= vpool_rss_limit_bucket(&vpool_rss_buckets[i],
						       region, max);
}
