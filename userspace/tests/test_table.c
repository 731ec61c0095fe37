// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables as text and JSON, suggestions for misspelt names, lines of /proc.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/suggest.h"
#include "host/proc.h"
#include "output/printable.h"
#include "output/table.h"
#include "tap.h"

enum {
	COL_NAME,
	COL_FREE,
	COL_TIME,
	COL_MORE,
};

static const struct column columns[] = {
	[COL_NAME] = { "NAME", CELL_TEXT, "" },
	[COL_FREE] = { "FREE-BYTES", CELL_SIZE, "" },
	[COL_TIME] = { "TIME", CELL_SECONDS, "" },
	[COL_MORE] = { "MORE", CELL_BOOL, "", SHOW_NEVER },
};

static struct table *sample(void)
{
	struct table *tb = table_new("things", columns, ARRAY_SIZE(columns));

	table_row(tb);
	table_text(tb, COL_NAME, "web");
	table_number(tb, COL_FREE, 4ULL << 30);
	table_number(tb, COL_TIME, 93784);
	table_number(tb, COL_MORE, 1);
	table_row(tb);
	table_text(tb, COL_NAME, "a \"b\"\n\xff\xc3\xa4");
	return tb;
}

static char *print(const struct table *tb, struct style style)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	table_print(tb, &style, to);
	fclose(to);
	return text;
}

static void as_text(void)
{
	struct table *tb = table_new("things", columns, ARRAY_SIZE(columns));
	char *text;

	table_row(tb);
	table_text(tb, COL_NAME, "web");
	table_number(tb, COL_FREE, 4ULL << 30);
	table_number(tb, COL_TIME, 93784);
	text = print(tb, (struct style) { 0 });
	expect_text(text,
		    "NAME FREE-BYTES       TIME\n"
		    "web          4G 1-02:03:04\n");
	free(text);
	text = print(tb, (struct style) { .bytes = true, .noheadings = true });
	expect_text(text, "web  4294967296 1-02:03:04\n");
	free(text);
	table_free(tb);
}

static void unset_cells(void)
{
	struct table *tb = table_new("things", columns, ARRAY_SIZE(columns));
	char *text;

	table_row(tb);
	text = print(tb, (struct style) { .noheadings = true });
	expect_text(text, "-             -    -\n");
	free(text);
	table_free(tb);
}

static const char *member(struct json_object *row, const char *key)
{
	return json_object_get_string(json_object_object_get(row, key));
}

static void as_json(void)
{
	struct table *tb = sample();
	char *text = print(tb, (struct style) { .json = true });
	struct json_object *all = json_tokener_parse(text), *rows, *row;

	if (expect(all && json_object_object_get_ex(all, "things", &rows)) &&
	    expect(json_object_array_length(rows) == 2)) {
		row = json_object_array_get_idx(rows, 0);
		expect_text(member(row, "name"), "web");
		expect_text(member(row, "free_bytes"), "4294967296");
		expect_text(member(row, "time"), "93784");
		expect_text(member(row, "more"), "true");
		row = json_object_array_get_idx(rows, 1);
		expect_text(member(row, "name"), "a \"b\"\n?\xc3\xa4");
		expect(!member(row, "free_bytes"));
	}
	json_object_put(all);
	free(text);
	table_free(tb);
}

/* Control characters are escaped in text, and unchanged for readers of JSON. */
static void escapes(void)
{
	static const char name[] = "a\033[31m\177\302\233b\nc";
	struct table *tb = table_new("things", columns, ARRAY_SIZE(columns));
	struct style styles[] = {
		{ 0 }, { .raw = true }, { .json = true },
	};
	struct json_object *all, *rows;
	char *text, *at;
	size_t i;

	table_row(tb);
	table_text(tb, COL_NAME, name);
	for (i = 0; i < ARRAY_SIZE(styles); i++) {
		text = print(tb, styles[i]);
		for (at = text; *at; at++)
			expect((*at >= ' ' && *at < 127) || *at == '\n');
		if (i == 2) {
			all = json_tokener_parse(text);
			if (expect(all) &&
			    json_object_object_get_ex(all, "things", &rows))
				expect_text(member(json_object_array_get_idx(rows, 0),
						   "name"), name);
			json_object_put(all);
		}
		free(text);
	}
	table_free(tb);
	text = printable(name);
	expect_text(text, "a\\x1b[31m\\x7f\\xc2\\x9bb\\x0ac");
	free(text);
}

