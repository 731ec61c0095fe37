// SPDX-License-Identifier: GPL-2.0-only
/*
 * Samples of the pools and CPUs, and the differences between two samples.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "host/pools.h"
#include "host/sample.h"

/* Columns of a "cpu" line in /proc/stat, as in proc(5). */
enum {
	TIME_IDLE = 3,
	TIME_IOWAIT = 4,
	/* Later columns are included in earlier ones. */
	TIME_STEAL = 7,
};

static bool parse_cpu_time(const char *line, unsigned int *cpu,
			   struct cpu_time *time)
{
	char *at;
	int i;

	if (strncmp(line, "cpu", 3) || line[3] < '0' || line[3] > '9')
		return false;
	memset(time, 0, sizeof(*time));
	*cpu = strtoul(line + 3, &at, 10);
	for (i = 0; i <= TIME_STEAL; i++) {
		__u64 ticks = strtoull(at, &at, 10);

		time->total += ticks;
		if (i != TIME_IDLE && i != TIME_IOWAIT)
			time->busy += ticks;
	}
	return true;
}

void parse_cpu_times(FILE *stat, struct cpu_time **cpus, size_t *nr)
{
	struct cpu_time time;
	char *line = NULL;
	unsigned int cpu;
	size_t room = 0;

	*cpus = NULL;
	*nr = 0;
	while (getline(&line, &room, stat) > 0) {
		if (!parse_cpu_time(line, &cpu, &time))
			continue;
		if (cpu >= *nr) {
			*cpus = xrealloc(*cpus, (cpu + 1) * sizeof(**cpus));
			memset(*cpus + *nr, 0,
			       (cpu + 1 - *nr) * sizeof(**cpus));
			*nr = cpu + 1;
		}
		(*cpus)[cpu] = time;
	}
	free(line);
}

static void read_cpu_times(struct sample *sample)
{
	FILE *stat = fopen("/proc/stat", "re");

	if (!stat)
		return;
	parse_cpu_times(stat, &sample->cpus, &sample->nr_cpus);
	fclose(stat);
}

/* Add a pool, unless it is destroyed in the meantime. */
static int add_pool(struct vpool *vp, struct sample *sample,
		    struct vpool_info *info)
{
	struct sampled_pool *pool = sample->pools + sample->nr_pools++;
	int err;

	pool->info = info;
	err = vpool_counters(vp, info->name, &pool->counters, &pool->nr);
	if (!err)
		return 0;
	pool->counters = NULL;
	pool->nr = 0;
	return err == -ENOENT ? 0 : err;
}

int sample_take(struct vpool *vp, struct sample *sample)
{
	struct vpool_info **pools;
	struct timespec now;
	size_t i, nr;
	int err;

	memset(sample, 0, sizeof(*sample));
	err = read_pools(vp, &pools, &nr);
	if (err)
		return err;
	clock_gettime(CLOCK_MONOTONIC, &now);
	sample->ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
	read_cpu_times(sample);
	if (vpool_abi_version(vp, &sample->abi))
		sample->abi = 0;
	sample->pools = xcalloc(nr, sizeof(*sample->pools));
	for (i = 0; i < nr; i++) {
		int one = add_pool(vp, sample, pools[i]);

		err = err ? err : one;
	}
	free(pools);
	if (err)
		sample_free(sample);
	return err;
}

void sample_free(struct sample *sample)
{
	size_t i;

	for (i = 0; i < sample->nr_pools; i++) {
		vpool_info_free(sample->pools[i].info);
		free(sample->pools[i].counters);
	}
	free(sample->pools);
	free(sample->cpus);
	memset(sample, 0, sizeof(*sample));
}

/* A new pool can have the name of an old one. Its id and creation time differ. */
const struct sampled_pool *sample_find(const struct sample *sample,
				       const struct sampled_pool *pool)
{
	size_t i;

	for (i = 0; i < sample->nr_pools; i++) {
		const struct vpool_info *info = sample->pools[i].info;

		if (!strcmp(info->name, pool->info->name) &&
		    info->id == pool->info->id &&
		    info->created_ns == pool->info->created_ns)
			return sample->pools + i;
	}
	return NULL;
}

int sample_busy(const struct sample *from, const struct sample *to,
		const struct vpool_cpus *cpus, __u64 *tenths)
{
	size_t cpu, nr = from->nr_cpus < to->nr_cpus ? from->nr_cpus :
						       to->nr_cpus;
	__u64 busy = 0, total = 0;

	for (cpu = 0; cpu < nr; cpu++) {
		if (!vpool_cpus_test(cpus, cpu))
			continue;
		/* Skip a CPU that was offline or whose time went backwards. */
		if (to->cpus[cpu].total <= from->cpus[cpu].total ||
		    to->cpus[cpu].busy < from->cpus[cpu].busy)
			continue;
		busy += to->cpus[cpu].busy - from->cpus[cpu].busy;
		total += to->cpus[cpu].total - from->cpus[cpu].total;
	}
	if (!total)
		return -EAGAIN;
	*tenths = (busy < total ? busy : total) * 1000 / total;
	return 0;
}

__u64 counter_value(const struct sampled_pool *pool, const char *name)
{
	size_t i;

	for (i = 0; i < pool->nr; i++)
		if (!strcmp(pool->counters[i].name, name))
			return pool->counters[i].value;
	return 0;
}
