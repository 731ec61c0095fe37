// SPDX-License-Identifier: GPL-2.0
/*
 * One folio of a pool: zeroing it, removing it from the host's memory, giving it back.
 *
 * Like a balloon, a pool removes its folios from the memory that the host manages.
 * The overcommit limit and the OOM killer then see only the remaining memory.
 */
#include <linux/highmem.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include "folio.h"

/**
 * vpool_folio_zero - zero a folio
 * @folio: folio whose contents only the caller can reach
 *
 * Poisoned pages keep their bytes, which no access can read.
 *
 * Context: sleeps, because a folio can have 1 GiB.
 * Return: true if the whole folio is zero, false if it has poisoned pages.
 */
bool vpool_folio_zero(struct folio *folio)
{
	long i, nr = folio_nr_pages(folio);
	bool good = true;

	for (i = 0; i < nr; i++) {
		struct page *page = folio_page(folio, i);

		if (PageHWPoison(page))
			good = false;
		else
			clear_highpage(page);
		if (IS_ALIGNED(i + 1, PMD_SIZE / PAGE_SIZE))
			cond_resched();
	}
	return good;
}

/**
 * vpool_folio_unmanage - stop counting a folio as memory that the host manages
 * @folio: folio that a pool has just taken from the host
 */
void vpool_folio_unmanage(struct folio *folio)
{
	adjust_managed_page_count(&folio->page, -folio_nr_pages(folio));
}

/*
 * A large folio with a poisoned page never goes back: the page allocator would
 * allocate it again as a whole.
 */
static void vpool_folio_free(struct folio *folio, bool dirty)
{
	bool poisoned = vpool_folio_poisoned(folio);

	if (dirty && !poisoned && vpool_folio_idle(folio))
		poisoned = !vpool_folio_zero(folio);
	folio->private = NULL;
	if (poisoned && folio_test_large(folio)) {
		pr_warn("pfn %#lx: %lu KiB are not given back to the host, a page is poisoned\n",
			folio_pfn(folio), folio_size(folio) >> 10);
		return;
	}
	adjust_managed_page_count(&folio->page, folio_nr_pages(folio));
	folio_put(folio);
}

/**
 * vpool_folio_free_list - give folios back to the host
 * @folios: list of folios linked by their lru; empty afterwards
 * @dirty: true to zero them first
 *
 * Drops the store's reference to each folio. The last holder of a pinned folio frees
 * it.
 *
 * Context: sleeps.
 */
void vpool_folio_free_list(struct list_head *folios, bool dirty)
{
	struct folio *folio, *next;

	list_for_each_entry_safe(folio, next, folios, lru) {
		list_del(&folio->lru);
		vpool_folio_free(folio, dirty);
		cond_resched();
	}
}
