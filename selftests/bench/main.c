// SPDX-License-Identifier: GPL-2.0
/*
 * vpool_bench: measure vpool and its alternatives, and print one figure per line:
 *
 *	figure WHAT WHO N MEDIAN LEAST MOST MEASUREMENTS
 *	skip   WHAT WHO REASON
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
#include <unistd.h>

#include "../lib/memory.h"
#include "bench.h"

#define DEFAULT_MIB 512
#define DEFAULT_ROUNDS 3
#define DEFAULT_CALLS 101

/* Cost of reading the clock twice. */
static __u64 nothing;

void bench_die(const char *what, int err)
{
	fprintf(stderr, "vpool_bench: %s: %s\n", what, strerror(abs(err)));
	exit(1);
}

/* Exit with a message if @ret, the result of a call, is a negative errno. */
int bench_must(const char *what, int ret)
{
	if (ret < 0)
		bench_die(what, ret);
	return ret;
}

static int compare(const void *a, const void *b)
{
	const __u64 *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static void sort(struct bench_samples *samples)
{
	qsort(samples->at, samples->nr, sizeof(samples->at[0]), compare);
}

void bench_start(void)
{
	static struct bench_samples samples;
	__u64 begin;
	int i;

	for (i = 0; i < 1001; i++) {
		begin = bench_now();
		samples.at[samples.nr++] = bench_now() - begin;
	}
	sort(&samples);
	/* Take the minimum: most of the others include an interruption. */
	nothing = samples.at[0];
}

void bench_add(struct bench_samples *samples, __u64 begin, __u64 end)
{
	__u64 took = end - begin;

	if (samples->nr == ARRAY_SIZE(samples->at))
		bench_die("too many measurements", ENOSPC);
	samples->at[samples->nr++] = took > nothing ? took - nothing : 0;
}

/* Print a figure, with each measurement divided by @units, and clear the samples. */
void bench_say(const char *what, const char *who, long n,
	       struct bench_samples *samples, double units)
{
	int nr = samples->nr;

	if (!nr)
		bench_die(what, ENODATA);
	sort(samples);
	printf("figure\t%s\t%s\t%ld\t%.1f\t%.1f\t%.1f\t%d\n", what, who, n,
	       samples->at[nr / 2] / units, samples->at[0] / units,
	       samples->at[nr - 1] / units, nr);
	fflush(stdout);
	samples->nr = 0;
}

void bench_skip(const char *what, const char *who, const char *why)
{
	printf("skip\t%s\t%s\t%s\n", what, who, why);
	fflush(stdout);
}

static void parse_pools(struct bench_options *options, char *list)
{
	char *word;

	options->nr_pools = 0;
	for (word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		if (options->nr_pools == 8)
			bench_die("--pools", E2BIG);
		options->pools[options->nr_pools++] = atoi(word);
	}
}

static const struct option longs[] = {
	{ "calls", required_argument, NULL, 'c' },
	{ "mib", required_argument, NULL, 'm' },
	{ "pools", required_argument, NULL, 'p' },
	{ "rounds", required_argument, NULL, 'r' },
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
		case 'm':
			options->bytes = atoi(optarg) * MIB;
			break;
		case 'p':
			parse_pools(options, optarg);
			break;
		case 'r':
			options->rounds = atoi(optarg);
			break;
		default:
			fprintf(stderr,
				"usage: %s [--mib N] [--rounds N] [--calls N] [--pools N,...]\n",
				argv[0]);
			exit(2);
		}
	}
}

/* Leave the other CPUs, if there are any, to the scrubber and the member. */
static void stay(void)
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
		.rounds = DEFAULT_ROUNDS,
		.calls = DEFAULT_CALLS,
		.pools = { 1, 100, 10000 },
		.nr_pools = 3,
	};

	parse(argc, argv, &options);
	stay();
	bench_start();
	bench_forks(&options);
	bench_memory(&options);
	bench_commits(&options);
	bench_calls(&options);
	return 0;
}
