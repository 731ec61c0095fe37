// SPDX-License-Identifier: GPL-2.0-only
/*
 * What import has found on a host, and access to the files of that host.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/exit.h"
#include "base/files.h"
#include "host/cpumask.h"
#include "import/findings.h"
#include "output/messages.h"

#define DEFAULT_PAGE_SIZE (2ULL << 20)

static void lines_free(struct lines *lines)
{
	names_free(lines->text, lines->nr);
}

void findings_free(struct findings *all)
{
	size_t i;

	for (i = 0; i < all->nr_claims; i++) {
		struct claim *claim = all->claims + i;

		free(claim->name);
		free(claim->what);
		free(claim->mem);
		free(claim->mount);
		vpool_cpus_free(&claim->cpus);
	}
	free(all->claims);
	vpool_cpus_free(&all->online);
	vpool_cpus_free(&all->isolated);
	lines_free(&all->found);
	lines_free(&all->steps);
}

static char *format(const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0)
		text = xstrdup(fmt);
	return text;
}

void add_line(struct lines *lines, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	lines->text = xrealloc(lines->text, (lines->nr + 1) * sizeof(*lines->text));
	lines->text[lines->nr++] = format(fmt, args);
	va_end(args);
}

void host_mistake(struct findings *all, const char *path, const char *fmt, ...)
{
	char *text, *line;
	va_list args;

	va_start(args, fmt);
	text = format(fmt, args);
	va_end(args);
	line = xprintf("%s%s: %s", all->root, path, text);
	report_error(TOOL_IMPORT, line);
	free(line);
	free(text);
	all->failed = true;
}

/* A file or directory that does not exist says that the host does not have something. */
static void check_errno(struct findings *all, const char *path)
{
	if (errno != ENOENT && errno != ENOTDIR)
		host_mistake(all, path, "%s", strerror(errno));
}

char *host_read(struct findings *all, const char *path)
{
	char *full = xprintf("%s%s", all->root, path), *text = read_text(full);

	if (!text)
		check_errno(all, path);
	free(full);
	return text;
}

void host_read_cpus(struct findings *all, const char *path, struct vpool_cpus *cpus)
{
	char *text = host_read(all, path);
	char reason[256] = "";

	*cpus = (struct vpool_cpus) { 0 };
	if (text)
		text[strcspn(text, "\n")] = '\0';
	if (text && *text && vpool_cpus_parse(text, cpus, reason, sizeof(reason)))
		host_mistake(all, path, "%s", reason);
	free(text);
}

static bool is_numbered(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	return !strncmp(name, prefix, len) && name[len] &&
	       !name[len + strspn(name + len, "0123456789")];
}

static int by_name(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

char **host_names(struct findings *all, const char *path, const char *prefix, size_t *nr)
{
	char *full = xprintf("%s%s", all->root, path), **names = NULL;
	DIR *dir = opendir(full);
	struct dirent *entry;

	*nr = 0;
	if (!dir)
		check_errno(all, path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    (prefix && !is_numbered(entry->d_name, prefix)))
			continue;
		names = xrealloc(names, (*nr + 1) * sizeof(*names));
		names[(*nr)++] = xstrdup(entry->d_name);
	}
	if (dir)
		closedir(dir);
	if (*nr)
		qsort(names, *nr, sizeof(*names), by_name);
	free(full);
	return names;
}

void names_free(char **names, size_t nr)
{
	while (nr)
		free(names[--nr]);
	free(names);
}

/* Make a valid name of any text, for free(3). */
static char *pool_name(const char *wish)
{
	char *name = xcalloc(1, VPOOL_NAME_SIZE);
	size_t len = 0;

	for (; *wish && len < VPOOL_NAME_SIZE - 1; wish++) {
		unsigned char c = tolower((unsigned char)*wish);

		if ((c >= 'a' && c <= 'z') || isdigit(c) ||
		    (len && strchr("._-", c)))
			name[len++] = c;
		else if (len && name[len - 1] != '-')
			name[len++] = '-';
	}
	while (len && name[len - 1] == '-')
		name[--len] = '\0';
	if (vpool_name_is_valid(name))
		return name;
	free(name);
	return xstrdup("pool");
}

static bool is_taken(const struct findings *all, const char *name)
{
	size_t i;

	for (i = 0; i < all->nr_claims; i++)
		if (!strcmp(all->claims[i].name, name))
			return true;
	return false;
}

struct claim *claim_new(struct findings *all, const char *wish, const char *what)
{
	char *first = pool_name(wish), *name = xstrdup(first);
	struct claim *claim;
	int i;

	for (i = 2; is_taken(all, name); i++) {
		free(name);
		/* The number has room in a name of any length. */
		name = xprintf("%.*s-%d", VPOOL_NAME_SIZE - 8, first, i);
	}
	free(first);
	all->claims = xrealloc(all->claims, (all->nr_claims + 1) * sizeof(*all->claims));
	claim = all->claims + all->nr_claims++;
	*claim = (struct claim) {
		.name = name, .what = xstrdup(what), .page_size = DEFAULT_PAGE_SIZE,
	};
	return claim;
}

struct claim *claim_of_domains(const struct findings *all)
{
	size_t i;

	for (i = 0; i < all->nr_claims; i++)
		if (all->claims[i].domains)
			return all->claims + i;
	return NULL;
}

/* Put all memory into one request for any node. */
static void forget_nodes(struct claim *claim)
{
	size_t i;

	for (i = 1; i < claim->nr_mem; i++)
		claim->mem[0].bytes += claim->mem[i].bytes;
	claim->nr_mem = 1;
	claim->mem[0].node = VPOOL_ANY_NODE;
}

void claim_add_mem(struct claim *claim, __s32 node, __u64 bytes)
{
	size_t i;

	if (claim->nr_mem && (node == VPOOL_ANY_NODE ||
			      claim->mem[0].node == VPOOL_ANY_NODE)) {
		forget_nodes(claim);
		claim->mem[0].bytes += bytes;
		return;
	}
	for (i = 0; i < claim->nr_mem && claim->mem[i].node < node; i++)
		;
	if (i < claim->nr_mem && claim->mem[i].node == node) {
		claim->mem[i].bytes += bytes;
		return;
	}
	claim->mem = xrealloc(claim->mem, (claim->nr_mem + 1) * sizeof(*claim->mem));
	memmove(claim->mem + i + 1, claim->mem + i,
		(claim->nr_mem++ - i) * sizeof(*claim->mem));
	claim->mem[i] = (struct vpool_mem) { .bytes = bytes, .node = node };
}

struct vpool_cpus claims_cpus(const struct findings *all)
{
	struct vpool_cpus cpus = { 0 };
	size_t i;

	for (i = 0; i < all->nr_claims; i++)
		cpus_add_all(&cpus, &all->claims[i].cpus);
	return cpus;
}

bool cpus_overlap(const struct vpool_cpus *a, const struct vpool_cpus *b)
{
	struct vpool_cpus both;
	bool overlap;

	if (vpool_cpus_copy(&both, a))
		exit(EXIT_FAILED);
	vpool_cpus_and(&both, b);
	overlap = vpool_cpus_count(&both);
	vpool_cpus_free(&both);
	return overlap;
}
