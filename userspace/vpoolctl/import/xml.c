// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reader of the XML that libvirt writes: elements, attributes, text, comments and the
 * entities that every document has. It refuses a DTD, so no entity can refer to another
 * file or grow without bounds, and it does not recurse, so no depth exhausts the stack.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "import/xml.h"

/**
 * struct reader - a document that is being parsed
 * @at: the next character
 * @start: the first character
 * @root: the outermost element, or NULL before it
 * @open: the innermost element that has not ended, or NULL
 * @message: receives the first message
 * @room: room in @message, in bytes
 * @bad: there is a message
 */
struct reader {
	const char *at;
	const char *start;
	struct xml *root;
	struct xml *open;
	char *message;
	size_t room;
	bool bad;
};

static void __printf(2, 3) mistake(struct reader *rd, const char *fmt, ...)
{
	unsigned int line = 1;
	const char *c;
	va_list args;
	int len;

	if (rd->bad)
		return;
	rd->bad = true;
	for (c = rd->start; c < rd->at; c++)
		line += *c == '\n';
	len = snprintf(rd->message, rd->room, "line %u: ", line);
	va_start(args, fmt);
	vsnprintf(rd->message + len, rd->room - len, fmt, args);
	va_end(args);
}

static bool starts(const struct reader *rd, const char *word)
{
	return !strncmp(rd->at, word, strlen(word));
}

static void skip_space(struct reader *rd)
{
	while (isspace((unsigned char)*rd->at))
		rd->at++;
}

/* Skip to behind @end. */
static void skip_past(struct reader *rd, const char *end, const char *what)
{
	const char *found = strstr(rd->at, end);

	if (found)
		rd->at = found + strlen(end);
	else
		mistake(rd, "%s does not end", what);
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_:.-", c)) || c & 0x80;
}

/* Read a name, for free(3); NULL after a message. */
static char *read_name(struct reader *rd)
{
	const char *from = rd->at;

	while (is_name(*rd->at))
		rd->at++;
	if (rd->at > from && !isdigit((unsigned char)*from))
		return xprintf("%.*s", (int)(rd->at - from), from);
	mistake(rd, "a name is missing");
	return NULL;
}

/* Append a character of Unicode as UTF-8, and return the end. */
static char *put_utf8(char *to, unsigned long c)
{
	int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };

	*to++ = lead[more] | c >> (6 * more);
	while (more--)
		*to++ = 0x80 | (c >> (6 * more) & 0x3f);
	return to;
}

/* Read the number of a reference such as "&#65;". Return 0 if it is not valid. */
static unsigned long read_number(const char *text)
{
	bool hex = text[2] == 'x';
	const char *from = text + 2 + hex;
	unsigned long c;
	char *end;

	if (!isxdigit((unsigned char)*from))
		return 0;
	c = strtoul(from, &end, hex ? 16 : 10);
	return *end == ';' && c <= 0x10ffff ? c : 0;
}

/* Read the reference that begins at an ampersand. Return the end of @to. */
static char *read_entity(struct reader *rd, char *to)
{
	static const struct {
		const char *name;
		char c;
	} entities[] = {
		{ "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' },
		{ "&quot;", '"' }, { "&apos;", '\'' },
	};
	unsigned long number;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(entities); i++)
		if (starts(rd, entities[i].name)) {
			rd->at += strlen(entities[i].name);
			*to++ = entities[i].c;
			return to;
		}
	number = starts(rd, "&#") ? read_number(rd->at) : 0;
	if (!number) {
		mistake(rd, "'%.*s' is no character", (int)strcspn(rd->at, ";<\n "),
			rd->at);
		return to;
	}
	rd->at = strchr(rd->at, ';') + 1;
	return put_utf8(to, number);
}

/* Read text up to one of the characters @ends, for free(3). It is at most as long. */
static char *read_chars(struct reader *rd, const char *ends)
{
	size_t len = strcspn(rd->at, ends);
	const char *end = rd->at + len;
	char *text = xcalloc(1, len + 4), *to = text;

	while (rd->at < end && !rd->bad)
		if (*rd->at == '&')
			to = read_entity(rd, to);
		else
			*to++ = *rd->at++;
	*to = '\0';
	return text;
}

static void add_text(struct xml *node, const char *text)
{
	char *longer = xprintf("%s%s", node->text, text);

	free(node->text);
	node->text = longer;
}

/* Remove spaces around the text of an element that has ended. */
static void trim(struct xml *node)
{
	size_t skip = strspn(node->text, " \t\r\n"), len;

	memmove(node->text, node->text + skip, strlen(node->text + skip) + 1);
	len = strlen(node->text);
	while (len && isspace((unsigned char)node->text[len - 1]))
		node->text[--len] = '\0';
}

static void read_attribute(struct reader *rd, struct xml *node)
{
	char *name = read_name(rd);
	char quote[2] = "";

	if (name && xml_attribute(node, name))
		mistake(rd, "the attribute '%s' is given twice", name);
	skip_space(rd);
	if (!rd->bad && *rd->at != '=')
		mistake(rd, "the attribute '%s' has no value", name);
	rd->at += !rd->bad;
	skip_space(rd);
	if (!rd->bad && *rd->at != '"' && *rd->at != '\'')
		mistake(rd, "the value of '%s' has no quotes", name);
	if (rd->bad) {
		free(name);
		return;
	}
	*quote = *rd->at++;
	node->attributes = xrealloc(node->attributes, (node->nr_attributes + 2) *
				    sizeof(*node->attributes));
	node->attributes[node->nr_attributes++] = name;
	node->attributes[node->nr_attributes++] = read_chars(rd, quote);
	if (*rd->at == *quote)
		rd->at++;
	else
		mistake(rd, "the value of '%s' does not end", name);
}

