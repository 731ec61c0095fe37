// SPDX-License-Identifier: GPL-2.0
/*
 * vpool_bench: measure vpool and its alternatives, and print one figure per line:
 *
 *	figure WHAT VARIANT N MEDIAN LEAST MOST MEASUREMENTS
 *	skip   WHAT VARIANT REASON
 *
 * separated by tabs. N is the number of folios or of other pools. Run it as root on
 * an idle machine with vpool loaded and VPOOL_KO naming the module, as
 * selftests/bench/run does.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/memory.h"
#include "bench.h"
#include "calls.h"
#include "files.h"
#include "gigantic.h"
#include "memory.h"
#include "samples.h"

#define DEFAULT_MIB 512
#define DEFAULT_ITERATIONS 3
#define DEFAULT_CALLS 101
#define DEFAULT_FILES 100000

static void parse_pools(struct bench_options *options, char *list)
{
	char *word;

	options->nr_pools = 0;
	for (word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		if (options->nr_pools == ARRAY_SIZE(options->pools))
			bench_die("--pools", E2BIG);
		options->pools[options->nr_pools++] = atoi(word);
	}
}

/* Choose what to measure. Some figures need a test VM of their own. */
static void parse_part(struct bench_options *options, const char *word)
{
	if (!strcmp(word, "reserve"))
		options->part = bench_reserve;
	else if (!strcmp(word, "reserve-cpus"))
		options->part = bench_reserve_cpus;
	else if (!strcmp(word, "files"))
		options->part = bench_files;
	else if (!strcmp(word, "gigantic"))
		options->part = bench_gigantic;
	else
		bench_die("--part", EINVAL);
}

/* What a test VM with --icount measures on an ordinary kernel. */
static void all_calls(const struct bench_options *options)
{
	bench_forks(options);
	bench_memory(options);
	bench_commits(options);
	bench_calls(options);
}

static const struct option longs[] = {
	{ "calls", required_argument, NULL, 'c' },
	{ "files", required_argument, NULL, 'f' },
	{ "mib", required_argument, NULL, 'm' },
	{ "part", required_argument, NULL, 'P' },
	{ "pools", required_argument, NULL, 'p' },
	{ "iterations", required_argument, NULL, 'i' },
	{}
};

static void parse(int argc, char **argv, struct bench_options *options)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (opt) {
		case 'c':
			options->calls = atoi(optarg);
			break;
		case 'f':
			options->files = atoi(optarg);
			break;
		case 'm':
			options->bytes = atoi(optarg) * MIB;
			break;
		case 'p':
			parse_pools(options, optarg);
			break;
		case 'P':
			parse_part(options, optarg);
			break;
		case 'i':
			options->iterations = atoi(optarg);
			break;
		default:
			fprintf(stderr,
				"usage: %s [--part reserve|reserve-cpus|files|gigantic] [--mib N] [--iterations N] [--calls N] [--files N] [--pools N,...]\n",
				argv[0]);
			exit(2);
		}
	}
}

/* Run on CPU 0 only, and leave the other CPUs to the scrubber and the member. */
static void bind_to_first_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bench_die("sched_setaffinity", errno);
}

int main(int argc, char **argv)
{
	struct bench_options options = {
		.bytes = DEFAULT_MIB * MIB,
		.iterations = DEFAULT_ITERATIONS,
		.calls = DEFAULT_CALLS,
		.files = DEFAULT_FILES,
		.pools = { 1, 100, 10000 },
		.nr_pools = 3,
		.part = all_calls,
	};

	parse(argc, argv, &options);
	bind_to_first_cpu();
	bench_start();
	options.part(&options);
	return 0;
}
