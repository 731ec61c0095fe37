/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Samples of a figure.
 *
 * Time is CLOCK_MONOTONIC in nanoseconds. In a test VM with --icount each nanosecond
 * is one instruction of the guest, kernel included, so that a figure is the same on
 * every run and machine to a few parts in a thousand.
 */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <time.h>

#include <linux/types.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

/**
 * struct bench_samples - the measurements of one figure
 * @nr: number of measurements
 * @at: the measurements, in nanoseconds
 */
struct bench_samples {
	int nr;
	__u64 at[2048];
};

static inline __u64 bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void bench_start(void);
void bench_add(struct bench_samples *samples, __u64 begin, __u64 end);
void bench_say(const char *what, const char *variant, long n,
	       struct bench_samples *samples, double units);
void bench_skip(const char *what, const char *variant, const char *reason);
void bench_die(const char *what, int err);
int bench_must(const char *what, int ret);

#endif /* BENCH_SAMPLES_H */
