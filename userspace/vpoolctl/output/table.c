// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables and records, printed as text by libsmartcols or as JSON by json-c. A command fills
 * the cells once, for both.
 */
#include <errno.h>
#include <json-c/json.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/exit.h"
#include "base/macros.h"
#include "base/suggest.h"
#include "output/table.h"
#include "output/units.h"

struct cell {
	bool set;
	char *text;
	__u64 number;
};

struct table {
	const char *name;
	const struct column *columns;
	size_t nr_columns;
	bool record;
	bool chosen;
	size_t *order;
	size_t nr_order;
	struct cell *cells;
	size_t nr_rows;
	struct table **children;
	size_t nr_children;
};

static void add_to_order(struct table *tb, size_t column)
{
	tb->order = xrealloc(tb->order,
			     (tb->nr_order + 1) * sizeof(*tb->order));
	tb->order[tb->nr_order++] = column;
}

static void usual_order(struct table *tb)
{
	enum visibility most = tb->record ? SHOW_DETAIL : SHOW_ALWAYS;
	size_t i;

	for (i = 0; i < tb->nr_columns; i++)
		if (tb->columns[i].show <= most)
			add_to_order(tb, i);
}

static struct table *new_table(const char *name, const struct column *columns,
			       size_t nr_columns, bool record)
{
	struct table *tb = xcalloc(1, sizeof(*tb));

	tb->name = name;
	tb->columns = columns;
	tb->nr_columns = nr_columns;
	tb->record = record;
	usual_order(tb);
	return tb;
}

struct table *table_new(const char *name, const struct column *columns,
			size_t nr_columns)
{
	return new_table(name, columns, nr_columns, false);
}

struct table *record_new(const char *name, const struct column *columns,
			 size_t nr_columns)
{
	struct table *tb = new_table(name, columns, nr_columns, true);

	table_row(tb);
	return tb;
}

void table_free(struct table *tb)
{
	size_t i;

	for (i = 0; i < tb->nr_rows * tb->nr_columns; i++)
		free(tb->cells[i].text);
	for (i = 0; i < tb->nr_children; i++)
		table_free(tb->children[i]);
	free(tb->children);
	free(tb->cells);
	free(tb->order);
	free(tb);
}

void record_adopt(struct table *record, struct table *child)
{
	record->children = xrealloc(record->children,
				    (record->nr_children + 1) * sizeof(child));
	record->children[record->nr_children++] = child;
}

static int no_column(const struct table *tb, const char *word, char *message,
		     size_t room)
{
	const char *names[64], *near;
	size_t i;

	for (i = 0; i < tb->nr_columns && i < ARRAY_SIZE(names); i++)
		names[i] = tb->columns[i].name;
	near = nearest(word, names, i);
	if (near)
		snprintf(message, room, "no column '%s': did you mean '%s'?", word,
			 near);
	else
		snprintf(message, room, "no column '%s'", word);
	return -EINVAL;
}

static int choose_one(struct table *tb, char *word, char *message, size_t room)
{
	size_t i;

	for (i = 0; word[i]; i++)
		word[i] = ascii_upper(word[i]);
	for (i = 0; i < tb->nr_columns; i++) {
		if (strcmp(word, tb->columns[i].name))
			continue;
		add_to_order(tb, i);
		return 0;
	}
	return no_column(tb, word, message, room);
}

int table_choose(struct table *tb, const char *spec, char *message, size_t room)
{
	char *copy, *next, *word;
	int err = 0;

	if (*spec == '+')
		spec++;
	else
		tb->nr_order = 0;
	tb->chosen = true;
	copy = xstrdup(spec);
	next = copy;
	while (!err && (word = strsep(&next, ",")))
		err = choose_one(tb, word, message, room);
	free(copy);
	return err;
}

void table_name(struct table *tb, const char *name)
{
	tb->name = name;
}

