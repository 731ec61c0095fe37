// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sizes, times, and amounts of memory with their NUMA nodes.
 */
#include <stdio.h>
#include <stdlib.h>

#include <libvpool.h>

#include "base/code.h"
#include "base/failure.h"
#include "base/macros.h"
#include "config/memspec.h"
#include "host/spare.h"
#include "output/units.h"
#include "tap.h"

static void good_sizes(void)
{
	static const struct {
		const char *text;
		__u64 bytes;
	} cases[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "4096B", 4096 },
		{ "1K", 1024 },
		{ "1k", 1024 },
		{ "512M", 512ULL << 20 },
		{ "2MiB", 2ULL << 20 },
		{ "4G", 4ULL << 30 },
		{ "1.5G", 1536ULL << 20 },
		{ "0.5K", 512 },
		{ "3T", 3ULL << 40 },
		{ "1P", 1ULL << 50 },
		{ "15E", 15ULL << 60 },
		{ "18446744073709551615", ~0ULL },
	};
	char message[128];
	__u64 bytes;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (!expect(!parse_size(cases[i].text, &bytes, message,
					sizeof(message))) ||
		    !expect(bytes == cases[i].bytes))
			printf("# %s\n", cases[i].text);
}

static void bad_sizes(void)
{
	static const char *const cases[] = {
		"", "G", "-1", "+1", " 1", "1 ", "1X", "1GG", "1GiBs", "1Gi",
		".5G", "0x10", "18446744073709551616", "16E", "15.999999999EE",
		"99999999999999999999", "4G@0",
	};
	char message[128];
	__u64 bytes;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		message[0] = '\0';
		if (!expect(parse_size(cases[i], &bytes, message, sizeof(message))) ||
		    !expect(*message))
			printf("# %s\n", cases[i]);
	}
}

static void decimal_sizes(void)
{
	char message[128];
	__u64 bytes;

	expect(parse_size("4GB", &bytes, message, sizeof(message)));
	expect_text(message, "'4GB': sizes are powers of 1024, write 4GiB");
}

static void written_sizes(void)
{
	static const struct {
		__u64 bytes;
		const char *text;
	} cases[] = {
		{ 0, "0B" },
		{ 1, "1B" },
		{ 1023, "1023B" },
		{ 1024, "1K" },
		{ 1536, "1.5K" },
		{ 2ULL << 20, "2M" },
		{ 4ULL << 30, "4G" },
		{ 1536ULL << 20, "1.5G" },
		/* Exact: five digits suffice. */
		{ (4ULL << 30) - (2ULL << 20), "4094M" },
		{ 1025, "1025B" },
		/* Rounded down. */
		{ (4ULL << 30) - 1, "3.9G" },
		{ (16ULL << 30) - 4096, "15.9G" },
		{ ~0ULL, "15.9E" },
		{ 1ULL << 60, "1E" },
	};
	char text[SIZE_TEXT];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		expect_text(format_size(cases[i].bytes, text), cases[i].text);
}

static void what_is_written_reads(void)
{
	char text[SIZE_TEXT], message[128];
	__u64 bytes, back;

	for (bytes = 1; bytes < 1ULL << 62; bytes = bytes * 3 + 7)
		if (!expect(!parse_size(format_size(bytes, text), &back, message,
					sizeof(message))) ||
		    !expect(back <= bytes && bytes - back <= bytes / 10))
			printf("# %llu is %s\n", bytes, text);
}

static void times(void)
{
	__u32 ms = 1;

	expect(!parse_seconds("0", &ms) && ms == 0);
	expect(!parse_seconds("10", &ms) && ms == 10000);
	expect(!parse_seconds("10s", &ms) && ms == 10000);
	expect(!parse_seconds("0.25", &ms) && ms == 250);
	expect(parse_seconds("", &ms));
	expect(parse_seconds("-1", &ms));
	expect(parse_seconds("1m", &ms));
	expect(parse_seconds("4294967296", &ms));
	expect(parse_seconds("99999999999999999999999", &ms));
}

static void memory(void)
{
	struct vpool_mem *mem;
	char message[128];
	size_t nr;

	if (!expect(!parse_memspec("4G@0,2M@17,1G", &mem, NULL, false, &nr,
				   message, sizeof(message))))
		return;
	expect(nr == 3);
	expect(mem[0].bytes == 4ULL << 30 && mem[0].node == 0);
	expect(mem[1].bytes == 2ULL << 20 && mem[1].node == 17);
	expect(mem[2].bytes == 1ULL << 30 && mem[2].node == VPOOL_ANY_NODE);
	expect(!mem[0].__reserved && !mem[2].__reserved);
	free(mem);
}

static void bad_memory(void)
{
	static const char *const cases[] = {
		"", ",", "4G,", ",4G", "4G@", "@0", "4G@x", "4G@-1", "4G@0@1",
		"4G@99999999999999999999", "0", "0@1", "4G;1G", "4G@0 ",
		/* Decimal commas, and numbers without a unit in a list. */
		"1,5G", "1,5", "4,25G@1", "1G,5", "1,500,000", "4G,4096@1",
		/* Shares are not allowed here. */
		"25%", "max", "max@0",
	};
	struct vpool_mem *mem;
	char message[128];
	size_t i, nr;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		message[0] = '\0';
		if (!expect(parse_memspec(cases[i], &mem, NULL, false, &nr,
					  message, sizeof(message))) || !expect(*message))
			printf("# '%s'\n", cases[i]);
	}
}

