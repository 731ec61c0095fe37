// SPDX-License-Identifier: GPL-2.0-only
/*
 * The properties of a pool. The option --NAME of create and resize and the key NAME of a
 * file are the same property, parsed and checked here.
 */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/macros.h"
#include "config/config.h"
#include "config/memspec.h"
#include "config/ownership.h"
#include "config/property.h"
#include "config/value.h"
#include "host/grade.h"
#include "output/messages.h"
#include "output/units.h"

/* No kernel has smaller base pages. */
#define SMALLEST_PAGE 4096

/* Set the code of a failure whose text another function has filled in. */
static int invalid(struct failure *failure)
{
	failure->code = TOOL_USAGE;
	return -EINVAL;
}

static bool add_up(const struct pool_config *pool)
{
	__u64 total = 0;
	size_t i;

	for (i = 0; i < pool->nr_mem; i++)
		if (__builtin_add_overflow(total, pool->mem[i].bytes, &total))
			return false;
	return true;
}

static int set_mem(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;
	struct vpool_mem *mem;
	struct mem_ask *asks;
	size_t nr;

	if (parse_memspec(text, &mem, &asks, pool->mem_changes, &nr,
			  failure->text, sizeof(failure->text)))
		return invalid(failure);
	pool->mem = xrealloc(pool->mem, (pool->nr_mem + nr) * sizeof(*mem));
	memcpy(pool->mem + pool->nr_mem, mem, nr * sizeof(*mem));
	pool->asks = xrealloc(pool->asks, (pool->nr_mem + nr) * sizeof(*asks));
	memcpy(pool->asks + pool->nr_mem, asks, nr * sizeof(*asks));
	pool->nr_mem += nr;
	free(asks);
	free(mem);
	if (!pool->mem_changes && !add_up(pool))
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "'%s' is too large", text);
	return 0;
}

static int set_cpus(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;

	if (!*text)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "the list is empty");
	if (vpool_cpus_parse(text, &pool->cpus, failure->text,
			     sizeof(failure->text)))
		return invalid(failure);
	return 0;
}

static int set_ncpus(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;

	if (parse_ncpus(text, &pool->nr_cpus, &pool->cpus_node))
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "'%s' is not NUMBER[@NODE]", text);
	return 0;
}

static int set_page_size(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;
	__u64 size;

	if (parse_size(text, &size, failure->text, sizeof(failure->text)))
		return invalid(failure);
	/* Files are also checked on other hosts. The module knows the sizes of this one. */
	if (size < SMALLEST_PAGE || size & (size - 1))
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "'%s' is not a page size, such as 4K, 2M or 1G",
				   text);
	pool->page_size = size;
	return 0;
}

static int set_owner(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;

	if (parse_owner(text, &pool->uid, &pool->gid, failure->text,
			sizeof(failure->text)))
		return invalid(failure);
	return 0;
}

static int set_mode(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;

	if (parse_mode(text, &pool->mode, failure->text, sizeof(failure->text)))
		return invalid(failure);
	return 0;
}

static int set_timeout(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;

	if (parse_seconds(text, &pool->timeout_ms))
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "'%s' is not a time in seconds", text);
	return 0;
}

/* Parse a limit of memory. 0 and none stand for no limit. */
static int set_user_mem(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;

	if (!strcmp(text, "none")) {
		pool->user_bytes = 0;
		return 0;
	}
	if (parse_size(text, &pool->user_bytes, failure->text,
		       sizeof(failure->text)))
		return invalid(failure);
	return 0;
}

static int check_limits(const struct pool_config *pool, struct failure *failure)
{
	char limit[SIZE_TEXT], page[SIZE_TEXT];

	if (!pool->user_bytes || pool->user_bytes >= pool->page_size)
		return 0;
	return failure_set(failure, -EINVAL, VPOOL_CODE_LIMIT_INVALID,
			   "cannot have a user-mem of %s, which is less than its page size of %s",
			   format_size(pool->user_bytes, limit),
			   format_size(pool->page_size, page));
}

static int set_count(__u32 *value, const char *text, struct failure *failure)
{
	unsigned long number;

	*value = 0;
	if (!strcmp(text, "none"))
		return 0;
	if (parse_number(text, 0, UINT32_MAX, &number))
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "'%s' is neither a number nor none", text);
	*value = number;
	return 0;
}

static int set_user_regions(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;

	return set_count(&pool->user_regions, text, failure);
}

static int set_user_members(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;

	return set_count(&pool->user_members, text, failure);
}

/* isolate and confine can come in either order, and each can be false. */
static int set_grade(struct pool_config *pool, enum grade grade,
		     struct failure *failure)
{
	if (pool->isolate && grade)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "isolate and confine exclude each other, because isolate also confines");
	if (grade)
		pool->isolate = grade;
	return 0;
}

