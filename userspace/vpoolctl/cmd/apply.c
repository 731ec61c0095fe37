// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl apply: create, change and destroy pools until they match a file.
 */
#include <errno.h>
#include <stdlib.h>

#include <libvpool.h>

#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "config/config.h"
#include "config/declare.h"
#include "config/plan.h"
#include "config/plan_check.h"
#include "config/plan_execute.h"
#include "config/reader.h"
#include "host/isolate.h"
#include "host/pools.h"
#include "output/messages.h"
#include "output/table.h"

enum {
	OPT_DRY_RUN,
	OPT_KEEP,
	OPT_KEEP_GOING,
	OPT_QUIET,
	OPT_JSON,
};

static const struct option_def apply_options[] = {
	[OPT_DRY_RUN] = {
		.name = "dry-run", .letter = 'n',
		.help =
			"check the files and print the changes as a diff, but make\n"
			"none",
	},
	[OPT_KEEP] = {
		.name = "keep", .letter = 'k',
		.help = "do not destroy pools that are not declared",
	},
	[OPT_KEEP_GOING] = {
		.name = "keep-going",
		.help =
			"make as many changes as possible, as at boot. A pool whose\n"
			"change is refused, or whose declaration has a mistake, is\n"
			"reported and stays unchanged; the exit status is then 1. If\n"
			"a file has a mistake, undeclared pools stay",
	},
	[OPT_QUIET] = {
		.name = "quiet", .letter = 'q',
		.help = "print nothing on success",
	},
	[OPT_JSON] = {
		.name = "json", .letter = 'J',
		.help = "print the changes as JSON, with sizes in bytes",
	},
};

enum {
	COL_NAME,
	COL_ACTION,
	COL_MEM_BEFORE,
	COL_MEM_AFTER,
	COL_CPUS_BEFORE,
	COL_CPUS_AFTER,
	COL_MOUNT_BEFORE,
	COL_MOUNT_AFTER,
	COL_DONE,
};

static const struct column apply_columns[] = {
	[COL_NAME] = { .name = "NAME", .type = CELL_TEXT },
	[COL_ACTION] = { .name = "ACTION", .type = CELL_TEXT },
	[COL_MEM_BEFORE] = { .name = "MEM-BEFORE", .type = CELL_SIZE },
	[COL_MEM_AFTER] = { .name = "MEM-AFTER", .type = CELL_SIZE },
	[COL_CPUS_BEFORE] = { .name = "CPUS-BEFORE", .type = CELL_TEXT },
	[COL_CPUS_AFTER] = { .name = "CPUS-AFTER", .type = CELL_TEXT },
	[COL_MOUNT_BEFORE] = { .name = "MOUNT-BEFORE", .type = CELL_TEXT },
	[COL_MOUNT_AFTER] = { .name = "MOUNT-AFTER", .type = CELL_TEXT },
	[COL_DONE] = { .name = "DONE", .type = CELL_BOOL },
};

static void fill_pool(struct table *tb, const struct pool_config *pool,
		      size_t mem, size_t cpus, size_t mount)
{
	char *text = cpus_text(&pool->cpus);

	table_number(tb, mem, pool_config_bytes(pool));
	/* The module chooses these CPUs when it creates the pool. */
	if (!pool->nr_cpus)
		table_text(tb, cpus, text);
	if (pool->mount.dir)
		table_text(tb, mount, pool->mount.dir);
	free(text);
}

static size_t count_done(const struct plan *plan)
{
	size_t i, nr = 0;

	for (i = 0; i < plan->nr; i++)
		nr += !plan->changes[i].refused;
	return nr;
}

static void print_json(const struct plan *plan, bool done)
{
	struct table *tb = table_new("changes", apply_columns,
				     ARRAY_SIZE(apply_columns));
	struct style style = { .json = true };
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		const struct change *change = plan->changes + i;

		table_row(tb);
		table_text(tb, COL_NAME, change_name(change));
		table_text(tb, COL_ACTION, change_word(change));
		if (change->info)
			fill_pool(tb, &change->have, COL_MEM_BEFORE,
				  COL_CPUS_BEFORE, COL_MOUNT_BEFORE);
		if (change->want)
			fill_pool(tb, change->want, COL_MEM_AFTER,
				  COL_CPUS_AFTER, COL_MOUNT_AFTER);
		table_number(tb, COL_DONE, done && !change->refused);
	}
	table_print(tb, &style, stdout);
	table_free(tb);
}

static void print_text(const struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		const char *word = change_word(plan->changes + i);
		size_t len = 0;

		if (plan->changes[i].refused)
			continue;
		while (word[len])
			len++;
		printf("%s%s %s\n", word, word[len - 1] == 'e' ? "d" : "ed",
		       change_name(plan->changes + i));
	}
}

