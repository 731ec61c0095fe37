// SPDX-License-Identifier: GPL-2.0
/*
 * Attach and detach the test task itself. Needs two online CPUs.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "attach.h"
#include "detach.h"
#include "enforce.h"
#include "extack.h"
#include "member_set.h"

struct member_fixture {
	struct vpool_member_set a;
	struct vpool_member_set b;
	struct vpool_stat stat;
	struct vpool_extack extack;
	cpumask_var_t cpus;
	cpumask_var_t before;
	unsigned int emptied;
};

static struct member_fixture *emptied_fixture;

static void count_emptied(struct vpool_member_set *members)
{
	emptied_fixture->emptied++;
}

static int member_init(struct kunit *test)
{
	struct member_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_ASSERT_GE(test, num_online_cpus(), 2);
	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&f->cpus, GFP_KERNEL));
	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&f->before, GFP_KERNEL));
	cpumask_set_cpu(1, f->cpus);
	cpumask_copy(f->before, current->cpus_ptr);
	KUNIT_ASSERT_EQ(test, vpool_members_init(&f->a, "a", &f->stat,
						 vpool_enforce), 0);
	KUNIT_ASSERT_EQ(test, vpool_members_init(&f->b, "b", &f->stat,
						 vpool_enforce), 0);
	vpool_members_publish(&f->a, f->cpus, f->cpus, false);
	vpool_members_publish(&f->b, f->cpus, f->cpus, false);
	f->a.emptied = count_emptied;
	vpool_extack_init(&f->extack);
	emptied_fixture = f;
	test->priv = f;
	return 0;
}

static void member_exit(struct kunit *test)
{
	struct member_fixture *f = test->priv;

	if (!f)
		return;
	vpool_members_close(&f->a, true);
	vpool_members_close(&f->b, true);
	vpool_members_exit(&f->a);
	vpool_members_exit(&f->b);
	KUNIT_EXPECT_TRUE(test, cpumask_equal(current->cpus_ptr, f->before));
	free_cpumask_var(f->cpus);
	free_cpumask_var(f->before);
}

static int attach(struct member_fixture *f, struct vpool_member_set *members,
		  bool process)
{
	return vpool_member_attach(members, current, process, NULL, &f->extack);
}

static int detach(struct member_fixture *f, struct vpool_member_set *members,
		  bool process)
{
	return vpool_member_detach(members, current, process, &f->extack);
}

static void attaches_and_detaches(struct kunit *test)
{
	struct member_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, attach(f, &f->a, false), 0);
	KUNIT_EXPECT_EQ(test, f->a.nr, 1);
	KUNIT_EXPECT_TRUE(test, cpumask_equal(current->cpus_ptr, f->cpus));
	KUNIT_EXPECT_EQ(test, raw_smp_processor_id(), 1);
	KUNIT_EXPECT_EQ(test, detach(f, &f->a, false), 0);
	KUNIT_EXPECT_EQ(test, f->a.nr, 0);
	KUNIT_EXPECT_EQ(test, f->emptied, 1);
	KUNIT_EXPECT_TRUE(test, cpumask_equal(current->cpus_ptr, f->before));
}

static void attaches_once(struct kunit *test)
{
	struct member_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, attach(f, &f->a, false), 0);
	KUNIT_EXPECT_EQ(test, attach(f, &f->a, false), 0);
	KUNIT_EXPECT_EQ(test, attach(f, &f->a, true), 0);
	KUNIT_EXPECT_EQ(test, f->a.nr, 1);
	KUNIT_EXPECT_EQ(test, detach(f, &f->a, true), 0);
	KUNIT_EXPECT_EQ(test, f->a.nr, 0);
}

static void belongs_to_one_pool(struct kunit *test)
{
	struct member_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, attach(f, &f->a, false), 0);
	KUNIT_EXPECT_EQ(test, attach(f, &f->b, false), -EBUSY);
	KUNIT_EXPECT_NOT_NULL(test,
			      strstr(f->extack.text, "member of pool 'a'"));
	KUNIT_EXPECT_EQ(test, attach(f, &f->b, true), -EBUSY);
	KUNIT_EXPECT_EQ(test, detach(f, &f->b, false), -ESRCH);
	KUNIT_EXPECT_EQ(test, f->a.nr, 1);
	KUNIT_EXPECT_EQ(test, f->b.nr, 0);
}

static void needs_cpus(struct kunit *test)
{
	struct member_fixture *f = test->priv;

	cpumask_clear(f->cpus);
	vpool_members_publish(&f->a, f->cpus, f->cpus, false);
	KUNIT_EXPECT_EQ(test, attach(f, &f->a, false), -EINVAL);
	KUNIT_EXPECT_NOT_NULL(test, strstr(f->extack.text, "no CPUs"));
}

static void lists_no_more_than_fit(struct kunit *test)
{
	struct member_fixture *f = test->priv;
	struct vpool_member_info info = { .tid = -1 };

	KUNIT_EXPECT_EQ(test, vpool_members_list(&f->a, &info, 1), 0);
	KUNIT_ASSERT_EQ(test, attach(f, &f->a, false), 0);
	KUNIT_EXPECT_EQ(test, vpool_members_list(&f->a, NULL, 0), 1);
	KUNIT_EXPECT_EQ(test, vpool_members_list(&f->a, &info, 1), 1);
	KUNIT_EXPECT_EQ(test, info.tid, task_pid_vnr(current));
}

static void closes_when_idle_or_forced(struct kunit *test)
{
	struct member_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, attach(f, &f->a, false), 0);
	KUNIT_EXPECT_FALSE(test, vpool_members_close(&f->a, false));
	KUNIT_EXPECT_EQ(test, f->a.nr, 1);
	KUNIT_EXPECT_TRUE(test, vpool_members_close(&f->a, true));
	KUNIT_EXPECT_EQ(test, f->a.nr, 0);
	KUNIT_EXPECT_TRUE(test, cpumask_equal(current->cpus_ptr, f->before));
	KUNIT_EXPECT_EQ(test, attach(f, &f->a, false), -ENXIO);
}

static struct kunit_case vpool_member_cases[] = {
	KUNIT_CASE(attaches_and_detaches),
	KUNIT_CASE(attaches_once),
	KUNIT_CASE(belongs_to_one_pool),
	KUNIT_CASE(needs_cpus),
	KUNIT_CASE(lists_no_more_than_fit),
	KUNIT_CASE(closes_when_idle_or_forced),
	{}
};

static struct kunit_suite vpool_member_suite = {
	.name = "vpool_member",
	.init = member_init,
	.exit = member_exit,
	.test_cases = vpool_member_cases,
};

kunit_test_suite(vpool_member_suite);