static int set_isolate(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;
	bool yes;

	if (!strcmp(text, "nobalance"))
		return set_grade(pool, GRADE_NOBALANCE, failure);
	if (!strcmp(text, "balance"))
		return set_grade(pool, GRADE_ISOLATED, failure);
	if (value_set_bool(&yes, text, failure))
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "'%s' is not true, false, balance or nobalance",
				   text);
	return set_grade(pool, yes ? GRADE_ISOLATED : GRADE_PLAIN, failure);
}

static int set_confine(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;
	bool yes;

	if (value_set_bool(&yes, text, failure))
		return -EINVAL;
	return set_grade(pool, yes ? GRADE_CONFINED : GRADE_PLAIN, failure);
}

static int set_split_cores(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;

	return value_set_bool(&pool->split_cores, text, failure);
}

static int set_boot_core(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;

	return value_set_bool(&pool->boot_core, text, failure);
}

static int set_mount_path(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;
	size_t len = strlen(text), i;

	if (*text != '/')
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "'%s' is not the absolute path of a directory",
				   text);
	for (i = 0; i < len; i++)
		if (iscntrl((unsigned char)text[i]))
			return failure_set(failure, -EINVAL, TOOL_USAGE,
					   "the path has a control character");
	while (len && text[len - 1] == '/')
		len--;
	if (!len)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "nothing can be mounted at /");
	free(pool->mount.dir);
	pool->mount.dir = xprintf("%.*s", (int)len, text);
	pool->has_mount = true;
	return 0;
}

static int set_mount_owner(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;

	pool->has_mount = true;
	if (parse_owner(text, &pool->mount.uid, &pool->mount.gid, failure->text,
			sizeof(failure->text)))
		return invalid(failure);
	return 0;
}

static int set_mount_mode(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;

	pool->has_mount = true;
	if (parse_mount_mode(text, &pool->mount.mode, failure->text,
			     sizeof(failure->text)))
		return invalid(failure);
	return 0;
}

static int set_mount_hugetlbfs(void *target, const char *text, struct failure *failure)
{
	struct pool_config *pool = target;

	pool->has_mount = true;
	return value_set_bool(&pool->mount.hugetlbfs, text, failure);
}

static const struct option_def mount_parts[] = {
	{ .name = "path", .set = set_mount_path },
	{ .name = "owner", .set = set_mount_owner },
	{ .name = "mode", .set = set_mount_mode },
	{ .name = "hugetlbfs", .set = set_mount_hugetlbfs },
};

