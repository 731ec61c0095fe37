// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl create: make a pool.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "config/memspec.h"
#include "config/ownership.h"
#include "host/baseline.h"
#include "host/grade.h"
#include "host/isolate.h"
#include "host/pools.h"
#include "host/spare.h"
#include "output/messages.h"
#include "output/progress.h"
#include "output/table.h"
#include "output/units.h"

#define DEFAULT_PAGE_SIZE (2ULL << 20)

enum {
	OPT_MEM,
	OPT_CPUS,
	OPT_NCPUS,
	OPT_PAGE_SIZE,
	OPT_OWNER,
	OPT_MODE,
	OPT_TIMEOUT,
	OPT_SPLIT_CORES,
	OPT_BOOT_CORE,
	OPT_CONFINE,
	OPT_ISOLATE,
	OPT_DRY_RUN,
	OPT_QUIET,
	OPT_JSON,
};

static const struct option_def create_options[] = {
	[OPT_MEM] = {
		.name = "mem", .letter = 'm', .arg = "SIZE[@NODE],...",
		.complete = COMPLETE_NODE,
		.help =
			"memory, from one NUMA node or from any, as in\n"
			"4G@0,4G@1 or 512M; rounded up to the page size. 25%\n"
			"and max are of what 'vpoolctl host' says a pool can\n"
			"take, from that node or in all, rounded down",
	},
	[OPT_CPUS] = {
		.name = "cpus", .letter = 'c', .arg = "LIST",
		.complete = COMPLETE_CPUS,
		.help =
			"CPUs, as in 2-5,8; all is all that are online, N the\n"
			"last of them, ^ leaves some out: 2-N,^5 or all,^0-1",
	},
	[OPT_NCPUS] = {
		.name = "ncpus", .letter = 'N', .arg = "NUMBER[@NODE]",
		.complete = COMPLETE_NODE,
		.help =
			"so many CPUs, in whole cores, from one NUMA node or\n"
			"from where the memory is, the nearest first",
	},
	[OPT_PAGE_SIZE] = {
		.name = "page-size", .letter = 'p', .arg = "SIZE",
		.help = "in what units it holds memory: 2M (the default) or 4K",
		.complete = COMPLETE_SIZE,
	},
	[OPT_OWNER] = {
		.name = "owner", .letter = 'u', .arg = "USER[:GROUP]",
		.help =
			"who may use the pool, by name or number; the caller\n"
			"unless given. USER alone takes that user's group,\n"
			":GROUP keeps the caller as user",
		.complete = COMPLETE_OWNER,
	},
	[OPT_MODE] = {
		.name = "mode", .arg = "MODE",
		.help =
			"permission bits of the pool's node, in octal,\n"
			"within 0666; 0660 unless given",
	},
	[OPT_TIMEOUT] = {
		.name = "timeout", .letter = 't', .arg = "SECONDS",
		.help =
			"how long to wait for memory that is short; 10\n"
			"unless given, 0 takes only what is at hand",
	},
	[OPT_SPLIT_CORES] = {
		.name = "split-cores",
		.help = "allow taking some but not all threads of a core",
	},
	[OPT_BOOT_CORE] = {
		.name = "boot-core",
		.help = "allow taking the core that the host booted on",
	},
	[OPT_CONFINE] = {
		.name = "confine",
		.help =
			"keep members on the CPUs whatever affinity they give\n"
			"themselves: a cpuset that they cannot leave",
	},
	[OPT_ISOLATE] = {
		.name = "isolate", .arg = "balance|nobalance",
		.may_lack_arg = true,
		.help =
			"confine, and keep all other tasks off the CPUs: a\n"
			"cpuset partition, and interrupts moved away. With\n"
			"nobalance the scheduler does not move threads between\n"
			"the CPUs either: for threads that are pinned each to\n"
			"one CPU, others all stay on the first",
	},
	[OPT_DRY_RUN] = {
		.name = "dry-run", .letter = 'n',
		.help = "check everything, change nothing",
	},
	[OPT_QUIET] = {
		.name = "quiet", .letter = 'q',
		.help = "print nothing when it works",
	},
	[OPT_JSON] = OPTION_JSON,
};

enum {
	COL_NAME,
	COL_ID,
	COL_PAGE,
	COL_ASKED,
	COL_TOTAL,
	COL_CPUS,
	COL_DEVICE,
	COL_DRY_RUN,
};

