/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Excluding pool memory from the resident set size of processes.
 */
#ifndef VPOOL_RSS_H
#define VPOOL_RSS_H

struct mm_struct;
struct vpool_region;

void vpool_rss_start(void);
void vpool_rss_hide(struct mm_struct *mm, struct vpool_region *region,
		    unsigned long pages, unsigned long max);
void vpool_rss_limit(struct vpool_region *region, unsigned long max);
void vpool_rss_show(struct mm_struct *mm, struct vpool_region *region);

#endif /* VPOOL_RSS_H */