const struct option_def property_defs[] = {
	{
		.name = "mem", .arg = "SIZE[@NODE],...",
		.list = LIST_OF_VALUES, .set = set_mem,
		.help =
			"Memory from any NUMA node, as in 512M, or from given nodes, as in\n"
			"4G@0,4G@1 or the list [4G@0, 4G@1]. Memory without a node can be\n"
			"on any node, and does not move later. Sizes are rounded up to the\n"
			"page size. 25% and max are shares of the poolable memory that\n"
			"'vpoolctl host' shows when the pool is created; max is the part\n"
			"that the other declared pools leave. An existing pool with memory\n"
			"matches every share.",
	},
	{
		.name = "cpus", .arg = "LIST",
		.list = LIST_JOINED, .set = set_cpus,
		.help =
			"CPUs, as in 2-5,8, 2-N,^5 or all,^0, or a list, as in [2-5, 8].\n"
			"Within braces, a list with a comma needs quotes or brackets. An\n"
			"offline CPU is left out with a message; the pool gets it when\n"
			"apply finds it online.",
	},
	{
		.name = "ncpus", .arg = "NUMBER[@NODE]",
		.list = LIST_REFUSED, .set = set_ncpus,
		.help =
			"Number of CPUs, in whole cores, from one NUMA node or from the\n"
			"nodes of the memory; replaces cpus. A pool with that number of\n"
			"CPUs keeps its CPUs.",
	},
	{
		.name = "isolate", .arg = "true|false|nobalance",
		.list = LIST_REFUSED, .set = set_isolate,
		.help =
			"Keep everything but members off the CPUs: other tasks with a\n"
			"cpuset partition, movable interrupts, and the kernel's unbound\n"
			"workers and watchdogs. With nobalance, the\n"
			"scheduler also does not balance load between the CPUs, which\n"
			"suits threads that are pinned to one CPU each. Needs CPUs.",
	},
	{
		.name = "confine", .arg = "true|false",
		.list = LIST_REFUSED, .set = set_confine,
		.help =
			"Keep members on the CPUs with a cpuset that they cannot leave.\n"
			"Other tasks can still run on the CPUs. Needs CPUs.",
	},
	{
		.name = "page-size", .arg = "SIZE",
		.list = LIST_REFUSED, .set = set_page_size,
		.help =
			"Page size of the memory, one of those that 'vpoolctl host' shows.\n"
			"The default is the kernel's smallest huge page: 2M on x86-64.",
	},
	{
		.name = "owner", .arg = "USER[:GROUP]",
		.list = LIST_REFUSED, .set = set_owner,
		.help =
			"Owner of the pool's device, by name or number. USER alone implies\n"
			"that user's group. The default is root:root.",
	},
	{
		.name = "mode", .arg = "MODE",
		.list = LIST_REFUSED, .set = set_mode,
		.help =
			"Permission bits of the pool's device, in octal, within 0666, with\n"
			"or without quotes. The default is 0660.",
	},
	{
		.name = "user-mem", .arg = "SIZE|none",
		.list = LIST_REFUSED, .set = set_user_mem,
		.help =
			"Memory that each user may have of the pool. Root has no limit.\n"
			"The default is none, as for the two that follow. Limits change\n"
			"while the pool is in use.",
	},
	{
		.name = "user-regions", .arg = "NUMBER|none",
		.list = LIST_REFUSED, .set = set_user_regions,
		.help =
			"Number of regions that each user may have: opens of the pool's\n"
			"device, files and directories.",
	},
	{
		.name = "user-members", .arg = "NUMBER|none",
		.list = LIST_REFUSED, .set = set_user_members,
		.help =
			"Number of members up to which tasks of each user can be attached.\n"
			"Children of members can exceed it, and then do not count for\n"
			"max_members.",
	},
	{
		.name = "timeout", .arg = "SECONDS",
		.list = LIST_REFUSED, .set = set_timeout,
		.help =
			"Seconds to wait for memory that is not free yet when the pool is\n"
			"created or grows. The default is 10. An existing pool does not\n"
			"record this property, so that it never differs.",
	},
	{
		.name = "split-cores", .arg = "true|false",
		.list = LIST_REFUSED, .set = set_split_cores,
		.help =
			"Allow the pool to contain only some threads of a core. An existing\n"
			"pool does not record this property.",
	},
	{
		.name = "boot-core", .arg = "true|false",
		.list = LIST_REFUSED, .set = set_boot_core,
		.help =
			"Allow the pool to take the core that the host booted on. An\n"
			"existing pool does not record this property.",
	},
	{
		.name = "mount", .arg = "DIR|{path: DIR, ...}",
		.list = LIST_REFUSED, .set = set_mount_path,
		.help =
			"Directory, which must exist, to mount the files of the pool at. A\n"
			"mapping can also set the owner (USER[:GROUP]) and mode of the root\n"
			"directory of the filesystem, which are those of the pool by\n"
			"default, and hugetlbfs: true, as in 'vpoolctl mount'. Needs mem.\n"
			"Owner and mode change while files are in use. If the mount is no\n"
			"longer declared, apply unmounts what it has mounted itself, unless\n"
			"that has files.",
		.parts = mount_parts, .nr_parts = ARRAY_SIZE(mount_parts),
	},
};

const size_t nr_property_defs = ARRAY_SIZE(property_defs);

int properties_check(const struct pool_config *pool, struct failure *failure)
{
	bool cpus = vpool_cpus_count(&pool->cpus);

	if (!pool->nr_mem && !cpus && !pool->nr_cpus)
		return failure_set(failure, -EINVAL, VPOOL_CODE_POOL_EMPTY,
				   "needs mem or cpus, or both");
	if (cpus && pool->nr_cpus)
		return failure_set(failure, -EINVAL,
				   VPOOL_CODE_CPU_LIST_AND_NUMBER,
				   "cannot have both cpus and ncpus");
	if (pool->isolate && !cpus && !pool->nr_cpus)
		return failure_set(failure, -EINVAL,
				   VPOOL_CODE_ISOLATED_WITHOUT_CPUS,
				   "cannot be %s without cpus",
				   pool->isolate == GRADE_CONFINED ?
				   "confined" : "isolated");
	if (pool->has_mount && !pool->mount.dir)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "needs a path for its mount");
	if (pool->has_mount && !pool->nr_mem)
		return failure_set(failure, -EINVAL,
				   VPOOL_CODE_POOL_WITHOUT_MEMORY,
				   "cannot be mounted without mem");
	return check_limits(pool, failure);
}

int properties_from_options(const struct invocation *inv,
			    struct pool_config *pool)
{
	const struct option_def *def;
	struct failure failure;
	const char *text;
	size_t i;

	for (i = 0; i < inv->cmd->nr_options; i++) {
		def = value_find(property_defs, ARRAY_SIZE(property_defs),
				 inv->cmd->options[i].name);
		if (!def || !inv->given[i])
			continue;
		/* An option without a value means true. */
		text = inv->value[i] ? inv->value[i] : "true";
		if (def->set(pool, text, &failure))
			return usage_error(inv->cmd, "--%s: %s", def->name,
					   failure.text);
	}
	return EXIT_OK;
}
