/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_IMPORT_XML_H
#define VPOOLCTL_IMPORT_XML_H

#include <stddef.h>

/**
 * struct xml - an element of a document
 * @name: its name, owned, with its namespace prefix
 * @text: all text directly in the element, owned, without spaces around it
 * @attributes: names and values in turn, owned
 * @nr_attributes: number of strings in @attributes, twice the number of attributes
 * @parent: the element that contains this one, or NULL
 * @first: the first element in this one, owned, or NULL
 * @last: the last element in this one
 * @next: the next element in the same parent
 */
struct xml {
	char *name;
	char *text;
	char **attributes;
	size_t nr_attributes;
	struct xml *parent;
	struct xml *first;
	struct xml *last;
	struct xml *next;
};

/*
 * Parse a document without a DTD. Return its root for xml_free(), or NULL with a message
 * in @message that begins with the line.
 */
struct xml *xml_parse(const char *text, char *message, size_t room);
void xml_free(struct xml *root);

/* Return the element at a path such as "cputune/emulatorpin", or NULL. */
const struct xml *xml_find(const struct xml *at, const char *path);
/* Return the next element after @at with the same name in the same parent, or NULL. */
const struct xml *xml_next(const struct xml *at);
/* Return the text of the element at a path, or NULL. */
const char *xml_text(const struct xml *at, const char *path);
/* Return the value of an attribute, or NULL. @at can be NULL. */
const char *xml_attribute(const struct xml *at, const char *name);

#endif /* VPOOLCTL_IMPORT_XML_H */
