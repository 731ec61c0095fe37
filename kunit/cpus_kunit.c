// SPDX-License-Identifier: GPL-2.0
/*
 * Claim, check and release CPUs. The machine must have at least four online CPUs and one
 * CPU per core, and must have booted on CPU 0.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/string.h>

#include "cpu_claim.h"
#include "cpus.h"
#include "extack.h"

struct cpus_fixture {
	struct vpool_cpus a;
	struct vpool_cpus b;
	struct vpool_cpu_rules rules;
	struct vpool_cpu_request request;
	struct vpool_extack extack;
	cpumask_var_t mask;
};

static int cpus_init(struct kunit *test)
{
	struct cpus_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_ASSERT_GE(test, num_online_cpus(), 4);
	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&f->mask, GFP_KERNEL));
	KUNIT_ASSERT_EQ(test, vpool_cpus_init(&f->a, "a"), 0);
	KUNIT_ASSERT_EQ(test, vpool_cpus_init(&f->b, "b"), 0);
	f->request.mask = f->mask;
	vpool_extack_init(&f->extack);
	test->priv = f;
	return 0;
}

static void cpus_exit(struct kunit *test)
{
	struct cpus_fixture *f = test->priv;

	if (!f)
		return;
	vpool_cpus_release(&f->a);
	vpool_cpus_release(&f->b);
	vpool_cpus_exit(&f->a);
	vpool_cpus_exit(&f->b);
	free_cpumask_var(f->mask);
}

static int claim_request(struct cpus_fixture *f, struct vpool_cpus *cpus,
			 const struct vpool_cpu_request *request)
{
	return vpool_cpus_claim(cpus, request, &f->rules, &f->extack);
}

static int check_request(struct cpus_fixture *f,
			 const struct vpool_cpu_request *request)
{
	return vpool_cpus_check(request, &f->rules, f->mask, &f->extack);
}

static int claim(struct cpus_fixture *f, struct vpool_cpus *cpus,
		 const char *list)
{
	return cpulist_parse(list, f->mask) ?:
	       claim_request(f, cpus, &f->request);
}

static void claims_and_releases(struct kunit *test)
{
	struct cpus_fixture *f = test->priv;

	KUNIT_EXPECT_FALSE(test, vpool_cpus_any(&f->a));
	KUNIT_ASSERT_EQ(test, claim(f, &f->a, "2-3"), 0);
	KUNIT_EXPECT_TRUE(test, vpool_cpus_any(&f->a));
	KUNIT_EXPECT_TRUE(test, cpumask_equal(f->a.assigned, f->mask));
	vpool_cpus_release(&f->a);
	KUNIT_EXPECT_FALSE(test, vpool_cpus_any(&f->a));
	KUNIT_EXPECT_EQ(test, claim(f, &f->b, "2-3"), 0);
}

static void names_the_owner(struct kunit *test)
{
	struct cpus_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, claim(f, &f->a, "3"), 0);
	KUNIT_EXPECT_EQ(test, claim(f, &f->b, "2-3"), -EBUSY);
	KUNIT_EXPECT_STREQ(test, f->extack.text, "cpu 3 belongs to pool 'a'");
	KUNIT_EXPECT_FALSE(test, vpool_cpus_any(&f->b));
	/* The refused claim has taken no CPU. */
	KUNIT_EXPECT_EQ(test, claim(f, &f->b, "2"), 0);
}

static void refuses_an_empty_list(struct kunit *test)
{
	struct cpus_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, claim(f, &f->a, ""), -EINVAL);
}

static void leaves_the_boot_core(struct kunit *test)
{
	struct cpus_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, claim(f, &f->a, "0"), -EBUSY);
	KUNIT_EXPECT_NOT_NULL(test, strstr(f->extack.text, "booted"));
	f->rules.boot_core = true;
	KUNIT_EXPECT_EQ(test, claim(f, &f->a, "0"), 0);
}

static void leaves_the_host_its_floor(struct kunit *test)
{
	struct cpus_fixture *f = test->priv;

	f->rules.boot_core = true;
	cpumask_copy(f->mask, cpu_online_mask);
	KUNIT_EXPECT_EQ(test, claim_request(f, &f->a, &f->request), -EBUSY);
	KUNIT_EXPECT_NOT_NULL(test, strstr(f->extack.text, "host_cpus_floor"));
	cpumask_clear_cpu(1, f->mask);
	KUNIT_EXPECT_EQ(test, claim_request(f, &f->a, &f->request), 0);
}

static void checks_without_taking(struct kunit *test)
{
	struct cpus_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, cpulist_parse("1-2", f->mask), 0);
	KUNIT_EXPECT_EQ(test, check_request(f, &f->request), 0);
	KUNIT_EXPECT_EQ(test, claim(f, &f->a, "1-2"), 0);
	KUNIT_EXPECT_EQ(test, check_request(f, &f->request), -EBUSY);
}

