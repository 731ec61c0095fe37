// SPDX-License-Identifier: GPL-2.0-only
/*
 * The properties of a pool. The option --NAME of create and resize and the key NAME of a
 * file are the same property, parsed and checked here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/macros.h"
#include "config/config.h"
#include "config/memspec.h"
#include "config/ownership.h"
#include "config/property.h"
#include "host/grade.h"
#include "output/messages.h"
#include "output/units.h"

static const char *const false_words[] = { "false", "no", "off", "n" };
static const char *const true_words[] = { "true", "yes", "on", "y" };

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

static int set_mem(struct pool_config *pool, const char *text,
		   struct failure *failure)
{
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

static int set_cpus(struct pool_config *pool, const char *text,
		    struct failure *failure)
{
	if (!*text)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "the list is empty");
	if (vpool_cpus_parse(text, &pool->cpus, failure->text,
			     sizeof(failure->text)))
		return invalid(failure);
	return 0;
}

static int set_ncpus(struct pool_config *pool, const char *text,
		     struct failure *failure)
{
	if (parse_ncpus(text, &pool->nr_cpus, &pool->cpus_node))
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "'%s' is not NUMBER[@NODE]", text);
	return 0;
}

static int set_page_size(struct pool_config *pool, const char *text,
			 struct failure *failure)
{
	__u64 size;

	if (parse_size(text, &size, failure->text, sizeof(failure->text)))
		return invalid(failure);
	if (size != 4ULL << 10 && size != 2ULL << 20 && size != 1ULL << 30)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "'%s' is not 4K, 2M or 1G", text);
	pool->page_size = size;
	return 0;
}

static int set_owner(struct pool_config *pool, const char *text,
		     struct failure *failure)
{
	if (parse_owner(text, &pool->uid, &pool->gid, failure->text,
			sizeof(failure->text)))
		return invalid(failure);
	return 0;
}

static int set_mode(struct pool_config *pool, const char *text,
		    struct failure *failure)
{
	if (parse_mode(text, &pool->mode, failure->text, sizeof(failure->text)))
		return invalid(failure);
	return 0;
}

static int set_timeout(struct pool_config *pool, const char *text,
		       struct failure *failure)
{
	if (parse_seconds(text, &pool->timeout_ms))
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "'%s' is not a time in seconds", text);
	return 0;
}

static bool is_one_of(const char *text, const char *const *words, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (!ascii_casecmp(text, words[i]))
			return true;
	return false;
}

/* Read a truth value as YAML 1.1 and 1.2 write it, in any case. */
static int set_bool(bool *value, const char *text, struct failure *failure)
{
	*value = is_one_of(text, true_words, ARRAY_SIZE(true_words));
	if (*value || is_one_of(text, false_words, ARRAY_SIZE(false_words)))
		return 0;
	return failure_set(failure, -EINVAL, TOOL_USAGE,
			   "'%s' is neither true nor false", text);
}

/* isolate and confine may come in either order, and either may say no. */
static int set_grade(struct pool_config *pool, enum grade grade,
		     struct failure *failure)
{
	if (pool->isolate && grade)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "isolate confines, too: isolate and confine exclude each other");
	if (grade)
		pool->isolate = grade;
	return 0;
}

static int set_isolate(struct pool_config *pool, const char *text,
		       struct failure *failure)
{
	bool yes;

	if (!strcmp(text, "nobalance"))
		return set_grade(pool, GRADE_NOBALANCE, failure);
	if (!strcmp(text, "balance"))
		return set_grade(pool, GRADE_ISOLATED, failure);
	if (set_bool(&yes, text, failure))
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "'%s' is not true, false, balance or nobalance",
				   text);
	return set_grade(pool, yes ? GRADE_ISOLATED : GRADE_PLAIN, failure);
}

static int set_confine(struct pool_config *pool, const char *text,
		       struct failure *failure)
{
	bool yes;

