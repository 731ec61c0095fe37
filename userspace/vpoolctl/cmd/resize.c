// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl resize: change how much memory and which CPUs a pool has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/command.h"
#include "base/exit.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "config/memspec.h"
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
			"how much memory it shall have, in all or on each NUMA\n"
			"node named, the others staying as they are; with a\n"
			"sign, so much more or less than now. 25% and max are\n"
			"of what it has and the host can give together; with +\n"
			"of what the host can give, with - of what it has",
	},
	[RESIZE_CPUS] = {
		.name = "cpus", .letter = 'c', .arg = "LIST",
		.complete = COMPLETE_CPUS,
		.help =
			"all the CPUs it shall have, as in 2-5,8, 2-N,^5 or\n"
			"all,^0: see create",
	},
	[RESIZE_SPLIT_CORES] = {
		.name = "split-cores",
		.help = "allow having some but not all threads of a core",
	},
	[RESIZE_BOOT_CORE] = {
		.name = "boot-core",
		.help = "allow taking the core that the host booted on",
	},
	[RESIZE_TIMEOUT] = {
		.name = "timeout", .letter = 't', .arg = "SECONDS",
		.help =
			"how long to wait for memory that is short; 10\n"
			"unless given, 0 takes only what is at hand",
	},
	[RESIZE_DRY_RUN] = {
		.name = "dry-run", .letter = 'n',
		.help = "check everything, change nothing",
	},
	[RESIZE_QUIET] = {
		.name = "quiet", .letter = 'q',
		.help = "print nothing when it works",
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

/* What the options came to. */
struct wish {
	struct vpool_change chg;
	struct vpool_mem *mem;
	struct vpool_cpus cpus;
	struct mem_ask *asks;
	__u64 was;
};

static int take_mem(const struct invocation *inv, struct wish *wish)
{
	char why[VPOOL_REASON_SIZE];

	if (!inv->given[RESIZE_MEM])
		return EXIT_OK;
	if (parse_memspec(inv->value[RESIZE_MEM], &wish->mem, &wish->asks, true,
			  &wish->chg.nr_mem, why, sizeof(why)))
		return usage_error(inv->cmd, "--mem: %s", why);
	wish->chg.mem = wish->mem;
	return EXIT_OK;
}

static int take_cpus(const struct invocation *inv, struct wish *wish)
{
	char why[VPOOL_REASON_SIZE];

	if (inv->given[RESIZE_SPLIT_CORES])
		wish->chg.flags |= VPOOL_RESIZE_SPLIT_CORES;
	if (inv->given[RESIZE_BOOT_CORE])
		wish->chg.flags |= VPOOL_RESIZE_BOOT_CORE;
	if (!inv->given[RESIZE_CPUS])
		return EXIT_OK;
	if (!*inv->value[RESIZE_CPUS])
		return usage_error(inv->cmd, "--cpus: the list is empty");
	if (vpool_cpus_parse(inv->value[RESIZE_CPUS], &wish->cpus, why,
			     sizeof(why)))
		return usage_error(inv->cmd, "--cpus: %s", why);
	wish->chg.cpus = &wish->cpus;
	return EXIT_OK;
}

static int take_wish(const struct invocation *inv, struct wish *wish)
{
	int status;

	*wish = (struct wish) { .chg = VPOOL_CHANGE_INIT };
	wish->chg.name = inv->argv[0];
	if (inv->given[RESIZE_DRY_RUN])
		wish->chg.flags |= VPOOL_RESIZE_DRY_RUN;
	if (!inv->given[RESIZE_MEM] && !inv->given[RESIZE_CPUS])
		return usage_error(inv->cmd,
				   "say with --mem how much, or with --cpus which");
	status = take_mem(inv, wish);
	if (!status)
		status = take_cpus(inv, wish);
	if (status)
		return status;
	if (inv->given[RESIZE_TIMEOUT] &&
	    parse_seconds(inv->value[RESIZE_TIMEOUT], &wish->chg.timeout_ms))
		return usage_error(inv->cmd,
				   "--timeout: '%s' is not a time in seconds",
				   inv->value[RESIZE_TIMEOUT]);
	return EXIT_OK;
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

/* Work shares out from what the pool and the host have now. */
static int settle_mem(const struct invocation *inv, struct vpool *vp,
		      struct wish *wish, const struct vpool_info *info)
{
	char why[VPOOL_REASON_SIZE];
	struct spare spare;
	int status;

	if (!memspec_has_shares(wish->asks, wish->chg.nr_mem))
		return EXIT_OK;
	status = spare_read_host(inv, vp, &spare);
	if (status)
		return status;
	if (memspec_settle(wish->mem, wish->asks, wish->chg.nr_mem, &spare,
			   info, info->page_size, why, sizeof(why))) {
		cmd_error(inv, wish->chg.name, "%s", why);
		status = EXIT_FAILED;
	}
	spare_free(&spare);
	return status;
}

/* The kernel takes totals only: a change is what it has now, and that. */
static int add_to_now(const struct invocation *inv, struct wish *wish,
		      const struct vpool_info *info)
{
	size_t i;

	wish->was = info->total_bytes;
	for (i = 0; i < wish->chg.nr_mem; i++) {
		__u64 now = now_on(info, wish->mem[i].node);
		__u64 *bytes = &wish->mem[i].bytes;
		bool bad = false;

		if (wish->asks[i].sign == '+') {
			bad = __builtin_add_overflow(now, *bytes, bytes);
		} else if (wish->asks[i].sign == '-') {
			bad = *bytes > now;
			*bytes = now - *bytes;
		}
		if (!bad)
			continue;
		cmd_error(inv, wish->chg.name,
			  wish->asks[i].sign == '-' ?
			  "it has less than --mem takes away" :
			  "--mem is too large");
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

static void print_json(const struct wish *wish, const char *cpus)
{
	struct table *tb = record_new("pool", resize_columns,
				      ARRAY_SIZE(resize_columns));
	struct style style = { .json = true };

	table_text(tb, COL_NAME, wish->chg.name);
	table_number(tb, COL_WAS, wish->was);
	table_number(tb, COL_TOTAL, wish->chg.out_bytes);
	table_text(tb, COL_CPUS, cpus);
	table_number(tb, COL_DRY_RUN,
		     !!(wish->chg.flags & VPOOL_RESIZE_DRY_RUN));
	table_print(tb, &style, stdout);
	table_free(tb);
}

static void print_text(const struct wish *wish, const char *cpus)
{
	bool dry = wish->chg.flags & VPOOL_RESIZE_DRY_RUN;
	char was[SIZE_TEXT], total[SIZE_TEXT];

	printf("%s %s:", dry ? "would resize" : "resized", wish->chg.name);
	if (wish->mem)
		printf(" %s of memory, %s %s",
		       format_size(wish->chg.out_bytes, total),
		       dry ? "it has" : "it had",
		       format_size(wish->was, was));
	if (wish->mem && wish->chg.cpus)
		fputs("; and", stdout);
	if (wish->chg.cpus)
		printf(" CPU%s %s", strpbrk(cpus, ",-") ? "s" : "", cpus);
	putchar('\n');
}

static int resize(const struct invocation *inv, struct vpool *vp,
		  struct wish *wish)
{
	char why[WHY_SIZE];
	struct progress *progress = NULL;
	struct vpool_info *info;
	char *cpus;
	int err;

	err = vpool_query(vp, wish->chg.name, &info);
	if (err)
		return handle_error(inv, wish->chg.name, vp, err);
	err = settle_mem(inv, vp, wish, info);
	if (!err)
		err = add_to_now(inv, wish, info);
	cpus = cpus_text(wish->chg.cpus ? &wish->cpus : &info->cpus);
	vpool_info_free(info);
	if (err)
		goto free_cpus;
	if (!inv->given[RESIZE_DRY_RUN] && !inv->given[RESIZE_QUIET])
		progress = progress_start("resize", wish->chg.name);
	err = vpool_resize(vp, &wish->chg);
	progress_stop(progress);
	if (err)
		err = handle_error(inv, wish->chg.name, vp, err);
	else if (inv->given[RESIZE_JSON])
		print_json(wish, cpus);
	else if (!inv->given[RESIZE_QUIET])
		print_text(wish, cpus);
	if (!err && isolate_mend(wish->chg.name, why)) {
		cmd_error(inv, wish->chg.name, "%s", why);
		err = EXIT_FAILED;
	}
free_cpus:
	free(cpus);
	return err;
}

static int run_resize(const struct invocation *inv)
{
	struct vpool *vp = NULL;
	struct wish wish;
	int status, err;

	status = take_wish(inv, &wish);
	if (!status) {
		err = vpool_open_control(&vp);
		status = err ? handle_error(inv, inv->argv[0], vp, err) :
			       resize(inv, vp, &wish);
	}
	vpool_close(vp);
	vpool_cpus_free(&wish.cpus);
	free(wish.asks);
	free(wish.mem);
	return status;
}

const struct command cmd_resize = {
	.name = "resize",
	.args = "NAME",
	.summary = "change how much memory and which CPUs a pool has",
	.description =
		"Change how much memory and which CPUs a pool has, while it\n"
		"is in use: all that is asked for, or nothing. Only memory\n"
		"that is free can be taken from a pool; it goes back to the\n"
		"host zeroed. Members follow the CPUs at once.\n\n"
		"    vpoolctl resize web --mem 4G           # 4 GiB in all\n"
		"    vpoolctl resize web --mem +1G@1,-1G@0  # move 1 GiB to node 1\n"
		"    vpoolctl resize web --cpus 2-7         # these CPUs, no others",
	.options = resize_options,
	.nr_options = ARRAY_SIZE(resize_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_POOL,
	.run = run_resize,
};
