// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "create.h"
#include "destroy.h"
#include "pool.h"
#include "pool_region.h"
#include "region.h"
#include "registry.h"
#include "spec.h"
#include "super.h"

struct pool_fixture {
	struct vpool_spec spec;
	struct vpool_mem mem;
	struct vpool_extack extack;
	u32 id;
};

static int pool_init(struct kunit *test)
{
	struct pool_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	vpool_extack_init(&f->extack);
	strscpy(f->spec.name, "kunit", sizeof(f->spec.name));
	f->mem.bytes = PAGE_SIZE;
	f->mem.node = VPOOL_ANY_NODE;
	f->spec.request.mem = &f->mem;
	f->spec.request.nr_mem = 1;
	f->spec.page_size = PAGE_SIZE;
	f->spec.mode = 0600;
	test->priv = f;
	return 0;
}

static void pool_exit(struct kunit *test)
{
	vpool_pool_destroy("kunit", true, NULL);
}

static int create(struct pool_fixture *f)
{
	f->extack.text[0] = '\0';
	return vpool_pool_create(&f->spec, &f->id, &f->extack);
}

static bool pool_exists(const char *name)
{
	struct vpool_pool *pool = vpool_pool_find(name, NULL);

	if (IS_ERR(pool))
		return false;
	vpool_pool_put(pool);
	return true;
}

static void creates_finds_destroys(struct kunit *test)
{
	struct pool_fixture *f = test->priv;
	struct vpool_list_entry entry = {};
	u32 others = vpool_pools_list(NULL, 0);

	KUNIT_ASSERT_EQ(test, create(f), 0);
	KUNIT_EXPECT_EQ(test, f->spec.bytes, PAGE_SIZE);
	KUNIT_EXPECT_NE(test, f->id, 0);
	KUNIT_EXPECT_TRUE(test, pool_exists("kunit"));
	KUNIT_EXPECT_EQ(test, vpool_pools_list(NULL, 0), others + 1);
	if (!others) {
		vpool_pools_list(&entry, 1);
		KUNIT_EXPECT_EQ(test, entry.id, f->id);
		KUNIT_EXPECT_EQ(test, entry.state, VPOOL_STATE_ACTIVE);
		KUNIT_EXPECT_STREQ(test, entry.name, "kunit");
	}
	KUNIT_EXPECT_EQ(test, vpool_pool_destroy("kunit", false, &f->extack),
			0);
	KUNIT_EXPECT_FALSE(test, pool_exists("kunit"));
	KUNIT_EXPECT_EQ(test, vpool_pool_destroy("kunit", false, &f->extack),
			-ENOENT);
}

static void accepts_good_names(struct kunit *test)
{
	static const char * const good[] = {
		"a", "0", "a.b", "a-b_c", "web-1", "controls",
		"abcdefghijklmnopqrstuvwxyz012345",
	};
	struct pool_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		strscpy(f->spec.name, good[i], sizeof(f->spec.name));
		KUNIT_EXPECT_EQ_MSG(test, create(f), 0, "%s: %s", good[i],
				    f->extack.text);
		KUNIT_EXPECT_EQ(test, vpool_pool_destroy(good[i], false, NULL),
				0);
	}
}

static void refuses_bad_names(struct kunit *test)
{
	static const char * const bad[] = {
		"", "control", ".", "..", ".a", "-a", "_a", "a/b", "/", "A",
		"aB", "a b", "a\n", "caf\xc3\xa9", "\xff", "a,b",
		"abcdefghijklmnopqrstuvwxyz0123456",
	};
	struct pool_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		strscpy(f->spec.name, bad[i], sizeof(f->spec.name));
		KUNIT_EXPECT_EQ_MSG(test, create(f), -EINVAL, "'%s'", bad[i]);
		KUNIT_EXPECT_NE(test, strlen(f->extack.text), 0);
	}
	memset(f->spec.name, 'a', sizeof(f->spec.name));
	KUNIT_EXPECT_EQ(test, create(f), -EINVAL);
}

static void refuses_a_taken_name(struct kunit *test)
{
	struct pool_fixture *f = test->priv;
	u32 id;

	KUNIT_ASSERT_EQ(test, create(f), 0);
	id = f->id;
	KUNIT_EXPECT_EQ(test, create(f), -EEXIST);
	KUNIT_EXPECT_EQ(test, f->extack.code, VPOOL_CODE_POOL_EXISTS);
	KUNIT_EXPECT_NOT_NULL(test, strstr(f->extack.text, "'kunit'"));
	f->spec.request.dry_run = true;
	f->id = id;
	KUNIT_EXPECT_EQ(test, create(f), -EEXIST);
	KUNIT_EXPECT_EQ(test, f->id, id);
}

static void refuses_bad_memory(struct kunit *test)
{
	static const struct {
		u64 bytes;
		int node;
		int err;
	} bad[] = {
		{ 0, -1, -EINVAL },
		{ U64_MAX, -1, -EINVAL },
		{ (u64)S64_MAX + 1, -1, -EINVAL },
		{ S64_MAX, -1, -ENOMEM },
		{ PAGE_SIZE, -2, -ENODEV },
		{ PAGE_SIZE, INT_MAX, -ENODEV },
		{ PAGE_SIZE, INT_MIN, -ENODEV },
	};
	struct pool_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		f->mem.bytes = bad[i].bytes;
		f->mem.node = bad[i].node;
		KUNIT_EXPECT_EQ_MSG(test, create(f), bad[i].err, "%llu@%d",
				    bad[i].bytes, bad[i].node);
		KUNIT_EXPECT_NE(test, strlen(f->extack.text), 0);
		KUNIT_EXPECT_FALSE(test, pool_exists("kunit"));
	}
	f->mem.bytes = PAGE_SIZE;
	f->mem.node = VPOOL_ANY_NODE;
	f->mem.__reserved = 1;
	KUNIT_EXPECT_EQ(test, create(f), -EINVAL);
}