static const struct column create_columns[] = {
	[COL_NAME] = { .name = "NAME", .type = CELL_TEXT },
	[COL_ID] = { .name = "ID", .type = CELL_NUMBER },
	[COL_PAGE] = { .name = "PAGE", .type = CELL_SIZE },
	[COL_ASKED] = { .name = "ASKED", .type = CELL_SIZE },
	[COL_TOTAL] = { .name = "TOTAL", .type = CELL_SIZE },
	[COL_CPUS] = { .name = "CPUS", .type = CELL_TEXT },
	[COL_DEVICE] = { .name = "DEVICE", .type = CELL_TEXT },
	[COL_DRY_RUN] = { .name = "DRY-RUN", .type = CELL_BOOL },
};

/* What the options came to. */
struct wish {
	struct vpool_request req;
	struct vpool_mem *mem;
	struct mem_ask *asks;
	struct vpool_cpus cpus;
	__u64 asked;
	enum grade grade;
};

static int add_up(const struct invocation *inv, struct wish *wish)
{
	size_t i;

	wish->asked = 0;
	for (i = 0; i < wish->req.nr_mem; i++)
		if (__builtin_add_overflow(wish->asked, wish->mem[i].bytes,
					   &wish->asked))
			return usage_error(inv->cmd, "--mem: '%s' is too large",
					   inv->value[OPT_MEM]);
	return EXIT_OK;
}

static int take_mem(const struct invocation *inv, struct wish *wish)
{
	char why[VPOOL_REASON_SIZE];

	if (!inv->given[OPT_MEM])
		return EXIT_OK;
	if (parse_memspec(inv->value[OPT_MEM], &wish->mem, &wish->asks, false,
			  &wish->req.nr_mem, why, sizeof(why)))
		return usage_error(inv->cmd, "--mem: %s", why);
	wish->req.mem = wish->mem;
	return add_up(inv, wish);
}

/* A share of memory is worked out last, from what the host has then. */
static int settle_mem(const struct invocation *inv, struct vpool *vp,
		      struct wish *wish)
{
	char why[VPOOL_REASON_SIZE];
	struct spare spare;
	int status;

	if (!memspec_has_shares(wish->asks, wish->req.nr_mem))
		return EXIT_OK;
	status = spare_read_host(inv, vp, &spare);
	if (status)
		return status;
	if (memspec_settle(wish->mem, wish->asks, wish->req.nr_mem, &spare,
			   NULL, wish->req.page_size, why, sizeof(why))) {
		cmd_error(inv, wish->req.name, "%s", why);
		status = EXIT_FAILED;
	}
	spare_free(&spare);
	return status ? status : add_up(inv, wish);
}

static int take_cpus(const struct invocation *inv, struct wish *wish)
{
	char why[VPOOL_REASON_SIZE];

	if (!inv->given[OPT_CPUS])
		return EXIT_OK;
	if (!*inv->value[OPT_CPUS])
		return usage_error(inv->cmd, "--cpus: the list is empty");
	if (vpool_cpus_parse(inv->value[OPT_CPUS], &wish->cpus, why,
			     sizeof(why)))
		return usage_error(inv->cmd, "--cpus: %s", why);
	wish->req.cpus = &wish->cpus;
	return EXIT_OK;
}

static int take_ncpus(const struct invocation *inv, struct wish *wish)
{
	const char *text = inv->value[OPT_NCPUS];

	if (!inv->given[OPT_NCPUS])
		return EXIT_OK;
	if (inv->given[OPT_CPUS])
		return usage_error(inv->cmd,
				   "--cpus and --ncpus exclude each other");
	if (parse_ncpus(text, &wish->req.nr_cpus, &wish->req.cpus_node))
		return usage_error(inv->cmd,
				   "--ncpus: '%s' is not NUMBER[@NODE]", text);
	return EXIT_OK;
}

static int take_page_size(const struct invocation *inv, struct wish *wish)
{
	char why[VPOOL_REASON_SIZE];

	wish->req.page_size = DEFAULT_PAGE_SIZE;
	if (!inv->given[OPT_PAGE_SIZE])
		return EXIT_OK;
	if (parse_size(inv->value[OPT_PAGE_SIZE], &wish->req.page_size, why,
		       sizeof(why)))
		return usage_error(inv->cmd, "--page-size: %s", why);
	if (!wish->req.page_size)
		return usage_error(inv->cmd, "--page-size: 0 is no page size");
	return EXIT_OK;
}

static int take_owner(const struct invocation *inv, struct wish *wish)
{
	char why[VPOOL_REASON_SIZE];

	if (inv->given[OPT_OWNER] &&
	    parse_owner(inv->value[OPT_OWNER], &wish->req.uid, &wish->req.gid,
			why, sizeof(why)))
		return usage_error(inv->cmd, "--owner: %s", why);
	return EXIT_OK;
}

