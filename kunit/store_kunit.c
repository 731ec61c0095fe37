// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "host.h"
#include "policy.h"
#include "region_fixture.h"
#include "reserve.h"
#include "store.h"
#include "take.h"

#define NR 8

struct store_fixture {
	struct vpool_store store;
	struct vpool_stat stat;
	struct vpool_extack extack;
	struct folio *folio[NR + 1];
	u64 *bytes;
};

static int take_of(struct store_fixture *f, int nid, unsigned long nr)
{
	struct vpool_policy policy;

	vpool_policy_init(&policy, nid);
	return vpool_take_folios(&f->store, &policy, f->folio, nr, true,
				&f->extack);
}

static int take(struct store_fixture *f, unsigned long nr)
{
	return take_of(f, VPOOL_ANY_NODE, nr);
}

static int can_take(struct store_fixture *f, unsigned long nr)
{
	struct vpool_policy policy;

	vpool_policy_init(&policy, VPOOL_ANY_NODE);
	return vpool_take_check(&f->store, &policy, nr, &f->extack);
}

static u64 size_of(struct store_fixture *f, unsigned long nr)
{
	return nr * vpool_store_page_size(&f->store);
}

static struct vpool_usage usage_of(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	struct vpool_usage usage;

	vpool_store_usage(&f->store, &usage);
	KUNIT_EXPECT_EQ(test, usage.total,
			usage.free + usage.used + usage.poisoned);
	KUNIT_EXPECT_EQ(test, usage.free, usage.clean + usage.scrubbing);
	return usage;
}

/* Wait at most ten seconds until @used bytes are in use. */
static bool used_becomes(struct kunit *test, u64 used)
{
	unsigned long end = jiffies + 10 * HZ;

	while (usage_of(test).used != used && time_before(jiffies, end))
		msleep(20);
	return usage_of(test).used == used;
}

static bool all_becomes_clean(struct kunit *test)
{
	unsigned long end = jiffies + 10 * HZ;

	while (usage_of(test).scrubbing && time_before(jiffies, end))
		msleep(20);
	return !usage_of(test).scrubbing;
}

static int store_fill(struct kunit *test, unsigned int order)
{
	struct store_fixture *f;
	int err;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->bytes = kunit_kcalloc(test, nr_node_ids, sizeof(u64), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->bytes);
	test->priv = f;
	vpool_extack_init(&f->extack);
	err = vpool_store_init(&f->store, "test", NULL, order, &f->stat);
	KUNIT_ASSERT_EQ(test, err, 0);
	return store_fixture_gather(&f->store, first_memory_node,
				    size_of(f, NR), &f->extack);
}

static int huge_store_init(struct kunit *test)
{
	return store_fill(test, PMD_SHIFT - PAGE_SHIFT);
}

static int small_store_init(struct kunit *test)
{
	return store_fill(test, 0);
}

static void store_exit(struct kunit *test)
{
	struct store_fixture *f = test->priv;

	if (!f)
		return;
	vpool_store_close(&f->store);
	vpool_store_exit(&f->store);
}

static bool folio_is_zero(struct folio *folio)
{
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++) {
		void *kaddr = kmap_local_folio(folio, i * PAGE_SIZE);
		bool zero = !memchr_inv(kaddr, 0, PAGE_SIZE);

		kunmap_local(kaddr);
		if (!zero)
			return false;
	}
	return true;
}

static void folio_soil(struct folio *folio)
{
	long i;

	for (i = 0; i < folio_nr_pages(folio); i++) {
		void *kaddr = kmap_local_folio(folio, i * PAGE_SIZE);

		memset(kaddr, 0xa5, PAGE_SIZE);
		kunmap_local(kaddr);
	}
}

static void has_the_memory_it_has_gathered(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	struct vpool_usage usage = usage_of(test);

	KUNIT_EXPECT_EQ(test, usage.total, size_of(f, NR));
	KUNIT_EXPECT_EQ(test, usage.free, size_of(f, NR));
	KUNIT_EXPECT_EQ(test, usage.used, 0);
	KUNIT_EXPECT_EQ(test, usage.peak, 0);
	KUNIT_EXPECT_TRUE(test, all_becomes_clean(test));
}

static void gives_zeroed_folios(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	int i;

	KUNIT_ASSERT_EQ(test, take(f, NR), 0);
	KUNIT_EXPECT_EQ(test, usage_of(test).used, size_of(f, NR));
	KUNIT_EXPECT_EQ(test, usage_of(test).peak, size_of(f, NR));
	for (i = 0; i < NR; i++)
		KUNIT_EXPECT_TRUE(test, folio_is_zero(f->folio[i]));
	vpool_store_return(&f->store, f->folio, NR, NULL);
	KUNIT_EXPECT_TRUE(test, used_becomes(test, 0));
	KUNIT_EXPECT_EQ(test, usage_of(test).peak, size_of(f, NR));
}