static void refuses_bad_page_sizes(struct kunit *test)
{
	static const u64 bad[] = {
		1, 3, 2 * PAGE_SIZE, PMD_SIZE / 2, 2 * PMD_SIZE,
		2ULL * PUD_SIZE, U64_MAX,
	};
	struct pool_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		f->spec.page_size = bad[i];
		KUNIT_EXPECT_EQ_MSG(test, create(f), -EOPNOTSUPP, "%llu",
				    bad[i]);
	}
}

static void refuses_bad_mode_and_empty_pool(struct kunit *test)
{
	struct pool_fixture *f = test->priv;

	f->spec.mode = 0700;
	KUNIT_EXPECT_EQ(test, create(f), -EINVAL);
	f->spec.mode = 0600;
	f->spec.request.nr_mem = 0;
	KUNIT_EXPECT_EQ(test, create(f), -EINVAL);
	KUNIT_EXPECT_NOT_NULL(test, strstr(f->extack.text, "memory or CPUs"));
}

static void rounds_up(struct kunit *test)
{
	struct pool_fixture *f = test->priv;

	f->spec.page_size = 0;
	f->mem.bytes = 1;
	KUNIT_ASSERT_EQ(test, create(f), 0);
	KUNIT_EXPECT_EQ(test, f->spec.bytes, PMD_SIZE);
}

static void dry_run_changes_nothing(struct kunit *test)
{
	struct pool_fixture *f = test->priv;

	f->spec.request.dry_run = true;
	KUNIT_EXPECT_EQ(test, create(f), 0);
	KUNIT_EXPECT_EQ(test, f->spec.bytes, PAGE_SIZE);
	KUNIT_EXPECT_FALSE(test, pool_exists("kunit"));
}

static void is_busy_while_it_has_a_region(struct kunit *test)
{
	struct pool_fixture *f = test->priv;
	struct vpool_region *region;
	struct vpool_region_info info = {};
	struct vpool_pool *pool;
	struct inode *inode;
	u64 bytes = PAGE_SIZE;

	region = kunit_kzalloc(test, sizeof(*region), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, region);
	KUNIT_ASSERT_EQ(test, create(f), 0);
	pool = vpool_pool_find("kunit", &f->extack);
	KUNIT_ASSERT_FALSE(test, IS_ERR(pool));
	inode = vpool_super_get_inode();
	KUNIT_ASSERT_FALSE(test, IS_ERR(inode));
	vpool_region_init(region, &pool->store, inode);
	KUNIT_ASSERT_EQ(test, vpool_pool_add_region(pool, region), 0);
	KUNIT_EXPECT_EQ(test,
			vpool_region_commit(region, VPOOL_ANY_NODE, &bytes,
					    false, &f->extack),
			0);
	KUNIT_EXPECT_EQ(test, vpool_pool_list_regions(pool, &info, 1), 1);
	KUNIT_EXPECT_EQ(test, info.bytes, PAGE_SIZE);

	KUNIT_EXPECT_EQ(test, vpool_pool_destroy("kunit", false, &f->extack),
			-EBUSY);
	KUNIT_EXPECT_NOT_NULL(test,
			      strstr(f->extack.text, "has 1 region open"));
	KUNIT_EXPECT_EQ(test, vpool_pool_destroy("kunit", true, &f->extack), 0);
	KUNIT_EXPECT_FALSE(test, pool_exists("kunit"));
	KUNIT_EXPECT_EQ(test, vpool_region_bytes(region), 0);
	vpool_pool_remove_region(pool, region);
	KUNIT_EXPECT_EQ(test, vpool_pool_add_region(pool, region), -ENXIO);
	vpool_super_put_inode(inode);
	vpool_pool_put(pool);
}

static void destroys_an_orphan(struct kunit *test)
{
	struct pool_fixture *f = test->priv;
	unsigned long end = jiffies + 10 * HZ;

	f->spec.creator = f;
	KUNIT_ASSERT_EQ(test, create(f), 0);
	vpool_pools_orphan(test);
	msleep(100);
	KUNIT_EXPECT_TRUE(test, pool_exists("kunit"));
	vpool_pools_orphan(f);
	while (pool_exists("kunit") && time_before(jiffies, end))
		msleep(20);
	KUNIT_EXPECT_FALSE(test, pool_exists("kunit"));
}

static struct kunit_case vpool_pool_cases[] = {
	KUNIT_CASE(creates_finds_destroys),
	KUNIT_CASE(accepts_good_names),
	KUNIT_CASE(refuses_bad_names),
	KUNIT_CASE(refuses_a_taken_name),
	KUNIT_CASE(refuses_bad_memory),
	KUNIT_CASE(refuses_bad_page_sizes),
	KUNIT_CASE(refuses_bad_mode_and_empty_pool),
	KUNIT_CASE(rounds_up),
	KUNIT_CASE(dry_run_changes_nothing),
	KUNIT_CASE(is_busy_while_it_has_a_region),
	KUNIT_CASE(destroys_an_orphan),
	{}
};

static struct kunit_suite vpool_pool_suite = {
	.name = "vpool_pool",
	.init = pool_init,
	.exit = pool_exit,
	.test_cases = vpool_pool_cases,
};

kunit_test_suite(vpool_pool_suite);
