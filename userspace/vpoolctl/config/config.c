// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading files that declare pools. They are YAML:
 *
 *	pools:
 *	  web:
 *	    mem: 4G@0
 *	    cpus: 2-5
 *
 * A property has the name and the syntax of the option of create. Reading goes
 * on after a mistake, so that all of them are found at once; what a file says
 * about the host, whether a CPU is there for one, is not judged here.
 */
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <yaml.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "base/suggest.h"
#include "config/config.h"
#include "config/memspec.h"
#include "config/ownership.h"
#include "host/grade.h"
#include "host/pools.h"
#include "output/messages.h"
#include "output/printable.h"
#include "output/units.h"

#define DEFAULT_PAGE_SIZE (2ULL << 20)
#define DEFAULT_TIMEOUT_MS 10000

/* Limits, so that no file costs minutes. A declaration nests four deep. */
#define MAX_FILE (1024 * 1024)
#define MAX_DEPTH 16
#define MAX_KEYS 4096

/**
 * struct reader - a file that is being read
 * @cfg: where it goes
 * @doc: the file
 * @file: its name
 */
struct reader {
	struct config *cfg;
	yaml_document_t *doc;
	const char *file;
};

static struct mistake *add_mistake(struct config *cfg)
{
	cfg->mistakes = xrealloc(cfg->mistakes, (cfg->nr_mistakes + 1) *
				 sizeof(*cfg->mistakes));
	return memset(cfg->mistakes + cfg->nr_mistakes++, 0,
		      sizeof(*cfg->mistakes));
}

static struct location location_of(const struct reader *rd, yaml_mark_t mark)
{
	return (struct location) { rd->file, mark.line + 1, mark.column + 1 };
}

static void __printf(3, 4)
file_error(const struct reader *rd, const yaml_node_t *at, const char *fmt, ...)
{
	struct mistake *mistake = add_mistake(rd->cfg);
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	mistake->location = location_of(rd, at->start_mark);
	mistake->text = xstrdup(text);
}

static const yaml_node_t *node(const struct reader *rd, int index)
{
	return yaml_document_get_node(rd->doc, index);
}

static const char *kind_of(const yaml_node_t *at)
{
	return at->type == YAML_MAPPING_NODE ? "a mapping" :
	       at->type == YAML_SEQUENCE_NODE ? "a list" :
	       at->data.scalar.length ? "a value" : "empty";
}

/* The text of a scalar, or NULL with a mistake noted. */
static const char *scalar(const struct reader *rd, const yaml_node_t *at,
			  const char *what)
{
	const char *text;

	if (at->type != YAML_SCALAR_NODE) {
		file_error(rd, at, "%s is %s, it takes a value", what, kind_of(at));
		return NULL;
	}
	text = (const char *)at->data.scalar.value;
	if (strlen(text) == at->data.scalar.length)
		return text;
	file_error(rd, at, "%s has a NUL byte in it", what);
	return NULL;
}

/* Properties */

static void add_mem(const struct reader *rd, const yaml_node_t *at,
		    struct pool_config *pool)
{
	const char *text = scalar(rd, at, "mem");
	char why[VPOOL_REASON_SIZE];
	struct vpool_mem *mem;
	struct mem_ask *asks;
	size_t nr;

	if (!text)
		return;
	if (parse_memspec(text, &mem, &asks, false, &nr, why, sizeof(why))) {
		file_error(rd, at, "mem: %s", why);
		return;
	}
	pool->mem = xrealloc(pool->mem, (pool->nr_mem + nr) * sizeof(*mem));
	memcpy(pool->mem + pool->nr_mem, mem, nr * sizeof(*mem));
	pool->asks = xrealloc(pool->asks, (pool->nr_mem + nr) * sizeof(*asks));
	memcpy(pool->asks + pool->nr_mem, asks, nr * sizeof(*asks));
	pool->nr_mem += nr;
	free(asks);
	free(mem);
}

/* One text, or a list of them. */
static void take_mem(const struct reader *rd, const yaml_node_t *at,
		     struct pool_config *pool)
{
	const yaml_node_item_t *item;

