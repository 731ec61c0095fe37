// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "extent.h"
#include "region.h"
#include "region_fixture.h"

#define NR REGION_FIXTURE_NR

/* A mapping without a memory policy. */
static struct vm_area_struct vma;

static u64 used(struct region_fixture *f)
{
	return region_fixture_used(f) / PMD_SIZE;
}

static int commit(struct region_fixture *f, unsigned long first,
		  unsigned long end)
{
	return vpool_extent_commit(&f->region, first, end, &f->extack);
}

/* Set the size in bytes, and commit all of the file. */
static void grow(struct kunit *test, struct region_fixture *f, loff_t size)
{
	KUNIT_ASSERT_EQ(test, commit(f, 0, DIV_ROUND_UP_ULL(size, PMD_SIZE)), 0);
	KUNIT_ASSERT_EQ(test, vpool_extent_zero_tail(&f->region, size), 0);
	KUNIT_ASSERT_EQ(test, vpool_extent_set_size(&f->region, size), 0);
}

static u8 *byte_at(struct kunit *test, struct region_fixture *f, loff_t pos)
{
	struct folio *folio = vpool_extent_get_folio(&f->region, pos / PMD_SIZE,
						     true);

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(folio));
	/* The region keeps the folio. */
	folio_put(folio);
	return folio_address(folio) + pos % PMD_SIZE;
}

static void commit_fills_holes_only(struct kunit *test)
{
	struct region_fixture *f = test->priv;
	struct folio *folio;

	KUNIT_ASSERT_EQ(test, commit(f, 1, 2), 0);
	folio = f->region.folios[1];
	KUNIT_ASSERT_EQ(test, commit(f, 0, 3), 0);
	KUNIT_EXPECT_EQ(test, used(f), 3);
	KUNIT_EXPECT_PTR_EQ(test, f->region.folios[1], folio);
	KUNIT_EXPECT_EQ(test, commit(f, 0, 3), 0);
	KUNIT_EXPECT_EQ(test, used(f), 3);
	/* The size is still 0. */
	KUNIT_EXPECT_EQ(test, f->region.nr, 0);
}

static void failed_commit_takes_nothing(struct kunit *test)
{
	struct region_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, commit(f, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, commit(f, 0, NR + 1), -ENOSPC);
	KUNIT_EXPECT_EQ(test, used(f), 1);
	KUNIT_EXPECT_EQ(test, f->extack.code, VPOOL_CODE_POOL_SHORT);
}

static void truncation_returns_and_zeroes(struct kunit *test)
{
	struct region_fixture *f = test->priv;

	grow(test, f, 3 * PMD_SIZE);
	memset(byte_at(test, f, PMD_SIZE), 1, PMD_SIZE);
	KUNIT_ASSERT_EQ(test,
			vpool_extent_set_size(&f->region, PMD_SIZE + 10), 0);
	KUNIT_EXPECT_EQ(test, used(f), 2);
	KUNIT_EXPECT_EQ(test, f->region.nr, 2);
	KUNIT_EXPECT_EQ(test, i_size_read(f->region.inode), PMD_SIZE + 10);
	KUNIT_EXPECT_EQ(test, *byte_at(test, f, PMD_SIZE + 9), 1);
	KUNIT_EXPECT_EQ(test, *byte_at(test, f, PMD_SIZE + 10), 0);
	KUNIT_EXPECT_EQ(test, *byte_at(test, f, 2 * PMD_SIZE - 1), 0);
}

static void growth_zeroes_what_was_beyond(struct kunit *test)
{
	struct region_fixture *f = test->priv;

	grow(test, f, 10);
	memset(byte_at(test, f, 0), 1, PMD_SIZE);
	grow(test, f, 20);
	KUNIT_EXPECT_EQ(test, *byte_at(test, f, 9), 1);
	KUNIT_EXPECT_EQ(test, *byte_at(test, f, 10), 0);
	KUNIT_EXPECT_EQ(test, *byte_at(test, f, 19), 0);
	/* Beyond the new size, a mapping still sees what it has written. */
	KUNIT_EXPECT_EQ(test, *byte_at(test, f, 20), 1);
}

