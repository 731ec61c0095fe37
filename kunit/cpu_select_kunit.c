// SPDX-License-Identifier: GPL-2.0
/*
 * The choice of CPUs on machines of up to 4096, laid out as real ones are.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/slab.h>

#include "cpu_select.h"

#define MAX_CPUS 4096

struct pick_fixture {
	struct vpool_place *places;
	unsigned int *room;
	unsigned long *picked;
	unsigned int nr;
};

static int pick_init(struct kunit *test)
{
	struct pick_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->places =
		kunit_kcalloc(test, MAX_CPUS, sizeof(*f->places), GFP_KERNEL);
	f->room = kunit_kcalloc(test, MAX_CPUS, sizeof(*f->room), GFP_KERNEL);
	f->picked = kunit_kcalloc(test, BITS_TO_LONGS(MAX_CPUS), sizeof(long),
				  GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->places);
	KUNIT_ASSERT_NOT_NULL(test, f->room);
	KUNIT_ASSERT_NOT_NULL(test, f->picked);
	test->priv = f;
	return 0;
}

/*
 * Threads of a core as far apart as there are cores, as on most x86 servers;
 * the cores of a node side by side; rank of a node its number.
 */
static void lay_out(struct pick_fixture *f, unsigned int nr,
		    unsigned int threads, unsigned int nodes)
{
	unsigned int cpu, core, cores = nr / threads;

	f->nr = nr;
	for (cpu = 0; cpu < nr; cpu++) {
		core = cpu % cores;
		f->places[cpu].core = core;
		f->places[cpu].rank = core / (cores / nodes);
	}
}

static unsigned int pick(struct pick_fixture *f, unsigned int wanted,
			 bool split_cores)
{
	return vpool_pick(f->places, f->nr, wanted, split_cores, f->room,
			  f->picked);
}

static bool picked_is(struct pick_fixture *f, const char *list)
{
	DECLARE_BITMAP(want, 128);

	return !bitmap_parselist(list, want, 128) &&
	       bitmap_equal(want, f->picked, min(f->nr, 128U));
}

static void lowest_rank_first(struct kunit *test)
{
	struct pick_fixture *f = test->priv;
	unsigned int cpu;

	lay_out(f, 8, 1, 2);
	KUNIT_EXPECT_EQ(test, pick(f, 3, false), 3);
	KUNIT_EXPECT_TRUE(test, picked_is(f, "0-2"));
	/* The other node is the nearer. */
	for (cpu = 0; cpu < 8; cpu++)
		f->places[cpu].rank = cpu < 4 ? 20 : 10;
	KUNIT_EXPECT_EQ(test, pick(f, 3, false), 3);
	KUNIT_EXPECT_TRUE(test, picked_is(f, "4-6"));
	KUNIT_EXPECT_EQ(test, pick(f, 5, false), 5);
	KUNIT_EXPECT_TRUE(test, picked_is(f, "0,4-7"));
}

static void whole_cores(struct kunit *test)
{
	struct pick_fixture *f = test->priv;

	lay_out(f, 8, 2, 1);
	KUNIT_EXPECT_EQ(test, pick(f, 4, false), 4);
	KUNIT_EXPECT_TRUE(test, picked_is(f, "0-1,4-5"));
	KUNIT_EXPECT_EQ(test, pick(f, 3, false), 2);
	KUNIT_EXPECT_EQ(test, pick(f, 3, true), 3);
	KUNIT_EXPECT_TRUE(test, picked_is(f, "0-1,4"));
	/* A core of which one thread is taken is no whole core. */
	f->places[4].rank = VPOOL_RANK_NEVER;
	KUNIT_EXPECT_EQ(test, pick(f, 4, false), 4);
	KUNIT_EXPECT_TRUE(test, picked_is(f, "1-2,5-6"));
	KUNIT_EXPECT_EQ(test, pick(f, 8, false), 6);
	KUNIT_EXPECT_EQ(test, pick(f, 7, true), 7);
	KUNIT_EXPECT_TRUE(test, picked_is(f, "0-3,5-7"));
}

/* As in hybrid processors: a core of one thread fills up. */
static void cores_of_two_sizes(struct kunit *test)
{
	struct pick_fixture *f = test->priv;

	lay_out(f, 6, 1, 1);
	f->places[1].core = 0;
	f->places[3].core = 2;
	KUNIT_EXPECT_EQ(test, pick(f, 1, false), 1);
	KUNIT_EXPECT_TRUE(test, picked_is(f, "4"));
	KUNIT_EXPECT_EQ(test, pick(f, 3, false), 3);
	KUNIT_EXPECT_TRUE(test, picked_is(f, "0-1,4"));
}

static void nothing_is_free(struct kunit *test)
{
	struct pick_fixture *f = test->priv;
	unsigned int cpu;

	lay_out(f, 4, 1, 1);
	for (cpu = 0; cpu < 4; cpu++)
		f->places[cpu].rank = VPOOL_RANK_NEVER;
	KUNIT_EXPECT_EQ(test, pick(f, 1, false), 0);
	KUNIT_EXPECT_EQ(test, pick(f, 1, true), 0);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(f->picked, 4));
}

/* Every number of CPUs on every size of machine: exact, whole, never taken
 * ones. */
static void up_to_4096(struct kunit *test)
{
	static const unsigned int sizes[] = { 64, 72, 128, 192, 1024, 4096 };
	struct pick_fixture *f = test->priv;
	unsigned int i, cpu, wanted, free;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		lay_out(f, sizes[i], 2, 4);
		for (cpu = 0; cpu < f->nr; cpu += 7)
			f->places[cpu].rank = VPOOL_RANK_NEVER;
		for (free = 0, cpu = 0; cpu < f->nr / 2; cpu++)
			if (cpu % 7 && (cpu + f->nr / 2) % 7)
				free += 2;
		for (wanted = 2; wanted <= free; wanted += f->nr / 32) {
			wanted &= ~1U;
			KUNIT_ASSERT_EQ(test, pick(f, wanted, false), wanted);
			KUNIT_ASSERT_EQ(test, wanted,
					bitmap_weight(f->picked, f->nr));
			for (cpu = 0; cpu < f->nr; cpu++)
				if (test_bit(cpu, f->picked))
					KUNIT_ASSERT_TRUE(
						test,
						cpu % 7 &&
							test_bit((cpu +
								  f->nr / 2) %
									 f->nr,
								 f->picked));
		}
		KUNIT_EXPECT_EQ(test, pick(f, free + 2, false), free);
	}
}

static struct kunit_case vpool_pick_cases[] = {
	KUNIT_CASE(lowest_rank_first),	KUNIT_CASE(whole_cores),
	KUNIT_CASE(cores_of_two_sizes), KUNIT_CASE(nothing_is_free),
	KUNIT_CASE(up_to_4096),		{}
};

static struct kunit_suite vpool_pick_suite = {
	.name = "vpool_pick",
	.init = pick_init,
	.test_cases = vpool_pick_cases,
};

kunit_test_suite(vpool_pick_suite);