	if (at->type != YAML_SEQUENCE_NODE) {
		add_mem(rd, at, pool);
		return;
	}
	for (item = at->data.sequence.items.start;
	     item < at->data.sequence.items.top; item++)
		add_mem(rd, node(rd, *item), pool);
}

/* A list of CPUs as one text, for free(3); NULL with a mistake noted. */
static char *cpu_list(const struct reader *rd, const yaml_node_t *at)
{
	const yaml_node_item_t *item;
	char *list = NULL, *longer;
	const char *text;

	if (at->type != YAML_SEQUENCE_NODE) {
		text = scalar(rd, at, "cpus");
		return text ? xstrdup(text) : NULL;
	}
	for (item = at->data.sequence.items.start;
	     item < at->data.sequence.items.top; item++) {
		text = scalar(rd, node(rd, *item), "cpus");
		if (!text) {
			free(list);
			return NULL;
		}
		longer = list ? xprintf("%s,%s", list, text) : xstrdup(text);
		free(list);
		list = longer;
	}
	return list ? list : xstrdup("");
}

static void take_cpus(const struct reader *rd, const yaml_node_t *at,
		      struct pool_config *pool)
{
	char *text = cpu_list(rd, at);
	char why[VPOOL_REASON_SIZE];

	if (text && !*text)
		file_error(rd, at, "cpus: the list is empty");
	else if (text && vpool_cpus_parse(text, &pool->cpus, why, sizeof(why)))
		file_error(rd, at, "cpus: %s", why);
	free(text);
}

static void take_ncpus(const struct reader *rd, const yaml_node_t *at,
		       struct pool_config *pool)
{
	const char *text = scalar(rd, at, "ncpus");

	if (text && parse_ncpus(text, &pool->nr_cpus, &pool->cpus_node))
		file_error(rd, at, "ncpus: '%s' is not NUMBER[@NODE]", text);
}

static void take_page_size(const struct reader *rd, const yaml_node_t *at,
			   struct pool_config *pool)
{
	const char *text = scalar(rd, at, "page-size");
	char why[VPOOL_REASON_SIZE];
	__u64 size;

	if (!text)
		return;
	if (parse_size(text, &size, why, sizeof(why)))
		file_error(rd, at, "page-size: %s", why);
	else if (size != 4ULL << 10 && size != 2ULL << 20 && size != 1ULL << 30)
		file_error(rd, at, "page-size: '%s' is not 4K, 2M or 1G", text);
	else
		pool->page_size = size;
}

static void take_owner(const struct reader *rd, const yaml_node_t *at,
		       struct pool_config *pool)
{
	const char *text = scalar(rd, at, "owner");
	char why[VPOOL_REASON_SIZE];

	if (text && parse_owner(text, &pool->uid, &pool->gid, why, sizeof(why)))
		file_error(rd, at, "owner: %s", why);
}

static void take_mode(const struct reader *rd, const yaml_node_t *at,
		      struct pool_config *pool)
{
	const char *text = scalar(rd, at, "mode");
	char why[VPOOL_REASON_SIZE];

	if (text && parse_mode(text, &pool->mode, why, sizeof(why)))
		file_error(rd, at, "mode: %s", why);
}

static void take_timeout(const struct reader *rd, const yaml_node_t *at,
			 struct pool_config *pool)
{
	const char *text = scalar(rd, at, "timeout");

	if (text && parse_seconds(text, &pool->timeout_ms))
		file_error(rd, at, "timeout: '%s' is not a time in seconds", text);
}

/* As YAML 1.1 and 1.2 have it, in small letters and capitals. */
static void take_bool(const struct reader *rd, const yaml_node_t *at,
		      const char *what, bool *value)
{
	static const char *const words[][2] = {
		{ "false", "true" }, { "no", "yes" }, { "off", "on" },
		{ "n", "y" },
	};
	const char *text = scalar(rd, at, what);
	size_t i;

	for (i = 0; text && i < ARRAY_SIZE(words); i++) {
		*value = !strcasecmp(text, words[i][1]);
		if (*value || !strcasecmp(text, words[i][0]))
			return;
	}
	if (text)
		file_error(rd, at, "%s: '%s' is neither true nor false", what, text);
}