static void refuses_more_than_is_free(struct kunit *test)
{
	struct store_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, can_take(f, NR), 0);
	KUNIT_EXPECT_EQ(test, can_take(f, NR + 1), -ENOMEM);
	KUNIT_EXPECT_EQ(test, take(f, NR + 1), -ENOMEM);
	KUNIT_EXPECT_NOT_NULL(test, strstr(f->extack.text, "'test' has"));
	KUNIT_EXPECT_EQ(test, usage_of(test).used, 0);
	KUNIT_EXPECT_EQ(test, vpool_stat_read(&f->stat,
					      VPOOL_STAT_ALLOC_FAILURES), 2);
}

static void scrubs_returned_folios(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	u64 before;
	int i;

	KUNIT_ASSERT_EQ(test, take(f, NR), 0);
	before = vpool_stat_read(&f->stat, VPOOL_STAT_SCRUBBED_BYTES);
	for (i = 0; i < NR; i++)
		folio_soil(f->folio[i]);
	vpool_store_return(&f->store, f->folio, NR, NULL);
	KUNIT_EXPECT_TRUE(test, all_becomes_clean(test));
	KUNIT_EXPECT_EQ(test, vpool_stat_read(&f->stat,
					      VPOOL_STAT_SCRUBBED_BYTES),
			before + size_of(f, NR));
	KUNIT_ASSERT_EQ(test, take(f, NR), 0);
	for (i = 0; i < NR; i++)
		KUNIT_EXPECT_TRUE(test, folio_is_zero(f->folio[i]));
	vpool_store_return(&f->store, f->folio, NR, NULL);
}

static void zeroes_in_the_call_if_not_scrubbed_yet(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	int try, i;

	for (try = 0; try < 20; try++) {
		KUNIT_ASSERT_EQ(test, take(f, NR), 0);
		for (i = 0; i < NR; i++) {
			KUNIT_EXPECT_TRUE(test, folio_is_zero(f->folio[i]));
			folio_soil(f->folio[i]);
		}
		vpool_store_return(&f->store, f->folio, NR, NULL);
	}
}

static void waits_for_the_last_pin(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	struct folio *pinned;

	KUNIT_ASSERT_EQ(test, take(f, NR), 0);
	pinned = f->folio[0];
	folio_get(pinned);
	folio_soil(pinned);
	vpool_store_return(&f->store, f->folio, NR, NULL);
	KUNIT_EXPECT_TRUE(test, all_becomes_clean(test));
	KUNIT_EXPECT_EQ(test, usage_of(test).used, size_of(f, 1));
	KUNIT_EXPECT_EQ(test, vpool_store_pinned(&f->store), size_of(f, 1));
	/* The pinned folio is not scrubbed, and no taker gets it. */
	KUNIT_EXPECT_FALSE(test, folio_is_zero(pinned));
	KUNIT_EXPECT_EQ(test, take(f, NR), -ENOMEM);
	folio_put(pinned);
	KUNIT_EXPECT_TRUE(test, used_becomes(test, 0));
	KUNIT_EXPECT_EQ(test, vpool_store_pinned(&f->store), 0);
	KUNIT_EXPECT_TRUE(test, all_becomes_clean(test));
}

static void may_close_with_a_pin(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	struct folio *pinned;

	KUNIT_ASSERT_EQ(test, take(f, NR), 0);
	pinned = f->folio[0];
	folio_get(pinned);
	vpool_store_return(&f->store, f->folio, NR, NULL);
	vpool_store_close(&f->store);
	KUNIT_EXPECT_EQ(test, usage_of(test).total, 0);
	KUNIT_EXPECT_EQ(test, usage_of(test).used, 0);
	KUNIT_EXPECT_EQ(test, folio_ref_count(pinned), 1);
	folio_put(pinned);
}

static void gathers_without_adding_to_the_store(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	struct vpool_gather gather = {
		.store = &f->store,
		.folios = LIST_HEAD_INIT(gather.folios),
	};

	vpool_store_set_target(&f->store, size_of(f, NR + 2));
	KUNIT_ASSERT_EQ(test,
			vpool_gather_memory(&gather, VPOOL_ANY_NODE,
					    size_of(f, 2), &f->extack),
			0);
	KUNIT_EXPECT_EQ(test, usage_of(test).total, size_of(f, NR));
	KUNIT_EXPECT_EQ(test, usage_of(test).gathered, size_of(f, 2));
	KUNIT_EXPECT_EQ(test, usage_of(test).target, size_of(f, NR + 2));
	vpool_gather_discard(&gather);
	KUNIT_EXPECT_EQ(test, usage_of(test).total, size_of(f, NR));
	KUNIT_EXPECT_EQ(test, usage_of(test).gathered, 0);
}

