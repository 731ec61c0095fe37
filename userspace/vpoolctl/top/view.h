/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_TOPVIEW_H
#define VPOOLCTL_TOPVIEW_H

#include <libvpool.h>

#include "host/sample.h"
#include "output/table.h"

struct table;

/* Columns of top that keys sort by. */
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
 * struct top - what top shows, and how
 * @inv: how it was called
 * @vp: what to read with
 * @style: how to print
 * @spec: which columns were chosen, or NULL
 * @ms: time between two views
 * @views: how many views are left; 0 without end
 * @sort: the column to sort by
 * @reverse: least first; for names, last first
 * @last: the sample before the one that is shown; empty at first
 * @now: the one that is shown
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

/* Look again; what was shown becomes the last. As sample_take(). */
int top_sample(struct top *top);
/* The view as a table: sorted, with rates where there is an earlier sample. */
struct table *top_table(const struct top *top);
/* How busy all CPUs of the host were; as sample_busy(). */
int top_host_busy(const struct top *top, __u64 *tenths);

#endif /* VPOOLCTL_TOPVIEW_H */
