/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_TOPVIEW_H
#define VPOOLCTL_TOPVIEW_H

#include <libvpool.h>

#include "host/sample.h"
#include "output/table.h"

struct table;

/* Columns of top that keys select for sorting. */
enum {
	TOP_NAME,
	TOP_STATE,
	TOP_TOTAL,
	TOP_USED,
	TOP_FREE,
	TOP_USE,
	TOP_CPUS,
	TOP_BUSY,
	TOP_MEMBERS,
	TOP_REGIONS,
	TOP_SCRUBBING,
	TOP_ALLOCS,
	TOP_FAULTS,
	TOP_SCRUBBED,
	NR_TOP_COLUMNS,
};

extern const struct column top_columns[NR_TOP_COLUMNS];

/**
 * struct top - state of vpoolctl top
 * @inv: invocation of the verb
 * @vp: handle to read with
 * @style: style of the table
 * @spec: selected columns of --output, or NULL
 * @ms: delay between two refreshes, in milliseconds
 * @views: number of refreshes left; 0 for no limit
 * @sort: column to sort by
 * @reverse: true for the reverse order
 * @last: previous sample; empty at first
 * @now: current sample
 */
struct top {
	const struct invocation *inv;
	struct vpool *vp;
	struct style style;
	const char *spec;
	__u32 ms;
	unsigned long views;
	size_t sort;
	bool reverse;
	struct sample last;
	struct sample now;
};

/* Take a new sample, and keep the last one. Return what sample_take() returns. */
int top_sample(struct top *top);
/* Make the sorted table, with rates if there is a previous sample. */
struct table *top_table(const struct top *top);
/* Compute the load of all CPUs of the host. Return what sample_busy() returns. */
int top_host_busy(const struct top *top, __u64 *tenths);

#endif /* VPOOLCTL_TOPVIEW_H */
