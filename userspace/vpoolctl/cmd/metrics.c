// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl metrics: print all counters of all pools in the text format of Prometheus: one
 * family after the other, with a sample per pool.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "host/pools.h"
#include "host/sample.h"
#include "output/messages.h"
#include "output/outfile.h"

enum {
	OPT_OUTPUT,
	OPT_COMPACT,
};

static const struct option_def metrics_options[] = {
	[OPT_OUTPUT] = {
		.name = "output", .letter = 'o', .arg = "FILE",
		.complete = COMPLETE_FILE,
		.help =
			"write to FILE; - stands for standard output, the default. A\n"
			"regular file is replaced atomically, as the textfile\n"
			"collector of node-exporter needs it. A device or a fifo is\n"
			"written to",
	},
	[OPT_COMPACT] = {
		.name = "compact",
		.help =
			"print only the 8 samples of a pool that the alerts and the\n"
			"dashboard of vpool need most, for many hosts",
	},
};

/**
 * struct selection - the metrics to print
 * @sample: the pools
 * @compact: only metrics that are marked as compact in the tables below
 */
struct selection {
	const struct sample *sample;
	bool compact;
};

static void family(FILE *to, const char *name, const char *type,
		   const char *help)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Fields of struct vpool_info with memory sizes, each a __u64. */
static const struct {
	const char *name;
	const char *help;
	size_t offset;
	bool compact;
} gauges[] = {
#define GAUGE(name, member, ...) \
	{ "vpool_" name "_bytes", .offset = offsetof(struct vpool_info, member), \
	  .help = __VA_ARGS__ }
	GAUGE("page_size", page_size,
	      "Page size of the pool."),
	GAUGE("memory_size", total_bytes,
	      "Total memory of the pool: free, used and poisoned.", .compact = true),
	GAUGE("memory_free", free_bytes,
	      "Memory in no region: clean and scrubbing."),
	GAUGE("memory_used", used_bytes,
	      "Memory in regions, or released but still pinned.", .compact = true),
	GAUGE("memory_peak", peak_bytes,
	      "Maximum of the used memory since the creation of the pool."),
	GAUGE("memory_clean", clean_bytes, "Free memory that is zeroed."),
	GAUGE("memory_scrubbing", scrubbing_bytes,
	      "Free memory that is not zeroed yet."),
	GAUGE("memory_target", target_bytes,
	      "Size after the create or resize in progress."),
	GAUGE("memory_gathered", gathered_bytes,
	      "Memory that the create or resize in progress has gathered."),
	GAUGE("memory_poisoned", poisoned_bytes,
	      "Memory that is no longer used because of hardware errors.",
	      .compact = true),
#undef GAUGE
};

static __u64 gauge_value(const struct vpool_info *info, size_t gauge)
{
	__u64 value;

	memcpy(&value, (const char *)info + gauges[gauge].offset,
	       sizeof(value));
	return value;
}

static void put_gauges(FILE *to, const struct selection *chosen)
{
	const struct sample *sample = chosen->sample;
	size_t g, i;

	for (g = 0; g < ARRAY_SIZE(gauges); g++) {
		if (chosen->compact && !gauges[g].compact)
			continue;
		family(to, gauges[g].name, "gauge", gauges[g].help);
		for (i = 0; i < sample->nr_pools; i++) {
			const struct vpool_info *info = sample->pools[i].info;

			fprintf(to, "%s{pool=\"%s\"} %llu\n", gauges[g].name,
				info->name, gauge_value(info, g));
		}
	}
}

static void put_users(FILE *to, const struct sample *sample)
{
	size_t i;

	family(to, "vpool_regions", "gauge", "Open regions.");
	for (i = 0; i < sample->nr_pools; i++)
		fprintf(to, "vpool_regions{pool=\"%s\"} %u\n",
			sample->pools[i].info->name,
			sample->pools[i].info->regions);
	family(to, "vpool_members", "gauge", "Attached tasks.");
	for (i = 0; i < sample->nr_pools; i++)
		fprintf(to, "vpool_members{pool=\"%s\"} %u\n",
			sample->pools[i].info->name,
			sample->pools[i].info->members);
	family(to, "vpool_mounts", "gauge", "Mounted filesystems of the pool.");
	for (i = 0; i < sample->nr_pools; i++)
		fprintf(to, "vpool_mounts{pool=\"%s\"} %u\n",
			sample->pools[i].info->name,
			sample->pools[i].info->mounts);
}

/* Print one sample with the properties of a pool that rarely change. */
static void put_labels(FILE *to, const struct vpool_info *info)
{
	char *cpus = cpus_text(&info->cpus);

	fprintf(to, "vpool_info{pool=\"%s\",id=\"%u\",", info->name, info->id);
	fprintf(to, "uid=\"%u\",gid=\"%u\",mode=\"%04o\",", info->uid,
		info->gid, info->mode);
	fprintf(to, "cpus=\"%s\"} 1\n", cpus);
	free(cpus);
}