void table_hide(struct table *tb, size_t column)
{
	size_t i, nr = 0;

	for (i = 0; i < tb->nr_order; i++)
		if (tb->order[i] != column)
			tb->order[nr++] = tb->order[i];
	tb->nr_order = nr;
}

void table_row(struct table *tb)
{
	size_t row = tb->nr_columns * sizeof(*tb->cells);

	tb->cells = xrealloc(tb->cells, (tb->nr_rows + 1) * row);
	memset(tb->cells + tb->nr_rows * tb->nr_columns, 0, row);
	tb->nr_rows++;
}

static struct cell *last_row(struct table *tb)
{
	return tb->cells + (tb->nr_rows - 1) * tb->nr_columns;
}

void table_text(struct table *tb, size_t column, const char *text)
{
	struct cell *cell = last_row(tb) + column;

	free(cell->text);
	cell->text = xstrdup(text);
	cell->set = true;
}

void table_number(struct table *tb, size_t column, __u64 number)
{
	struct cell *cell = last_row(tb) + column;

	cell->number = number;
	cell->set = true;
}

static const struct cell *cell_at(const struct table *tb, size_t row,
				  size_t column)
{
	return tb->cells + row * tb->nr_columns + column;
}

/* Text */

static char *seconds_text(__u64 s)
{
	if (s >= 86400)
		return xprintf("%llu-%02llu:%02llu:%02llu", s / 86400,
			       s / 3600 % 24, s / 60 % 60, s % 60);
	return xprintf("%02llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
}

static char *tenths_text(__u64 tenths)
{
	return xprintf("%llu.%llu", tenths / 10, tenths % 10);
}

static char *cell_text(const struct cell *cell, enum cell_type type,
		       const struct style *style)
{
	char size[SIZE_TEXT];

	if (!cell->set || (type == CELL_TEXT && !*cell->text))
		return xstrdup("-");
	switch (type) {
	case CELL_TEXT:
		return xstrdup(cell->text);
	case CELL_SIZE:
		if (!style->bytes)
			return xstrdup(format_size(cell->number, size));
		break;
	case CELL_SECONDS:
		return seconds_text(cell->number);
	case CELL_TENTHS:
		return tenths_text(cell->number);
	case CELL_BOOL:
		return xstrdup(cell->number ? "yes" : "no");
	case CELL_NUMBER:
		break;
	}
	return xprintf("%llu", cell->number);
}

static void must(int err)
{
	if (!err)
		return;
	fprintf(stderr, "vpoolctl: cannot print a table: %s\n",
		strerror(-err));
	exit(EXIT_FAILED);
}

static struct libscols_table *scols_new(FILE *to)
{
	struct libscols_table *out = scols_new_table();

	must(out ? 0 : -ENOMEM);
	scols_table_set_stream(out, to);
	scols_table_enable_nowrap(out, 1);
	/* libsmartcols looks for a terminal on standard output, even if @to is another file. */
	if (!isatty(fileno(to)))
		scols_table_set_termforce(out, SCOLS_TERMFORCE_NEVER);
	return out;
}

static void scols_column(struct libscols_table *out, const char *name,
			 bool right)
{
	must(scols_table_new_column(out, name, 0,
				    right ? SCOLS_FL_RIGHT : 0) ? 0 : -ENOMEM);
}

static void scols_fill(struct libscols_line *line, size_t at,
		       const struct table *tb, size_t row, size_t column,
		       const struct style *style)
{
	char *text = cell_text(cell_at(tb, row, column),
			       tb->columns[column].type, style);

	must(scols_line_refer_data(line, at, text));
}

static void print_rows(const struct table *tb, const struct style *style,
		       FILE *to)
{
	struct libscols_table *out = scols_new(to);
	size_t row, i;

	scols_table_enable_noheadings(out, style->noheadings);
	scols_table_enable_raw(out, style->raw);
	for (i = 0; i < tb->nr_order; i++) {
		const struct column *col = tb->columns + tb->order[i];

		scols_column(out, col->name, col->type != CELL_TEXT);
	}
	for (row = 0; row < tb->nr_rows; row++) {
		struct libscols_line *line = scols_table_new_line(out, NULL);

		must(line ? 0 : -ENOMEM);
		for (i = 0; i < tb->nr_order; i++)
			scols_fill(line, i, tb, row, tb->order[i], style);
	}
	must(scols_print_table(out));
	scols_unref_table(out);
}

static const char *const abbreviations[] = { "CPU", "ID", "NUMA" };

/* Return the length of an abbreviation at the start of a word, or 0. */
static size_t abbreviation(const char *word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(abbreviations); i++)
		if (!strncmp(word, abbreviations[i], strlen(abbreviations[i])))
			return strlen(abbreviations[i]);
	return 0;
}

