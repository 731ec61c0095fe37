// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "region.h"
#include "region_fixture.h"

#define NR REGION_FIXTURE_NR

static int commit(struct region_fixture *f, u64 *bytes)
{
	return vpool_region_commit(&f->region, VPOOL_ANY_NODE, bytes, false,
				   &f->extack);
}

static void commits_and_rounds_up(struct kunit *test)
{
	struct region_fixture *f = test->priv;
	u64 bytes = PMD_SIZE + 1;
	unsigned long i;

	KUNIT_EXPECT_EQ(test, vpool_region_bytes(&f->region), 0);
	KUNIT_ASSERT_EQ(test, commit(f, &bytes), 0);
	KUNIT_EXPECT_EQ(test, bytes, 2 * PMD_SIZE);
	KUNIT_EXPECT_EQ(test, vpool_region_bytes(&f->region), 2 * PMD_SIZE);
	KUNIT_EXPECT_EQ(test, region_fixture_used(f), 2 * PMD_SIZE);
	KUNIT_EXPECT_EQ(test, i_size_read(f->region.inode), 2 * PMD_SIZE);
	/* The core compares the index with the size of the inode. */
	for (i = 0; i < f->region.nr; i++)
		KUNIT_EXPECT_EQ(test, f->region.folios[i]->index,
				i << f->store.order);
}

/* A pinned folio may outlive the region, so it must not point to the inode. */
static void folios_lose_the_mapping(struct kunit *test)
{
	struct region_fixture *f = test->priv;
	u64 bytes = 2 * PMD_SIZE;
	struct folio *pinned;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, commit(f, &bytes), 0);
	pinned = f->region.folios[1];
	KUNIT_EXPECT_PTR_EQ(test, pinned->mapping, f->region.inode->i_mapping);
	/* After a memory error, the core would evict clean folios. */
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(pinned));
	folio_get(pinned);
	vpool_region_empty(&f->region);
	KUNIT_EXPECT_PTR_EQ(test, pinned->mapping, NULL);
	KUNIT_EXPECT_EQ(test, region_fixture_used(f), PMD_SIZE);
	folio_put(pinned);
	/* The store checks pinned folios from time to time. */
	for (i = 0; i < 500 && region_fixture_used(f); i++)
		msleep(20);
	KUNIT_EXPECT_EQ(test, region_fixture_used(f), 0);
}

static void keeps_its_size(struct kunit *test)
{
	struct region_fixture *f = test->priv;
	u64 bytes = PMD_SIZE;

	KUNIT_ASSERT_EQ(test, commit(f, &bytes), 0);
	KUNIT_EXPECT_EQ(test, commit(f, &bytes), -EBUSY);
	KUNIT_EXPECT_EQ(test, region_fixture_used(f), PMD_SIZE);
}

static void refuses_bad_sizes(struct kunit *test)
{
	static const struct {
		u64 bytes;
		int err;
	} bad[] = {
		{ 0, -EINVAL },
		{ U64_MAX, -EINVAL },
		{ (u64)S64_MAX + 1, -EINVAL },
		{ S64_MAX, -EINVAL },
		{ 1ULL << 62, -ENOMEM },
		{ NR * PMD_SIZE + 1, -ENOMEM },
	};
	struct region_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		u64 bytes = bad[i].bytes;

		f->extack.text[0] = '\0';
		KUNIT_EXPECT_EQ(test, commit(f, &bytes), bad[i].err);
		KUNIT_EXPECT_NE(test, strlen(f->extack.text), 0);
		KUNIT_EXPECT_EQ(test, region_fixture_used(f), 0);
	}
}

static void loses_its_memory_when_revoked(struct kunit *test)
{
	struct region_fixture *f = test->priv;
	u64 bytes = NR * PMD_SIZE;

	KUNIT_ASSERT_EQ(test, commit(f, &bytes), 0);
	vpool_region_revoke(&f->region);
	KUNIT_EXPECT_EQ(test, region_fixture_used(f), 0);
	KUNIT_EXPECT_EQ(test, vpool_region_bytes(&f->region), 0);
	KUNIT_EXPECT_EQ(test, commit(f, &bytes), -ENXIO);
	vpool_region_revoke(&f->region);
}

static struct kunit_case vpool_region_cases[] = {
	KUNIT_CASE(commits_and_rounds_up),
	KUNIT_CASE(folios_lose_the_mapping),
	KUNIT_CASE(keeps_its_size),
	KUNIT_CASE(refuses_bad_sizes),
	KUNIT_CASE(loses_its_memory_when_revoked),
	{}
};

static struct kunit_suite vpool_region_suite = {
	.name = "vpool_region",
	.init = region_fixture_init,
	.exit = region_fixture_exit,
	.test_cases = vpool_region_cases,
};

kunit_test_suite(vpool_region_suite);
