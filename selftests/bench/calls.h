/* SPDX-License-Identifier: GPL-2.0 */
/* Measure the duration of calls and forks. */
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H

#include "bench.h"

void bench_calls(const struct bench_options *options);
void bench_forks(const struct bench_options *options);

#endif /* BENCH_CALLS_H */
