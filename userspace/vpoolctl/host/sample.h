/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_SAMPLE_H
#define VPOOLCTL_SAMPLE_H

#include <stdio.h>

#include <libvpool.h>

/**
 * struct cpu_time - time of a CPU since boot, in clock ticks
 * @busy: time that the CPU was not idle
 * @total: busy and idle time
 */
struct cpu_time {
	__u64 busy;
	__u64 total;
};

/**
 * struct sampled_pool - a pool at one moment
 * @info: properties and state of the pool; owned
 * @counters: counters of the pool; owned
 * @nr: length of @counters
 */
struct sampled_pool {
	struct vpool_info *info;
	struct vpool_counter *counters;
	size_t nr;
};

/**
 * struct sample - the pools, and the CPUs of the host, at one moment
 * @ns: time of the sample, in nanoseconds of CLOCK_MONOTONIC
 * @abi: ABI version of the module; 0 if it is unknown
 * @pools: array of the pools; owned
 * @nr_pools: length of @pools
 * @cpus: array indexed by the number of the CPU; owned
 * @nr_cpus: length of @cpus
 */
struct sample {
	__u64 ns;
	unsigned int abi;
	struct sampled_pool *pools;
	size_t nr_pools;
	struct cpu_time *cpus;
	size_t nr_cpus;
};

/* Take a sample. Return 0, or a negative errno with the message in the handle. */
int sample_take(struct vpool *vp, struct sample *sample);
void sample_free(struct sample *sample);

/* Find the same pool in another sample. Return NULL if it is not there. */
const struct sampled_pool *sample_find(const struct sample *sample,
				       const struct sampled_pool *pool);

/* Parse the lines "cpuN" of /proc/stat into an array for free(3). */
void parse_cpu_times(FILE *stat, struct cpu_time **cpus, size_t *nr);

/*
 * Compute the load of @cpus between two samples, in tenths of a percent of all of them.
 * Return 0, or -EAGAIN if no time has passed or none of the CPUs is online.
 */
int sample_busy(const struct sample *from, const struct sample *to,
		const struct vpool_cpus *cpus, __u64 *tenths);

/* Return the value of a counter, or 0 if the module has no such counter. */
__u64 counter_value(const struct sampled_pool *pool, const char *name);

#endif /* VPOOLCTL_SAMPLE_H */
