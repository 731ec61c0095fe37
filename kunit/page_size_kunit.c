// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "compat.h"
#include "page_size.h"

static void always_has_the_base_page_and_the_default(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vpool_page_size_check(PAGE_SIZE, NULL), 0);
	KUNIT_EXPECT_EQ(test,
			vpool_page_size_check(VPOOL_DEFAULT_PAGE_SIZE, NULL), 0);
}

static void lists_in_ascending_order_what_it_accepts(struct kunit *test)
{
	struct vpool_page_size_list list = vpool_page_size_list();
	char *rest = list.s, *word;
	bool has_default = false;
	u64 size, last = 0;

	while ((word = strsep(&rest, " "))) {
		KUNIT_ASSERT_EQ(test, kstrtou64(word, 10, &size), 0);
		KUNIT_EXPECT_EQ(test, vpool_page_size_check(size, NULL), 0);
		KUNIT_EXPECT_GT(test, size, last);
		has_default |= size == VPOOL_DEFAULT_PAGE_SIZE;
		last = size;
	}
	KUNIT_EXPECT_TRUE(test, has_default);
}

static void message_of_a_refusal_has_the_list(struct kunit *test)
{
	static const u64 bad[] = { 0, 1, 3 * PAGE_SIZE, PMD_SIZE / 2, U64_MAX };
	struct vpool_page_size_list list = vpool_page_size_list();
	struct vpool_extack extack;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		vpool_extack_init(&extack);
		KUNIT_EXPECT_EQ(test, vpool_page_size_check(bad[i], &extack),
				-EOPNOTSUPP);
		KUNIT_EXPECT_EQ(test, extack.code,
				VPOOL_CODE_PAGE_SIZE_UNSUPPORTED);
		KUNIT_EXPECT_NOT_NULL(test, strstr(extack.text, list.s));
	}
}

static void refuses_gigantic_pages_with_the_reason(struct kunit *test)
{
	struct vpool_extack extack;
	int err;

	vpool_extack_init(&extack);
	err = vpool_page_size_check(PUD_SIZE, &extack);
	if (VPOOL_HAS_GIGANTIC && vpool_cpu_maps_pud()) {
		KUNIT_EXPECT_EQ(test, err, 0);
		return;
	}
	KUNIT_EXPECT_EQ(test, err, -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, extack.code, VPOOL_HAS_GIGANTIC ?
			VPOOL_CODE_PAGE_SIZE_UNSUPPORTED :
			VPOOL_CODE_PAGE_SIZE_NEEDS_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, strstr(extack.text,
					   vpool_size(PUD_SIZE).s));
}

static struct kunit_case vpool_page_size_cases[] = {
	KUNIT_CASE(always_has_the_base_page_and_the_default),
	KUNIT_CASE(lists_in_ascending_order_what_it_accepts),
	KUNIT_CASE(message_of_a_refusal_has_the_list),
	KUNIT_CASE(refuses_gigantic_pages_with_the_reason),
	{}
};

static struct kunit_suite vpool_page_size_suite = {
	.name = "vpool_page_size",
	.test_cases = vpool_page_size_cases,
};

kunit_test_suite(vpool_page_size_suite);
