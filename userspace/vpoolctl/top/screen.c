// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl top on a terminal, with ncurses: a line about the host, a line for messages,
 * and the table of pools.
 */
#define _GNU_SOURCE
#include <ncurses.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/code.h"
#include "base/exit.h"
#include "base/macros.h"
#include "output/messages.h"
#include "output/table.h"
#include "output/units.h"
#include "top/screen.h"
#include "top/view.h"

/* Number of lines above the table. */
#define HEAD 2

/* Minimum time to show a message, in milliseconds. */
#define MESSAGE_MS 4000

#define KEYS "q quit  M memory  P busy  N name  < > column  R reverse  " \
	"b bytes  d delay  space now"

/* Result of a key. */
enum outcome {
	REFRESH,
	DRAW_AGAIN,
	QUIT,
};

static void draw_host(const struct top *top)
{
	char line[256], clock[16] = "";
	time_t now = time(NULL);
	struct tm tm;
	int at;
	__u64 busy;

	if (localtime_r(&now, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	at = snprintf(line, sizeof(line), "vpoolctl top - %s, %zu pool%s",
		      clock, top->now.nr_pools,
		      top->now.nr_pools == 1 ? "" : "s");
	if (!top_host_busy(top, &busy))
		at += snprintf(line + at, sizeof(line) - at,
			       ", host %llu.%llu%% busy", busy / 10, busy % 10);
	snprintf(line + at, sizeof(line) - at, ", sorted by %s%s",
		 top_columns[top->sort].name, top->reverse ? ", reversed" : "");
	mvaddnstr(0, 0, line, COLS);
}

static char *print_table(const struct top *top, const struct table *tb)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to) {
		table_print(tb, &top->style, to);
		fclose(to);
	}
	return text;
}

/* Return the length of the longest line. */
static size_t width(const char *text)
{
	size_t most = 0, len;

	for (; text && *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (len > most)
			most = len;
	}
	return most;
}

/* Columns to leave out on a narrow terminal, in this order. */
static const int spare[] = {
	TOP_SCRUBBING, TOP_REGIONS, TOP_MEMBERS, TOP_STATE, TOP_SCRUBBED,
	TOP_TOTAL, TOP_ALLOCS, TOP_FAULTS, TOP_CPUS,
};

/* Format the table as for --batch, without the columns that do not fit. */
static char *fit_table(const struct top *top)
{
	struct table *tb = top_table(top);
	char *text = print_table(top, tb);
	size_t i;

	for (i = 0; !top->spec && i < ARRAY_SIZE(spare); i++) {
		if (width(text) <= (size_t)COLS)
			break;
		table_hide(tb, spare[i]);
		free(text);
		text = print_table(top, tb);
	}
	table_free(tb);
	return text;
}

/* Draw the table line by line. */
static void draw_table(const struct top *top)
{
	char *text = fit_table(top), *next, *line;
	int y = HEAD;

	next = text;
	while (next && y < LINES && (line = strsep(&next, "\n"))) {
		bool heading = y == HEAD && !top->style.noheadings &&
			       top->now.nr_pools;

		if (heading)
			attron(A_REVERSE);
		mvaddnstr(y, 0, line, COLS);
		if (heading)
			attroff(A_REVERSE);
		y++;
	}
	free(text);
}

static void draw(const struct top *top, const char *message)
{
	erase();
	draw_host(top);
	mvaddnstr(1, 0, message ? message : KEYS, COLS);
	draw_table(top);
	refresh();
}

/* Read a line from the user, in the line for messages. */
static void ask(const char *question, char *answer, int room)
{
	move(1, 0);
	clrtoeol();
	addstr(question);
	echo();
	timeout(-1);
	if (getnstr(answer, room - 1) == ERR)
		*answer = '\0';
	noecho();
}

static const char *ask_delay(struct top *top)
{
	char answer[32] = "";
	__u32 ms;

	ask("seconds between two refreshes: ", answer, sizeof(answer));
	if (!*answer)
		return NULL;
	if (parse_seconds(answer, &ms) || ms < 100)
		return "not a time of 0.1 seconds or more";
	top->ms = ms;
	return NULL;
}

static void sort_beside(struct top *top, int by)
{
	size_t to = top->sort + by;

	/* An index before the first column is a large unsigned number. */
	if (to < NR_TOP_COLUMNS)
		top->sort = to;
}

static enum outcome press(struct top *top, int key, const char **message)
{
	*message = NULL;
	switch (key) {
	case 'q':
		return QUIT;
	case ' ':
	case '\n':
	case ERR:
		return REFRESH;
	case 'M':
		top->sort = TOP_USED;
		break;
	case 'P':
		top->sort = TOP_BUSY;
		break;
	case 'N':
		top->sort = TOP_NAME;
		break;
	case '<':
		sort_beside(top, -1);
		break;
	case '>':
		sort_beside(top, 1);
		break;
	case 'R':
		top->reverse = !top->reverse;
		break;
	case 'b':
		top->style.bytes = !top->style.bytes;
		break;
	case 'd':
	case 's':
		*message = ask_delay(top);
		break;
	case 'h':
	case '?':
	case KEY_RESIZE:
		break;
	default:
		*message = "no such key: h shows the keys";
	}
	return DRAW_AGAIN;
}

/* Tell whether the terminal has hung up. If it has, every read of a key returns at once. */
static bool hung_up(void)
{
	struct pollfd poll_fd = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&poll_fd, 1, 0) > 0 &&
	       poll_fd.revents & (POLLHUP | POLLERR | POLLNVAL);
}

/* Show one sample until the delay has passed or a key ends it. */
static enum outcome show(struct top *top)
{
	__u64 end = now_ms() + top->ms, now = now_ms();
	enum outcome outcome = DRAW_AGAIN;
	const char *message = NULL;
	int key;

	while (outcome == DRAW_AGAIN) {
		draw(top, message);
		timeout(end > now ? end - now : 0);
		key = getch();
		if (key == ERR && hung_up())
			return QUIT;
		outcome = press(top, key, &message);
		now = now_ms();
		/* Show a message long enough to read it. */
		if (message && end < now + MESSAGE_MS)
			end = now + MESSAGE_MS;
	}
	return outcome;
}

int top_screen(struct top *top)
{
	SCREEN *screen;
	int err;

	err = top_sample(top);
	if (err)
		return handle_error(top->inv, NULL, top->vp, err);
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		cmd_error(top->inv, NULL, TOOL_TERMINAL,
			  "ncurses does not support this terminal (TERM): use --batch");
		return EXIT_FAILED;
	}
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	while (!err && show(top) != QUIT && (!top->views || --top->views))
		err = top_sample(top);
	endwin();
	delscreen(screen);
	return err ? handle_error(top->inv, NULL, top->vp, err) : EXIT_OK;
}
