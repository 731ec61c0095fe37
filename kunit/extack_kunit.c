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
	int err;

	vpool_extack_init(&extack);
	err = vpool_err(&extack, -EBUSY, VPOOL_CODE_CPU_TAKEN, "cpu %u", 3U);
	KUNIT_EXPECT_EQ(test, err, -EBUSY);
	err = vpool_err(&extack, -ENOMEM, VPOOL_CODE_MEM_ZERO, "cpu %u", 4U);
	KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	KUNIT_EXPECT_EQ(test, vpool_extack_read(&extack, text, &code),
			strlen("cpu 4") + 1);
	KUNIT_EXPECT_STREQ(test, text, "cpu 4");
	KUNIT_EXPECT_EQ(test, code, VPOOL_CODE_MEM_ZERO);
	/* Reading does not clear it. */
	KUNIT_EXPECT_EQ(test, vpool_extack_read(&extack, text, &code),
			strlen("cpu 4") + 1);
}

static void truncates_a_long_sentence(struct kunit *test)
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

static void works_without_a_message(struct kunit *test)
{
	int err = vpool_err(NULL, -EINTR, VPOOL_CODE_INTERRUPTED, "unread");

	KUNIT_EXPECT_EQ(test, err, -EINTR);
}

/* userspace/tests/test_units.c has the same sizes and texts. */
static void formats_sizes_like_the_tool(struct kunit *test)
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

static struct kunit_case vpool_extack_cases[] = {
	KUNIT_CASE(formats_sizes_like_the_tool),
	KUNIT_CASE(keeps_the_last_failure),
	KUNIT_CASE(starts_empty),
	KUNIT_CASE(truncates_a_long_sentence),
	KUNIT_CASE(works_without_a_message),
	{}
};

static struct kunit_suite vpool_extack_suite = {
	.name = "vpool_extack",
	.test_cases = vpool_extack_cases,
};

kunit_test_suite(vpool_extack_suite);