static void punch_zeroes_parts(struct kunit *test)
{
	struct region_fixture *f = test->priv;

	grow(test, f, 3 * PMD_SIZE);
	memset(byte_at(test, f, 0), 1, PMD_SIZE);
	memset(byte_at(test, f, 2 * PMD_SIZE), 1, PMD_SIZE);
	KUNIT_ASSERT_EQ(test,
			vpool_extent_punch(&f->region, PMD_SIZE - 1,
					   2 * PMD_SIZE + 1), 0);
	KUNIT_EXPECT_EQ(test, used(f), 2);
	KUNIT_EXPECT_NULL(test, f->region.folios[1]);
	KUNIT_EXPECT_EQ(test, *byte_at(test, f, PMD_SIZE - 2), 1);
	KUNIT_EXPECT_EQ(test, *byte_at(test, f, PMD_SIZE - 1), 0);
	KUNIT_EXPECT_EQ(test, *byte_at(test, f, 2 * PMD_SIZE), 0);
	KUNIT_EXPECT_EQ(test, *byte_at(test, f, 2 * PMD_SIZE + 1), 1);
	/* In one folio, and beyond the end. */
	KUNIT_EXPECT_EQ(test, vpool_extent_punch(&f->region, 5, 6), 0);
	KUNIT_EXPECT_EQ(test, *byte_at(test, f, 4), 1);
	KUNIT_EXPECT_EQ(test, *byte_at(test, f, 5), 0);
	KUNIT_EXPECT_EQ(test, *byte_at(test, f, 6), 1);
	KUNIT_EXPECT_EQ(test,
			vpool_extent_punch(&f->region, 0, S64_MAX), 0);
	KUNIT_EXPECT_EQ(test, used(f), 0);
}

static void fault_fills_a_hole(struct kunit *test)
{
	struct region_fixture *f = test->priv;
	const pgoff_t pages = PMD_SIZE / PAGE_SIZE;

	grow(test, f, 2 * PMD_SIZE);
	KUNIT_ASSERT_EQ(test, vpool_extent_punch(&f->region, 0, PMD_SIZE), 0);
	KUNIT_EXPECT_EQ(test, vpool_extent_fault_in(&f->region, &vma, 3), 0);
	KUNIT_EXPECT_EQ(test, used(f), 2);
	KUNIT_EXPECT_EQ(test, *byte_at(test, f, 0), 0);
	/* Another fault was faster. */
	KUNIT_EXPECT_EQ(test, vpool_extent_fault_in(&f->region, &vma, 3), 0);
	KUNIT_EXPECT_EQ(test, used(f), 2);
	KUNIT_EXPECT_EQ(test,
			vpool_extent_fault_in(&f->region, &vma, 2 * pages),
			-EFAULT);
}

static void seek_finds_data_and_holes(struct kunit *test)
{
	struct region_fixture *f = test->priv;

	grow(test, f, 3 * PMD_SIZE - 5);
	KUNIT_ASSERT_EQ(test, vpool_extent_punch(&f->region, PMD_SIZE,
						 2 * PMD_SIZE), 0);
	KUNIT_EXPECT_EQ(test, vpool_extent_seek(&f->region, 7, true), 7);
	KUNIT_EXPECT_EQ(test, vpool_extent_seek(&f->region, 7, false), PMD_SIZE);
	KUNIT_EXPECT_EQ(test, vpool_extent_seek(&f->region, PMD_SIZE + 1, true),
			2 * PMD_SIZE);
	KUNIT_EXPECT_EQ(test,
			vpool_extent_seek(&f->region, 2 * PMD_SIZE, false),
			3 * PMD_SIZE - 5);
	KUNIT_ASSERT_EQ(test, vpool_extent_punch(&f->region, 0, S64_MAX), 0);
	KUNIT_EXPECT_EQ(test, vpool_extent_seek(&f->region, 0, true), -ENXIO);
}

static void fails_after_a_revoke(struct kunit *test)
{
	struct region_fixture *f = test->priv;

	grow(test, f, PMD_SIZE);
	vpool_region_revoke(&f->region);
	KUNIT_EXPECT_EQ(test, used(f), 0);
	KUNIT_EXPECT_EQ(test, commit(f, 0, 2), -EIO);
	KUNIT_EXPECT_EQ(test, vpool_extent_set_size(&f->region, 0), -EIO);
	KUNIT_EXPECT_EQ(test, vpool_extent_punch(&f->region, 0, PMD_SIZE), -EIO);
	KUNIT_EXPECT_EQ(test, vpool_extent_fault_in(&f->region, &vma, 0),
			-EFAULT);
	KUNIT_EXPECT_PTR_EQ(test, vpool_extent_get_folio(&f->region, 0, false),
			    (struct folio *)ERR_PTR(-EIO));
}

static struct kunit_case vpool_extent_cases[] = {
	KUNIT_CASE(commit_fills_holes_only),
	KUNIT_CASE(failed_commit_takes_nothing),
	KUNIT_CASE(truncation_returns_and_zeroes),
	KUNIT_CASE(growth_zeroes_what_was_beyond),
	KUNIT_CASE(punch_zeroes_parts),
	KUNIT_CASE(fault_fills_a_hole),
	KUNIT_CASE(seek_finds_data_and_holes),
	KUNIT_CASE(fails_after_a_revoke),
	{}
};

static struct kunit_suite vpool_extent_suite = {
	.name = "vpool_extent",
	.init = region_fixture_init,
	.exit = region_fixture_exit,
	.test_cases = vpool_extent_cases,
};

kunit_test_suite(vpool_extent_suite);
