// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/slab.h>

#include "budget.h"
#include "extack.h"
#include "stat.h"

struct budget_fixture {
	struct vpool_budget budget;
	struct vpool_stat stat;
	struct vpool_extack extack;
};

static const struct vpool_limits limits = {
	.bytes = 3 * PAGE_SIZE + 1,
	.regions = 2,
	.members = 2,
};

static int budget_init(struct kunit *test)
{
	struct budget_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	vpool_extack_init(&f->extack);
	vpool_budget_init(&f->budget, "test", PAGE_SHIFT, &limits, &f->stat);
	test->priv = f;
	return 0;
}

static void budget_exit(struct kunit *test)
{
	struct budget_fixture *f = test->priv;

	if (f)
		vpool_budget_exit(&f->budget);
}

static struct vpool_user *add(struct budget_fixture *f, uid_t uid)
{
	return vpool_budget_add_region(&f->budget, KUIDT_INIT(uid));
}

static struct vpool_user *attach(struct budget_fixture *f, uid_t uid)
{
	struct vpool_user *spare = vpool_budget_alloc_user(), *user;

	user = vpool_budget_attach(&f->budget, KUIDT_INIT(uid), &spare,
				   &f->extack);
	kfree(spare);
	return user;
}

static void counts_regions(struct kunit *test)
{
	struct budget_fixture *f = test->priv;
	struct vpool_user *a, *b;

	a = add(f, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	KUNIT_EXPECT_PTR_EQ(test, add(f, 1), a);
	KUNIT_EXPECT_EQ(test, PTR_ERR(add(f, 1)), -EDQUOT);
	KUNIT_EXPECT_EQ(test, vpool_stat_read(&f->stat, VPOOL_STAT_LIMITED), 1);
	b = add(f, 2);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
	vpool_budget_remove_region(a);
	KUNIT_EXPECT_PTR_EQ(test, add(f, 1), a);
	vpool_budget_remove_region(a);
	vpool_budget_remove_region(a);
	vpool_budget_remove_region(b);
	vpool_budget_remove_region(NULL);
}

static void counts_whole_pages(struct kunit *test)
{
	struct budget_fixture *f = test->priv;
	struct vpool_user *a = add(f, 1);

	KUNIT_EXPECT_FALSE(test, vpool_budget_charge(a, 4));
	KUNIT_EXPECT_FALSE(test, vpool_budget_charge(a, ULONG_MAX));
	KUNIT_EXPECT_TRUE(test, vpool_budget_charge(a, 3));
	KUNIT_EXPECT_FALSE(test, vpool_budget_charge(a, 1));
	KUNIT_EXPECT_FALSE(test, vpool_budget_charge(a, ULONG_MAX));
	KUNIT_EXPECT_EQ(test, vpool_budget_err_bytes(a, 1, &f->extack), -EDQUOT);
	KUNIT_EXPECT_EQ(test, f->extack.code, VPOOL_CODE_USER_BYTES);
	vpool_budget_uncharge(a, 2);
	KUNIT_EXPECT_TRUE(test, vpool_budget_charge(a, 2));
	vpool_budget_uncharge(a, 3);
	KUNIT_EXPECT_TRUE(test, vpool_budget_charge(NULL, 9));
	vpool_budget_uncharge(NULL, 9);
	vpool_budget_remove_region(a);
}

static void root_has_no_limits(struct kunit *test)
{
	struct budget_fixture *f = test->priv;
	struct vpool_user *root = add(f, 0);
	int i;

	for (i = 0; i < 5; i++) {
		KUNIT_EXPECT_PTR_EQ(test, add(f, 0), root);
		KUNIT_EXPECT_PTR_EQ(test, attach(f, 0), root);
		KUNIT_EXPECT_TRUE(test, vpool_budget_charge(root, 5));
	}
	KUNIT_EXPECT_EQ(test, vpool_budget_members_over(&f->budget), 0);
	vpool_budget_uncharge(root, 25);
	for (i = 0; i < 5; i++) {
		vpool_budget_remove_member(root);
		vpool_budget_remove_region(root);
	}
	vpool_budget_remove_region(root);
}

static void counts_members_beyond_the_limit(struct kunit *test)
{
	struct budget_fixture *f = test->priv;
	struct vpool_limits other = limits;
	struct vpool_user *a = attach(f, 1);
	int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	for (i = 0; i < 4; i++)
		vpool_budget_fork(a);
	KUNIT_EXPECT_EQ(test, a->members, 5);
	KUNIT_EXPECT_EQ(test, vpool_budget_members_over(&f->budget), 3);
	KUNIT_EXPECT_EQ(test, PTR_ERR(attach(f, 1)), -EDQUOT);
	KUNIT_EXPECT_EQ(test, f->extack.code, VPOOL_CODE_USER_MEMBERS);
	/* Changing the limit counts again. */
	other.members = 4;
	vpool_budget_set_limits(&f->budget, &other);
	KUNIT_EXPECT_EQ(test, vpool_budget_members_over(&f->budget), 1);
	other.members = 0;
	vpool_budget_set_limits(&f->budget, &other);
	KUNIT_EXPECT_EQ(test, vpool_budget_members_over(&f->budget), 0);
	other.members = 1;
	vpool_budget_set_limits(&f->budget, &other);
	for (i = 0; i < 5; i++)
		vpool_budget_remove_member(a);
	KUNIT_EXPECT_EQ(test, vpool_budget_members_over(&f->budget), 0);
}

static unsigned int nr_users(struct budget_fixture *f)
{
	struct rb_node *node;
	unsigned int nr = 0;

	for (node = rb_first(&f->budget.users); node; node = rb_next(node))
		nr++;
	return nr;
}

/* A user who has nothing is freed when another one is added. */
static void frees_users(struct kunit *test)
{
	struct budget_fixture *f = test->priv;
	struct vpool_user_info info[2] = {};
	struct vpool_user *a = add(f, 7), *b;
	uid_t uid;

	for (uid = 100; uid < 200; uid++)
		vpool_budget_remove_region(add(f, uid));
	KUNIT_EXPECT_GE(test, 3, nr_users(f));
	KUNIT_EXPECT_EQ(test, vpool_budget_list(&f->budget, info, 2), 1);
	KUNIT_EXPECT_EQ(test, info[0].uid, 7);
	KUNIT_EXPECT_EQ(test, info[0].regions, 1);
	b = add(f, 3);
	KUNIT_EXPECT_EQ(test, vpool_budget_list(&f->budget, NULL, 0), 2);
	KUNIT_EXPECT_EQ(test, vpool_budget_list(&f->budget, info, 2), 2);
	KUNIT_EXPECT_EQ(test, info[0].uid, 3);
	KUNIT_EXPECT_EQ(test, info[1].uid, 7);
	vpool_budget_remove_region(a);
	vpool_budget_remove_region(b);
	vpool_budget_trim(&f->budget);
	KUNIT_EXPECT_EQ(test, nr_users(f), 0);
}

static struct kunit_case vpool_budget_cases[] = {
	KUNIT_CASE(counts_regions),
	KUNIT_CASE(counts_whole_pages),
	KUNIT_CASE(root_has_no_limits),
	KUNIT_CASE(counts_members_beyond_the_limit),
	KUNIT_CASE(frees_users),
	{}
};

static struct kunit_suite vpool_budget_suite = {
	.name = "vpool_budget",
	.init = budget_init,
	.exit = budget_exit,
	.test_cases = vpool_budget_cases,
};

kunit_test_suite(vpool_budget_suite);
