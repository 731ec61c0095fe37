// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of CPUs, and CPU lists.
 */
#include <errno.h>
#include <stdlib.h>

#include <libvpool.h>

#include "base/macros.h"
#include "tap.h"

static void lists(void)
{
	static const struct {
		const char *text;
		const char *back;
		unsigned int count;
	} cases[] = {
		{ "", "", 0 },
		{ "0", "0", 1 },
		{ "0-3", "0-3", 4 },
		{ "3,1,2", "1-3", 3 },
		{ "0-3,8", "0-3,8", 5 },
		{ "1,1,1", "1", 1 },
		{ "0-4,2-6", "0-6", 7 },
		{ "63-64", "63-64", 2 },
		{ "0-9:1/2", "0,2,4,6,8", 5 },
		{ "0-9:2/5", "0-1,5-6", 4 },
		{ "8191", "8191", 1 },
		{ "0-524287", "0-524287", 524288 },
		{ "0-5,^3", "0-2,4-5", 5 },
		{ "^3,0-5,^0-1", "2,4-5", 3 },
		{ "0-7,^0-7:1/2", "1,3,5,7", 4 },
	};
	struct vpool_cpus cpus;
	char *back, message[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (!expect(!vpool_cpus_parse(cases[i].text, &cpus, message,
					      sizeof(message))))
			continue;
		back = vpool_cpus_format(&cpus);
		expect_text(back, cases[i].back);
		expect(vpool_cpus_count(&cpus) == cases[i].count);
		expect(cpus.bytes % 8 == 0);
		free(back);
		vpool_cpus_free(&cpus);
	}
}

/* "all" and "N" stand for CPUs of the host. */
static void host_lists(void)
{
	struct vpool_cpus all, last, range, online;
	struct vpool_host *host;
	char text[32];

	if (!expect(!vpool_host_read(&host)))
		return;
	online = host->cpus;
	expect(!vpool_cpus_parse("all", &all, NULL, 0));
	expect(vpool_cpus_count(&all) == vpool_cpus_count(&online));
	vpool_cpus_subtract(&all, &online);
	expect(!vpool_cpus_count(&all));
	expect(!vpool_cpus_parse("N", &last, NULL, 0));
	expect(vpool_cpus_count(&last) == 1);
	vpool_cpus_subtract(&last, &online);
	expect(!vpool_cpus_count(&last));
	expect(!vpool_cpus_parse("0-N", &range, NULL, 0));
	expect(vpool_cpus_count(&range) >= vpool_cpus_count(&online));
	vpool_cpus_free(&range);
	snprintf(text, sizeof(text), "ALL,^N,524287");
	expect(!vpool_cpus_parse(text, &range, NULL, 0));
	expect(vpool_cpus_count(&range) == vpool_cpus_count(&online));
	vpool_cpus_free(&range);
	vpool_cpus_free(&last);
	vpool_cpus_free(&all);
	vpool_host_free(host);
}

/* A list with too many repetitions is refused within a short time. */
static void endless_lists(void)
{
	static const char range[] = "0-524287:1/2,";
	size_t i, nr = 20000, len = sizeof(range) - 1;
	char *text = malloc(nr * len + 2), message[160];
	struct vpool_cpus cpus;

	if (!expect(text))
		return;
	for (i = 0; i < nr; i++)
		memcpy(text + i * len, range, len);
	memcpy(text + nr * len, "0", 2);
	expect(vpool_cpus_parse(text, &cpus, message, sizeof(message)) == -EINVAL);
	expect(strstr(message, "again and again"));
	free(text);
}