static void put_info(FILE *to, const struct sample *sample)
{
	size_t i;

	family(to, "vpool_info", "gauge",
	       "Properties of the pool as labels; always 1.");
	for (i = 0; i < sample->nr_pools; i++)
		put_labels(to, sample->pools[i].info);
	family(to, "vpool_state", "gauge",
	       "State of the pool as a label; always 1.");
	for (i = 0; i < sample->nr_pools; i++)
		fprintf(to, "vpool_state{pool=\"%s\",state=\"%s\"} 1\n",
			sample->pools[i].info->name,
			sample->pools[i].info->state_name);
	family(to, "vpool_created_timestamp_seconds", "gauge",
	       "Time of the creation of the pool, in seconds since 1970.");
	for (i = 0; i < sample->nr_pools; i++) {
		const struct vpool_info *info = sample->pools[i].info;

		fprintf(to, "vpool_created_timestamp_seconds{pool=\"%s\"} %llu.%09llu\n",
			info->name, info->created_ns / 1000000000,
			info->created_ns % 1000000000);
	}
}

static const struct {
	const char *name;
	size_t offset;
	const char *help;
	bool compact;
} cpu_sets[] = {
	{ "assigned", offsetof(struct vpool_info, cpus),
	  "CPUs of the pool.", .compact = true },
	{ "effective", offsetof(struct vpool_info, effective),
	  "CPUs of the pool that are online.", .compact = true },
	{ "dedicated", offsetof(struct vpool_info, dedicated),
	  "CPUs of the pool that are dedicated to one member.", .compact = false },
};

static void put_cpus(FILE *to, const struct selection *chosen)
{
	const struct sample *sample = chosen->sample;
	const struct vpool_info *info;
	char name[64];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(cpu_sets); i++) {
		if (chosen->compact && !cpu_sets[i].compact)
			continue;
		snprintf(name, sizeof(name), "vpool_cpus_%s", cpu_sets[i].name);
		family(to, name, "gauge", cpu_sets[i].help);
		for (j = 0; j < sample->nr_pools; j++) {
			info = sample->pools[j].info;
			fprintf(to, "%s{pool=\"%s\"} %u\n", name, info->name,
				vpool_cpus_count((const void *)info +
						 cpu_sets[i].offset));
		}
	}
}

static __u64 busy_ticks(const struct sample *sample,
			const struct vpool_info *info)
{
	__u64 ticks = 0;
	size_t cpu;

	for (cpu = 0; cpu < sample->nr_cpus; cpu++)
		if (vpool_cpus_test(&info->cpus, cpu))
			ticks += sample->cpus[cpu].busy;
	return ticks;
}

static void put_busy(FILE *to, const struct sample *sample)
{
	long hz = sysconf(_SC_CLK_TCK);
	size_t i;

	family(to, "vpool_cpu_busy_seconds_total", "counter",
	       "Time that the CPUs of the pool were busy since boot.");
	for (i = 0; i < sample->nr_pools; i++)
		fprintf(to, "vpool_cpu_busy_seconds_total{pool=\"%s\"} %.2f\n",
			sample->pools[i].info->name,
			(double)busy_ticks(sample, sample->pools[i].info) / hz);
}

static void put_nodes(FILE *to, const struct sample *sample, const char *what,
		      const char *help, size_t offset)
{
	char *name = xprintf("vpool_node_memory_%s_bytes", what);
	__u64 value;
	size_t i, j;

	family(to, name, "gauge", help);
	for (i = 0; i < sample->nr_pools; i++) {
		const struct vpool_info *info = sample->pools[i].info;

		for (j = 0; j < info->nr_nodes; j++) {
			memcpy(&value, (char *)(info->nodes + j) + offset,
			       sizeof(value));
			fprintf(to, "%s{pool=\"%s\",node=\"%d\"} %llu\n", name,
				info->name, info->nodes[j].node, value);
		}
	}
	free(name);
}

/* Descriptions of the counters in sysfs. A newer module can have more. */
static const char *counter_help(const char *name)
{
	static const char *const known[][2] = {
		{ "alloc_failures", "Failed requests of regions for memory." },
		{ "allocs", "Regions that got their memory." },
		{ "attaches", "Calls that attached a thread or a process." },
		{ "escapes",
		  "Times that a member was found with CPUs outside of the pool." },
		{ "faults_base",
		  "Page faults that were served without a huge page." },
		{ "faults_huge",
		  "Page faults that were served with a huge page." },
		{ "frees", "Regions that released their memory." },
		{ "limited",
		  "Calls refused because of max_regions, max_members or limits of users." },
		{ "mapped_around",
		  "Huge pages that were mapped without a fault of their own." },
		{ "scrubbed_bytes", "Bytes zeroed." },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i][0], name))
			return known[i][1];
	return "See stat/ in Documentation/ABI/testing/sysfs-kernel-vpool.";
}