/* Write "FREE-CPUS" as "Free CPUs:". */
static char *label(const char *name)
{
	char *text = xprintf("%s:", name);
	size_t i, keep = 1;

	for (i = 0; text[i]; i++) {
		if ((!i || text[i - 1] == ' ') && abbreviation(text + i))
			keep = i + abbreviation(text + i);
		if (text[i] == '-')
			text[i] = ' ';
		else if (i >= keep)
			text[i] = ascii_lower(text[i]);
	}
	return text;
}

static void print_properties(const struct table *tb, const struct style *style,
			     FILE *to)
{
	struct libscols_table *out = scols_new(to);
	size_t i;

	scols_table_enable_noheadings(out, 1);
	scols_column(out, "PROPERTY", false);
	scols_column(out, "VALUE", false);
	for (i = 0; i < tb->nr_order; i++) {
		struct libscols_line *line = scols_table_new_line(out, NULL);
		size_t col = tb->order[i];

		must(line ? 0 : -ENOMEM);
		must(scols_line_refer_data(line, 0,
					   label(tb->columns[col].name)));
		scols_fill(line, 1, tb, 0, col, style);
	}
	must(scols_print_table(out));
	scols_unref_table(out);
}

static void print_text(const struct table *tb, const struct style *style,
		       FILE *to)
{
	size_t i;

	if (tb->record)
		print_properties(tb, style, to);
	else if (tb->nr_rows)
		print_rows(tb, style, to);
	else if (isatty(fileno(to)))
		fprintf(to, "no %s\n", tb->name);
	for (i = 0; i < tb->nr_children; i++) {
		if (!tb->children[i]->nr_rows)
			continue;
		fputc('\n', to);
		print_text(tb->children[i], style, to);
	}
}

/* JSON */