static void bad_lists(void)
{
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
		{ "5-2", "the range 5-2 is backwards" },
		{ "524288", "cpu 524288: no host has that many CPUs" },
		{ "0-4294967296",
		  "cpu 4294967296: no host has that many CPUs" },
		{ "99999999999999999999,1",
		  "cpu 99999999999999999999: no host has that many CPUs" },
		{ "a", "'a' is not a list of CPUs such as 0-3,8" },
		{ "1,", "'1,' is not a list of CPUs such as 0-3,8" },
		{ ",1", "',1' is not a list of CPUs such as 0-3,8" },
		{ "1-", "'1-' is not a list of CPUs such as 0-3,8" },
		{ "-1", "'-1' is not a list of CPUs such as 0-3,8" },
		{ "1 ", "'1 ' is not a list of CPUs such as 0-3,8" },
		{ "1-2-3", "'1-2-3' is not a list of CPUs such as 0-3,8" },
		{ "^3", "'^3' leaves no CPU" },
		{ "1-2,^0-3", "'1-2,^0-3' leaves no CPU" },
		{ "all,^all", "'all,^all' leaves no CPU" },
		{ "^", "'^' is not a list of CPUs such as 0-3,8" },
		{ "^^1", "'^^1' is not a list of CPUs such as 0-3,8" },
		{ "alles", "'alles' is not a list of CPUs such as 0-3,8" },
		{ "al", "'al' is not a list of CPUs such as 0-3,8" },
		{ "2-n", "'2-n' is not a list of CPUs such as 0-3,8" },
		{ "NN", "'NN' is not a list of CPUs such as 0-3,8" },
		{ "0-9:2",
		  "'0-9:2' is not a list of CPUs: ':' needs USED/GROUP" },
		{ "0-9:3/2", "'0-9:3/2': cannot use 3 of each 2 CPUs" },
		{ "0-9:0/0", "'0-9:0/0': cannot use 0 of each 0 CPUs" },
	};
	struct vpool_cpus cpus;
	char message[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		expect(vpool_cpus_parse(cases[i].text, &cpus, message,
					sizeof(message)) == -EINVAL);
		expect_text(message, cases[i].message);
		expect(!cpus.bits && !cpus.bytes);
	}
	expect(vpool_cpus_parse("x", &cpus, NULL, 0) == -EINVAL);
}

static void arithmetic(void)
{
	struct vpool_cpus a, b;
	char *text;

	if (!expect(!vpool_cpus_parse("0-3,200", &a, NULL, 0)))
		return;
	if (!expect(!vpool_cpus_parse("1-2", &b, NULL, 0)))
		return;
	vpool_cpus_subtract(&a, &b);
	text = vpool_cpus_format(&a);
	expect_text(text, "0,3,200");
	free(text);
	vpool_cpus_subtract(&b, &a);
	expect(vpool_cpus_count(&b) == 2);
	expect(!vpool_cpus_add(&b, 3));
	vpool_cpus_and(&a, &b);
	text = vpool_cpus_format(&a);
	expect_text(text, "3");
	free(text);
	expect(!vpool_cpus_test(&a, 1U << 31));
	expect(vpool_cpus_add(&a, 1U << 31) == -EINVAL);
	vpool_cpus_free(&a);
	vpool_cpus_free(&b);
}

static void host(void)
{
	unsigned int cores = 0;
	struct vpool_host *info;
	size_t i;

	if (!expect(!vpool_host_read(&info)))
		return;
	expect(vpool_cpus_count(&info->cpus) >= 1);
	expect(info->cores >= 1);
	expect(info->cores <= vpool_cpus_count(&info->cpus));
	expect(info->nr_nodes >= 1);
	expect(info->total_bytes > 0);
	expect(info->available_bytes <= info->total_bytes);
	for (i = 0; i < info->nr_nodes; i++) {
		cores += info->nodes[i].cores;
		expect(info->nodes[i].free_bytes <= info->nodes[i].total_bytes);
		expect(info->nodes[i].available_bytes <=
		       info->nodes[i].total_bytes);
	}
	expect(cores == info->cores);
	vpool_host_free(info);
}

static const struct tap_case cases[] = {
	{ "CPU lists are parsed and formatted", lists },
	{ "invalid lists are refused with a message", bad_lists },
	{ "all and N stand for online CPUs of the host", host_lists },
	{ "a list with endless repetitions is refused soon", endless_lists },
	{ "sets are intersected and subtracted", arithmetic },
	{ "the values of the host are consistent", host },
};

int main(void)
{
	return tap_main(cases, ARRAY_SIZE(cases));
}
