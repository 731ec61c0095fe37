/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the benchmark share.
 *
 * Time is CLOCK_MONOTONIC in nanoseconds. In the box under --icount each is one
 * instruction of the guest, the kernel's own included, and a figure is the same
 * on every run and machine to a few parts in a thousand.
 */
#ifndef VPOOL_BENCH_H
#define VPOOL_BENCH_H

#include <time.h>

#include <linux/types.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

/* Of these pools the benchmark makes its own; none may be there before. */
#define BENCH_POOL "bench"

/**
 * struct bench_options - what to measure
 * @bytes: of the memory of a virtual machine
 * @rounds: for what takes long
 * @calls: how often to measure what is short
 * @pools: how many other pools are there, in the order of creating them
 * @nr_pools: length of @pools
 */
struct bench_options {
	__u64 bytes;
	int rounds;
	int calls;
	int pools[8];
	int nr_pools;
};

/**
 * struct bench_samples - one figure's measurements
 * @nr: how many there are
 * @at: each of them
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
void bench_say(const char *what, const char *who, long n,
	       struct bench_samples *samples, double units);
void bench_skip(const char *what, const char *who, const char *why);
void bench_die(const char *what, int err);
int bench_must(const char *what, int ret);

void bench_memory(const struct bench_options *options);
void bench_commits(const struct bench_options *options);
void bench_calls(const struct bench_options *options);
void bench_forks(const struct bench_options *options);

#endif /* VPOOL_BENCH_H */
