// SPDX-License-Identifier: GPL-2.0
/*
 * Select CPUs on simulated machines of up to 4096 CPUs.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/slab.h>

#include "cpu_select.h"

#define MAX_CPUS 4096

struct select_fixture {
	struct vpool_cpu_candidate *candidates;
	unsigned int *core_size;
	unsigned long *selected;
	unsigned int nr;
};

static int select_init(struct kunit *test)
{
	struct select_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->candidates = kunit_kcalloc(test, MAX_CPUS, sizeof(*f->candidates),
				      GFP_KERNEL);
	f->core_size = kunit_kcalloc(test, MAX_CPUS, sizeof(*f->core_size),
				     GFP_KERNEL);
	f->selected = kunit_kcalloc(test, BITS_TO_LONGS(MAX_CPUS), sizeof(long),
				    GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->candidates);
	KUNIT_ASSERT_NOT_NULL(test, f->core_size);
	KUNIT_ASSERT_NOT_NULL(test, f->selected);
	test->priv = f;
	return 0;
}

/*
 * Number the CPUs as most x86 servers do: first one CPU of each core, then the next
 * CPU of each. A node has consecutive cores, and its number is the rank of its CPUs.
 */
static void lay_out(struct select_fixture *f, unsigned int nr,
		    unsigned int threads, unsigned int nodes)
{
	unsigned int cpu, core, cores = nr / threads;

	f->nr = nr;
	for (cpu = 0; cpu < nr; cpu++) {
		core = cpu % cores;
		f->candidates[cpu].core = core;
		f->candidates[cpu].rank = core / (cores / nodes);
	}
}

static unsigned int select_cpus(struct select_fixture *f, unsigned int wanted,
				bool split_cores)
{
	return vpool_cpu_select(f->candidates, f->nr, wanted, split_cores,
				f->core_size, f->selected);
}

static bool selected_are(struct select_fixture *f, const char *list)
{
	DECLARE_BITMAP(want, 128);

	return !bitmap_parselist(list, want, 128) &&
	       bitmap_equal(want, f->selected, min(f->nr, 128U));
}

static void lowest_rank_first(struct kunit *test)
{
	struct select_fixture *f = test->priv;
	unsigned int cpu;

	lay_out(f, 8, 1, 2);
	KUNIT_EXPECT_EQ(test, select_cpus(f, 3, false), 3);
	KUNIT_EXPECT_TRUE(test, selected_are(f, "0-2"));
	/* Make the second node the nearer one. */
	for (cpu = 0; cpu < 8; cpu++)
		f->candidates[cpu].rank = cpu < 4 ? 20 : 10;
	KUNIT_EXPECT_EQ(test, select_cpus(f, 3, false), 3);
	KUNIT_EXPECT_TRUE(test, selected_are(f, "4-6"));
	KUNIT_EXPECT_EQ(test, select_cpus(f, 5, false), 5);
	KUNIT_EXPECT_TRUE(test, selected_are(f, "0,4-7"));
}

static void whole_cores(struct kunit *test)
{
	struct select_fixture *f = test->priv;

	lay_out(f, 8, 2, 1);
	KUNIT_EXPECT_EQ(test, select_cpus(f, 4, false), 4);
	KUNIT_EXPECT_TRUE(test, selected_are(f, "0-1,4-5"));
	KUNIT_EXPECT_EQ(test, select_cpus(f, 3, false), 2);
	KUNIT_EXPECT_EQ(test, select_cpus(f, 3, true), 3);
	KUNIT_EXPECT_TRUE(test, selected_are(f, "0-1,4"));
	/* Take one CPU of a core: the core is not whole any more. */
	f->candidates[4].rank = VPOOL_RANK_NEVER;
	KUNIT_EXPECT_EQ(test, select_cpus(f, 4, false), 4);
	KUNIT_EXPECT_TRUE(test, selected_are(f, "1-2,5-6"));
	KUNIT_EXPECT_EQ(test, select_cpus(f, 8, false), 6);
	KUNIT_EXPECT_EQ(test, select_cpus(f, 7, true), 7);
	KUNIT_EXPECT_TRUE(test, selected_are(f, "0-3,5-7"));
}

/* A hybrid processor has cores with one CPU and cores with two. */
static void cores_of_two_sizes(struct kunit *test)
{
	struct select_fixture *f = test->priv;

	lay_out(f, 6, 1, 1);
	f->candidates[1].core = 0;
	f->candidates[3].core = 2;
	KUNIT_EXPECT_EQ(test, select_cpus(f, 1, false), 1);
	KUNIT_EXPECT_TRUE(test, selected_are(f, "4"));
	KUNIT_EXPECT_EQ(test, select_cpus(f, 3, false), 3);
	KUNIT_EXPECT_TRUE(test, selected_are(f, "0-1,4"));
}

static void nothing_is_free(struct kunit *test)
{
	struct select_fixture *f = test->priv;
	unsigned int cpu;

	lay_out(f, 4, 1, 1);
	for (cpu = 0; cpu < 4; cpu++)
		f->candidates[cpu].rank = VPOOL_RANK_NEVER;
	KUNIT_EXPECT_EQ(test, select_cpus(f, 1, false), 0);
	KUNIT_EXPECT_EQ(test, select_cpus(f, 1, true), 0);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(f->selected, 4));
}

static void expect_whole_cores(struct kunit *test)
{
	struct select_fixture *f = test->priv;
	unsigned int cpu;

	for (cpu = 0; cpu < f->nr; cpu++) {
		if (!test_bit(cpu, f->selected))
			continue;
		KUNIT_ASSERT_NE(test, cpu % 7, 0);
		KUNIT_ASSERT_TRUE(test, test_bit((cpu + f->nr / 2) % f->nr,
						 f->selected));
	}
}

/*
 * Select many different numbers of CPUs on machines of many sizes. The number must be
 * exact, every core must be whole, and no CPU of rank VPOOL_RANK_NEVER may be selected.
 */
static void up_to_4096(struct kunit *test)
{
	static const unsigned int sizes[] = { 64, 72, 128, 192, 1024, 4096 };
	struct select_fixture *f = test->priv;
	unsigned int i, cpu, wanted, free;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		lay_out(f, sizes[i], 2, 4);
		for (cpu = 0; cpu < f->nr; cpu += 7)
			f->candidates[cpu].rank = VPOOL_RANK_NEVER;
		for (free = 0, cpu = 0; cpu < f->nr / 2; cpu++)
			if (cpu % 7 && (cpu + f->nr / 2) % 7)
				free += 2;
		for (wanted = 2; wanted <= free; wanted += f->nr / 32) {
			wanted &= ~1U;
			KUNIT_ASSERT_EQ(test, select_cpus(f, wanted, false),
					wanted);
			KUNIT_ASSERT_EQ(test, wanted,
					bitmap_weight(f->selected, f->nr));
			expect_whole_cores(test);
		}
		KUNIT_EXPECT_EQ(test, select_cpus(f, free + 2, false), free);
	}
}

static struct kunit_case vpool_cpu_select_cases[] = {
	KUNIT_CASE(lowest_rank_first),
	KUNIT_CASE(whole_cores),
	KUNIT_CASE(cores_of_two_sizes),
	KUNIT_CASE(nothing_is_free),
	KUNIT_CASE(up_to_4096),
	{}
};

static struct kunit_suite vpool_cpu_select_suite = {
	.name = "vpool_cpu_select",
	.init = select_init,
	.test_cases = vpool_cpu_select_cases,
};

kunit_test_suite(vpool_cpu_select_suite);