/* The order of the two does not matter: either may say no. */
static void set_grade(const struct reader *rd, const yaml_node_t *at,
		      struct pool_config *pool, enum grade grade)
{
	if (pool->isolate && grade)
		file_error(rd, at, "isolate confines, too: isolate and confine exclude each other");
	else if (grade)
		pool->isolate = grade;
}

static void take_isolate(const struct reader *rd, const yaml_node_t *at,
			 struct pool_config *pool)
{
	const char *text = scalar(rd, at, "isolate");
	bool yes = false;

	if (text && !strcmp(text, "nobalance")) {
		set_grade(rd, at, pool, GRADE_NOBALANCE);
		return;
	}
	take_bool(rd, at, "isolate", &yes);
	set_grade(rd, at, pool, yes ? GRADE_ISOLATED : GRADE_PLAIN);
}

static void take_confine(const struct reader *rd, const yaml_node_t *at,
			 struct pool_config *pool)
{
	bool yes = false;

	take_bool(rd, at, "confine", &yes);
	set_grade(rd, at, pool, yes ? GRADE_CONFINED : GRADE_PLAIN);
}

static void take_split_cores(const struct reader *rd, const yaml_node_t *at,
			     struct pool_config *pool)
{
	take_bool(rd, at, "split-cores", &pool->split_cores);
}

static void take_boot_core(const struct reader *rd, const yaml_node_t *at,
			   struct pool_config *pool)
{
	take_bool(rd, at, "boot-core", &pool->boot_core);
}

const struct property_def property_defs[] = {
	{ "mem", "SIZE[@NODE],...", take_mem,
	  "Its memory, from one NUMA node or from any, as in 4G@0,4G@1 or\n"
	  "512M; a list of such, as in [4G@0, 4G@1], is the same. What is\n"
	  "declared without a node may be anywhere, and stays where it is.\n"
	  "Rounded up to the page size. 25% and max are of what 'vpoolctl\n"
	  "host' says a pool can take when the pool is made; max is what\n"
	  "the other pools of the files leave. A pool that has memory keeps\n"
	  "what it has." },
	{ "cpus", "LIST", take_cpus,
	  "Its CPUs, as in 2-5,8, 2-N,^5 or all,^0, or a list of such, as in\n"
	  "[2-5, 8]. Within braces a list with a comma goes in quotes or\n"
	  "brackets. CPUs that are offline wait: a message says so, and the\n"
	  "pool gets them when apply finds them online." },
	{ "ncpus", "NUMBER[@NODE]", take_ncpus,
	  "So many CPUs, in whole cores, from one NUMA node or from where the\n"
	  "memory is, in the place of cpus. A pool that has that many keeps\n"
	  "them." },
	{ "isolate", "true|false|nobalance", take_isolate,
	  "Keep what is no member off its CPUs: other tasks by a cpuset\n"
	  "partition, interrupts where they can be moved. With nobalance the\n"
	  "scheduler does not move threads between the CPUs either, for threads\n"
	  "that are pinned each to one. Needs CPUs." },
	{ "confine", "true|false", take_confine,
	  "Keep members on its CPUs by a cpuset that they cannot leave; others\n"
	  "may still run there. Needs CPUs." },
	{ "page-size", "SIZE", take_page_size,
	  "In what units it holds memory: 4K, 2M or 1G, if the kernel can. 2M\n"
	  "unless given." },
	{ "owner", "USER[:GROUP]", take_owner,
	  "Who may use the pool, by name or number. USER alone takes that\n"
	  "user's group. root:root unless given." },
	{ "mode", "MODE", take_mode,
	  "Permission bits of the pool's node, in octal, within 0666, in\n"
	  "quotes or not. 0660 unless given." },
	{ "timeout", "SECONDS", take_timeout,
	  "How long to wait for memory that is short when the pool is made\n"
	  "or grows; 10 unless given. Not a state: it is never a difference." },
	{ "split-cores", "true|false", take_split_cores,
	  "Allow taking some but not all threads of a core. Not a state." },
	{ "boot-core", "true|false", take_boot_core,
	  "Allow taking the core that the host booted on. Not a state." },
};

