// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hints and names of failure codes.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include <libvpool.h>

#include "base/code.h"
#include "base/macros.h"
#include "output/hint.h"
#include "tap.h"

/* The headers that define codes, below the top directory, and the codes' prefixes. */
static const struct {
	const char *file;
	const char *prefix;
	const char *name;
} enums[] = {
	{ "include/uapi/linux/vpool.h", "VPOOL_CODE_", "" },
	{ "userspace/libvpool/libvpool.h", "VPOOL_LIB_", "lib_" },
	{ "userspace/vpoolctl/base/code.h", "TOOL_", "" },
};

/* The text of a file below the top directory, for free(3). */
static char *source(const char *file)
{
	const char *top = getenv("SOURCE");
	char path[4096], *text = NULL;
	size_t len = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", top ? top : ".", file);
	in = fopen(path, "re");
	if (!expect(in) || getdelim(&text, &len, '\0', in) < 0)
		printf("# %s cannot be read\n", path);
	if (in)
		fclose(in);
	return text ? text : strdup("");
}

/* Call @check with each "PREFIX_NAME = NUMBER," of an enum. Return how many there are. */
static unsigned int each_code(size_t nr, void (*check)(const char *symbol, int code))
{
	char *text = source(enums[nr].file), *line, *save, symbol[64];
	unsigned int found = 0;
	int code;

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "\t%63[A-Z0-9_] = %d,", symbol, &code) != 2 ||
		    strncmp(symbol, enums[nr].prefix, strlen(enums[nr].prefix)))
			continue;
		check(symbol, code);
		found++;
	}
	free(text);
	return found;
}

static void check_name(const char *symbol, int code)
{
	char name[80] = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(enums); i++)
		if (!strncmp(symbol, enums[i].prefix, strlen(enums[i].prefix)))
			snprintf(name, sizeof(name), "%s%s", enums[i].name,
				 symbol + strlen(enums[i].prefix));
	for (i = 0; name[i]; i++)
		name[i] = tolower((unsigned char)name[i]);
	expect_text(code_name(code), name);
}

static void check_hint(const char *symbol, int code)
{
	static const struct hint_host hosts[] = {
		{ 0 },
		{ true, true, true, true, true },
	};
	char text[HINT_SIZE];
	size_t i;

	if (!expect(hint_has(code)))
		printf("# no entry for %s\n", symbol);
	for (i = 0; i < ARRAY_SIZE(hosts); i++) {
		hint_set_host(hosts + i);
		hint_for(code, "", "web", text, sizeof(text));
		if (!expect(!*text || isupper((unsigned char)*text)) ||
		    !expect(!*text || text[strlen(text) - 1] == '.') ||
		    !expect(!strpbrk(text, "{}")))
			printf("# after %s: '%s'\n", symbol, text);
		if (!expect(!hosts[i].root || !strstr(text, "as root")))
			printf("# to root: %s\n", text);
	}
}

static void all_names(void)
{
	expect(each_code(0, check_name) > 80);
	expect(each_code(1, check_name) > 10);
	expect(each_code(2, check_name) > 40);
	expect_text(code_name(-1), "unknown");
	expect_text(code_name(NR_TOOL_END), "unknown");
}

static void all_hints(void)
{
	expect(each_code(0, check_hint) > 80);
	expect(each_code(1, check_hint) > 10);
	expect(each_code(2, check_hint) > 40);
	expect(!hint_has(-1));
}

static char *page;

static void check_page(const char *symbol, int code)
{
	char term[80];

	snprintf(term, sizeof(term), "``%s``", symbol);
	if (code != VPOOL_CODE_NONE && !expect(strstr(page, term)))
		printf("# troubleshooting.rst does not explain %s\n", symbol);
}

static void all_explained(void)
{
	page = source("Documentation/troubleshooting.rst");
	if (strstr(page, "Code: ``")) {
		each_code(0, check_page);
		each_code(1, check_page);
	}
	free(page);
}

static void situations(void)
{
	static const struct {
		int code;
		struct hint_host host;
		const char *text;
	} cases[] = {
		{ VPOOL_LIB_CONTROL_DENIED, { 0 },
		  "Try as root, or with sudo." },
		{ VPOOL_LIB_CONTROL_DENIED, { .root = true },
		  "Try on the host, outside of this container." },
		{ VPOOL_CODE_NOT_PERMITTED, { .root = true },
		  "Try on the host, outside of this container." },
		{ VPOOL_CODE_TASK_FOREIGN, { .root = true },
		  "Try one of your own tasks, or with CAP_SYS_NICE." },
		{ TOOL_FILE_DENIED, { .root = true },
		  "Try 'ls -l' and 'dmesg': a security module or a container may deny it." },
		{ VPOOL_CODE_CPUS_SHORT, { 0 },
		  "Try fewer CPUs; 'vpoolctl host' shows what a pool can take." },
		{ VPOOL_CODE_CPUS_SHORT, { .threads = true, .nodes = true },
		  "Try fewer CPUs, or another node, or --split-cores; 'vpoolctl host' shows what a pool can take."
		},
		{ VPOOL_CODE_MEM_NODE_SHORT, { 0 },
		  "Try less memory; 'vpoolctl host' shows the poolable memory." },
		{ VPOOL_CODE_CPUS_FLOOR, { 0 },
		  "Try fewer CPUs; 'vpoolctl host' shows what a pool can take." },
		{ VPOOL_CODE_CPUS_FLOOR, { .cpus_floor = true },
		  "Try fewer CPUs, or write less to /sys/module/vpool/parameters/host_cpus_floor; 'vpoolctl host' shows what a pool can take."
		},
		{ VPOOL_CODE_MEM_FLOOR, { 0 },
		  "Try less memory; 'vpoolctl host' shows what a pool can take." },
		{ VPOOL_CODE_PAGE_SIZE_UNSUPPORTED, { 0 },
		  "Try --page-size with one of the sizes in the message." },
		{ VPOOL_CODE_INTERRUPTED, { 0 }, "Try again." },
	};
	char text[HINT_SIZE];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		hint_set_host(&cases[i].host);
		expect(hint_for(cases[i].code, "", "web", text, sizeof(text)));
		expect_text(text, cases[i].text);
	}
}

static void pools(void)
{
	char text[HINT_SIZE];

	expect(hint_for(VPOOL_CODE_POOL_SHORT, "pool 'web' has 2M free", "vm",
			text, sizeof(text)));
	expect_text(text,
		    "Try 'vpoolctl regions web' to see who uses the memory, or resize the pool.");
	expect(hint_for(TOOL_SHRINK_TOO_FAR, "it has less", "db", text,
			sizeof(text)));
	expect_text(text, "Try 'vpoolctl show db' for its memory.");
	expect(hint_for(VPOOL_LIB_NO_MODULE, "", NULL, text, sizeof(text)));
	expect_text(text, "");
	expect(!hint_for(TOOL_SYSTEM, "xyzzy", NULL, text, sizeof(text)));
	expect(!hint_for(0, "a module without codes", NULL, text, sizeof(text)));
	expect(hint_for(VPOOL_CODE_POOL_TRANSIENT, "", NULL, text, 8));
	expect_text(text, "Try aga");
}

int main(void)
{
	static const struct tap_case cases[] = {
		{ "each code has its name", all_names },
		{ "each code has a hint, or says that there is none", all_hints },
		{ "the troubleshooting page explains each code", all_explained },
		{ "a hint names the pool of the message, or the subject", pools },
		{ "a hint depends on the caller and the host", situations },
	};

	return tap_main(cases, ARRAY_SIZE(cases));
}
