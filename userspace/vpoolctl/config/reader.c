// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reader of files that declare pools, in YAML:
 *
 *	pools:
 *	  web:
 *	    mem: 4G@0
 *	    cpus: 2-5
 *
 * Reading continues after a mistake, so that one run finds all mistakes. The reader does not
 * check the file against the host, for example whether a CPU exists.
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
#include "base/command.h"
#include "base/failure.h"
#include "base/macros.h"
#include "base/suggest.h"
#include "config/config.h"
#include "config/property.h"
#include "config/reader.h"
#include "config/value.h"
#include "host/pools.h"

/* Limits on the time that a file can take. A declaration nests five levels deep. */
#define MAX_FILE (1024 * 1024)
#define MAX_DEPTH 16
#define MAX_KEYS 4096

/**
 * struct reader - state of reading a file
 * @cfg: receives the declarations
 * @doc: the parsed document
 * @file: name of the file, owned by @cfg
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

/* Return the text of a scalar, or NULL after noting a mistake. */
static const char *scalar(const struct reader *rd, const yaml_node_t *at,
			  const char *what)
{
	const char *text;

	if (at->type != YAML_SCALAR_NODE) {
		file_error(rd, at, "%s is %s, but must be a value", what, kind_of(at));
		return NULL;
	}
	text = (const char *)at->data.scalar.value;
	if (strlen(text) == at->data.scalar.length)
		return text;
	file_error(rd, at, "%s contains a NUL byte", what);
	return NULL;
}

/* Mappings */

/* Bound the number of keys: comparing them takes quadratic time. */
static bool too_many_keys(const struct reader *rd, const yaml_node_t *map)
{
	if (map->data.mapping.pairs.top - map->data.mapping.pairs.start <=
	    MAX_KEYS)
		return false;
	file_error(rd, map, "it has more than %d keys", MAX_KEYS);
	return true;
}

/* Tell whether the mapping has the same key before this one. */
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

	file_error(rd, key, "'%s' is given twice", key->data.scalar.value);
}

/* Properties */

static void set_property(const struct reader *rd, const yaml_node_t *at,
			 const struct option_def *def, const char *text,
			 struct pool_config *pool)
{
	struct failure failure;

	if (text && def->set(pool, text, &failure))
		file_error(rd, at, "%s: %s", def->name, failure.text);
}

