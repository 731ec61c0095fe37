/* SPDX-License-Identifier: GPL-2.0 */
/* Settings that all parts of the benchmark share. */
#ifndef VPOOL_BENCH_H
#define VPOOL_BENCH_H

#include <linux/types.h>

/* Prefix of the names of the benchmark's pools. None of them may exist at the start. */
#define BENCH_POOL "bench"

/**
 * struct bench_options - what to measure
 * @bytes: memory size of a virtual machine, in bytes
 * @iterations: number of measurements of slow operations
 * @calls: number of measurements of fast operations
 * @files: number of files in a directory
 * @pools: numbers of other pools that exist during a measurement, in increasing order
 * @nr_pools: length of @pools
 * @part: measures a part of the figures
 */
struct bench_options {
	__u64 bytes;
	int iterations;
	int calls;
	int files;
	int pools[8];
	int nr_pools;
	void (*part)(const struct bench_options *options);
};

#endif /* VPOOL_BENCH_H */