static void numbers_alone(void)
{
	struct vpool_mem *mem;
	char message[128];
	size_t nr;

	/* Numbers of bytes are allowed in a list if each has a node. */
	if (expect(!parse_memspec("2097152@0,4194304@1", &mem, NULL, false, &nr,
				  message, sizeof(message)))) {
		expect(nr == 2 && mem[1].bytes == 4194304);
		free(mem);
	}
	expect(parse_memspec("1,5G", &mem, NULL, false, &nr, message, sizeof(message)));
	expect_text(message,
		    "'1,5G': a size in a list needs a unit; write fractions with a point, as in 1.5G");
	expect(parse_size("1,5G", &(__u64){ 0 }, message, sizeof(message)));
	expect_text(message, "'1,5G': write fractions with a point, as in 1.5G");
}

/* 10G are poolable, 6G of them on node 1. The pool has 2G on node 1. */
static struct spare_node spare_nodes[] = {
	{ .node = 0, .bytes = 6ULL << 30 },
	{ .node = 1, .bytes = 6ULL << 30 },
};

static const struct spare spare = {
	.bytes = 10ULL << 30, .nr_nodes = 2, .nodes = spare_nodes,
};

static struct vpool_node_info pool_nodes[] = {
	{ .node = 1, .total_bytes = 2ULL << 30 },
};

static const struct vpool_info pool = {
	.total_bytes = 2ULL << 30, .nr_nodes = 1, .nodes = pool_nodes,
};

static void shares(void)
{
	static const struct {
		const char *text;
		const struct vpool_info *have;
		__u64 mib[2];
	} cases[] = {
		{ "25%", NULL, { 2560 } },
		{ "max", NULL, { 10240 } },
		{ "MAX@1", NULL, { 6144 } },
		{ "12.5%", NULL, { 1280 } },
		{ "100%@0", NULL, { 6144 } },
		/* Two nodes: the sum is limited to the total. */
		{ "max@0,max@1", NULL, { 6144, 4096 } },
		{ "50%@0,50%@1", NULL, { 3072, 3072 } },
		{ "1G@0,max@1", NULL, { 1024, 6144 } },
		/* A share for an existing pool includes its own memory. */
		{ "max", &pool, { 12288 } },
		{ "50%", &pool, { 6144 } },
		{ "+50%", &pool, { 5120 } },
		{ "-50%", &pool, { 1024 } },
		{ "+max@0,-100%@1", &pool, { 6144, 2048 } },
		{ "max@1", &pool, { 8192 } },
	};
	struct failure failure;
	struct mem_ask *asks;
	struct vpool_mem *mem;
	char message[128];
	size_t i, j, nr;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (!expect(!parse_memspec(cases[i].text, &mem, &asks,
					   cases[i].have, &nr, message,
					   sizeof(message))))
			continue;
		expect(memspec_has_shares(asks, nr));
		expect(!memspec_resolve(mem, asks, nr, &spare, cases[i].have,
					2ULL << 20, &failure));
		for (j = 0; j < nr; j++)
			if (!expect(mem[j].bytes == cases[i].mib[j] << 20))
				printf("# %s: %llu\n", cases[i].text,
				       mem[j].bytes >> 20);
		free(asks);
		free(mem);
	}
}

static void bad_shares(void)
{
	static const char *const cases[] = {
		"101%", "0%", "%", "-5%", "5%5", "5%G", "1,5%", "max%", "maximum",
		"max,5", "1000000000000000000000%", "1e2%", "5 %", "+max",
	};
	struct failure failure;
	struct mem_ask *asks;
	struct vpool_mem *mem;
	char message[128];
	size_t i, nr;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (!expect(parse_memspec(cases[i], &mem, &asks, false, &nr,
					  message, sizeof(message))))
			printf("# '%s'\n", cases[i]);
	/* A node without poolable memory. */
	if (!expect(!parse_memspec("max@7", &mem, &asks, false, &nr, message,
				   sizeof(message))))
		return;
	expect(memspec_resolve(mem, asks, nr, &spare, NULL, 4096, &failure));
	expect(failure.code == TOOL_SHARE_EMPTY);
	free(asks);
	free(mem);
}

static const struct tap_case cases[] = {
	{ "sizes are parsed", good_sizes },
	{ "invalid sizes are refused with a message", bad_sizes },
	{ "decimal units are refused with a hint", decimal_sizes },
	{ "sizes are printed exactly or rounded down", written_sizes },
	{ "printed sizes can be parsed", what_is_written_reads },
	{ "times are parsed", times },
	{ "lists of sizes and nodes are parsed", memory },
	{ "invalid lists of sizes are refused with a message", bad_memory },
	{ "a number without a unit and node is refused in a list", numbers_alone },
	{ "shares of the poolable memory are computed", shares },
	{ "invalid shares are refused", bad_shares },
};

int main(void)
{
	return tap_main(cases, ARRAY_SIZE(cases));
}