static int take_mode(const struct invocation *inv, struct wish *wish)
{
	char why[VPOOL_REASON_SIZE];

	if (inv->given[OPT_MODE] &&
	    parse_mode(inv->value[OPT_MODE], &wish->req.mode, why, sizeof(why)))
		return usage_error(inv->cmd, "--mode: %s", why);
	return EXIT_OK;
}

static int take_timeout(const struct invocation *inv, struct wish *wish)
{
	if (!inv->given[OPT_TIMEOUT])
		return EXIT_OK;
	if (parse_seconds(inv->value[OPT_TIMEOUT], &wish->req.timeout_ms))
		return usage_error(inv->cmd,
				   "--timeout: '%s' is not a time in seconds",
				   inv->value[OPT_TIMEOUT]);
	return EXIT_OK;
}

static void take_flags(const struct invocation *inv, struct wish *wish)
{
	if (inv->given[OPT_DRY_RUN])
		wish->req.flags |= VPOOL_CREATE_DRY_RUN;
	if (inv->given[OPT_SPLIT_CORES])
		wish->req.flags |= VPOOL_CREATE_SPLIT_CORES;
	if (inv->given[OPT_BOOT_CORE])
		wish->req.flags |= VPOOL_CREATE_BOOT_CORE;
}

static int take_grade(const struct invocation *inv, struct wish *wish)
{
	bool isolate = inv->given[OPT_ISOLATE];
	const char *how = isolate ? inv->value[OPT_ISOLATE] : NULL;

	if (!isolate && !inv->given[OPT_CONFINE])
		return EXIT_OK;
	if (isolate && inv->given[OPT_CONFINE])
		return usage_error(inv->cmd,
				   "--isolate confines, too: --confine and --isolate exclude each other");
	if (!inv->given[OPT_CPUS] && !inv->given[OPT_NCPUS])
		return usage_error(inv->cmd, "--%s needs CPUs",
				   isolate ? "isolate" : "confine");
	if (how && strcmp(how, "nobalance") && strcmp(how, "balance"))
		return usage_error(inv->cmd,
				   "--isolate: '%s' is neither balance nor nobalance",
				   how);
	wish->req.flags |= VPOOL_CREATE_ISOLATED;
	if (!isolate)
		wish->grade = GRADE_CONFINED;
	else
		wish->grade = how && !strcmp(how, "nobalance") ?
			      GRADE_NOBALANCE : GRADE_ISOLATED;
	return EXIT_OK;
}

static int take_wish(const struct invocation *inv, struct wish *wish)
{
	int (* const steps[])(const struct invocation *, struct wish *) = {
		take_mem, take_cpus, take_ncpus, take_page_size, take_owner,
		take_mode, take_timeout, take_grade,
	};
	int status = EXIT_OK;
	size_t i;

	*wish = (struct wish) { .req = VPOOL_REQUEST_INIT };
	wish->req.name = inv->argv[0];
	take_flags(inv, wish);
	for (i = 0; !status && i < ARRAY_SIZE(steps); i++)
		status = steps[i](inv, wish);
	if (!status && !inv->given[OPT_MEM] && !inv->given[OPT_CPUS] &&
	    !inv->given[OPT_NCPUS])
		status = usage_error(inv->cmd,
				     "a pool needs --mem or --cpus, or both");
	return status;
}

static void free_wish(struct wish *wish)
{
	vpool_cpus_free(&wish->cpus);
	free(wish->asks);
	free(wish->mem);
}

static void print_json(const struct wish *wish, const char *cpus)
{
	struct table *tb = record_new("pool", create_columns,
				      ARRAY_SIZE(create_columns));
	bool dry = wish->req.flags & VPOOL_CREATE_DRY_RUN;
	char *device = xprintf("/dev/vpool/%s", wish->req.name);
	struct style style = { .json = true };

	table_text(tb, COL_NAME, wish->req.name);
	if (!dry)
		table_number(tb, COL_ID, wish->req.out_id);
	table_number(tb, COL_PAGE, wish->req.page_size);
	table_number(tb, COL_ASKED, wish->asked);
	table_number(tb, COL_TOTAL, wish->req.out_bytes);
	table_text(tb, COL_CPUS, cpus);
	table_text(tb, COL_DEVICE, device);
	table_number(tb, COL_DRY_RUN, dry);
	table_print(tb, &style, stdout);
	table_free(tb);
	free(device);
}

