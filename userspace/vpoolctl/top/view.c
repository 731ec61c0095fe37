// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of top: pools of a sample, with rates since the previous sample.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "host/pools.h"
#include "host/sample.h"
#include "output/table.h"
#include "top/view.h"

const struct column top_columns[NR_TOP_COLUMNS] = {
	[TOP_NAME] = { "NAME", CELL_TEXT, "the pool" },
	[TOP_STATE] = { "STATE", CELL_TEXT, "its state" },
	[TOP_TOTAL] = { "TOTAL", CELL_SIZE, "total memory" },
	[TOP_USED] = { "USED", CELL_SIZE,
		"memory in regions, or released but still pinned" },
	[TOP_FREE] = { "FREE", CELL_SIZE, "memory in no region", SHOW_DETAIL },
	[TOP_USE] = { "USED%", CELL_TENTHS, "percentage of its memory that is in use" },
	[TOP_CPUS] = { "CPUS", CELL_TEXT, "its CPUs" },
	[TOP_BUSY] = { "BUSY%", CELL_TENTHS,
		"percentage of time that its CPUs were busy" },
	[TOP_MEMBERS] = { "MEMBERS", CELL_NUMBER, "attached tasks" },
	[TOP_REGIONS] = { "REGIONS", CELL_NUMBER, "open regions" },
	[TOP_SCRUBBING] = { "SCRUBBING", CELL_SIZE,
		"free memory that is not zeroed yet" },
	[TOP_ALLOCS] = { "ALLOCS/S", CELL_TENTHS,
		"regions that got their memory, per second" },
	[TOP_FAULTS] = { "FAULTS/S", CELL_TENTHS,
		"page faults in its memory, per second" },
	[TOP_SCRUBBED] = { "SCRUBBED/S", CELL_SIZE,
		"memory zeroed, per second" },
};

/**
 * struct row - a pool with its rates
 * @pool: the pool in the current sample
 * @known: per column: whether @number has a value
 * @number: per column: value of a numeric column
 */
struct row {
	const struct sampled_pool *pool;
	bool known[NR_TOP_COLUMNS];
	__u64 number[NR_TOP_COLUMNS];
};

static void set(struct row *row, size_t column, __u64 number)
{
	row->known[column] = true;
	row->number[column] = number;
}

static __u64 faults(const struct sampled_pool *pool)
{
	return counter_value(pool, "faults_huge") +
	       counter_value(pool, "faults_base");
}

/* Return @scale times the rate per second, or 0 if the counter went backwards. */
static __u64 rate(__u64 from, __u64 to, __u64 ns, unsigned int scale)
{
	if (to <= from || !ns)
		return 0;
	return (__uint128_t)(to - from) * scale * 1000000000 / ns;
}

static void set_rates(const struct top *top, struct row *row)
{
	const struct sampled_pool *now = row->pool;
	const struct sampled_pool *last = sample_find(&top->last, now);
	__u64 ns = top->now.ns - top->last.ns, busy;

	if (!last)
		return;
	if (!sample_busy(&top->last, &top->now, &now->info->cpus, &busy))
		set(row, TOP_BUSY, busy);
	set(row, TOP_ALLOCS, rate(counter_value(last, "allocs"),
				  counter_value(now, "allocs"), ns, 10));
	set(row, TOP_FAULTS, rate(faults(last), faults(now), ns, 10));
	set(row, TOP_SCRUBBED, rate(counter_value(last, "scrubbed_bytes"),
				    counter_value(now, "scrubbed_bytes"),
				    ns, 1));
}

static void make_row(const struct top *top, struct row *row,
		     const struct sampled_pool *pool)
{
	const struct vpool_info *info = pool->info;

	memset(row, 0, sizeof(*row));
	row->pool = pool;
	set(row, TOP_TOTAL, info->total_bytes);
	set(row, TOP_USED, info->used_bytes);
	set(row, TOP_FREE, info->free_bytes);
	if (info->total_bytes)
		set(row, TOP_USE, (__uint128_t)info->used_bytes * 1000 /
				  info->total_bytes);
	set(row, TOP_CPUS, vpool_cpus_count(&info->cpus));
	set(row, TOP_MEMBERS, info->members);
	set(row, TOP_REGIONS, info->regions);
	set(row, TOP_SCRUBBING, info->scrubbing_bytes);
	set_rates(top, row);
}

/* Sort numbers in descending order, texts in ascending order, and ties by name. */
static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct row *x = a, *y = b;
	const struct top *top = arg;
	size_t by = top->sort;
	int order = 0;

	if (by == TOP_STATE)
		order = strcmp(x->pool->info->state_name,
			       y->pool->info->state_name);
	else if (by != TOP_NAME)
		order = (x->number[by] < y->number[by]) -
			(x->number[by] > y->number[by]);
	if (!order)
		order = strcmp(x->pool->info->name, y->pool->info->name);
	return top->reverse ? -order : order;
}

static void fill_row(struct table *tb, const struct row *row)
{
	const struct vpool_info *info = row->pool->info;
	char *cpus = cpus_text(&info->cpus);
	size_t i;

	table_row(tb);
	for (i = 0; i < NR_TOP_COLUMNS; i++)
		if (row->known[i] && top_columns[i].type != CELL_TEXT)
			table_number(tb, i, row->number[i]);
	table_text(tb, TOP_NAME, info->name);
	table_text(tb, TOP_STATE, info->state_name);
	table_text(tb, TOP_CPUS, cpus);
	free(cpus);
}

struct table *top_table(const struct top *top)
{
	struct table *tb = table_new("pools", top_columns, NR_TOP_COLUMNS);
	size_t i, nr = top->now.nr_pools;
	struct row *rows = xcalloc(nr, sizeof(*rows));
	char message[128];

	/* The specification has been checked before. */
	if (top->spec)
		table_choose(tb, top->spec, message, sizeof(message));
	for (i = 0; i < nr; i++)
		make_row(top, rows + i, top->now.pools + i);
	qsort_r(rows, nr, sizeof(*rows), compare_rows, (void *)top);
	for (i = 0; i < nr; i++)
		fill_row(tb, rows + i);
	free(rows);
	return tb;
}

int top_sample(struct top *top)
{
	struct sample next;
	int err;

	err = sample_take(top->vp, &next);
	if (err)
		return err;
	sample_free(&top->last);
	top->last = top->now;
	top->now = next;
	return 0;
}

int top_host_busy(const struct top *top, __u64 *tenths)
{
	struct vpool_cpus all = { 0 };
	size_t cpu;
	int err;

	for (cpu = 0; cpu < top->now.nr_cpus; cpu++)
		if (top->now.cpus[cpu].total)
			vpool_cpus_add(&all, cpu);
	err = sample_busy(&top->last, &top->now, &all, tenths);
	vpool_cpus_free(&all);
	return err;
}
