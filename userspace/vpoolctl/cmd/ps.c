// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl ps: list the members of a pool.
 */
#include <stdlib.h>

#include <libvpool.h>

#include "base/command.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "host/held.h"
#include "host/proc.h"
#include "output/listing.h"
#include "output/table.h"

enum {
	COL_TID,
	COL_PID,
	COL_CPU,
	COL_MASK,
	COL_HELD,
	COL_TIME,
	COL_COMM,
};

static const struct column ps_columns[] = {
	[COL_TID] = { "TID", CELL_NUMBER, "the thread" },
	[COL_PID] = { "PID", CELL_NUMBER, "its process" },
	[COL_CPU] = { "CPU", CELL_NUMBER,
		      "CPU that it runs on or ran on last" },
	[COL_MASK] = { "MASK", CELL_TEXT, "CPUs that it may run on" },
	[COL_HELD] = { "HELD", CELL_TEXT,
		       "what keeps it on the pool's CPUs: only its affinity (mask);\n"
		       "the module, which restores the affinity; or the cpuset of\n"
		       "the pool. outside: it may run on other CPUs" },
	[COL_TIME] = { "TIME", CELL_SECONDS, "consumed CPU time" },
	[COL_COMM] = { "COMM", CELL_TEXT, "its name" },
};

/* A task outside this pid namespace has no number here. */
static void fill_member(struct table *tb, const struct vpool_info *pool,
			const struct vpool_member_info *member)
{
	struct task task;

	if (member->tid && read_task(member->tid, &task))
		return;
	table_row(tb);
	if (!member->tid)
		return;
	table_number(tb, COL_TID, member->tid);
	table_number(tb, COL_PID, member->pid);
	table_number(tb, COL_CPU, task.cpu);
	table_text(tb, COL_MASK, task.mask);
	table_text(tb, COL_HELD, held_text(member_held(pool, member)));
	table_number(tb, COL_TIME, task.seconds);
	table_text(tb, COL_COMM, task.comm);
	free(task.mask);
}

static int compare_members(const void *a, const void *b)
{
	const struct vpool_member_info *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

static int list_members(const struct invocation *inv, struct vpool *vp,
			struct table *tb)
{
	struct vpool_member_info *members;
	struct vpool_info *pool;
	size_t i, nr;
	int err;

	err = vpool_query(vp, inv->argv[0], &pool);
	if (err)
		return err;
	err = vpool_members(vp, inv->argv[0], &members, &nr);
	if (err) {
		vpool_info_free(pool);
		return err;
	}
	if (nr)
		qsort(members, nr, sizeof(*members), compare_members);
	for (i = 0; i < nr; i++)
		fill_member(tb, pool, members + i);
	free(members);
	vpool_info_free(pool);
	return 0;
}

static int run_ps(const struct invocation *inv)
{
	return run_listing(inv, "members", list_members);
}

const struct command cmd_ps = {
	.name = "ps",
	.args = "NAME",
	.summary = "list the members of a pool",
	.description =
		"List the threads that are attached to a pool. The command is\n"
		"for root, and for users who may open the pool's device.",
	.options = listing_options,
	.nr_options = NR_LISTING_OPTIONS,
	.columns = ps_columns,
	.nr_columns = ARRAY_SIZE(ps_columns),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_POOL,
	.run = run_ps,
};