	if (set_bool(&yes, text, failure))
		return -EINVAL;
	return set_grade(pool, yes ? GRADE_CONFINED : GRADE_PLAIN, failure);
}

static int set_split_cores(struct pool_config *pool, const char *text,
			   struct failure *failure)
{
	return set_bool(&pool->split_cores, text, failure);
}

static int set_boot_core(struct pool_config *pool, const char *text,
			 struct failure *failure)
{
	return set_bool(&pool->boot_core, text, failure);
}

const struct property_def property_defs[] = {
	{ "mem", "SIZE[@NODE],...", LIST_OF_VALUES, set_mem,
	  "Its memory, from one NUMA node or from any, as in 4G@0,4G@1 or\n"
	  "512M; a list of such, as in [4G@0, 4G@1], is the same. What is\n"
	  "declared without a node may be anywhere, and stays where it is.\n"
	  "Rounded up to the page size. 25% and max are of what 'vpoolctl\n"
	  "host' says a pool can take when the pool is made; max is what\n"
	  "the other pools of the files leave. A pool that has memory keeps\n"
	  "what it has." },
	{ "cpus", "LIST", LIST_JOINED, set_cpus,
	  "Its CPUs, as in 2-5,8, 2-N,^5 or all,^0, or a list of such, as in\n"
	  "[2-5, 8]. Within braces a list with a comma goes in quotes or\n"
	  "brackets. CPUs that are offline wait: a message says so, and the\n"
	  "pool gets them when apply finds them online." },
	{ "ncpus", "NUMBER[@NODE]", LIST_REFUSED, set_ncpus,
	  "That many CPUs, in whole cores, from one NUMA node or from where the\n"
	  "memory is, instead of cpus. A pool that has that many keeps\n"
	  "them." },
	{ "isolate", "true|false|nobalance", LIST_REFUSED, set_isolate,
	  "Keep everything but members off its CPUs: other tasks by a cpuset\n"
	  "partition, interrupts where they can be moved. With nobalance the\n"
	  "scheduler does not move threads between the CPUs either, for threads\n"
	  "that are pinned each to one. Needs CPUs." },
	{ "confine", "true|false", LIST_REFUSED, set_confine,
	  "Keep members on its CPUs by a cpuset that they cannot leave; others\n"
	  "may still run there. Needs CPUs." },
	{ "page-size", "SIZE", LIST_REFUSED, set_page_size,
	  "In what units it holds memory: 4K, 2M or 1G, if the kernel can. 2M\n"
	  "unless given." },
	{ "owner", "USER[:GROUP]", LIST_REFUSED, set_owner,
	  "Who may use the pool, by name or number. USER alone takes that\n"
	  "user's group. root:root unless given." },
	{ "mode", "MODE", LIST_REFUSED, set_mode,
	  "Permission bits of the pool's device, in octal, within 0666, in\n"
	  "quotes or not. 0660 unless given." },
	{ "timeout", "SECONDS", LIST_REFUSED, set_timeout,
	  "How long to wait for memory that is short when the pool is made\n"
	  "or grows; 10 unless given. Not a state: it is never a difference." },
	{ "split-cores", "true|false", LIST_REFUSED, set_split_cores,
	  "Allow taking some but not all threads of a core. Not a state." },
	{ "boot-core", "true|false", LIST_REFUSED, set_boot_core,
	  "Allow taking the core that the host booted on. Not a state." },
};

const size_t nr_property_defs = ARRAY_SIZE(property_defs);

const struct property_def *property_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(property_defs); i++)
		if (!strcmp(property_defs[i].name, name))
			return property_defs + i;
	return NULL;
}

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
	return 0;
}

int properties_from_options(const struct invocation *inv,
			    struct pool_config *pool)
{
	const struct property_def *def;
	struct failure failure;
	const char *text;
	size_t i;

	for (i = 0; i < inv->cmd->nr_options; i++) {
		def = property_find(inv->cmd->options[i].name);
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
