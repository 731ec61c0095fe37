// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl resize: change the memory, CPUs and limits of a pool.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "config/config.h"
#include "config/memspec.h"
#include "config/property.h"
#include "host/container.h"
#include "host/isolate.h"
#include "host/pools.h"
#include "host/spare.h"
#include "output/messages.h"
#include "output/progress.h"
#include "output/table.h"
#include "output/units.h"

enum {
	RESIZE_MEM,
	RESIZE_CPUS,
	RESIZE_USER_MEM,
	RESIZE_USER_REGIONS,
	RESIZE_USER_MEMBERS,
	RESIZE_TIMEOUT,
	RESIZE_SPLIT_CORES,
	RESIZE_BOOT_CORE,
	RESIZE_DRY_RUN,
	RESIZE_QUIET,
	RESIZE_JSON,
};

static const struct option_def resize_options[] = {
	[RESIZE_MEM] = {
		.name = "mem", .letter = 'm', .arg = "[+|-]SIZE[@NODE],...",
		.complete = COMPLETE_NODE,
		.help =
			"new memory in total, or on each given NUMA node, where the\n"
			"nodes that are not given keep theirs. A sign adds or removes\n"
			"memory. 25% and max are shares of the pool's memory and the\n"
			"poolable memory together; with + of the poolable memory,\n"
			"with - of the pool's memory",
	},
	[RESIZE_CPUS] = {
		.name = "cpus", .letter = 'c', .arg = "LIST",
		.complete = COMPLETE_CPUS,
		.help =
			"new list of CPUs, as in 2-5,8, 2-N,^5 or all,^0: see create",
	},
	[RESIZE_USER_MEM] = {
		.name = "user-mem", .arg = "SIZE|none",
		.help =
			"memory that each user except root may have of the pool",
	},
	[RESIZE_USER_REGIONS] = {
		.name = "user-regions", .arg = "NUMBER|none",
		.help =
			"number of regions that each user except root may have:\n"
			"opens of the device, files and directories",
	},
	[RESIZE_USER_MEMBERS] = {
		.name = "user-members", .arg = "NUMBER|none",
		.help =
			"number of members up to which tasks of each user except root\n"
			"can be attached; their children can exceed it",
	},
	[RESIZE_SPLIT_CORES] = {
		.name = "split-cores",
		.help = "allow the pool to contain only some threads of a core",
	},
	[RESIZE_BOOT_CORE] = {
		.name = "boot-core",
		.help = "allow the pool to take the core that the host booted on",
	},
	[RESIZE_TIMEOUT] = {
		.name = "timeout", .letter = 't', .arg = "SECONDS",
		.help =
			"seconds to wait for memory that is not free yet; default 10;\n"
			"0 takes only memory that is free now",
	},
	[RESIZE_DRY_RUN] = {
		.name = "dry-run", .letter = 'n',
		.help = "check the request, but change nothing",
	},
	[RESIZE_QUIET] = {
		.name = "quiet", .letter = 'q',
		.help = "print nothing on success",
	},
	[RESIZE_JSON] = OPTION_JSON,
};

enum {
	COL_NAME,
	COL_WAS,
	COL_TOTAL,
	COL_CPUS,
	COL_DRY_RUN,
};

static const struct column resize_columns[] = {
	[COL_NAME] = { .name = "NAME", .type = CELL_TEXT },
	[COL_WAS] = { .name = "WAS", .type = CELL_SIZE },
	[COL_TOTAL] = { .name = "TOTAL", .type = CELL_SIZE },
	[COL_CPUS] = { .name = "CPUS", .type = CELL_TEXT },
	[COL_DRY_RUN] = { .name = "DRY-RUN", .type = CELL_BOOL },
};

/* The limits of users: option, flag, and what print_text() calls it. */
static const struct {
	int option;
	unsigned int flag;
	const char *what;
} limits[] = {
	{ RESIZE_USER_MEM, VPOOL_RESIZE_USER_BYTES, "memory" },
	{ RESIZE_USER_REGIONS, VPOOL_RESIZE_USER_REGIONS, "regions" },
	{ RESIZE_USER_MEMBERS, VPOOL_RESIZE_USER_MEMBERS, "members" },
};

/**
 * struct spec - the change of a pool
 * @pool: the requested memory and CPUs
 * @chg: the request for them, which points into @pool
 * @was: the memory of the pool before, in bytes
 */
struct spec {
	struct pool_config pool;
	struct vpool_change chg;
	__u64 was;
};

