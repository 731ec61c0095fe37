// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl create: create a pool.
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
#include "base/failure.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "config/config.h"
#include "config/declare.h"
#include "config/memspec.h"
#include "config/property.h"
#include "config/request.h"
#include "host/baseline.h"
#include "host/grade.h"
#include "host/isolate.h"
#include "host/pools.h"
#include "host/spare.h"
#include "output/messages.h"
#include "output/progress.h"
#include "output/table.h"
#include "output/units.h"

enum {
	OPT_MEM,
	OPT_CPUS,
	OPT_NCPUS,
	OPT_PAGE_SIZE,
	OPT_OWNER,
	OPT_MODE,
	OPT_USER_MEM,
	OPT_USER_REGIONS,
	OPT_USER_MEMBERS,
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
			"memory from any NUMA node, as in 512M, or from given nodes,\n"
			"as in 4G@0,4G@1; rounded up to the page size. 25% and max\n"
			"are shares of the poolable memory that 'vpoolctl host' shows\n"
			"for the node or the host, rounded down",
	},
	[OPT_CPUS] = {
		.name = "cpus", .letter = 'c', .arg = "LIST",
		.complete = COMPLETE_CPUS,
		.help =
			"CPUs, as in 2-5,8; all stands for all online CPUs, N for the\n"
			"last of them, and ^ excludes CPUs: 2-N,^5 or all,^0-1",
	},
	[OPT_NCPUS] = {
		.name = "ncpus", .letter = 'N', .arg = "NUMBER[@NODE]",
		.complete = COMPLETE_NODE,
		.help =
			"number of CPUs, in whole cores, from one NUMA node, or from\n"
			"the nodes of the memory and then the nearest ones",
	},
	[OPT_PAGE_SIZE] = {
		.name = "page-size", .letter = 'p', .arg = "SIZE",
		.help =
			"page size of the memory, one of those that 'vpoolctl host'\n"
			"shows; default: the kernel's smallest huge page, which is 2M\n"
			"on x86-64",
		.complete = COMPLETE_SIZE,
	},
	[OPT_OWNER] = {
		.name = "owner", .letter = 'u', .arg = "USER[:GROUP]",
		.help =
			"owner of the pool's device, by name or number; default: the\n"
			"caller. USER alone implies that user's group, :GROUP keeps\n"
			"the caller as user",
		.complete = COMPLETE_OWNER,
	},
	[OPT_MODE] = {
		.name = "mode", .arg = "MODE",
		.help =
			"permission bits of the pool's device, in octal, within 0666;\n"
			"default 0660",
	},
	[OPT_USER_MEM] = {
		.name = "user-mem", .arg = "SIZE|none",
		.help =
			"memory that each user except root may have of the pool; default none",
	},
	[OPT_USER_REGIONS] = {
		.name = "user-regions", .arg = "NUMBER|none",
		.help =
			"number of regions that each user except root may have:\n"
			"opens of the device, files and directories; default none",
	},
	[OPT_USER_MEMBERS] = {
		.name = "user-members", .arg = "NUMBER|none",
		.help =
			"number of members up to which tasks of each user except root\n"
			"can be attached; their children can exceed it; default none",
	},
	[OPT_TIMEOUT] = {
		.name = "timeout", .letter = 't', .arg = "SECONDS",
		.help =
			"seconds to wait for memory that is not free yet; default 10;\n"
			"0 takes only memory that is free now",
	},
	[OPT_SPLIT_CORES] = {
		.name = "split-cores",
		.help = "allow the pool to contain only some threads of a core",
	},
	[OPT_BOOT_CORE] = {
		.name = "boot-core",
		.help = "allow the pool to take the core that the host booted on",
	},
	[OPT_CONFINE] = {
		.name = "confine",
		.help =
			"keep members on the CPUs, whatever affinity they set: put\n"
			"them in a cpuset that they cannot leave",
	},
	[OPT_ISOLATE] = {
		.name = "isolate", .arg = "balance|nobalance",
		.may_lack_arg = true,
		.help =
			"confine the members, keep all other tasks off the CPUs with\n"
			"a cpuset partition, and move interrupts away. With\n"
			"nobalance, the scheduler also does not balance load between\n"
			"the CPUs: use it if each thread is pinned to one CPU,\n"
			"because threads that are not pinned all stay on the first\n"
			"CPU",
	},
	[OPT_DRY_RUN] = {
		.name = "dry-run", .letter = 'n',
		.help = "check the request, but change nothing",
	},
	[OPT_QUIET] = {
		.name = "quiet", .letter = 'q',
		.help = "print nothing on success",
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

/**
 * struct spec - the pool to create
 * @pool: the pool, by the options
 * @req: the request for it, which points into @pool
 * @asked: requested memory before rounding, in bytes
 */
struct spec {
	struct pool_config pool;
	struct vpool_request req;
	__u64 asked;
};

/* Compute a share of memory last, from the memory that is available then. */
static int resolve_mem(const struct invocation *inv, struct vpool *vp,
		       struct pool_config *pool)
{
	struct failure failure;
	struct spare spare;
	int status;

	if (!memspec_has_shares(pool->asks, pool->nr_mem))
		return EXIT_OK;
	status = spare_read_host(inv, vp, &spare);
	if (status)
		return status;
	if (memspec_resolve(pool->mem, pool->asks, pool->nr_mem, &spare, NULL,
			    pool->page_size, &failure))
		status = failure_report(inv, pool->name, &failure);
	spare_free(&spare);
	return status;
}

static int take_options(const struct invocation *inv, struct pool_config *pool)
{
	struct failure failure;
	int status;

	/* The pool belongs to the caller unless --owner gives it to another user. */
	pool->uid = VPOOL_ID_CALLER;
	pool->gid = VPOOL_ID_CALLER;
	status = properties_from_options(inv, pool);
	if (!status && properties_check(pool, &failure))
		status = usage_error(inv->cmd, "a pool %s", failure.text);
	return status;
}

static void print_json(const struct spec *spec, const char *cpus)
{
	struct table *tb = record_new("pool", create_columns,
				      ARRAY_SIZE(create_columns));
	bool dry = spec->req.flags & VPOOL_CREATE_DRY_RUN;
	char *device = xprintf("/dev/vpool/%s", spec->req.name);
	struct style style = { .json = true };

	table_text(tb, COL_NAME, spec->req.name);
	if (!dry)
		table_number(tb, COL_ID, spec->req.out_id);
	table_number(tb, COL_PAGE, spec->req.page_size);
	table_number(tb, COL_ASKED, spec->asked);
	table_number(tb, COL_TOTAL, spec->req.out_bytes);
	table_text(tb, COL_CPUS, cpus);
	table_text(tb, COL_DEVICE, device);
	table_number(tb, COL_DRY_RUN, dry);
	table_print(tb, &style, stdout);
	table_free(tb);
	free(device);
}

static void print_text(const struct spec *spec, const char *cpus)
{
	char total[SIZE_TEXT], asked[SIZE_TEXT], page[SIZE_TEXT];
	const struct vpool_request *req = &spec->req;

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
	if (req->out_bytes > spec->asked)
		printf("%s was requested, and rounded up to whole pages\n",
		       format_size(spec->asked, asked));
}

/* Read the CPUs that the module chose. There are none if the pool is gone already. */
static void read_cpus(struct vpool *vp, struct spec *spec)
{
	struct vpool_info *info;

	if (!spec->req.nr_cpus || spec->req.flags & VPOOL_CREATE_DRY_RUN ||
	    vpool_query(vp, spec->req.name, &info))
		return;
	if (vpool_cpus_copy(&spec->pool.cpus, &info->cpus))
		spec->pool.cpus = (struct vpool_cpus) { 0 };
	vpool_info_free(info);
}

static int make_graded(struct vpool *vp, struct spec *spec,
		       struct failure *failure)
{
	int err, lock = isolate_lock(failure);

	if (lock < 0)
		return lock;
	err = isolate_create(vp, &spec->req, spec->pool.isolate, failure);
	close(lock);
	return err;
}

static int make(const struct invocation *inv, struct vpool *vp,
		struct spec *spec)
{
	struct failure failure = { 0 };
	int err;

	if (spec->pool.isolate != GRADE_PLAIN) {
		err = isolate_check(spec->pool.isolate, &failure);
		if (!err && !inv->given[OPT_DRY_RUN])
			err = make_graded(vp, spec, &failure);
		if (err)
			failure_report(inv, spec->req.name, &failure);
		if (err || !inv->given[OPT_DRY_RUN])
			return err ? EXIT_FAILED : EXIT_OK;
	}
	err = vpool_create(vp, &spec->req);
	return err ? handle_error(inv, spec->req.name, vp, err) : EXIT_OK;
}

static int create(const struct invocation *inv, struct vpool *vp,
		  struct spec *spec)
{
	bool watch = spec->req.nr_mem && !inv->given[OPT_DRY_RUN] &&
		     !inv->given[OPT_QUIET];
	struct progress *progress = NULL;
	char *cpus;
	int err;

	spec->req.flags |= inv->given[OPT_DRY_RUN] ? VPOOL_CREATE_DRY_RUN : 0;
	if (watch)
		progress = progress_start("create", spec->req.name);
	err = make(inv, vp, spec);
	progress_stop(progress);
	if (err)
		return err;
	read_cpus(vp, spec);
	if (!inv->given[OPT_DRY_RUN])
		baseline_save(vp, spec->req.name);
	cpus = cpus_text(&spec->pool.cpus);
	if (inv->given[OPT_JSON])
		print_json(spec, cpus);
	else if (!inv->given[OPT_QUIET])
		print_text(spec, cpus);
	free(cpus);
	return EXIT_OK;
}

static int run_create(const struct invocation *inv)
{
	struct vpool *vp = NULL;
	struct spec spec = { 0 };
	int status, err;

	pool_config_init(&spec.pool, inv->argv[0]);
	status = take_options(inv, &spec.pool);
	if (!status) {
		err = vpool_open_control(&vp);
		status = err ? handle_error(inv, inv->argv[0], vp, err) :
			       resolve_mem(inv, vp, &spec.pool);
	}
	if (!status) {
		fill_request(&spec.req, &spec.pool);
		/* Pass the full name: the kernel refuses one that is too long. */
		spec.req.name = inv->argv[0];
		spec.asked = pool_config_bytes(&spec.pool);
		status = create(inv, vp, &spec);
	}
	vpool_close(vp);
	pool_config_free(&spec.pool);
	return status;
}

const struct command cmd_create = {
	.name = "create",
	.args = "NAME",
	.summary = "create a pool of CPUs and memory",
	.description =
		"Create a pool with all the requested CPUs and memory, or\n"
		"fail and change nothing. Its device is /dev/vpool/NAME. A\n"
		"name has up to 32 lower-case letters, digits, dots,\n"
		"underscores and dashes. If memory is short, the command\n"
		"waits for it, up to --timeout. If the command is\n"
		"interrupted, it gives everything back.\n\n"
		"Sizes are in units of 1024: 512M, 1.5G, 2GiB, or in bytes.\n"
		"25% and max are shares of the poolable memory that 'vpoolctl\n"
		"host' shows.",
	.options = create_options,
	.nr_options = ARRAY_SIZE(create_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_create,
};
