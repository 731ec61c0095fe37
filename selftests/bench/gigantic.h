/* SPDX-License-Identifier: GPL-2.0 */
/* Measure memory in pages of 1 GiB. */
#ifndef BENCH_GIGANTIC_H
#define BENCH_GIGANTIC_H

#include "bench.h"

void bench_gigantic(const struct bench_options *options);

#endif /* BENCH_GIGANTIC_H */