static bool is_compact_counter(const char *name)
{
	return !strcmp(name, "alloc_failures") || !strcmp(name, "escapes");
}

/* All pools have the same counters. */
static void put_counters(FILE *to, const struct selection *chosen)
{
	const struct sample *sample = chosen->sample;
	const struct sampled_pool *first = sample->pools;
	size_t i, c;

	for (c = 0; sample->nr_pools && c < first->nr; c++) {
		const char *counter = first->counters[c].name;
		char *name;

		if (chosen->compact && !is_compact_counter(counter))
			continue;
		name = xprintf("vpool_%s_total", counter);
		family(to, name, "counter", counter_help(counter));
		for (i = 0; i < sample->nr_pools; i++)
			fprintf(to, "%s{pool=\"%s\"} %llu\n", name,
				sample->pools[i].info->name,
				counter_value(sample->pools + i, counter));
		free(name);
	}
}

static void put_isolated(FILE *to, const struct sample *sample)
{
	size_t i;

	family(to, "vpool_isolated", "gauge",
	       "Whether other tasks are kept off the CPUs of the pool.");
	for (i = 0; i < sample->nr_pools; i++)
		fprintf(to, "vpool_isolated{pool=\"%s\"} %d\n",
			sample->pools[i].info->name,
			!!(sample->pools[i].info->create_flags &
			   VPOOL_CREATE_ISOLATED));
}

static void put_host(FILE *to, const struct sample *sample)
{
	family(to, "vpool_pools", "gauge", "Number of pools on this host.");
	fprintf(to, "vpool_pools %zu\n", sample->nr_pools);
	if (!sample->abi)
		return;
	family(to, "vpool_abi_version", "gauge", "VPOOL_ABI_VERSION of the module.");
	fprintf(to, "vpool_abi_version %u\n", sample->abi);
}

/* Print the metrics that are never compact. */
static void put_details(FILE *to, const struct sample *sample)
{
	put_info(to, sample);
	put_users(to, sample);
	put_nodes(to, sample, "size", "Total memory of the pool on a NUMA node.",
		  offsetof(struct vpool_node_info, total_bytes));
	put_nodes(to, sample, "free", "Memory in no region on a NUMA node.",
		  offsetof(struct vpool_node_info, free_bytes));
	put_nodes(to, sample, "used", "Memory in regions on a NUMA node.",
		  offsetof(struct vpool_node_info, used_bytes));
	put_isolated(to, sample);
}

static void put_metrics(FILE *to, const void *arg)
{
	const struct selection *chosen = arg;

	put_host(to, chosen->sample);
	if (!chosen->compact)
		put_details(to, chosen->sample);
	put_gauges(to, chosen);
	put_cpus(to, chosen);
	put_busy(to, chosen->sample);
	put_counters(to, chosen);
}

static int print_metrics(const struct invocation *inv,
			 const struct sample *sample)
{
	const char *path = inv->given[OPT_OUTPUT] ? inv->value[OPT_OUTPUT] : "-";
	const struct selection chosen = {
		.sample = sample,
		.compact = inv->given[OPT_COMPACT],
	};
	int err;

	err = write_output(path, put_metrics, &chosen);
	if (err)
		cmd_error(inv, NULL, errno_code(-err),
			  "%s: %s", path, strerror(-err));
	return err ? EXIT_FAILED : EXIT_OK;
}

static int run_metrics(const struct invocation *inv)
{
	struct sample sample;
	struct vpool *vp;
	int status, err;

	err = vpool_open_reader(&vp);
	if (!err)
		err = sample_take(vp, &sample);
	if (err) {
		status = handle_error(inv, NULL, vp, err);
	} else {
		status = print_metrics(inv, &sample);
		sample_free(&sample);
	}
	vpool_close(vp);
	return status;
}

const struct command cmd_metrics = {
	.name = "metrics",
	.summary = "print all counters for Prometheus",
	.description =
		"Print all counters of all pools in the text format of\n"
		"Prometheus. Any user can run this command. The timer\n"
		"vpool-metrics.timer runs it every 15 seconds for the\n"
		"textfile collector of node-exporter.\n\n"
		"--compact prints the total, used and poisoned memory, the\n"
		"assigned and effective CPUs, the time that they were busy,\n"
		"failed requests for memory, and escapes of members.",
	.options = metrics_options,
	.nr_options = ARRAY_SIZE(metrics_options),
	.run = run_metrics,
};