static void print(const struct invocation *inv, const struct plan *plan)
{
	bool dry = inv->given[OPT_DRY_RUN];

	if (inv->given[OPT_JSON])
		print_json(plan, !dry);
	else if (inv->given[OPT_QUIET])
		return;
	else if (!plan->nr)
		puts("the host is as declared, nothing to do");
	else if (!count_done(plan))
		return;
	else if (dry)
		plan_print(plan, want_colour(), stdout);
	else
		print_text(plan);
}

/* Any user can do a dry run. An unprivileged dry run does not call the kernel. */
static int open_handle(const struct invocation *inv, struct vpool **vp)
{
	int err = vpool_open_control(vp);

	if (!inv->given[OPT_DRY_RUN] || !err || err == -VPOOL_NO_MODULE)
		return err;
	vpool_close(*vp);
	return vpool_open_reader(vp);
}

/* Report the offline CPUs that pools are missing. */
static void tell_offline(const struct invocation *inv, const struct config *cfg)
{
	size_t i;

	for (i = 0; i < cfg->nr_pools; i++) {
		const struct pool_config *pool = cfg->pools + i;
		char *text;

		if (!vpool_cpus_count(&pool->offline))
			continue;
		text = cpus_text(&pool->offline);
		cmd_error(inv, pool->name, TOOL_CPU_WAITS,
			  "cpu %s is offline; 'vpoolctl apply' adds it when it is online",
			  text);
		free(text);
	}
}

static int carry_out(const struct invocation *inv, struct plan *plan,
		     struct vpool *vp)
{
	bool keep_going = inv->given[OPT_KEEP_GOING];
	bool dry = inv->given[OPT_DRY_RUN];
	int status = EXIT_OK, done;
	struct failure ignored;

	if (!plan_check(plan, inv, vp, keep_going)) {
		status = EXIT_FAILED;
		if (!keep_going) {
			cmd_error(inv, NULL, TOOL_NOTHING_CHANGED, "nothing was changed");
			return status;
		}
	}
	if (dry)
		return status;
	/*
	 * A failure to restore the isolation of an unchanged pool must not stop the
	 * plan.
	 */
	isolate_mend("", &ignored);
	done = plan_execute(plan, inv, vp, keep_going);
	return status ? status : done;
}

static int apply(const struct invocation *inv, struct config *cfg,
		 struct vpool *vp)
{
	bool keep_going = inv->given[OPT_KEEP_GOING];
	bool keep = inv->given[OPT_KEEP] || cfg->nr_mistakes;
	struct plan plan;
	int status, err;

	err = plan_make(&plan, cfg, vp, keep);
	if (err)
		return handle_error(inv, NULL, vp, err);
	tell_offline(inv, cfg);
	status = carry_out(inv, &plan, vp);
	if (!status || inv->given[OPT_DRY_RUN] || keep_going)
		print(inv, &plan);
	plan_free(&plan);
	return status;
}

static int run_apply(const struct invocation *inv)
{
	struct config cfg = { 0 };
	struct vpool *vp = NULL;
	int status, err;

	config_read(&cfg, inv->argv, inv->argc);
	if (cfg.nr_mistakes)
		config_report(&cfg);
	if (cfg.nr_mistakes && !inv->given[OPT_KEEP_GOING]) {
		cmd_error(inv, NULL, TOOL_NOTHING_CHANGED, "nothing was changed");
		status = EXIT_FAILED;
	} else {
		config_drop_bad(&cfg);
		err = open_handle(inv, &vp);
		status = err ? handle_error(inv, NULL, vp, err) :
			       apply(inv, &cfg, vp);
	}
	if (!status && cfg.nr_mistakes)
		status = EXIT_FAILED;
	vpool_close(vp);
	config_free(&cfg);
	return status;
}

const struct command cmd_apply = {
	.name = "apply",
	.args = "[FILE...]",
	.summary = "make the pools match the files that declare them",
	.description =
		"Create, change and destroy pools until the host has exactly\n"
		"the pools that the files declare. A pool that matches its\n"
		"declaration stays unchanged, so that applying a file twice\n"
		"changes nothing. All changes are checked before the first\n"
		"one is made. A pool that would have to be destroyed while it\n"
		"is in use is refused. If a change fails, the earlier ones\n"
		"are undone; with --keep-going, the remaining changes are\n"
		"made instead. A declared CPU that is offline is left out,\n"
		"and a later apply adds it when it is online.\n\n"
		"Without FILE, apply reads /etc/vpool.conf and\n"
		"/etc/vpool.d/*.conf. The name - stands for standard input.\n"
		"Several files count as one. vpool.conf(5) describes their\n"
		"format.",
	.options = apply_options,
	.nr_options = ARRAY_SIZE(apply_options),
	.max_args = -1,
	.complete = COMPLETE_FILE,
	.complete_args = COMPLETE_FILE,
	.run = run_apply,
};
