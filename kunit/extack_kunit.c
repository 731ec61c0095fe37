// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/string.h>

#include "extack.h"

static void starts_empty(struct kunit *test)
{
	char text[VPOOL_REASON_SIZE] = "untouched";
	struct vpool_extack extack;
	u32 code;

	vpool_extack_init(&extack);
	KUNIT_EXPECT_EQ(test, vpool_extack_read(&extack, text, &code), 0);
	KUNIT_EXPECT_STREQ(test, text, "");
	KUNIT_EXPECT_EQ(test, code, VPOOL_CODE_NONE);
}

static void keeps_the_last_failure(struct kunit *test)
{
	char text[VPOOL_REASON_SIZE];
	struct vpool_extack extack;
	u32 code;

	vpool_extack_init(&extack);
	KUNIT_EXPECT_EQ(
		test,
		vpool_err(&extack, -EBUSY, VPOOL_CODE_CPU_TAKEN, "cpu %u", 3U),
		-EBUSY);
	KUNIT_EXPECT_EQ(
		test,
		vpool_err(&extack, -ENOMEM, VPOOL_CODE_MEM_ZERO, "cpu %u", 4U),
		-ENOMEM);
	KUNIT_EXPECT_EQ(test, vpool_extack_read(&extack, text, &code),
			strlen("cpu 4") + 1);
	KUNIT_EXPECT_STREQ(test, text, "cpu 4");
	KUNIT_EXPECT_EQ(test, code, VPOOL_CODE_MEM_ZERO);
	/* Reading does not clear it. */
	KUNIT_EXPECT_EQ(test, vpool_extack_read(&extack, text, &code),
			strlen("cpu 4") + 1);
}

static void cuts_what_is_too_long(struct kunit *test)
{
	char text[VPOOL_REASON_SIZE];
	struct vpool_extack extack;
	u32 code;

	vpool_extack_init(&extack);
	vpool_err(&extack, -EINVAL, VPOOL_CODE_MEM_ZERO, "%0400d", 1);
	KUNIT_EXPECT_EQ(test, vpool_extack_read(&extack, text, &code),
			VPOOL_REASON_SIZE);
	KUNIT_EXPECT_EQ(test, strlen(text), VPOOL_REASON_SIZE - 1);
}

static void may_have_nobody_to_tell(struct kunit *test)
{
	KUNIT_EXPECT_EQ(
		test,
		vpool_err(NULL, -EINTR, VPOOL_CODE_INTERRUPTED, "unheard"),
		-EINTR);
}

/* The same sizes and texts as in userspace/tests/test_units.c. */
static void says_sizes_as_the_tool(struct kunit *test)
{
	static const struct {
		u64 bytes;
		const char *text;
	} cases[] = {
		{ 0, "0B" },
		{ 1, "1B" },
		{ 1023, "1023B" },
		{ 1024, "1K" },
		{ 1536, "1.5K" },
		{ 2ULL << 20, "2M" },
		{ 32ULL << 20, "32M" },
		{ 4ULL << 30, "4G" },
		{ 1536ULL << 20, "1.5G" },
		{ (4ULL << 30) - (2ULL << 20), "4094M" },
		{ 1025, "1025B" },
		{ (4ULL << 30) - 1, "3.9G" },
		{ (16ULL << 30) - 4096, "15.9G" },
		{ U64_MAX, "15.9E" },
		{ 1ULL << 60, "1E" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_STREQ(test, vpool_size(cases[i].bytes).s,
				   cases[i].text);
}

static struct kunit_case vpool_reason_cases[] = {
	KUNIT_CASE(starts_empty),	    KUNIT_CASE(keeps_the_last_failure),
	KUNIT_CASE(cuts_what_is_too_long),  KUNIT_CASE(may_have_nobody_to_tell),
	KUNIT_CASE(says_sizes_as_the_tool), {}
};

static struct kunit_suite vpool_reason_suite = {
	.name = "vpool_reason",
	.test_cases = vpool_reason_cases,
};

kunit_test_suite(vpool_reason_suite);