static void claims_by_number(struct kunit *test)
{
	struct cpus_fixture *f = test->priv;
	struct vpool_cpu_request request = { .nr = 2, .node = VPOOL_ANY_NODE };

	KUNIT_EXPECT_EQ(test, check_request(f, &request), 0);
	KUNIT_EXPECT_FALSE(test, vpool_cpus_any(&f->a));
	KUNIT_ASSERT_EQ(test, claim_request(f, &f->a, &request), 0);
	/* CPU 0 is the boot core. */
	KUNIT_ASSERT_EQ(test, cpulist_parse("1-2", f->mask), 0);
	KUNIT_EXPECT_TRUE(test, cpumask_equal(f->a.assigned, f->mask));
	request.nr = num_online_cpus();
	KUNIT_EXPECT_EQ(test, claim_request(f, &f->b, &request), -EBUSY);
	KUNIT_EXPECT_NOT_NULL(test, strstr(f->extack.text, " available"));
	request.node = nr_node_ids;
	KUNIT_EXPECT_EQ(test, claim_request(f, &f->b, &request), -ENODEV);
	KUNIT_EXPECT_FALSE(test, vpool_cpus_any(&f->b));
}

static void dedicate_two(const struct vpool_cpus *cpus,
			 struct cpumask *mask)
{
	cpumask_copy(mask, cpumask_of(2));
}

static void dedicate_all(const struct vpool_cpus *cpus,
			 struct cpumask *mask)
{
	cpumask_copy(mask, cpus->assigned);
}

static bool mask_is(struct cpus_fixture *f, const char *want)
{
	char text[32];

	snprintf(text, sizeof(text), "%*pbl", cpumask_pr_args(f->mask));
	return !strcmp(text, want);
}

static bool background_is(struct cpus_fixture *f, const char *want)
{
	vpool_cpus_background(&f->a, NUMA_NO_NODE, f->mask);
	return mask_is(f, want);
}

static void background_uses_shared_cpus_only(struct kunit *test)
{
	struct cpus_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, claim(f, &f->a, "1-3"), 0);
	KUNIT_EXPECT_TRUE(test, background_is(f, "1-3"));
	f->a.dedicated = dedicate_two;
	KUNIT_EXPECT_TRUE(test, background_is(f, "1,3"));
	f->a.dedicated = dedicate_all;
	KUNIT_EXPECT_FALSE(test, background_is(f, ""));
	KUNIT_EXPECT_FALSE(test, cpumask_intersects(f->mask, f->a.assigned));
	f->a.dedicated = dedicate_two;
	f->a.isolated = true;
	KUNIT_EXPECT_FALSE(test, background_is(f, ""));
	KUNIT_EXPECT_FALSE(test, cpumask_intersects(f->mask, f->a.assigned));
}

static bool helpers_are(struct cpus_fixture *f, const char *want)
{
	unsigned int cpu;

	vpool_cpus_helpers(&f->a, NUMA_NO_NODE, f->mask);
	/* The machine may have more CPUs than the test uses. */
	for (cpu = 4; cpu < nr_cpu_ids; cpu++)
		cpumask_clear_cpu(cpu, f->mask);
	return mask_is(f, want);
}

static void helpers_use_the_cpus_of_the_host_and_the_pool(struct kunit *test)
{
	struct cpus_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, claim(f, &f->b, "1"), 0);
	KUNIT_EXPECT_TRUE(test, helpers_are(f, "0,2-3"));
	KUNIT_ASSERT_EQ(test, claim(f, &f->a, "2-3"), 0);
	KUNIT_EXPECT_TRUE(test, helpers_are(f, "0,2-3"));
	f->a.dedicated = dedicate_two;
	KUNIT_EXPECT_TRUE(test, helpers_are(f, "0,3"));
	f->a.isolated = true;
	KUNIT_EXPECT_TRUE(test, helpers_are(f, "0"));
}

static struct kunit_case vpool_cpus_cases[] = {
	KUNIT_CASE(claims_and_releases),
	KUNIT_CASE(names_the_owner),
	KUNIT_CASE(refuses_an_empty_list),
	KUNIT_CASE(leaves_the_boot_core),
	KUNIT_CASE(leaves_the_host_its_floor),
	KUNIT_CASE(checks_without_taking),
	KUNIT_CASE(claims_by_number),
	KUNIT_CASE(background_uses_shared_cpus_only),
	KUNIT_CASE(helpers_use_the_cpus_of_the_host_and_the_pool),
	{}
};

static struct kunit_suite vpool_cpus_suite = {
	.name = "vpool_cpus",
	.init = cpus_init,
	.exit = cpus_exit,
	.test_cases = vpool_cpus_cases,
};

kunit_test_suite(vpool_cpus_suite);