const size_t nr_property_defs = ARRAY_SIZE(property_defs);

static void unknown_property(const struct reader *rd, const yaml_node_t *key,
			     const char *word)
{
	const char *names[ARRAY_SIZE(property_defs)], *near;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(property_defs); i++)
		names[i] = property_defs[i].name;
	near = nearest(word, names, ARRAY_SIZE(names));
	if (near)
		file_error(rd, key, "unknown property '%s': did you mean '%s'?",
			   word, near);
	else
		file_error(rd, key, "unknown property '%s'", word);
}

static void take_property(const struct reader *rd, const yaml_node_pair_t *pair,
			  struct pool_config *pool)
{
	const yaml_node_t *key = node(rd, pair->key);
	const char *word = scalar(rd, key, "the name of a property");
	size_t i;

	for (i = 0; word && i < ARRAY_SIZE(property_defs); i++) {
		if (strcmp(word, property_defs[i].name))
			continue;
		property_defs[i].take(rd, node(rd, pair->value), pool);
		return;
	}
	if (word)
		unknown_property(rd, key, word);
}

/* Pools */

static bool cpus_empty(const struct vpool_cpus *cpus)
{
	return !vpool_cpus_count(cpus);
}

/* Whole pages, as the kernel will make of it; whether it fits in 64 bits. */
static bool round_mem(struct pool_config *pool)
{
	__u64 total = 0, extra;
	size_t i;

	for (i = 0; i < pool->nr_mem; i++) {
		__u64 *bytes = &pool->mem[i].bytes;

		extra = *bytes % pool->page_size;
		if (extra && __builtin_add_overflow(*bytes, pool->page_size -
						    extra, bytes))
			return false;
		if (__builtin_add_overflow(total, *bytes, &total))
			return false;
	}
	return true;
}

/* What can be judged only when all of a pool is known. */
static void check_pool(const struct reader *rd, const yaml_node_t *key,
		       struct pool_config *pool)
{
	const struct pool_config *other;
	struct vpool_cpus both;
	char *list;
	size_t i;

	if (!round_mem(pool))
		file_error(rd, key, "pool '%s' is too large", pool->name);
	if (!pool->nr_mem && cpus_empty(&pool->cpus) && !pool->nr_cpus)
		file_error(rd, key, "pool '%s' needs mem or cpus, or both",
			   pool->name);
	if (!cpus_empty(&pool->cpus) && pool->nr_cpus)
		file_error(rd, key, "pool '%s': cpus and ncpus exclude each other",
			   pool->name);
	if (pool->isolate && cpus_empty(&pool->cpus) && !pool->nr_cpus)
		file_error(rd, key, "pool '%s' cannot be %s without cpus",
			   pool->name, pool->isolate == GRADE_CONFINED ?
			   "confined" : "isolated");
	for (i = 0; i < rd->cfg->nr_pools; i++) {
		other = rd->cfg->pools + i;
		if (!strcmp(other->name, pool->name))
			file_error(rd, key,
				   "pool '%s' is declared already, at %s:%u:%u",
				   pool->name, other->location.file, other->location.line,
				   other->location.column);
		if (vpool_cpus_copy(&both, &pool->cpus))
			continue;
		vpool_cpus_and(&both, &other->cpus);
		if (!cpus_empty(&both)) {
			list = cpus_text(&both);
			file_error(rd, key, "cpu %s of pool '%s' belongs to pool '%s', too",
				   list, pool->name, other->name);
			free(list);
		}
		vpool_cpus_free(&both);
	}
}

