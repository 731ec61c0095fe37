/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_TABLE_H
#define VPOOLCTL_TABLE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/command.h"

/**
 * enum cell_type - what the cells of a column are
 * @CELL_TEXT: text; as JSON a string
 * @CELL_NUMBER: a number, also as JSON
 * @CELL_SIZE: bytes, shown in IEC units; as JSON the number of bytes
 * @CELL_SECONDS: a time, shown as [D-]HH:MM:SS; as JSON the seconds
 * @CELL_TENTHS: tenths, shown with one digit behind the point, also in JSON
 * @CELL_BOOL: yes or no; as JSON true or false
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
 * enum visibility - where a column is shown without being asked for
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
 * struct column - one column of a table, or one line of a record
 * @name: in capitals; as JSON in small letters, BUSY% and ALLOCS/S as
 *	busy_percent and allocs_per_s
 * @type: what its cells are
 * @help: a few words about it
 * @show: where it is shown; JSON has all, unless -o chooses
 */
struct column {
	const char *name;
	enum cell_type type;
	const char *help;
	enum visibility show;
};

/**
 * struct style - how to print
 * @json: as JSON
 * @line: the JSON is on one line
 * @bytes: sizes in bytes
 * @noheadings: without a line of headings
 * @raw: one space between two columns, and none within
 */
struct style {
	bool json;
	bool line;
	bool bytes;
	bool noheadings;
	bool raw;
};

struct table;

/* A table of any number of rows; as JSON an array of objects. */
struct table *table_new(const char *name, const struct column *columns,
			size_t nr_columns);
/* One thing, a line for each of its properties; as JSON an object. */
struct table *record_new(const char *name, const struct column *columns,
			 size_t nr_columns);
void table_free(struct table *tb);

/* Print a table with a record: behind it, or as JSON as a member of it. */
void record_adopt(struct table *record, struct table *child);

/*
 * Choose columns: "NAME,FREE", or "+CLEAN" to add some to the usual ones. When
 * a name is wrong: -EINVAL, with a sentence in message.
 */
int table_choose(struct table *tb, const char *spec, char *message, size_t room);

/* Leave a column out of text; it stays in JSON. */
void table_hide(struct table *tb, size_t column);

/* Begin a row; the cells that are set from then on are in it. */
void table_row(struct table *tb);
void table_text(struct table *tb, size_t column, const char *text);
void table_number(struct table *tb, size_t column, __u64 number);

void table_print(const struct table *tb, const struct style *style, FILE *to);

/* Options that commands with a table share. */
#define OPTION_JSON \
	{ .name = "json", .letter = 'J', \
	  .help = "print JSON: all columns, sizes in bytes" }
#define OPTION_BYTES \
	{ .name = "bytes", .letter = 'b', .help = "print sizes in bytes" }
#define OPTION_NOHEADINGS \
	{ .name = "noheadings", .help = "print no line of headings" }
#define OPTION_RAW \
	{ .name = "raw", \
	  .help = "one space between columns, and those within escaped as \\x20" }
#define OPTION_COLUMNS \
	{ .name = "output", .letter = 'o', .arg = "COLUMNS", \
	  .complete = COMPLETE_COLUMNS, \
	  .help = "which columns to print, as in NAME,FREE;\n" \
		  "with a + in front, besides the usual ones" }

#endif /* VPOOLCTL_TABLE_H */
