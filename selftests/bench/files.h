/* SPDX-License-Identifier: GPL-2.0 */
/* Measure files whose memory comes from a pool. */
#ifndef BENCH_FILES_H
#define BENCH_FILES_H

#include "bench.h"

void bench_files(const struct bench_options *options);

#endif /* BENCH_FILES_H */
