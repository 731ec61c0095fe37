/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_TABLE_H
#define VPOOLCTL_TABLE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/command.h"

/**
 * enum cell_type - type of the cells of a column
 * @CELL_TEXT: text; a string in JSON
 * @CELL_NUMBER: an integer, also in JSON
 * @CELL_SIZE: bytes, printed in IEC units; the number of bytes in JSON
 * @CELL_SECONDS: seconds, printed as [D-]HH:MM:SS; the number of seconds in JSON
 * @CELL_TENTHS: tenths, printed with one decimal, also in JSON
 * @CELL_BOOL: yes or no; true or false in JSON
 */
enum cell_type {
	CELL_TEXT,
	CELL_NUMBER,
	CELL_SIZE,
	CELL_SECONDS,
	CELL_TENTHS,
	CELL_BOOL,
};

/**
 * enum visibility - where a column appears by default
 * @SHOW_ALWAYS: everywhere
 * @SHOW_DETAIL: in records; in tables only with -o
 * @SHOW_NEVER: only with -o, and in JSON
 */
enum visibility {
	SHOW_ALWAYS,
	SHOW_DETAIL,
	SHOW_NEVER,
};

/**
 * struct column - a column of a table, or a line of a record
 * @name: heading in capitals; in JSON in lower case, with busy_percent for BUSY% and
 *	allocs_per_s for ALLOCS/S
 * @type: type of its cells
 * @help: short description
 * @show: where it appears; JSON has all columns unless -o selects some
 */
struct column {
	const char *name;
	enum cell_type type;
	const char *help;
	enum visibility show;
};

/* The version of the JSON output. It changes only if a key changes its meaning or goes. */
#define JSON_VERSION 1

/**
 * struct style - how to print a table
 * @json: print JSON
 * @line: print JSON on one line
 * @bytes: print sizes in bytes
 * @noheadings: print no headings
 * @raw: separate columns by one space and escape spaces in cells
 */
struct style {
	bool json;
	bool line;
	bool bytes;
	bool noheadings;
	bool raw;
};

struct json_object;
struct table;

/* Create a table of any number of rows; an array of objects in JSON. */
struct table *table_new(const char *name, const struct column *columns,
			size_t nr_columns);
/* Create a record: one line per property; an object in JSON. */
struct table *record_new(const char *name, const struct column *columns,
			 size_t nr_columns);
void table_free(struct table *tb);

/* Print @child after @record; in JSON as a member of it. @record owns @child then. */
void record_adopt(struct table *record, struct table *child);

/*
 * Select columns: "NAME,FREE", or "+CLEAN" to add to the default ones. Return 0, or -EINVAL
 * with @message set if a name is unknown.
 */
int table_choose(struct table *tb, const char *spec, char *message, size_t room);

/* Name a table, in JSON. The caller keeps @name for as long as the table. */
void table_name(struct table *tb, const char *name);

/* Hide a column in text. It stays in JSON. */
void table_hide(struct table *tb, size_t column);

/* Start a row, to which the cells set from now on belong. */
void table_row(struct table *tb);
void table_text(struct table *tb, size_t column, const char *text);
void table_number(struct table *tb, size_t column, __u64 number);
/* Fill the columns from @column on from a row that table_print() has printed as JSON. */
void table_json(struct table *tb, size_t column, struct json_object *row);

void table_print(const struct table *tb, const struct style *style, FILE *to);
/* Print a document as table_print() prints JSON. */
void json_print(struct json_object *json, FILE *to);

/* Options of commands that print a table. */
#define OPTION_JSON \
	{ .name = "json", .letter = 'J', \
	  .help = "print JSON: all columns, with sizes in bytes" }
#define OPTION_BYTES \
	{ .name = "bytes", .letter = 'b', .help = "print sizes in bytes" }
#define OPTION_NOHEADINGS \
	{ .name = "noheadings", .help = "do not print headings" }
#define OPTION_RAW \
	{ .name = "raw", \
	  .help = "separate columns by one space, and print a space in a cell as \\x20" }
#define OPTION_COLUMNS \
	{ .name = "output", .letter = 'o', .arg = "COLUMNS", \
	  .complete = COMPLETE_COLUMNS, \
	  .help = "columns to print, as in NAME,FREE; a + in front\n" \
		  "adds them to the default columns" }

#endif /* VPOOLCTL_TABLE_H */