/* Return the length of a valid UTF-8 sequence, or 0. */
static int utf8_length(const unsigned char *s)
{
	int len = *s < 0x80 ? 1 : *s >= 0xc2 && *s < 0xe0 ? 2 :
		  *s >= 0xe0 && *s < 0xf0 ? 3 :
		  *s >= 0xf0 && *s < 0xf5 ? 4 : 0;
	int i;

	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

/* Convert any bytes, as in a program name, to valid UTF-8 for JSON. */
static struct json_object *json_text(const char *text)
{
	char *copy = xstrdup(text);
	struct json_object *json;
	size_t i = 0;

	while (copy[i]) {
		int len = utf8_length((unsigned char *)copy + i);

		if (!len)
			copy[i] = '?';
		i += len ? len : 1;
	}
	json = json_object_new_string(copy);
	free(copy);
	return json;
}

/*
 * json-c escapes what JSON requires. Also escape DEL and U+0080 to U+009F, which control
 * a terminal.
 */
static void put_json(const char *text, FILE *to)
{
	for (; *text; text++) {
		if (*text == 0x7f)
			fputs("\\u007f", to);
		else if (*text == '\xc2' && (text[1] & 0xe0) == 0x80)
			fprintf(to, "\\u%04x", (unsigned char)*++text);
		else
			fputc(*text, to);
	}
	fputc('\n', to);
}

static struct json_object *json_tenths(__u64 tenths)
{
	char *text = tenths_text(tenths);
	struct json_object *json = json_object_new_double_s(tenths / 10.0, text);

	free(text);
	return json;
}

static struct json_object *json_cell(const struct cell *cell,
				     enum cell_type type)
{
	if (!cell->set)
		return NULL;
	if (type == CELL_TEXT)
		return json_text(cell->text);
	if (type == CELL_BOOL)
		return json_object_new_boolean(cell->number);
	if (type == CELL_TENTHS)
		return json_tenths(cell->number);
	return json_object_new_uint64(cell->number);
}

/* Return the JSON key for a heading: "NUMA-NODES" is numa_nodes, "BUSY%" busy_percent. */
static void json_key(const char *name, char *key, size_t room)
{
	size_t i, len = 0;

	for (i = 0; name[i] && len < room - 1; i++) {
		if (name[i] == '%' || name[i] == '/')
			len += snprintf(key + len, room - len, "_%s",
					name[i] == '%' ? "percent" : "per_");
		else
			key[len++] = name[i] == '-' ? '_' :
				     ascii_lower(name[i]);
	}
	key[len < room ? len : room - 1] = '\0';
}

static struct json_object *json_row(const struct table *tb, size_t row)
{
	struct json_object *json = json_object_new_object();
	size_t i, nr = tb->chosen ? tb->nr_order : tb->nr_columns;
	char key[64];

	for (i = 0; i < nr; i++) {
		size_t col = tb->chosen ? tb->order[i] : i;

		json_key(tb->columns[col].name, key, sizeof(key));
		json_object_object_add(json, key,
				       json_cell(cell_at(tb, row, col),
						 tb->columns[col].type));
	}
	return json;
}

static void cell_from_json(struct table *tb, size_t column, struct json_object *json)
{
	switch (tb->columns[column].type) {
	case CELL_TEXT:
		table_text(tb, column, json_object_get_string(json));
		break;
	case CELL_TENTHS:
		table_number(tb, column, json_object_get_double(json) * 10 + 0.5);
		break;
	case CELL_BOOL:
		table_number(tb, column, json_object_get_boolean(json));
		break;
	default:
		table_number(tb, column, json_object_get_uint64(json));
	}
}

void table_json(struct table *tb, size_t column, struct json_object *row)
{
	struct json_object *json;
	char key[64];

	for (; column < tb->nr_columns; column++) {
		json_key(tb->columns[column].name, key, sizeof(key));
		if (json_object_object_get_ex(row, key, &json) && json)
			cell_from_json(tb, column, json);
	}
}

static struct json_object *json_table(const struct table *tb)
{
	struct json_object *json;
	size_t i;

	if (!tb->record) {
		json = json_object_new_array();
		for (i = 0; i < tb->nr_rows; i++)
			json_object_array_add(json, json_row(tb, i));
		return json;
	}
	json = json_row(tb, 0);
	for (i = 0; i < tb->nr_children; i++)
		json_object_object_add(json, tb->children[i]->name,
				       json_table(tb->children[i]));
	return json;
}

static void print_document(struct json_object *json, bool line, FILE *to)
{
	int spaces = line ? JSON_C_TO_STRING_PLAIN :
		     JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;

	put_json(json_object_to_json_string_ext(json, spaces |
						JSON_C_TO_STRING_NOSLASHESCAPE),
		 to);
}

void json_print(struct json_object *json, FILE *to)
{
	print_document(json, false, to);
}

static void print_json(const struct table *tb, const struct style *style,
		       FILE *to)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "version", json_object_new_int(JSON_VERSION));
	json_object_object_add(json, tb->name, json_table(tb));
	print_document(json, style->line, to);
	json_object_put(json);
}

void table_print(const struct table *tb, const struct style *style, FILE *to)
{
	if (style->json)
		print_json(tb, style, to);
	else
		print_text(tb, style, to);
}