static void print_text(const struct wish *wish, const char *cpus)
{
	char total[SIZE_TEXT], asked[SIZE_TEXT], page[SIZE_TEXT];
	const struct vpool_request *req = &wish->req;

	format_size(req->out_bytes, total);
	format_size(req->page_size, page);
	printf("%s %s:", req->flags & VPOOL_CREATE_DRY_RUN ?
	       "would create" : "created", req->name);
	if (req->nr_mem)
		printf(" %s of memory in pages of %s", total, page);
	if (req->nr_mem && (*cpus || req->nr_cpus))
		fputs(" and", stdout);
	if (req->nr_cpus && !*cpus)
		printf(" %u CPU%s", req->nr_cpus,
		       req->nr_cpus == 1 ? "" : "s");
	else if (*cpus)
		printf(" CPU%s %s", strpbrk(cpus, ",-") ? "s" : "", cpus);
	putchar('\n');
	if (req->out_bytes > wish->asked)
		printf("%s was asked for; it was rounded up to whole pages\n",
		       format_size(wish->asked, asked));
}

/* Which CPUs were chosen; if the pool is gone again, none. */
static void read_cpus(struct vpool *vp, struct wish *wish)
{
	struct vpool_info *info;

	if (!wish->req.nr_cpus || wish->req.flags & VPOOL_CREATE_DRY_RUN ||
	    vpool_query(vp, wish->req.name, &info))
		return;
	if (vpool_cpus_copy(&wish->cpus, &info->cpus))
		wish->cpus = (struct vpool_cpus) { 0 };
	vpool_info_free(info);
}

static int make_graded(struct vpool *vp, struct wish *wish, char *why)
{
	int err, lock = isolate_lock(why);

	if (lock < 0)
		return lock;
	err = isolate_create(vp, &wish->req, wish->grade, why);
	close(lock);
	return err;
}

static int make(const struct invocation *inv, struct vpool *vp,
		struct wish *wish)
{
	char why[WHY_SIZE] = "";
	int err;

	if (wish->grade != GRADE_PLAIN) {
		err = isolate_check(wish->grade, why);
		if (!err && !inv->given[OPT_DRY_RUN])
			err = make_graded(vp, wish, why);
		if (err)
			cmd_error(inv, wish->req.name, "%s", why);
		if (err || !inv->given[OPT_DRY_RUN])
			return err ? EXIT_FAILED : EXIT_OK;
	}
	err = vpool_create(vp, &wish->req);
	return err ? handle_error(inv, wish->req.name, vp, err) : EXIT_OK;
}

static int create(const struct invocation *inv, struct vpool *vp,
		  struct wish *wish)
{
	bool watch = wish->req.nr_mem && !inv->given[OPT_DRY_RUN] &&
		     !inv->given[OPT_QUIET];
	struct progress *progress = NULL;
	char *cpus;
	int err;

	err = settle_mem(inv, vp, wish);
	if (err)
		return err;
	if (watch)
		progress = progress_start("create", wish->req.name);
	err = make(inv, vp, wish);
	progress_stop(progress);
	if (err)
		return err;
	read_cpus(vp, wish);
	if (!inv->given[OPT_DRY_RUN])
		baseline_save(vp, wish->req.name);
	cpus = cpus_text(&wish->cpus);
	if (inv->given[OPT_JSON])
		print_json(wish, cpus);
	else if (!inv->given[OPT_QUIET])
		print_text(wish, cpus);
	free(cpus);
	return EXIT_OK;
}

static int run_create(const struct invocation *inv)
{
	struct vpool *vp = NULL;
	struct wish wish;
	int status, err;

	status = take_wish(inv, &wish);
	if (!status) {
		err = vpool_open_control(&vp);
		status = err ? handle_error(inv, inv->argv[0], vp, err) :
			       create(inv, vp, &wish);
	}
	vpool_close(vp);
	free_wish(&wish);
	return status;
}

const struct command cmd_create = {
	.name = "create",
	.args = "NAME",
	.summary = "make a pool of CPUs and memory",
	.description =
		"Make a pool: all that is asked for, or nothing. Its node is\n"
		"/dev/vpool/NAME. A name has up to 32 small letters, digits,\n"
		"dots, underscores and dashes. Where memory is short, it is\n"
		"waited for as long as --timeout allows; an interrupt gives\n"
		"everything back.\n\n"
		"Sizes are in units of 1024: 512M, 1.5G, 2GiB, or bytes; or\n"
		"25% or max of what 'vpoolctl host' says a pool can take.",
	.options = create_options,
	.nr_options = ARRAY_SIZE(create_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_create,
};
