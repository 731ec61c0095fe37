// SPDX-License-Identifier: GPL-2.0-only
/*
 * Declared pools: parse files and compare them with pools; CPU times.
 */
#include <stdlib.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/macros.h"
#include "config/config.h"
#include "config/declare.h"
#include "config/plan.h"
#include "config/reader.h"
#include "host/grade.h"
#include "host/sample.h"
#include "tap.h"

/* Parse a text as the content of a file. */
static void read_text(struct config *cfg, const char *text)
{
	char path[] = "/tmp/vpool-test.XXXXXX";
	int fd = mkstemp(path);

	memset(cfg, 0, sizeof(*cfg));
	if (!expect(fd >= 0))
		return;
	expect(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	config_read_file(cfg, path);
	unlink(path);
}

/* Expect exactly one mistake in a text, at this line and column. */
static void expect_mistake(const char *text, unsigned int line,
			   unsigned int column, const char *words)
{
	struct config cfg;

	read_text(&cfg, text);
	if (!expect(cfg.nr_mistakes == 1) ||
	    !expect(cfg.mistakes[0].location.line == line) ||
	    !expect(cfg.mistakes[0].location.column == column) ||
	    !expect(strstr(cfg.mistakes[0].text, words)))
		printf("# of '%s'%s%s\n", text, cfg.nr_mistakes ? ": " : "",
		       cfg.nr_mistakes ? cfg.mistakes[0].text : "");
	config_free(&cfg);
}

static void all_properties(void)
{
	const struct pool_config *pool;
	struct config cfg;

	read_text(&cfg, "pools:\n  web:\n    mem: [3M@0, 1G@1, 4M]\n"
		  "    cpus: 2-3,5\n    page-size: 2M\n    owner: \"7:8\"\n"
		  "    mode: 0640\n    timeout: 1.5\n    split-cores: yes\n"
		  "    boot-core: true\n    isolate: true\n");
	expect(cfg.nr_mistakes == 0);
	if (!expect(cfg.nr_pools == 1))
		return;
	pool = cfg.pools;
	expect_text(pool->name, "web");
	expect(pool->location.line == 2 && pool->location.column == 3);
	expect(pool->nr_mem == 3);
	expect(pool->mem[0].bytes == 4 << 20 && pool->mem[0].node == 0);
	expect(pool->mem[2].node == VPOOL_ANY_NODE);
	expect(pool_config_bytes(pool) == (1 << 30) + (8 << 20));
	expect(vpool_cpus_count(&pool->cpus) == 3);
	expect(pool->page_size == 2 << 20);
	expect(pool->uid == 7 && pool->gid == 8);
	expect(pool->mode == 0640);
	expect(pool->timeout_ms == 1500);
	expect(pool->split_cores && pool->boot_core && pool->isolate);
	config_free(&cfg);
}

static void mistakes(void)
{
	expect_mistake("", 0, 0, "declares nothing");
	expect_mistake("pools: [\n", 2, 1, "did not find");
	expect_mistake("[]\n", 1, 1, "but must be a mapping with the key 'pools'");
	expect_mistake("pols: {}\n", 1, 1, "unknown key 'pols'");
	expect_mistake("pools:\n", 1, 7, "pools is empty");
	expect_mistake("pools: {}\n---\npools: {}\n", 3, 1, "one document");
	expect_mistake("pools: {Web: {mem: 1M}}\n", 1, 9, "not a pool's name");
	expect_mistake("pools: {control: {mem: 1M}}\n", 1, 9, "not a pool's");
	expect_mistake("pools: {[a]: {mem: 1M}}\n", 1, 9, "is a list");
	expect_mistake("pools: {a: }\n", 1, 12, "pool 'a' is empty");
	expect_mistake("pools: {a: {}}\n", 1, 9, "needs mem or cpus");
	expect_mistake("pools: {a: {mme: 1M}}\n", 1, 13, "mean 'mem'?");
	expect_mistake("pools: {a: {mem: 1M, isolate: yes}}\n", 1, 9,
		       "isolated without cpus");
	expect_mistake("pools: {a: {mem: 1M, confine: yes}}\n", 1, 9,
		       "confined without cpus");
	expect_mistake("pools: {a: {cpus: 1, isolate: yes, confine: yes}}\n",
		       1, 45, "exclude each other");
	expect_mistake("pools: {a: {cpus: 1, isolate: 1}}\n", 1, 31,
		       "not true, false, balance or nobalance");
	expect_mistake("pools: {a: {mem: [1M, 0]}}\n", 1, 23, "size of 0");
	expect_mistake("pools: {a: {mem: 1M, mem: 2M}}\n", 1, 22, "twice");
}

static void mistakes_between_pools(void)
{
	expect_mistake("pools:\n a: {cpus: 1-3}\n b: {cpus: \"3,4\"}\n", 3, 2,
		       "cpu 3 of pool 'b' belongs to pool 'a', too");
	expect_mistake("pools:\n a: {mem: 1M}\n a: {mem: 1M}\n", 3, 2,
		       "declared already");
}

/* A written declaration is parsed to the same pools. */
static void written(void)
{
	struct config cfg, again;
	char *text;
	size_t size;
	FILE *to;

	read_text(&cfg, "pools: {\"1.5\": {mem: [6M@1, 1G]}, y: {cpus: 0-3, isolate: yes},\n"
		  "  a: {mem: 12K, page-size: 4K, owner: 70000, mode: 0, user-mem: 8K,\n"
		  "    user-regions: 5, user-members: 6}}\n");
	expect(cfg.nr_mistakes == 0);
	to = open_memstream(&text, &size);
	config_write(&cfg, to);
	fclose(to);
	expect_text(text,
		    "pools:\n"
		    "  \"1.5\":\n"
		    "    mem: 6M@1,1G\n"
		    "    page-size: 2M\n"
		    "    owner: root:root\n"
		    "    mode: \"0660\"\n"
		    "  \"y\":\n"
		    "    cpus: 0-3\n"
		    "    isolate: true\n"
		    "    page-size: 2M\n"
		    "    owner: root:root\n"
		    "    mode: \"0660\"\n"
		    "  a:\n"
		    "    mem: 12K\n"
		    "    page-size: 4K\n"
		    "    owner: 70000:root\n"
		    "    mode: \"0000\"\n"
		    "    user-mem: 8K\n"
		    "    user-regions: 5\n"
		    "    user-members: 6\n");
	read_text(&again, text);
	expect(again.nr_mistakes == 0 && again.nr_pools == 3);
	expect(mem_matches(again.pools, cfg.pools));
	expect(again.pools[1].isolate == GRADE_ISOLATED &&
	       !again.pools[2].isolate);
	free(text);
	config_free(&again);
	config_free(&cfg);
}

/* Each grade has its property. */
static void grades(void)
{
	struct config cfg;

	read_text(&cfg, "pools: {a: {cpus: 1, isolate: nobalance},\n"
		  "  b: {cpus: 2, confine: yes, isolate: no}, c: {cpus: 3}}\n");
	if (expect(cfg.nr_mistakes == 0 && cfg.nr_pools == 3)) {
		expect(cfg.pools[0].isolate == GRADE_NOBALANCE);
		expect(cfg.pools[1].isolate == GRADE_CONFINED);
		expect(cfg.pools[2].isolate == GRADE_PLAIN);
	}
	config_free(&cfg);
}

static void memory_matches(void)
{
	struct vpool_mem have_mem[] = { { 6 << 20, 0, 0 }, { 4 << 20, 1, 0 } };
	struct pool_config have = { .mem = have_mem, .nr_mem = 2 };
	static const struct {
		struct vpool_mem mem[2];
		size_t nr;
		bool good;
	} cases[] = {
		{ { { 10 << 20, VPOOL_ANY_NODE, 0 } }, 1, true },
		{ { { 8 << 20, VPOOL_ANY_NODE, 0 } }, 1, false },
		{ { { 4 << 20, 0, 0 }, { 6 << 20, -1, 0 } }, 2, true },
		{ { { 8 << 20, 0, 0 }, { 2 << 20, -1, 0 } }, 2, false },
		{ { { 6 << 20, 0, 0 }, { 4 << 20, 1, 0 } }, 2, true },
		{ { { 4 << 20, 0, 0 }, { 6 << 20, 1, 0 } }, 2, false },
		{ { { 0, 0, 0 } }, 0, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pool_config want = {
			.mem = (struct vpool_mem *)cases[i].mem,
			.nr_mem = cases[i].nr,
		};

		if (!expect(mem_matches(&have, &want) == cases[i].good))
			printf("# case %zu\n", i);
	}
}

static void cpu_times(void)
{
	static char first[] =
		"cpu  9 9 9 9 9 9 9 9 0 0\n"
		"cpu0 100 0 100 800 0 0 0 0 0 0\n"
		"cpu2 10 0 0 90 0 0 0 0 50 0\n"
		"intr 1 2 3\n";
	static char second[] =
		"cpu0 150 0 100 850 0 0 0 0 0 0\n"
		"cpu2 10 0 0 150 40 0 0 0 99 0\n";
	struct sample from = { 0 }, to = { 0 };
	struct vpool_cpus cpus;
	__u64 tenths;
	FILE *file;

	file = fmemopen(first, strlen(first), "r");
	parse_cpu_times(file, &from.cpus, &from.nr_cpus);
	fclose(file);
	file = fmemopen(second, strlen(second), "r");
	parse_cpu_times(file, &to.cpus, &to.nr_cpus);
	fclose(file);
	expect(from.nr_cpus == 3 && from.cpus[0].busy == 200 &&
	       from.cpus[0].total == 1000);
	expect(from.cpus[1].total == 0);
	expect(!vpool_cpus_parse("0-2", &cpus, NULL, 0));
	expect(!sample_busy(&from, &to, &cpus, &tenths) && tenths == 250);
	vpool_cpus_free(&cpus);
	expect(!vpool_cpus_parse("1", &cpus, NULL, 0));
	expect(sample_busy(&from, &to, &cpus, &tenths) == -EAGAIN);
	vpool_cpus_free(&cpus);
	free(from.cpus);
	free(to.cpus);
}

int main(void)
{
	static const struct tap_case cases[] = {
		{ "all properties are parsed", all_properties },
		{ "mistakes are reported with line and column", mistakes },
		{ "conflicts between pools are mistakes", mistakes_between_pools },
		{ "a written declaration parses to the same pools", written },
		{ "each grade has its property", grades },
		{ "memory matches any placement that the declaration allows", memory_matches },
		{ "the load of CPUs is computed", cpu_times },
	};

	return tap_main(cases, ARRAY_SIZE(cases));
}