static void add_element(struct reader *rd, struct xml *node)
{
	struct xml *parent = rd->open;

	node->parent = parent;
	if (!parent)
		rd->root = node;
	else if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	if (parent)
		parent->last = node;
	rd->open = node;
}

static void close_element(struct reader *rd)
{
	trim(rd->open);
	rd->open = rd->open->parent;
}

static void read_start(struct reader *rd)
{
	struct xml *node;
	char *name;

	if (rd->root && !rd->open) {
		mistake(rd, "there is a second document");
		return;
	}
	rd->at++;
	name = read_name(rd);
	if (!name)
		return;
	node = xcalloc(1, sizeof(*node));
	node->name = name;
	node->text = xstrdup("");
	add_element(rd, node);
	skip_space(rd);
	while (!rd->bad && *rd->at && *rd->at != '>' && *rd->at != '/') {
		read_attribute(rd, node);
		skip_space(rd);
	}
	if (rd->bad)
		return;
	if (starts(rd, "/>")) {
		rd->at += 2;
		close_element(rd);
	} else if (*rd->at == '>') {
		rd->at++;
	} else {
		mistake(rd, "the tag '%s' does not end", name);
	}
}

static void read_end(struct reader *rd)
{
	char *name;

	rd->at += 2;
	name = read_name(rd);
	skip_space(rd);
	if (rd->bad)
		return;
	if (!rd->open)
		mistake(rd, "'</%s>' ends no element", name);
	else if (strcmp(rd->open->name, name))
		mistake(rd, "'</%s>' is where '</%s>' must be", name, rd->open->name);
	else if (*rd->at != '>')
		mistake(rd, "the tag '%s' does not end", name);
	else
		rd->at++;
	free(name);
	if (!rd->bad)
		close_element(rd);
}

static void read_cdata(struct reader *rd)
{
	const char *from = rd->at + strlen("<![CDATA[");
	char *text;

	skip_past(rd, "]]>", "a section of character data");
	if (rd->bad)
		return;
	if (!rd->open) {
		mistake(rd, "there is text outside of the root element");
		return;
	}
	text = xprintf("%.*s", (int)(rd->at - from - 3), from);
	add_text(rd->open, text);
	free(text);
}

static void read_text_part(struct reader *rd)
{
	const char *from = rd->at;
	char *text = read_chars(rd, "<");

	if (rd->open) {
		add_text(rd->open, text);
	} else if (text[strspn(text, " \t\r\n")]) {
		rd->at = from + strspn(from, " \t\r\n");
		mistake(rd, "there is text outside of the root element");
	}
	free(text);
}

static void read_part(struct reader *rd)
{
	if (*rd->at != '<')
		read_text_part(rd);
	else if (starts(rd, "<!--"))
		skip_past(rd, "-->", "a comment");
	else if (starts(rd, "<?"))
		skip_past(rd, "?>", "a processing instruction");
	else if (starts(rd, "<![CDATA["))
		read_cdata(rd);
	else if (starts(rd, "<!"))
		mistake(rd, "a DTD is not supported");
	else if (starts(rd, "</"))
		read_end(rd);
	else
		read_start(rd);
}

struct xml *xml_parse(const char *text, char *message, size_t room)
{
	struct reader rd = {
		.at = text, .start = text, .message = message, .room = room,
	};

	while (*rd.at && !rd.bad)
		read_part(&rd);
	if (rd.open)
		mistake(&rd, "the element '%s' does not end", rd.open->name);
	else if (!rd.root)
		mistake(&rd, "there is no element");
	if (!rd.bad)
		return rd.root;
	xml_free(rd.root);
	return NULL;
}

static void free_node(struct xml *node)
{
	size_t i;

	for (i = 0; i < node->nr_attributes; i++)
		free(node->attributes[i]);
	free(node->attributes);
	free(node->text);
	free(node->name);
	free(node);
}

void xml_free(struct xml *root)
{
	struct xml *at = root, *parent;

	while (at) {
		if (at->first) {
			parent = at;
			at = at->first;
			parent->first = NULL;
			continue;
		}
		parent = at->next ? at->next : at->parent;
		free_node(at);
		at = parent;
	}
}

/* Return the first of @at and its next elements with this name, or NULL. */
static const struct xml *named(const struct xml *at, const char *name, size_t len)
{
	while (at && (strncmp(at->name, name, len) || at->name[len]))
		at = at->next;
	return at;
}

const struct xml *xml_find(const struct xml *at, const char *path)
{
	while (at && *path) {
		size_t len = strcspn(path, "/");

		at = named(at->first, path, len);
		path += len + !!path[len];
	}
	return at;
}

const struct xml *xml_next(const struct xml *at)
{
	return named(at->next, at->name, strlen(at->name));
}

const char *xml_text(const struct xml *at, const char *path)
{
	at = xml_find(at, path);
	return at ? at->text : NULL;
}

const char *xml_attribute(const struct xml *at, const char *name)
{
	size_t i;

	for (i = 0; at && i < at->nr_attributes; i += 2)
		if (!strcmp(at->attributes[i], name))
			return at->attributes[i + 1];
	return NULL;
}
