// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reader of YAML files that declare things of one kind by name:
 *
 *	KEY:
 *	  NAME:
 *	    PROPERTY: VALUE
 *
 * Reading continues after a mistake, so that one run finds all mistakes.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/command.h"
#include "base/failure.h"
#include "base/macros.h"
#include "base/suggest.h"
#include "config/config.h"
#include "config/document.h"
#include "config/value.h"

/* Limits on the time that a file can take. A declaration nests five levels deep. */
#define MAX_FILE (1024 * 1024)
#define MAX_DEPTH 16
#define MAX_KEYS 4096

static struct mistake *add_mistake(struct config *cfg)
{
	cfg->mistakes = xrealloc(cfg->mistakes, (cfg->nr_mistakes + 1) *
				 sizeof(*cfg->mistakes));
	return memset(cfg->mistakes + cfg->nr_mistakes++, 0,
		      sizeof(*cfg->mistakes));
}

struct location document_location(const struct reader *rd, yaml_mark_t mark)
{
	return (struct location) { rd->file, mark.line + 1, mark.column + 1 };
}

void document_error(const struct reader *rd, const yaml_node_t *at, const char *fmt, ...)
{
	struct mistake *mistake = add_mistake(rd->cfg);
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	mistake->location = document_location(rd, at->start_mark);
	mistake->text = xstrdup(text);
}

const yaml_node_t *document_node(const struct reader *rd, int index)
{
	return yaml_document_get_node(rd->doc, index);
}

const char *document_kind_of(const yaml_node_t *at)
{
	return at->type == YAML_MAPPING_NODE ? "a mapping" :
	       at->type == YAML_SEQUENCE_NODE ? "a list" :
	       at->data.scalar.length ? "a value" : "empty";
}

const char *document_scalar(const struct reader *rd, const yaml_node_t *at,
			    const char *what)
{
	const char *text;

	if (at->type != YAML_SCALAR_NODE) {
		document_error(rd, at, "%s is %s, but must be a value", what, document_kind_of(at));
		return NULL;
	}
	text = (const char *)at->data.scalar.value;
	if (strlen(text) == at->data.scalar.length)
		return text;
	document_error(rd, at, "%s contains a NUL byte", what);
	return NULL;
}

/* Mappings */

/* Bound the number of keys: comparing them takes quadratic time. */
static bool too_many_keys(const struct reader *rd, const yaml_node_t *map)
{
	if (map->data.mapping.pairs.top - map->data.mapping.pairs.start <=
	    MAX_KEYS)
		return false;
	document_error(rd, map, "it has more than %d keys", MAX_KEYS);
	return true;
}

/* Tell whether the mapping has the same key before this one. */
static bool is_repeated(const struct reader *rd, const yaml_node_t *map,
			const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = document_node(rd, pair->key), *earlier;
	const yaml_node_pair_t *p;

	if (key->type != YAML_SCALAR_NODE)
		return false;
	for (p = map->data.mapping.pairs.start; p < pair; p++) {
		earlier = document_node(rd, p->key);
		if (earlier->type == YAML_SCALAR_NODE &&
		    !strcmp((char *)earlier->data.scalar.value,
			    (char *)key->data.scalar.value))
			return true;
	}
	return false;
}

static void repeated(const struct reader *rd, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = document_node(rd, pair->key);

	document_error(rd, key, "'%s' is given twice", key->data.scalar.value);
}

/* Properties */

