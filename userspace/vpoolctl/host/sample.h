/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_SAMPLE_H
#define VPOOLCTL_SAMPLE_H

#include <stdio.h>

#include <libvpool.h>

/**
 * struct cpu_time - how a CPU has spent its time, in ticks since boot
 * @busy: doing something
 * @total: at all
 */
struct cpu_time {
	__u64 busy;
	__u64 total;
};

/**
 * struct sampled_pool - a pool at one moment
 * @info: the pool
 * @counters: what it has counted
 * @nr: how many of these
 */
struct sampled_pool {
	struct vpool_info *info;
	struct vpool_counter *counters;
	size_t nr;
};

/**
 * struct sample - the pools, and the host's CPUs, at one moment
 * @ns: when, of CLOCK_MONOTONIC
 * @abi: the ABI version of the module; 0 if it does not tell
 * @pools: the pools
 * @nr_pools: how many
 * @cpus: one for each CPU, by its number
 * @nr_cpus: how many
 */
struct sample {
	__u64 ns;
	unsigned int abi;
	struct sampled_pool *pools;
	size_t nr_pools;
	struct cpu_time *cpus;
	size_t nr_cpus;
};

/* 0, or a negative errno with the handle's reason. */
int sample_take(struct vpool *vp, struct sample *sample);
void sample_free(struct sample *sample);

/* The same pool in an earlier sample, or NULL. */
const struct sampled_pool *sample_find(const struct sample *sample,
				       const struct sampled_pool *pool);

/* Read the lines of /proc/stat that are about one CPU each. */
void parse_cpu_times(FILE *stat, struct cpu_time **cpus, size_t *nr);

/*
 * How busy CPUs were between two samples, in tenths of a percent of them all.
 * -EAGAIN if that is not known: too little time, or none of them online.
 */
int sample_busy(const struct sample *from, const struct sample *to,
		const struct vpool_cpus *cpus, __u64 *tenths);

/* What a pool counts by a name; 0 if it does not. */
__u64 counter_value(const struct sampled_pool *pool, const char *name);

#endif /* VPOOLCTL_SAMPLE_H */
