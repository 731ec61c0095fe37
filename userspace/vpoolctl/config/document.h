/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_DOCUMENT_H
#define VPOOLCTL_CONFIG_DOCUMENT_H

#include <yaml.h>

#include "base/macros.h"
#include "config/config.h"

struct option_def;
struct reader;

/**
 * struct document_kind - what a file declares
 * @key: the only key at the top of the file, such as "pools"
 * @noun: word for one of the things that @key declares
 * @nouns: word for several of them
 * @example: a property and its value
 * @nothing: message about an empty file
 * @read: reads a thing: the key of @pair is its name, and the value its properties
 */
struct document_kind {
	const char *key;
	const char *noun;
	const char *nouns;
	const char *example;
	const char *nothing;
	void (*read)(const struct reader *rd, const yaml_node_pair_t *pair);
};

/**
 * struct reader - state of reading a file
 * @cfg: receives the mistakes
 * @kind: what the file declares
 * @data: receives the declarations, for @kind
 * @doc: the parsed document
 * @file: name of the file, owned by @cfg
 */
struct reader {
	struct config *cfg;
	const struct document_kind *kind;
	void *data;
	yaml_document_t *doc;
	const char *file;
};

/* Read a file, "-" for standard input, and add its name and its mistakes to @cfg. */
void document_read(struct config *cfg, const char *path,
		   const struct document_kind *kind, void *data);

/* Read a text as the file @name. If it is NULL, note that reading failed with errno @err. */
void document_read_text(struct config *cfg, const char *name, const char *text, int err,
			const struct document_kind *kind, void *data);

/* Add a name of a file. Return it; @cfg owns it. */
char *document_add_file(struct config *cfg, const char *name);
/* Note a mistake about a file as a whole. */
void document_about(struct config *cfg, const char *file, const char *text);

/* For struct document_kind.read */

/* Note a mistake. */
void document_error(const struct reader *rd, const yaml_node_t *at, const char *fmt, ...)
	__printf(3, 4);
/* Return the text of a scalar, or NULL after noting a mistake. */
const char *document_scalar(const struct reader *rd, const yaml_node_t *at,
			    const char *what);
const yaml_node_t *document_node(const struct reader *rd, int index);
struct location document_location(const struct reader *rd, yaml_mark_t mark);
/* Return the words for the kind of a node, such as "a list". */
const char *document_kind_of(const yaml_node_t *at);
/* Store the properties of the thing @name in @target. */
void document_properties(const struct reader *rd, const yaml_node_t *map,
			 const char *name, const struct option_def *defs, size_t nr,
			 void *target);

#endif /* VPOOLCTL_CONFIG_DOCUMENT_H */