/* Comparing keys takes time that grows with the square of their number. */
static bool too_many_keys(const struct reader *rd, const yaml_node_t *map)
{
	if (map->data.mapping.pairs.top - map->data.mapping.pairs.start <=
	    MAX_KEYS)
		return false;
	file_error(rd, map, "it has more than %d keys", MAX_KEYS);
	return true;
}

/* Is this key of a mapping there before, too? */
static bool is_repeated(const struct reader *rd, const yaml_node_t *map,
			const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = node(rd, pair->key), *earlier;
	const yaml_node_pair_t *p;

	if (key->type != YAML_SCALAR_NODE)
		return false;
	for (p = map->data.mapping.pairs.start; p < pair; p++) {
		earlier = node(rd, p->key);
		if (earlier->type == YAML_SCALAR_NODE &&
		    !strcmp((char *)earlier->data.scalar.value,
			    (char *)key->data.scalar.value))
			return true;
	}
	return false;
}

static void repeated(const struct reader *rd, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = node(rd, pair->key);

	file_error(rd, key, "'%s' is there twice", key->data.scalar.value);
}

static void read_properties(const struct reader *rd, const yaml_node_t *map,
			    struct pool_config *pool)
{
	const yaml_node_pair_t *pair;

	if (map->type != YAML_MAPPING_NODE) {
		file_error(rd, map, "pool '%s' is %s, it takes properties such as 'mem: 4G'",
			   pool->name, kind_of(map));
		return;
	}
	if (too_many_keys(rd, map))
		return;
	for (pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		if (is_repeated(rd, map, pair))
			repeated(rd, pair);
		else
			take_property(rd, pair, pool);
	}
}

static void read_pool(const struct reader *rd, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = node(rd, pair->key);
	const char *name = scalar(rd, key, "the name of a pool");
	struct config *cfg = rd->cfg;
	struct pool_config pool = {
		.location = location_of(rd, key->start_mark),
		.page_size = DEFAULT_PAGE_SIZE,
		.mode = 0660,
		.timeout_ms = DEFAULT_TIMEOUT_MS,
		.cpus_node = VPOOL_ANY_NODE,
	};
	size_t mistakes = cfg->nr_mistakes;

	if (!name)
		return;
	if (!vpool_name_is_valid(name))
		file_error(rd, key, "'%s' is not a pool's name", name);
	snprintf(pool.name, sizeof(pool.name), "%s", name);
	read_properties(rd, node(rd, pair->value), &pool);
	/* Nothing follows from what is file_error. */
	if (cfg->nr_mistakes == mistakes)
		check_pool(rd, key, &pool);
	pool.bad = cfg->nr_mistakes > mistakes;
	cfg->pools = xrealloc(cfg->pools,
			      (cfg->nr_pools + 1) * sizeof(pool));
	cfg->pools[cfg->nr_pools++] = pool;
}

static void read_pools_of(const struct reader *rd, const yaml_node_t *map)
{
	const yaml_node_pair_t *pair;

	if (map->type != YAML_MAPPING_NODE) {
		file_error(rd, map, "pools is %s, it takes pools by their names, or {} for none",
			   kind_of(map));
		return;
	}
	if (too_many_keys(rd, map))
		return;
	for (pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++)
		read_pool(rd, pair);
}

/* Files */

static void read_top(const struct reader *rd, const yaml_node_t *map)
{
	const yaml_node_pair_t *pair;
	const yaml_node_t *key;
	const char *word;

	if (map->type != YAML_MAPPING_NODE) {
		file_error(rd, map, "the file is %s, it takes 'pools:'",
			   kind_of(map));
		return;
	}
	if (too_many_keys(rd, map))
		return;
	for (pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		key = node(rd, pair->key);
		word = scalar(rd, key, "a key");
		if (word && strcmp(word, "pools"))
			file_error(rd, key, "unknown key '%s': it takes 'pools'",
				   word);
		else if (word && is_repeated(rd, map, pair))
			repeated(rd, pair);
		else if (word)
			read_pools_of(rd, node(rd, pair->value));
	}
}

