/* SPDX-License-Identifier: GPL-2.0 */
/* Measure the memory of a virtual machine, commits, and reserving memory. */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stdbool.h>

#include "bench.h"

int bench_open_hugetlb(void);
int bench_open_memfd(void);
void bench_clean_up(void);
void bench_commits(const struct bench_options *options);
void bench_memory(const struct bench_options *options);
void bench_prepare(const struct bench_options *options);
void bench_reserve(const struct bench_options *options);
void bench_reserve_cpus(const struct bench_options *options);
void bench_run_exclusively(bool run_exclusively);
void bench_wait_clean(void);
void bench_wait_scrubbed(void);

#endif /* BENCH_MEMORY_H */
