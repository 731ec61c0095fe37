// SPDX-License-Identifier: GPL-2.0-only
/*
 * There is something to try after each reason that the troubleshooting page has,
 * but for those of calls that vpoolctl does not make wrongly.
 */
#include <stdlib.h>

#include "advice.h"
#include "tap.h"

/* "``cpu ... is ...``" as the kernel would fill it in; false if it is none. */
static bool next_reason(FILE *page, char *reason, size_t room)
{
	char line[512], *from, *end;
	size_t len = 0;

	while (fgets(line, sizeof(line), page)) {
		if (!strncmp(line, "Calls that are made wrongly", 27))
			return false;
		from = !strncmp(line, "| ", 2) ? line + 2 : line;
		end = strstr(from + 2, "``\n");
		if (strncmp(from, "``", 2) || !end)
			continue;
		*end = '\0';
		for (from += 2; *from && len < room - 1;) {
			reason[len++] = strncmp(from, "...", 3) ? *from : '3';
			from += strncmp(from, "...", 3) ? 1 : 3;
		}
		reason[len] = '\0';
		return true;
	}
	return false;
}

static void all_reasons(void)
{
	const char *path = getenv("TROUBLESHOOTING");
	FILE *page = path ? fopen(path, "re") : NULL;
	char reason[512], text[ADVICE_SIZE];
	unsigned int nr = 0;

	if (!expect(page))
		return;
	while (next_reason(page, reason, sizeof(reason))) {
		nr++;
		if (!expect(advice_for(reason, "web", text, sizeof(text))))
			printf("# nothing to try after '%s'\n", reason);
		if (!expect(!*text || !strncmp(text, "Try ", 4)) ||
		    !expect(!*text || text[strlen(text) - 1] == '.'))
			printf("# after '%s': '%s'\n", reason, text);
	}
	fclose(page);
	expect(nr > 60);
}

static void names(void)
{
	char text[ADVICE_SIZE];

	expect(advice_for("pool 'web' has 2M free, 4M asked", "vm", text,
			  sizeof(text)));
	expect_text(text, "Try 'vpoolctl regions web' for who has the rest, or resize it.");
	expect(advice_for("it has less than --mem takes away", "db", text,
			  sizeof(text)));
	expect_text(text, "Try 'vpoolctl show db' for what it has.");
	expect(advice_for("the vpool module is not loaded: run ...", NULL, text,
			  sizeof(text)));
	expect_text(text, "");
	expect(advice_for("web.conf:3:14: this host has no node 7", NULL, text,
			  sizeof(text)));
	expect_text(text, "Try 'vpoolctl host' for the nodes that there are.");
	expect(!advice_for("xyzzy", NULL, text, sizeof(text)));
	expect(advice_for("pool 'a' is being created", NULL, text, 8));
	expect_text(text, "Try aga");
}

int main(void)
{
	static const struct tap_case cases[] = {
		{ "each reason has something to try", all_reasons },
		{ "pools are filled in", names },
	};

	return tap_main(cases, ARRAY_SIZE(cases));
}