static void fill_change(const struct invocation *inv, struct spec *spec)
{
	const struct pool_config *pool = &spec->pool;
	size_t i;

	spec->chg = (struct vpool_change)VPOOL_CHANGE_INIT;
	spec->chg.name = inv->argv[0];
	spec->chg.timeout_ms = pool->timeout_ms;
	spec->chg.mem = pool->mem;
	spec->chg.nr_mem = pool->nr_mem;
	if (inv->given[RESIZE_CPUS])
		spec->chg.cpus = &pool->cpus;
	if (inv->given[RESIZE_DRY_RUN])
		spec->chg.flags |= VPOOL_RESIZE_DRY_RUN;
	spec->chg.user_bytes = pool->user_bytes;
	spec->chg.user_regions = pool->user_regions;
	spec->chg.user_members = pool->user_members;
	for (i = 0; i < ARRAY_SIZE(limits); i++)
		if (inv->given[limits[i].option])
			spec->chg.flags |= limits[i].flag;
	if (pool->split_cores)
		spec->chg.flags |= VPOOL_RESIZE_SPLIT_CORES;
	if (pool->boot_core)
		spec->chg.flags |= VPOOL_RESIZE_BOOT_CORE;
}

static int take_options(const struct invocation *inv, struct spec *spec)
{
	int status;

	if (!inv->given[RESIZE_MEM] && !inv->given[RESIZE_CPUS] &&
	    !inv->given[RESIZE_USER_MEM] && !inv->given[RESIZE_USER_REGIONS] &&
	    !inv->given[RESIZE_USER_MEMBERS])
		return usage_error(inv->cmd,
				   "no change is given: use --mem, --cpus or a limit of users");
	spec->pool.mem_changes = true;
	status = properties_from_options(inv, &spec->pool);
	if (!status)
		fill_change(inv, spec);
	return status;
}

static __u64 now_on(const struct vpool_info *info, __s32 node)
{
	size_t i;

	if (node == VPOOL_ANY_NODE)
		return info->total_bytes;
	for (i = 0; i < info->nr_nodes; i++)
		if (info->nodes[i].node == node)
			return info->nodes[i].total_bytes;
	return 0;
}

/* Compute shares from the memory that the pool and the host have now. */
static int resolve_mem(const struct invocation *inv, struct vpool *vp,
		       struct spec *spec, const struct vpool_info *info)
{
	struct failure failure;
	struct spare spare;
	int status;

	if (!memspec_has_shares(spec->pool.asks, spec->chg.nr_mem))
		return EXIT_OK;
	status = spare_read_host(inv, vp, &spare);
	if (status)
		return status;
	if (memspec_resolve(spec->pool.mem, spec->pool.asks, spec->chg.nr_mem, &spare,
			    info, info->page_size, &failure))
		status = failure_report(inv, spec->chg.name, &failure);
	spare_free(&spare);
	return status;
}