static bool always(struct vpool_store *store)
{
	return true;
}

static void stops_gathering_when_cancelled(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	struct vpool_gather gather = {
		.store = &f->store,
		.folios = LIST_HEAD_INIT(gather.folios),
		.cancelled = always,
	};

	KUNIT_EXPECT_EQ(test,
			vpool_gather_memory(&gather, VPOOL_ANY_NODE,
					    size_of(f, 2), &f->extack),
			-ENXIO);
	vpool_gather_discard(&gather);
	KUNIT_EXPECT_EQ(test, usage_of(test).gathered, 0);
}

static void shrinks_only_by_free_memory(struct kunit *test)
{
	struct store_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, take(f, NR - 2), 0);
	f->bytes[first_memory_node] = size_of(f, 3);
	KUNIT_EXPECT_EQ(test, vpool_store_reserve(&f->store, f->bytes, &f->extack),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, usage_of(test).total, size_of(f, NR));
	f->bytes[first_memory_node] = size_of(f, 1);
	KUNIT_ASSERT_EQ(test, vpool_store_reserve(&f->store, f->bytes, &f->extack),
			0);
	/* No taker gets a folio that is reserved for the shrink. */
	KUNIT_EXPECT_EQ(test, can_take(f, 2), -ENOMEM);
	KUNIT_EXPECT_EQ(test, can_take(f, 1), 0);
	vpool_store_shrink(&f->store, f->bytes);
	KUNIT_EXPECT_EQ(test, usage_of(test).total, size_of(f, NR - 1));
	KUNIT_EXPECT_EQ(test, usage_of(test).free, size_of(f, 1));
	vpool_store_return(&f->store, f->folio, NR - 2, NULL);
}

/* Clear the flags of a page that has no real error, so that the host gets it back. */
static void mend(struct folio *folio)
{
	ClearPageHWPoison(&folio->page);
	if (folio_test_large(folio))
		vpool_folio_clear_poison(folio);
	/* The store never drops its extra references to a poisoned folio. */
	while (folio_ref_count(folio) > 1)
		folio_put(folio);
}

static void sets_poisoned_memory_aside(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	struct folio *free, *used;

	KUNIT_ASSERT_EQ(test, take(f, NR), 0);
	used = f->folio[0];
	free = f->folio[1];
	vpool_store_return(&f->store, f->folio + 1, NR - 1, NULL);
	KUNIT_EXPECT_TRUE(test, all_becomes_clean(test));

	SetPageHWPoison(&free->page);
	KUNIT_EXPECT_EQ(test, vpool_store_poison(&f->store, &free->page, false),
			VPOOL_POISONED_ASIDE);
	KUNIT_EXPECT_EQ(test, usage_of(test).poisoned, size_of(f, 1));
	KUNIT_EXPECT_EQ(test, usage_of(test).free, size_of(f, NR - 2));
	SetPageHWPoison(&used->page);
	KUNIT_EXPECT_EQ(test, vpool_store_poison(&f->store, &used->page, false),
			VPOOL_POISONED_USED);
	KUNIT_EXPECT_EQ(test, usage_of(test).used, size_of(f, 1));
	vpool_store_return(&f->store, &used, 1, NULL);
	KUNIT_EXPECT_EQ(test, usage_of(test).used, 0);
	KUNIT_EXPECT_EQ(test, usage_of(test).poisoned, size_of(f, 2));
	KUNIT_EXPECT_EQ(test, take(f, NR - 1), -ENOMEM);
	mend(free);
	mend(used);
}

static void knows_its_own_folios(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	struct folio *other = folio_alloc(GFP_KERNEL, f->store.order);

	KUNIT_ASSERT_NOT_NULL(test, other);
	KUNIT_EXPECT_EQ(test, vpool_store_poison(&f->store, &other->page, false),
			VPOOL_POISONED_FOREIGN);
	KUNIT_EXPECT_EQ(test, usage_of(test).poisoned, 0);
	folio_put(other);
}

static void scrubbing_finds_poisoned_memory(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	struct folio *poisoned;
	struct page *page;

	KUNIT_ASSERT_EQ(test, take(f, NR), 0);
	poisoned = f->folio[0];
	page = folio_page(poisoned, folio_nr_pages(poisoned) - 1);
	SetPageHWPoison(page);
	vpool_store_return(&f->store, f->folio, NR, NULL);
	KUNIT_EXPECT_TRUE(test, all_becomes_clean(test));
	KUNIT_EXPECT_EQ(test, usage_of(test).poisoned, size_of(f, 1));
	KUNIT_EXPECT_EQ(test, usage_of(test).free, size_of(f, NR - 1));
	ClearPageHWPoison(page);
}