/* Return a list as one text for free(3), or NULL after noting a mistake. */
static char *join_list(const struct reader *rd, const yaml_node_t *at,
		       const char *name)
{
	const yaml_node_item_t *item;
	char *list = NULL, *longer;
	const char *text;

	for (item = at->data.sequence.items.start;
	     item < at->data.sequence.items.top; item++) {
		text = scalar(rd, node(rd, *item), name);
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

static void read_property(const struct reader *rd, const yaml_node_t *at,
			  const struct option_def *def,
			  struct pool_config *pool)
{
	const yaml_node_item_t *item;
	const yaml_node_t *element;
	char *list;

	if (at->type != YAML_SEQUENCE_NODE || def->list == LIST_REFUSED) {
		set_property(rd, at, def, scalar(rd, at, def->name), pool);
		return;
	}
	if (def->list == LIST_JOINED) {
		list = join_list(rd, at, def->name);
		set_property(rd, at, def, list, pool);
		free(list);
		return;
	}
	for (item = at->data.sequence.items.start;
	     item < at->data.sequence.items.top; item++) {
		element = node(rd, *item);
		set_property(rd, element, def, scalar(rd, element, def->name),
			     pool);
	}
}

static void unknown_property(const struct reader *rd, const yaml_node_t *key,
			     const struct option_def *defs, size_t nr,
			     const char *word)
{
	const char *names[32], *near;
	size_t i;

	for (i = 0; i < nr && i < ARRAY_SIZE(names); i++)
		names[i] = defs[i].name;
	near = nearest(word, names, i);
	if (near)
		file_error(rd, key, "unknown property '%s': did you mean '%s'?",
			   word, near);
	else
		file_error(rd, key, "unknown property '%s'", word);
}

/* Return the property that a key names, or NULL after noting a mistake. */
static const struct option_def *
find_property(const struct reader *rd, const yaml_node_t *key,
	      const struct option_def *defs, size_t nr)
{
	const char *word = scalar(rd, key, "the name of a property");
	const struct option_def *def = word ? value_find(defs, nr, word) : NULL;

	if (word && !def)
		unknown_property(rd, key, defs, nr, word);
	return def;
}

/* Read a property whose value is a mapping. */
static void read_parts(const struct reader *rd, const yaml_node_t *map,
		       const struct option_def *def, struct pool_config *pool)
{
	const struct option_def *part;
	const yaml_node_pair_t *pair;

	if (map->data.mapping.pairs.start == map->data.mapping.pairs.top)
		file_error(rd, map, "%s is an empty mapping", def->name);
	if (too_many_keys(rd, map))
		return;
	for (pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		if (is_repeated(rd, map, pair)) {
			repeated(rd, pair);
			continue;
		}
		part = find_property(rd, node(rd, pair->key), def->parts,
				     def->nr_parts);
		if (part)
			read_property(rd, node(rd, pair->value), part, pool);
	}
}

static void take_property(const struct reader *rd, const yaml_node_pair_t *pair,
			  struct pool_config *pool)
{
	const yaml_node_t *value = node(rd, pair->value);
	const struct option_def *def;

	def = find_property(rd, node(rd, pair->key), property_defs,
			    nr_property_defs);
	if (def && def->parts && value->type == YAML_MAPPING_NODE)
		read_parts(rd, value, def, pool);
	else if (def)
		read_property(rd, value, def, pool);
}

/* Pools */

/* Round memory up to whole pages, as the kernel does. Return false on overflow. */
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

/* Check the pool as a whole. */
static void check_pool(const struct reader *rd, const yaml_node_t *key,
		       struct pool_config *pool)
{
	const struct pool_config *other;
	struct failure failure;
	struct vpool_cpus both;
	char *list;
	size_t i;

	if (!round_mem(pool))
		file_error(rd, key, "pool '%s' is too large", pool->name);
	if (properties_check(pool, &failure))
		file_error(rd, key, "pool '%s' %s", pool->name, failure.text);
	for (i = 0; i < rd->cfg->nr_pools; i++) {
		other = rd->cfg->pools + i;
		if (!strcmp(other->name, pool->name))
			file_error(rd, key,
				   "pool '%s' is declared already, at %s:%u:%u",
				   pool->name, other->location.file, other->location.line,
				   other->location.column);
		if (pool->mount.dir && other->mount.dir &&
		    !strcmp(pool->mount.dir, other->mount.dir))
			file_error(rd, key,
				   "pool '%s' and pool '%s' cannot both be mounted at %s",
				   pool->name, other->name, pool->mount.dir);
		if (vpool_cpus_copy(&both, &pool->cpus))
			continue;
		vpool_cpus_and(&both, &other->cpus);
		if (vpool_cpus_count(&both)) {
			list = cpus_text(&both);
			file_error(rd, key, "cpu %s of pool '%s' belongs to pool '%s', too",
				   list, pool->name, other->name);
			free(list);
		}
		vpool_cpus_free(&both);
	}
}

static void read_properties(const struct reader *rd, const yaml_node_t *map,
			    struct pool_config *pool)
{
	const yaml_node_pair_t *pair;

	if (map->type != YAML_MAPPING_NODE) {
		file_error(rd, map,
			   "pool '%s' is %s, but must be a mapping of properties, such as 'mem: 4G'",
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
	struct pool_config pool;
	size_t mistakes = cfg->nr_mistakes;

	if (!name)
		return;
	if (!vpool_name_is_valid(name))
		file_error(rd, key, "'%s' is not a pool's name", name);
	pool_config_init(&pool, name);
	pool.location = location_of(rd, key->start_mark);
	read_properties(rd, node(rd, pair->value), &pool);
	/* A pool with mistakes would only cause more messages. */
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
		file_error(rd, map,
			   "pools is %s, but must be a mapping of names to pools, or {} for no pools",
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
		file_error(rd, map, "the file is %s, but must be a mapping with the key 'pools'",
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
			file_error(rd, key, "unknown key '%s': only 'pools' is known",
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

	/* For invalid bytes, libyaml gives an offset only. */
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

/* Read one document of a file. Return whether another one may follow. */
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
		file_error(&rd, root, "a file must have one document, but this is a second one");
	else if (first)
		about_file(cfg, file,
			   "it declares nothing; 'pools: {}' declares that there are no pools");
	yaml_document_delete(&doc);
	return root && first;
}

/*
 * Check that collections nest no deeper than MAX_DEPTH, with a separate parser that reads
 * event by event: libyaml loads a document in time quadratic in its depth.
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
	/* Loading the file reports invalid YAML. */
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
		about_file(cfg, file, "it is larger than 1M");
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

/* Read all files that match a pattern, sorted by name. Return their number. */
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

/* Read the configuration files of the host that exist. */
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
		   "the file does not exist, nor does any vpool.d/*.conf beside it");
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
