// SPDX-License-Identifier: GPL-2.0
/*
 * Pool memory does not count as resident memory of the host.
 *
 * The OOM killer takes the process with most resident memory, so that the host gets
 * most of it back. Pool memory goes back to the pool, not to the host: a process
 * that maps much of it would die in vain. The core does not count the pages of
 * hugetlbfs for that reason. It does count ours, as file pages, where it maps them
 * and where it unmaps them. So what it adds when a fault maps a page is taken off
 * again here, and added back before the process has unmapped its last page of the
 * region, or rather just after that, when the core closes the mapping.
 *
 * Invariant: for each region and address space, the counter of file pages is too low
 * by what &struct vpool_rss says is hidden. Nothing may be hidden when the address
 * space ends, or the kernel reports a bad counter. Pages are hidden only by a fault
 * on a mapping, each mapping is closed before its address space ends, and closing
 * shows everything that is hidden. This does not depend on how often mappings are
 * split, merged or copied. After a process has closed one of several mappings of a
 * region, what it still has mapped of that region counts, until it faults again.
 *
 * No more is hidden than the region has: a process cannot hide other memory by
 * dropping and touching the same pages again and again. The core clamps a counter
 * below 0 to 0.
 */
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "rss.h"

#define VPOOL_RSS_BITS 8

/**
 * struct vpool_rss - what is hidden of one region in one address space
 * @link: in its bucket
 * @mm: the address space, as a key only
 * @region: the region, as a key only
 * @hidden: pages taken off the counter of file pages of @mm
 */
struct vpool_rss {
	struct hlist_node link;
	const struct mm_struct *mm;
	const struct vpool_region *region;
	unsigned long hidden;
};

/**
 * struct vpool_rss_bucket - those whose keys have one hash
 * @lock: guards the list and what is hidden; a leaf
 * @list: of struct vpool_rss
 */
struct vpool_rss_bucket {
	spinlock_t lock;	/* the list and what is hidden */
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
 * vpool_rss_start - set up the table
 */
void vpool_rss_start(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vpool_rss_buckets); i++)
		spin_lock_init(&vpool_rss_buckets[i].lock);
}

/* Takes off what a fault adds; false if there is no entry to note it in. */
static bool vpool_rss_add(struct vpool_rss_bucket *bucket,
			  struct mm_struct *mm,
			  const struct vpool_region *region,
			  struct vpool_rss **new, unsigned long pages,
			  unsigned long max)
{
	struct vpool_rss *rss;

	spin_lock(&bucket->lock);
	rss = vpool_rss_find(bucket, mm, region);
	if (!rss && *new) {
		rss = *new;
		*new = NULL;
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
 * vpool_rss_hide - take pages off a process's resident memory
 * @mm: its address space, in which the caller handles a fault
 * @region: of which a page is about to be mapped
 * @pages: how many the core adds for that
 * @max: pages of the region
 *
 * Without kernel memory to note it in, the pages count.
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
	/* Another thread was quicker. */
	kfree(new);
}

/**
 * vpool_rss_show - let all pages of a region count again
 * @mm: the address space in which a mapping of it is closed
 * @region: which
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
		vpool_mm_add_file_pages(mm, rss->hidden);
	}
	spin_unlock(&bucket->lock);
	kfree(rss);
}
