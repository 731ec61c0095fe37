// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/string.h>

#include "reason.h"

static void starts_empty(struct kunit *test)
{
	char text[VPOOL_REASON_SIZE] = "untouched";
	struct vpool_why why;

	vpool_why_init(&why);
	KUNIT_EXPECT_EQ(test, vpool_why_read(&why, text), 0);
	KUNIT_EXPECT_STREQ(test, text, "");
}

static void keeps_the_last_failure(struct kunit *test)
{
	char text[VPOOL_REASON_SIZE];
	struct vpool_why why;

	vpool_why_init(&why);
	KUNIT_EXPECT_EQ(test, vpool_fail(&why, -EBUSY, "cpu %u", 3U), -EBUSY);
	KUNIT_EXPECT_EQ(test, vpool_fail(&why, -ENOMEM, "cpu %u", 4U), -ENOMEM);
	KUNIT_EXPECT_EQ(test, vpool_why_read(&why, text), strlen("cpu 4") + 1);
	KUNIT_EXPECT_STREQ(test, text, "cpu 4");
	/* Reading does not clear it. */
	KUNIT_EXPECT_EQ(test, vpool_why_read(&why, text), strlen("cpu 4") + 1);
}

static void cuts_what_is_too_long(struct kunit *test)
{
	char text[VPOOL_REASON_SIZE];
	struct vpool_why why;

	vpool_why_init(&why);
	vpool_fail(&why, -EINVAL, "%0400d", 1);
	KUNIT_EXPECT_EQ(test, vpool_why_read(&why, text), VPOOL_REASON_SIZE);
	KUNIT_EXPECT_EQ(test, strlen(text), VPOOL_REASON_SIZE - 1);
}

static void may_have_nobody_to_tell(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vpool_fail(NULL, -EINTR, "unheard"), -EINTR);
}

static void says_sizes_for_people(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, vpool_size(0).s, "0 B");
	KUNIT_EXPECT_STREQ(test, vpool_size(3ULL << 30).s, "3.00 GiB");
	KUNIT_EXPECT_STREQ(test, vpool_size(1536ULL << 10).s, "1.50 MiB");
	KUNIT_EXPECT_LT(test, strlen(vpool_size(U64_MAX).s),
			sizeof(struct vpool_size_text));
}

static struct kunit_case vpool_reason_cases[] = {
	KUNIT_CASE(starts_empty),
	KUNIT_CASE(keeps_the_last_failure),
	KUNIT_CASE(cuts_what_is_too_long),
	KUNIT_CASE(may_have_nobody_to_tell),
	KUNIT_CASE(says_sizes_for_people),
	{}
};

static struct kunit_suite vpool_reason_suite = {
	.name = "vpool_reason",
	.test_cases = vpool_reason_cases,
};

kunit_test_suite(vpool_reason_suite);
