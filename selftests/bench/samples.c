// SPDX-License-Identifier: GPL-2.0
/* Collect the measurements of a figure and print it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samples.h"

/* Time between two consecutive reads of the clock, in nanoseconds. */
static __u64 clock_cost;

/* Exit with a message about a negative or positive errno. */
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

/* Measure the cost of reading the clock, which bench_add() subtracts. */
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
	/* Take the minimum, because larger values include interrupts. */
	clock_cost = samples.at[0];
}

void bench_add(struct bench_samples *samples, __u64 begin, __u64 end)
{
	__u64 took = end - begin;

	if (samples->nr == ARRAY_SIZE(samples->at))
		bench_die("too many measurements", ENOSPC);
	samples->at[samples->nr++] = took > clock_cost ? took - clock_cost : 0;
}

/* Print a figure, with each measurement divided by @units, and clear the samples. */
void bench_say(const char *what, const char *variant, long n,
	       struct bench_samples *samples, double units)
{
	int nr = samples->nr;

	if (!nr)
		bench_die(what, ENODATA);
	sort(samples);
	printf("figure\t%s\t%s\t%ld\t%.1f\t%.1f\t%.1f\t%d\n", what, variant, n,
	       samples->at[nr / 2] / units, samples->at[0] / units,
	       samples->at[nr - 1] / units, nr);
	fflush(stdout);
	samples->nr = 0;
}

void bench_skip(const char *what, const char *variant, const char *reason)
{
	printf("skip\t%s\t%s\t%s\n", what, variant, reason);
	fflush(stdout);
}
