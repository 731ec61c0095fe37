/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of the host for a store, and a region in a store, for tests.
 */
#ifndef VPOOL_REGION_FIXTURE_H
#define VPOOL_REGION_FIXTURE_H

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/mm.h>

#include "extack.h"
#include "region.h"
#include "reserve.h"
#include "stat.h"
#include "store.h"
#include "super.h"

/* Number of folios of the store. */
#define REGION_FIXTURE_NR 4

struct region_fixture {
	struct vpool_store store;
	struct vpool_stat stat;
	struct vpool_extack extack;
	struct vpool_region region;
};

/* Give @store memory of NUMA node @nid. */
static inline int store_fixture_gather(struct vpool_store *store, int nid,
				       u64 bytes, struct vpool_extack *extack)
{
	struct vpool_gather gather = {
		.store = store,
		.folios = LIST_HEAD_INIT(gather.folios),
		.timeout = 10 * HZ,
	};
	int err = vpool_gather_memory(&gather, nid, bytes, extack);

	vpool_gather_publish(&gather);
	return err;
}

static inline u64 region_fixture_used(struct region_fixture *f)
{
	struct vpool_usage usage;

	vpool_store_usage(&f->store, &usage);
	return usage.used;
}

static inline int region_fixture_init(struct kunit *test)
{
	struct region_fixture *f;
	struct inode *inode;
	int err;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	vpool_extack_init(&f->extack);
	err = vpool_store_init(&f->store, "test", NULL,
			       PMD_SHIFT - PAGE_SHIFT, &f->stat);
	KUNIT_ASSERT_EQ(test, err, 0);
	err = store_fixture_gather(&f->store, VPOOL_ANY_NODE,
				   REGION_FIXTURE_NR * PMD_SIZE, &f->extack);
	KUNIT_ASSERT_EQ(test, err, 0);
	inode = vpool_super_get_inode();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, inode);
	vpool_region_init(&f->region, &f->store, inode);
	test->priv = f;
	return 0;
}

static inline void region_fixture_exit(struct kunit *test)
{
	struct region_fixture *f = test->priv;

	if (!f)
		return;
	vpool_region_empty(&f->region);
	KUNIT_EXPECT_EQ(test, region_fixture_used(f), 0);
	vpool_region_exit(&f->region);
	vpool_super_put_inode(f->region.inode);
	vpool_store_close(&f->store);
	vpool_store_exit(&f->store);
}

#endif /* VPOOL_REGION_FIXTURE_H */