static void not_yaml(struct config *cfg, const char *file,
		     const yaml_parser_t *parser)
{
	struct mistake *mistake = add_mistake(cfg);
	yaml_mark_t mark = parser->problem_mark;

	/* Bytes that are no text have an offset only. */
	mistake->location = (struct location) { .file = file };
	if (parser->error != YAML_READER_ERROR) {
		mistake->location.line = mark.line + 1;
		mistake->location.column = mark.column + 1;
	}
	if (parser->context)
		mistake->text = xprintf("%s %s", parser->context,
					parser->problem);
	else if (parser->error == YAML_READER_ERROR)
		mistake->text = xprintf("byte %zu: %s",
					parser->problem_offset,
					parser->problem);
	else
		mistake->text = xstrdup(parser->problem ? parser->problem :
					"out of memory");
}

static void about_file(struct config *cfg, const char *file, const char *text)
{
	struct mistake *mistake = add_mistake(cfg);

	mistake->location.file = file;
	mistake->text = xstrdup(text);
}

/* One document of a file; whether another may follow. */
static bool read_document(struct config *cfg, const char *file,
			  yaml_parser_t *parser, bool first)
{
	struct reader rd = { .cfg = cfg, .file = file };
	yaml_document_t doc;
	yaml_node_t *root;

	if (!yaml_parser_load(parser, &doc)) {
		not_yaml(cfg, file, parser);
		return false;
	}
	rd.doc = &doc;
	root = yaml_document_get_root_node(&doc);
	if (root && first)
		read_top(&rd, root);
	else if (root)
		file_error(&rd, root, "a file has one document, this is another");
	else if (first)
		about_file(cfg, file,
			   "it declares nothing; 'pools: {}' declares that there are none");
	yaml_document_delete(&doc);
	return root && first;
}

/*
 * Whether collections nest no deeper than MAX_DEPTH. Asked by a parser of its own, event
 * by event: libyaml's time to load a document grows with the square of the depth.
 */
