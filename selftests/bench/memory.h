/* SPDX-License-Identifier: GPL-2.0 */
/* Measure the memory of a virtual machine, commits, and reserving memory. */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include "bench.h"

void bench_commits(const struct bench_options *options);
void bench_memory(const struct bench_options *options);
void bench_reserve(const struct bench_options *options);
void bench_reserve_cpus(const struct bench_options *options);

#endif /* BENCH_MEMORY_H */
