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
		if (!strncmp(line, "Invalid calls", 13))
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

static void check_text(const char *reason, const char *text)
{
	if (!expect(!*text || !strncmp(text, "Try ", 4)) ||
	    !expect(!*text || text[strlen(text) - 1] == '.') ||
	    !expect(!strpbrk(text, "{}")))
		printf("# after '%s': '%s'\n", reason, text);
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
		check_text(reason, text);
		advice_set_host(&(struct advice_host) {
			.root = true, .threads = true, .nodes = true,
		});
		advice_for(reason, "web", text, sizeof(text));
		check_text(reason, text);
		if (!expect(!strstr(text, "as root")))
			printf("# to root: %s\n", text);
		advice_set_host(&(struct advice_host) { 0 });
	}
	fclose(page);
	expect(nr > 60);
}

/* Nothing that the caller is, or that the host does not have. */
static void situations(void)
{
	static const struct {
		const char *reason;
		struct advice_host host;
		const char *text;
	} cases[] = {
		{ "only root may create, change or destroy pools", { 0 },
		  "Try as root, or with sudo." },
		{ "only root may create, change or destroy pools",
		  { .root = true },
		  "Try on the host, outside of this container." },
		{ "changing pools needs CAP_SYS_ADMIN in the initial user namespace",
		  { .root = true },
		  "Try on the host, outside of this container." },
		{ "task 3 (sh) is another user's, and that needs CAP_SYS_NICE",
		  { .root = true },
		  "Try a task of your own, or with CAP_SYS_NICE." },
		{ "/x: Permission denied", { .root = true },
		  "Try 'ls -l' and 'dmesg': a security module or a container may be why." },
		{ "4 CPUs asked, 2 can be had in whole cores", { 0 },
		  "Try fewer; 'vpoolctl host' shows what a pool can take." },
		{ "4 CPUs asked on node 0, 2 can be had there",
		  { .threads = true, .nodes = true },
		  "Try fewer, or another node, or --split-cores; 'vpoolctl host' shows what a pool can take."
		},
		{ "node 0 has 2G in all, 4G asked", { 0 },
		  "Try less; 'vpoolctl host' shows what there is." },
		{ "that would leave the host 0 CPUs, it keeps 1 (host_cpus_floor)",
		  { 0 },
		  "Try fewer CPUs: 'vpoolctl host' shows those that a pool can take." },
		{ "pages of 2097152 bytes are not supported, only of 16K and 32M",
		  { 0 }, "Try one of those with --page-size." },
		{ "interrupted: node 0 had 2M in free blocks, 4M asked", { 0 },
		  "Try again." },
	};
	char text[ADVICE_SIZE];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		advice_set_host(&cases[i].host);
		expect(advice_for(cases[i].reason, "web", text, sizeof(text)));
		expect_text(text, cases[i].text);
	}
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
		{ "advice is for who asks, and where", situations },
	};

	return tap_main(cases, ARRAY_SIZE(cases));
}