/* Turn a change into a total: the kernel takes totals only. */
static int add_to_now(const struct invocation *inv, struct spec *spec,
		      const struct vpool_info *info)
{
	size_t i;

	spec->was = info->total_bytes;
	for (i = 0; i < spec->chg.nr_mem; i++) {
		__u64 now = now_on(info, spec->pool.mem[i].node);
		__u64 *bytes = &spec->pool.mem[i].bytes;
		bool bad = false;

		if (spec->pool.asks[i].sign == '+') {
			bad = __builtin_add_overflow(now, *bytes, bytes);
		} else if (spec->pool.asks[i].sign == '-') {
			bad = *bytes > now;
			*bytes = now - *bytes;
		}
		if (!bad)
			continue;
		if (spec->pool.asks[i].sign == '-')
			cmd_error(inv, spec->chg.name, TOOL_SHRINK_TOO_FAR,
				  "it has less memory than --mem takes away");
		else
			cmd_error(inv, spec->chg.name, VPOOL_CODE_MEM_OVERFLOW,
				  "--mem is too large");
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

static void print_json(const struct spec *spec, const char *cpus)
{
	struct table *tb = record_new("pool", resize_columns,
				      ARRAY_SIZE(resize_columns));
	struct style style = { .json = true };

	table_text(tb, COL_NAME, spec->chg.name);
	table_number(tb, COL_WAS, spec->was);
	table_number(tb, COL_TOTAL, spec->chg.out_bytes);
	table_text(tb, COL_CPUS, cpus);
	table_number(tb, COL_DRY_RUN,
		     !!(spec->chg.flags & VPOOL_RESIZE_DRY_RUN));
	table_print(tb, &style, stdout);
	table_free(tb);
}

/* Print the limits that change, after other changes if @more. */
static void print_limits(const struct spec *spec, bool more)
{
	const __u64 value[] = {
		spec->chg.user_bytes, spec->chg.user_regions,
		spec->chg.user_members,
	};
	char size[SIZE_TEXT];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		if (!(spec->chg.flags & limits[i].flag))
			continue;
		fputs(more ? "; " : " ", stdout);
		more = true;
		if (!value[i])
			printf("no limit of %s for each user", limits[i].what);
		else if (i)
			printf("at most %llu %s for each user", value[i],
			       limits[i].what);
		else
			printf("at most %s of memory for each user",
			       format_size(value[i], size));
	}
}

static void print_text(const struct spec *spec, const char *cpus)
{
	bool dry = spec->chg.flags & VPOOL_RESIZE_DRY_RUN;
	char was[SIZE_TEXT], total[SIZE_TEXT];

	printf("%s %s:", dry ? "would resize" : "resized", spec->chg.name);
	if (spec->pool.mem)
		printf(" %s of memory, %s %s",
		       format_size(spec->chg.out_bytes, total),
		       dry ? "it has" : "it had",
		       format_size(spec->was, was));
	if (spec->pool.mem && spec->chg.cpus)
		fputs("; and", stdout);
	if (spec->chg.cpus)
		printf(" CPU%s %s", strpbrk(cpus, ",-") ? "s" : "", cpus);
	print_limits(spec, spec->pool.mem || spec->chg.cpus);
	putchar('\n');
}

static int resize(const struct invocation *inv, struct vpool *vp,
		  struct spec *spec)
{
	struct failure failure;
	struct progress *progress = NULL;
	struct vpool_info *info;
	char *cpus;
	int err;

	err = vpool_query(vp, spec->chg.name, &info);
	if (err)
		return handle_error(inv, spec->chg.name, vp, err);
	err = resolve_mem(inv, vp, spec, info);
	if (!err)
		err = add_to_now(inv, spec, info);
	cpus = cpus_text(spec->chg.cpus ? &spec->pool.cpus : &info->cpus);
	vpool_info_free(info);
	if (err)
		goto free_cpus;
	if (!inv->given[RESIZE_DRY_RUN] && !inv->given[RESIZE_QUIET])
		progress = progress_start("resize", spec->chg.name);
	err = vpool_resize(vp, &spec->chg);
	progress_stop(progress);
	if (err)
		err = handle_error(inv, spec->chg.name, vp, err);
	else if (inv->given[RESIZE_JSON])
		print_json(spec, cpus);
	else if (!inv->given[RESIZE_QUIET])
		print_text(spec, cpus);
	if (!err && isolate_mend(spec->chg.name, &failure))
		err = failure_report(inv, spec->chg.name, &failure);
	if (!err && spec->chg.cpus && !inv->given[RESIZE_DRY_RUN])
		container_follow(vp, spec->chg.name);
free_cpus:
	free(cpus);
	return err;
}

static int run_resize(const struct invocation *inv)
{
	struct vpool *vp = NULL;
	struct spec spec = { 0 };
	int status, err;

	pool_config_init(&spec.pool, inv->argv[0]);
	status = take_options(inv, &spec);
	if (!status) {
		err = vpool_open_control(&vp);
		status = err ? handle_error(inv, inv->argv[0], vp, err) :
			       resize(inv, vp, &spec);
	}
	vpool_close(vp);
	pool_config_free(&spec.pool);
	return status;
}

const struct command cmd_resize = {
	.name = "resize",
	.args = "NAME",
	.summary = "change the memory, CPUs and limits of a pool",
	.description =
		"Change the memory, the CPUs and the limits of users of a pool\n"
		"while it is in use. The command makes the whole change or none\n"
		"of it. A user who has more than a new limit keeps it. Only free\n"
		"memory can be removed from a pool; it is zeroed before it\n"
		"returns to the host. Members move to the new CPUs at once.\n\n"
		"    vpoolctl resize web --mem 4G           # 4 GiB in total\n"
		"    vpoolctl resize web --mem +1G@1,-1G@0  # move 1 GiB to node 1\n"
		"    vpoolctl resize web --cpus 2-7         # exactly these CPUs\n"
		"    vpoolctl resize web --user-mem 512M    # and no user has more",
	.options = resize_options,
	.nr_options = ARRAY_SIZE(resize_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_POOL,
	.run = run_resize,
};