static void set_property(const struct reader *rd, const yaml_node_t *at,
			 const struct option_def *def, const char *text,
			 void *target)
{
	struct failure failure;

	if (text && value_set(def, target, text, &failure))
		document_error(rd, at, "%s: %s", def->name, failure.text);
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
		text = document_scalar(rd, document_node(rd, *item), name);
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

static void unknown_property(const struct reader *rd, const yaml_node_t *key,
			     const struct option_def *defs, size_t nr,
			     const char *word)
{
	struct failure failure;

	value_unknown(defs, nr, word, &failure);
	document_error(rd, key, "%s", failure.text);
}

/* Return the property that a key names, or NULL after noting a mistake. */
static const struct option_def *
find_property(const struct reader *rd, const yaml_node_t *key,
	      const struct option_def *defs, size_t nr)
{
	const char *word = document_scalar(rd, key, "the name of a property");
	const struct option_def *def = word ? value_find(defs, nr, word) : NULL;

	if (word && !def)
		unknown_property(rd, key, defs, nr, word);
	return def;
}

static void read_property(const struct reader *rd, const yaml_node_t *at,
			  const struct option_def *def, void *target);

static void read_pairs(const struct reader *rd, const yaml_node_t *map,
		       const struct option_def *defs, size_t nr, void *target)
{
	const struct option_def *def;
	const yaml_node_pair_t *pair;

	if (too_many_keys(rd, map))
		return;
	for (pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		if (is_repeated(rd, map, pair)) {
			repeated(rd, pair);
			continue;
		}
		def = find_property(rd, document_node(rd, pair->key), defs, nr);
		if (def)
			read_property(rd, document_node(rd, pair->value), def, target);
	}
}

/* Read a value, which can be a mapping of the parts of the property. */
static void read_value(const struct reader *rd, const yaml_node_t *at,
		       const struct option_def *def, void *target)
{
	if (!def->parts || at->type != YAML_MAPPING_NODE) {
		set_property(rd, at, def, document_scalar(rd, at, def->name), target);
		return;
	}
	if (at->data.mapping.pairs.start == at->data.mapping.pairs.top)
		document_error(rd, at, "%s is an empty mapping", def->name);
	if (def->begin)
		def->begin(target);
	read_pairs(rd, at, def->parts, def->nr_parts, target);
}

static void read_property(const struct reader *rd, const yaml_node_t *at,
			  const struct option_def *def, void *target)
{
	const yaml_node_item_t *item;
	char *list;

	if (at->type != YAML_SEQUENCE_NODE || def->list == LIST_REFUSED) {
		read_value(rd, at, def, target);
		return;
	}
	if (def->list == LIST_JOINED) {
		list = join_list(rd, at, def->name);
		set_property(rd, at, def, list, target);
		free(list);
		return;
	}
	for (item = at->data.sequence.items.start;
	     item < at->data.sequence.items.top; item++)
		read_value(rd, document_node(rd, *item), def, target);
}

void document_properties(const struct reader *rd, const yaml_node_t *map,
			 const char *name, const struct option_def *defs, size_t nr,
			 void *target)
{
	if (map->type == YAML_MAPPING_NODE)
		read_pairs(rd, map, defs, nr, target);
	else
		document_error(rd, map,
			       "%s '%s' is %s, but must be a mapping of properties, such as '%s'",
			       rd->kind->noun, name, document_kind_of(map), rd->kind->example);
}

static void read_things(const struct reader *rd, const yaml_node_t *map)
{
	const yaml_node_pair_t *pair;

	if (map->type != YAML_MAPPING_NODE) {
		document_error(rd, map,
			       "%s is %s, but must be a mapping of names to %s, or {} for no %s",
			       rd->kind->key, document_kind_of(map), rd->kind->nouns,
			       rd->kind->nouns);
		return;
	}
	if (too_many_keys(rd, map))
		return;
	for (pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++)
		rd->kind->read(rd, pair);
}

/* Files */

static void read_top(const struct reader *rd, const yaml_node_t *map)
{
	const char *wanted = rd->kind->key, *word;
	const yaml_node_pair_t *pair;
	const yaml_node_t *key;

	if (map->type != YAML_MAPPING_NODE) {
		document_error(rd, map,
			       "the file is %s, but must be a mapping with the key '%s'",
			       document_kind_of(map), wanted);
		return;
	}
	if (too_many_keys(rd, map))
		return;
	for (pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		key = document_node(rd, pair->key);
		word = document_scalar(rd, key, "a key");
		if (word && strcmp(word, wanted))
			document_error(rd, key, "unknown key '%s': only '%s' is known",
				       word, wanted);
		else if (word && is_repeated(rd, map, pair))
			repeated(rd, pair);
		else if (word)
			read_things(rd, document_node(rd, pair->value));
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

void document_about(struct config *cfg, const char *file, const char *text)
{
	struct mistake *mistake = add_mistake(cfg);

	mistake->location.file = file;
	mistake->text = xstrdup(text);
}

/* Read one document of a file. Return whether another one may follow. */
static bool read_document(struct reader *rd, yaml_parser_t *parser, bool first)
{
	yaml_document_t doc;
	yaml_node_t *root;

	if (!yaml_parser_load(parser, &doc)) {
		not_yaml(rd->cfg, rd->file, parser);
		return false;
	}
	rd->doc = &doc;
	root = yaml_document_get_root_node(&doc);
	if (root && first)
		read_top(rd, root);
	else if (root)
		document_error(rd, root,
			       "a file must have one document, but this is a second one");
	else if (first)
		document_about(rd->cfg, rd->file, rd->kind->nothing);
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
		document_about(cfg, file, "out of memory");
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
			document_error(&rd, &at, "lists and mappings are nested deeper than %d",
				       MAX_DEPTH);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return depth <= MAX_DEPTH;
}

static void read_yaml(struct reader *rd, const char *text, size_t len)
{
	yaml_parser_t parser;

	if (!depth_ok(rd->cfg, rd->file, text, len))
		return;
	if (!yaml_parser_initialize(&parser)) {
		document_about(rd->cfg, rd->file, "out of memory");
		return;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (read_document(rd, &parser, true))
		read_document(rd, &parser, false);
	yaml_parser_delete(&parser);
}

static void read_stream(struct reader *rd, FILE *in)
{
	char *text = xcalloc(1, MAX_FILE + 1);
	size_t len = fread(text, 1, MAX_FILE + 1, in);

	if (ferror(in))
		document_about(rd->cfg, rd->file, strerror(errno));
	else if (len > MAX_FILE)
		document_about(rd->cfg, rd->file, "it is larger than 1M");
	else
		read_yaml(rd, text, len);
	free(text);
}

char *document_add_file(struct config *cfg, const char *name)
{
	cfg->files = xrealloc(cfg->files,
			      (cfg->nr_files + 1) * sizeof(*cfg->files));
	cfg->files[cfg->nr_files] = xstrdup(name);
	return cfg->files[cfg->nr_files++];
}

void document_read_text(struct config *cfg, const char *name, const char *text, int err,
			const struct document_kind *kind, void *data)
{
	char *file = document_add_file(cfg, strcmp(name, "-") ? name : "standard input");
	struct reader rd = { .cfg = cfg, .file = file, .kind = kind, .data = data };

	if (!text)
		document_about(cfg, file, strerror(err));
	else if (strlen(text) > MAX_FILE)
		document_about(cfg, file, "it is larger than 1M");
	else
		read_yaml(&rd, text, strlen(text));
}

void document_read(struct config *cfg, const char *path,
		   const struct document_kind *kind, void *data)
{
	bool stdin_too = !strcmp(path, "-");
	char *file = document_add_file(cfg, stdin_too ? "standard input" : path);
	struct reader rd = { .cfg = cfg, .file = file, .kind = kind, .data = data };
	FILE *in = stdin_too ? stdin : fopen(path, "re");
	struct stat st;

	if (in && !fstat(fileno(in), &st) && S_ISDIR(st.st_mode))
		document_about(cfg, file, strerror(EISDIR));
	else if (in)
		read_stream(&rd, in);
	else
		document_about(cfg, file, strerror(errno));
	if (in && !stdin_too)
		fclose(in);
}