static bool depth_ok(struct config *cfg, const char *file, const char *text,
		     size_t len)
{
	yaml_parser_t parser;
	yaml_event_t event;
	unsigned int depth = 0;
	bool end = false;

	if (!yaml_parser_initialize(&parser)) {
		about_file(cfg, file, "out of memory");
		return false;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	/* What is no YAML is found again, and told, when the file is loaded. */
	while (!end && depth <= MAX_DEPTH && yaml_parser_parse(&parser, &event)) {
		struct reader rd = { .cfg = cfg, .file = file };
		yaml_node_t at = { .start_mark = event.start_mark };

		if (event.type == YAML_SEQUENCE_START_EVENT ||
		    event.type == YAML_MAPPING_START_EVENT)
			depth++;
		else if (event.type == YAML_SEQUENCE_END_EVENT ||
			 event.type == YAML_MAPPING_END_EVENT)
			depth--;
		end = event.type == YAML_STREAM_END_EVENT;
		if (depth > MAX_DEPTH)
			file_error(&rd, &at, "lists and mappings are nested deeper than %d",
				   MAX_DEPTH);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return depth <= MAX_DEPTH;
}

static void read_yaml(struct config *cfg, const char *file, const char *text,
		      size_t len)
{
	yaml_parser_t parser;

	if (!depth_ok(cfg, file, text, len))
		return;
	if (!yaml_parser_initialize(&parser)) {
		about_file(cfg, file, "out of memory");
		return;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (read_document(cfg, file, &parser, true))
		read_document(cfg, file, &parser, false);
	yaml_parser_delete(&parser);
}

static void read_stream(struct config *cfg, const char *file, FILE *in)
{
	char *text = xcalloc(1, MAX_FILE + 1);
	size_t len = fread(text, 1, MAX_FILE + 1, in);

	if (ferror(in))
		about_file(cfg, file, strerror(errno));
	else if (len > MAX_FILE)
		about_file(cfg, file, "it is larger than 1M, which no declaration of pools is");
	else
		read_yaml(cfg, file, text, len);
	free(text);
}

static char *add_file(struct config *cfg, const char *name)
{
	cfg->files = xrealloc(cfg->files,
			      (cfg->nr_files + 1) * sizeof(*cfg->files));
	cfg->files[cfg->nr_files] = xstrdup(name);
	return cfg->files[cfg->nr_files++];
}

void config_read_file(struct config *cfg, const char *path)
{
	bool stdin_too = !strcmp(path, "-");
	char *file = add_file(cfg, stdin_too ? "standard input" : path);
	FILE *in = stdin_too ? stdin : fopen(path, "re");
	struct stat st;

	if (in && !fstat(fileno(in), &st) && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		about_file(cfg, file, strerror(errno));
	} else if (in) {
		read_stream(cfg, file, in);
	} else {
		about_file(cfg, file, strerror(errno));
	}
	if (in && !stdin_too)
		fclose(in);
}

/* Read all files that a pattern stands for, sorted by name; how many. */
static size_t read_glob(struct config *cfg, const char *dir,
			const char *pattern)
{
	char *path = xprintf("%s/%s", dir, pattern);
	glob_t found = { 0 };
	size_t i, nr;

	if (glob(path, 0, NULL, &found))
		found.gl_pathc = 0;
	nr = found.gl_pathc;
	for (i = 0; i < nr; i++)
		config_read_file(cfg, found.gl_pathv[i]);
	globfree(&found);
	free(path);
	return nr;
}

/* The host's own files, those there are. */
static void read_etc(struct config *cfg)
{
	const char *etc = getenv("VPOOL_ETC_DIR");
	size_t nr;
	char *path;

	etc = etc ? etc : "/etc";
	nr = read_glob(cfg, etc, "vpool.conf");
	nr += read_glob(cfg, etc, "vpool.d/*.conf");
	if (nr)
		return;
	path = xprintf("%s/vpool.conf", etc);
	about_file(cfg, add_file(cfg, path),
		   "it is not there, nor is a drop-in in vpool.d beside it");
	free(path);
}

void config_read(struct config *cfg, char **paths, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		config_read_file(cfg, paths[i]);
	if (!nr)
		read_etc(cfg);
}

void config_report(const struct config *cfg)
{
	size_t i;

	for (i = 0; i < cfg->nr_mistakes; i++) {
		const struct mistake *mistake = cfg->mistakes + i;
		char *file = printable(mistake->location.file);
		char *text = printable(mistake->text);

		if (mistake->location.line)
			fprintf(stderr, "%s:%u:%u: %s\n", file,
				mistake->location.line, mistake->location.column,
				text);
		else
			fprintf(stderr, "%s: %s\n", file, text);
		free(text);
		free(file);
	}
	add_hint("Try 'man vpool.conf' for what files may declare.");
}

struct pool_config *config_find(const struct config *cfg, const char *name)
{
	size_t i;

	for (i = 0; i < cfg->nr_pools; i++)
		if (!strcmp(cfg->pools[i].name, name))
			return cfg->pools + i;
	return NULL;
}

void config_drop_bad(struct config *cfg)
{
	size_t i, nr = 0;

	for (i = 0; i < cfg->nr_pools; i++) {
		if (cfg->pools[i].bad)
			pool_config_free(cfg->pools + i);
		else
			cfg->pools[nr++] = cfg->pools[i];
	}
	cfg->nr_pools = nr;
}

void pool_config_free(struct pool_config *pool)
{
	free(pool->mem);
	free(pool->asks);
	free(pool->unmet);
	vpool_cpus_free(&pool->cpus);
	vpool_cpus_free(&pool->offline);
}

void config_free(struct config *cfg)
{
	size_t i;

	for (i = 0; i < cfg->nr_pools; i++)
		pool_config_free(cfg->pools + i);
	for (i = 0; i < cfg->nr_mistakes; i++)
		free(cfg->mistakes[i].text);
	for (i = 0; i < cfg->nr_files; i++)
		free(cfg->files[i]);
	free(cfg->pools);
	free(cfg->mistakes);
	free(cfg->files);
	memset(cfg, 0, sizeof(*cfg));
}