static void empty_json(void)
{
	struct table *tb = table_new("things", columns, ARRAY_SIZE(columns));
	char *text = print(tb, (struct style) { .json = true });
	struct json_object *all = json_tokener_parse(text), *rows;

	if (expect(all && json_object_object_get_ex(all, "things", &rows)))
		expect(json_object_array_length(rows) == 0);
	json_object_put(all);
	free(text);
	table_free(tb);
}

static void records(void)
{
	struct table *record = record_new("thing", columns,
					  ARRAY_SIZE(columns));
	struct json_object *all, *thing, *rows;
	char *text;

	table_text(record, COL_NAME, "web");
	table_number(record, COL_FREE, 1024);
	record_adopt(record, sample());
	text = print(record, (struct style) { .json = true });
	all = json_tokener_parse(text);
	if (expect(all && json_object_object_get_ex(all, "thing", &thing))) {
		expect(json_object_object_get_ex(thing, "name", NULL));
		expect(json_object_object_get_ex(thing, "things", &rows) &&
		       json_object_array_length(rows) == 2);
	}
	json_object_put(all);
	free(text);
	text = print(record, (struct style) { 0 });
	expect(strstr(text, "Name:       web\nFree bytes: 1K\n") == text);
	expect(strstr(text, "\n\nNAME"));
	free(text);
	table_free(record);
}

static void choice(void)
{
	struct table *tb = sample();
	char *text, message[128];

	expect(!table_choose(tb, "more,NAME", message, sizeof(message)));
	text = print(tb, (struct style) { 0 });
	expect(!strncmp(text, "MORE NAME\n", 10));
	free(text);
	text = print(tb, (struct style) { .json = true });
	expect(!strstr(text, "free_bytes"));
	free(text);
	expect(!table_choose(tb, "+TIME", message, sizeof(message)));
	text = print(tb, (struct style) { 0 });
	expect(strstr(text, "MORE NAME") && strstr(text, "TIME"));
	free(text);
	expect(table_choose(tb, "NAM", message, sizeof(message)) == -EINVAL);
	expect_text(message, "no column 'NAM': did you mean 'NAME'?");
	expect(table_choose(tb, "", message, sizeof(message)) == -EINVAL);
	table_free(tb);
}

static void misspelt(void)
{
	static const char *const verbs[] = {
		"host", "create", "list", "show", "destroy", "regions",
	};

	expect_text(nearest("crate", verbs, ARRAY_SIZE(verbs)), "create");
	expect_text(nearest("lsit", verbs, ARRAY_SIZE(verbs)), "list");
	expect_text(nearest("dest", verbs, ARRAY_SIZE(verbs)), "destroy");
	expect_text(nearest("regoin", verbs, ARRAY_SIZE(verbs)), "regions");
	expect(!nearest("xyzzy", verbs, ARRAY_SIZE(verbs)));
	expect(!nearest("q", verbs, ARRAY_SIZE(verbs)));
	expect(!nearest("", verbs, ARRAY_SIZE(verbs)));
	expect(!nearest("a-very-long-word-that-is-not-a-verb-at-all", verbs,
			ARRAY_SIZE(verbs)));
}

/* The line of a task with parentheses in its name. */
static const char stat_head[] =
	"42 (a) R (b) S 1 42 42 0 -1 4194560 1 2 3 4 150 60 7 8 20 0 1 0 99";
static const char stat_tail[] =
	"4096 5 18446744073709551615 1 1 0 0 0 0 1 4096 1260 0 0 0 17 3 0 0 0";

static void stat_lines(void)
{
	struct task task;
	char line[256];

	snprintf(line, sizeof(line), "%s %s\n", stat_head, stat_tail);
	expect(!parse_stat(line, 100, &task));
	expect_text(task.comm, "a) R (b");
	expect(task.cpu == 3);
	expect(task.seconds == 2);
	expect(parse_stat(stat_head, 100, &task));
	expect(parse_stat("42 (short) S 1 2", 100, &task));
	expect(parse_stat("", 100, &task));
	expect(parse_stat(")(", 100, &task));
}

static const struct tap_case cases[] = {
	{ "a table is printed as text", as_text },
	{ "unset cells are printed as dashes", unset_cells },
	{ "a table is printed as JSON", as_json },
	{ "control characters in names are escaped", escapes },
	{ "a table without rows is an empty array", empty_json },
	{ "a record is printed with its tables", records },
	{ "columns are selected", choice },
	{ "the closest name is suggested, and none if all differ much", misspelt },
	{ "lines of /proc/TID/stat are parsed", stat_lines },
};

int main(void)
{
	return tap_main(cases, ARRAY_SIZE(cases));
}
