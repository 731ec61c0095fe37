// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/vpool.h>

#include "compat.h"
#include "host.h"

#define HUGE_ORDER (PMD_SHIFT - PAGE_SHIFT)
#define GIGANTIC_ORDER (PUD_SHIFT - PAGE_SHIFT)

static void takes_a_folio_of_the_node(struct kunit *test)
{
	struct vpool_host_walk walk;
	struct folio *folio;

	vpool_host_walk_init(&walk, HUGE_ORDER, first_memory_node, true);
	folio = vpool_host_take(&walk);
	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_EXPECT_EQ(test, folio_order(folio), HUGE_ORDER);
	KUNIT_EXPECT_EQ(test, folio_nid(folio), first_memory_node);
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	folio_put(folio);
}

/* Empty a block that should be free: one that was just allocated and freed. */
static struct folio *folio_of_block(struct kunit *test)
{
	struct folio *folio = NULL;
	struct page *page;
	unsigned long pfn;
	int i;

	for (i = 0; !folio && i < 20; i++) {
		page = alloc_pages(GFP_HIGHUSER_MOVABLE | __GFP_COMP,
				   HUGE_ORDER);
		KUNIT_ASSERT_NOT_NULL(test, page);
		pfn = page_to_pfn(page);
		__free_pages(page, HUGE_ORDER);
		folio = vpool_contig_folio(pfn, HUGE_ORDER);
		if (folio)
			KUNIT_EXPECT_EQ(test, folio_pfn(folio), pfn);
	}
	return folio;
}

static void makes_a_folio_of_a_block(struct kunit *test)
{
	struct folio *folio = folio_of_block(test);
	long i;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_EXPECT_EQ(test, folio_order(folio), HUGE_ORDER);
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	KUNIT_EXPECT_FALSE(test, folio_mapped(folio));
	KUNIT_EXPECT_FALSE(test, folio_maybe_dma_pinned(folio));
	for (i = 1; i < folio_nr_pages(folio); i++) {
		struct page *page = folio_page(folio, i);

		KUNIT_ASSERT_TRUE(test, PageTail(page));
		KUNIT_ASSERT_PTR_EQ(test, page_folio(page), folio);
		KUNIT_ASSERT_EQ(test, page_ref_count(page), 0);
	}
	folio_put(folio);
}

static void skips_the_slow_path_without_a_timeout(struct kunit *test)
{
	struct vpool_host_walk walk;
	struct folio *folio;

	vpool_host_walk_init(&walk, HUGE_ORDER, VPOOL_ANY_NODE, false);
	folio = vpool_host_take(&walk);
	KUNIT_EXPECT_EQ(test, walk.stage, VPOOL_HOST_COMPACT);
	KUNIT_EXPECT_EQ(test, walk.spent, 0UL);
	KUNIT_EXPECT_TRUE(test, walk.any);
	if (folio)
		folio_put(folio);
}

/* Any machine that runs this has a free block of the size of a huge page. */
static void finds_the_largest_free_block(struct kunit *test)
{
	struct vpool_host_walk walk;
	u64 bytes;

	vpool_host_walk_init(&walk, HUGE_ORDER, VPOOL_ANY_NODE, false);
	bytes = vpool_host_free_block(&walk);
	KUNIT_EXPECT_EQ(test, bytes, (u64)PMD_SIZE);
	vpool_host_walk_init(&walk, GIGANTIC_ORDER, VPOOL_ANY_NODE, false);
	KUNIT_EXPECT_GE(test, vpool_host_free_block(&walk), bytes);
	KUNIT_EXPECT_LE(test, vpool_host_free_block(&walk), (u64)PUD_SIZE);
}

/* The page allocator warns if it is asked for a folio of this order. */
static void takes_a_gigantic_folio(struct kunit *test)
{
	struct vpool_host_walk walk;
	struct folio *folio;

	if (!VPOOL_HAS_GIGANTIC)
		kunit_skip(test, "this kernel has no folios of this order");
	vpool_host_walk_init(&walk, GIGANTIC_ORDER, VPOOL_ANY_NODE, false);
	KUNIT_EXPECT_NULL(test, vpool_host_take_free(&walk));
	folio = vpool_host_take(&walk);
	KUNIT_EXPECT_EQ(test, walk.spent, 0UL);
	if (!folio)
		kunit_skip(test, "no block of this size is free");
	KUNIT_EXPECT_EQ(test, folio_order(folio), GIGANTIC_ORDER);
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	folio_put(folio);
}

static struct kunit_case vpool_host_cases[] = {
	KUNIT_CASE(takes_a_folio_of_the_node),
	KUNIT_CASE(makes_a_folio_of_a_block),
	KUNIT_CASE(skips_the_slow_path_without_a_timeout),
	KUNIT_CASE(finds_the_largest_free_block),
	KUNIT_CASE(takes_a_gigantic_folio),
	{}
};

static struct kunit_suite vpool_host_suite = {
	.name = "vpool_host",
	.test_cases = vpool_host_cases,
};

kunit_test_suite(vpool_host_suite);