static void takes_from_one_node(struct kunit *test)
{
	struct store_fixture *f = test->priv;

	/* The store has memory on this node only. */
	KUNIT_EXPECT_EQ(test, take_of(f, first_memory_node, NR + 1), -ENOMEM);
	KUNIT_EXPECT_NOT_NULL(test, strstr(f->extack.text, "on node"));
	KUNIT_ASSERT_EQ(test, take_of(f, first_memory_node, NR), 0);
	KUNIT_EXPECT_EQ(test, usage_of(test).free, 0);
	vpool_store_return(&f->store, f->folio, NR, NULL);
}

static void nodes_add_up(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	struct vpool_usage usage;
	u64 total = 0;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		vpool_store_node_usage(&f->store, nid, &usage);
		KUNIT_EXPECT_EQ(test, usage.total, usage.free + usage.used);
		total += usage.total;
	}
	KUNIT_EXPECT_EQ(test, total, size_of(f, NR));
}

static void keeps_the_host_its_floor(struct kunit *test)
{
	struct vpool_extack extack;

	vpool_extack_init(&extack);
	KUNIT_EXPECT_EQ(test,
			vpool_host_can_spare(VPOOL_ANY_NODE, PAGE_SIZE, &extack),
			0);
	KUNIT_EXPECT_EQ(test,
			vpool_host_can_spare(VPOOL_ANY_NODE, S64_MAX, &extack),
			-ENOMEM);
	KUNIT_EXPECT_NOT_NULL(test, strstr(extack.text, "host_mem_floor"));
}

static void works_without_memory(struct kunit *test)
{
	struct store_fixture *f;
	struct vpool_usage usage;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	vpool_extack_init(&f->extack);
	KUNIT_ASSERT_EQ(test, vpool_store_init(&f->store, "none", NULL, 0,
					       &f->stat), 0);
	vpool_store_usage(&f->store, &usage);
	KUNIT_EXPECT_EQ(test, usage.total, 0);
	KUNIT_EXPECT_EQ(test, can_take(f, 1), -ENOMEM);
	KUNIT_EXPECT_EQ(test, vpool_store_pinned(&f->store), 0);
	vpool_store_close(&f->store);
	vpool_store_exit(&f->store);
}

static struct kunit_case vpool_huge_store_cases[] = {
	KUNIT_CASE(has_the_memory_it_has_gathered),
	KUNIT_CASE(gives_zeroed_folios),
	KUNIT_CASE(refuses_more_than_is_free),
	KUNIT_CASE(scrubs_returned_folios),
	KUNIT_CASE(zeroes_in_the_call_if_not_scrubbed_yet),
	KUNIT_CASE(waits_for_the_last_pin),
	KUNIT_CASE(may_close_with_a_pin),
	KUNIT_CASE(takes_from_one_node),
	KUNIT_CASE(nodes_add_up),
	KUNIT_CASE(gathers_without_adding_to_the_store),
	KUNIT_CASE(stops_gathering_when_cancelled),
	KUNIT_CASE(shrinks_only_by_free_memory),
	KUNIT_CASE(sets_poisoned_memory_aside),
	KUNIT_CASE(knows_its_own_folios),
	KUNIT_CASE(scrubbing_finds_poisoned_memory),
	{}
};

static struct kunit_case vpool_small_store_cases[] = {
	KUNIT_CASE(has_the_memory_it_has_gathered),
	KUNIT_CASE(gives_zeroed_folios),
	KUNIT_CASE(refuses_more_than_is_free),
	KUNIT_CASE(scrubs_returned_folios),
	KUNIT_CASE(waits_for_the_last_pin),
	KUNIT_CASE(gathers_without_adding_to_the_store),
	KUNIT_CASE(stops_gathering_when_cancelled),
	KUNIT_CASE(shrinks_only_by_free_memory),
	KUNIT_CASE(sets_poisoned_memory_aside),
	KUNIT_CASE(knows_its_own_folios),
	KUNIT_CASE(scrubbing_finds_poisoned_memory),
	{}
};

static struct kunit_case vpool_no_store_cases[] = {
	KUNIT_CASE(keeps_the_host_its_floor),
	KUNIT_CASE(works_without_memory),
	{}
};

static struct kunit_suite vpool_huge_store_suite = {
	.name = "vpool_store_2m",
	.init = huge_store_init,
	.exit = store_exit,
	.test_cases = vpool_huge_store_cases,
};

static struct kunit_suite vpool_small_store_suite = {
	.name = "vpool_store_4k",
	.init = small_store_init,
	.exit = store_exit,
	.test_cases = vpool_small_store_cases,
};

static struct kunit_suite vpool_no_store_suite = {
	.name = "vpool_store",
	.test_cases = vpool_no_store_cases,
};

kunit_test_suites(&vpool_huge_store_suite, &vpool_small_store_suite,
		  &vpool_no_store_suite);
