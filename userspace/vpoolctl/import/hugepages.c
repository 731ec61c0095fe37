// SPDX-License-Identifier: GPL-2.0-only
/*
 * Huge pages that the host has reserved, and mounts of hugetlbfs.
 *
 * The domains of libvirt take their huge pages from this reservation. The rest of it is a
 * separate claim.
 */
#include <ctype.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "import/findings.h"
#include "import/sources.h"
#include "output/printable.h"
#include "output/units.h"

#define NODES "/sys/devices/system/node"
/* No node has more, and no sum overflows. */
#define MOST_MEMORY 0x4000000000000ULL

/**
 * struct stock - the huge pages of one size
 * @size: the size of a page in bytes
 * @mem: what each node has, owned
 * @nr_mem: length of @mem
 */
struct stock {
	__u64 size;
	struct vpool_mem *mem;
	size_t nr_mem;
};

static struct stock *find_stock(struct stock **stocks, size_t *nr, __u64 size)
{
	size_t i;

	for (i = 0; i < *nr; i++)
		if ((*stocks)[i].size == size)
			return *stocks + i;
	*stocks = xrealloc(*stocks, (*nr + 1) * sizeof(**stocks));
	(*stocks)[*nr] = (struct stock) { .size = size };
	return *stocks + (*nr)++;
}

/* Read the directory of one size on one node. */
static void read_size(struct findings *all, const char *dir, int node, const char *name,
		      struct stock **stocks, size_t *nr)
{
	char *path = xprintf("%s/%s/nr_hugepages", dir, name);
	char *text = host_read(all, path), size_text[SIZE_TEXT];
	__u64 size = strtoull(name + strlen("hugepages-"), NULL, 10) << 10, bytes = 0;
	struct stock *stock;

	if (text && (!isdigit((unsigned char)*text) ||
		     __builtin_mul_overflow(strtoull(text, NULL, 10), size, &bytes) ||
		     bytes > MOST_MEMORY)) {
		host_mistake(all, path, "'%.*s' is not a number of pages",
			     (int)strcspn(text, "\n"), text);
		bytes = 0;
	}
	if (bytes) {
		add_line(&all->found, "%s: %s of huge pages", path,
			 format_size(bytes, size_text));
		add_line(&all->steps, "echo 0 >%s", path);
		stock = find_stock(stocks, nr, size);
		stock->mem = xrealloc(stock->mem, (stock->nr_mem + 1) * sizeof(*stock->mem));
		stock->mem[stock->nr_mem++] = (struct vpool_mem) { .bytes = bytes, .node = node };
	}
	free(text);
	free(path);
}

static void read_node(struct findings *all, const char *node, struct stock **stocks,
		      size_t *nr)
{
	char *dir = xprintf(NODES "/%s/hugepages", node), **names;
	size_t i, nr_names;

	names = host_names(all, dir, NULL, &nr_names);
	for (i = 0; i < nr_names; i++)
		if (!strncmp(names[i], "hugepages-", strlen("hugepages-")))
			read_size(all, dir, atoi(node + strlen("node")), names[i], stocks, nr);
	names_free(names, nr_names);
	free(dir);
}

/* Take memory from a node, or from any node, as far as there is some. */
static void take(struct stock *stock, __s32 node, __u64 bytes)
{
	size_t i;

	for (i = 0; i < stock->nr_mem && bytes; i++) {
		__u64 *have = &stock->mem[i].bytes;
		__u64 part = bytes < *have ? bytes : *have;

		if (node != VPOOL_ANY_NODE && stock->mem[i].node != node)
			continue;
		*have -= part;
		bytes -= part;
	}
}

/**
 * struct hugetlbfs - a mount
 * @dir: its directory, owned
 * @size: size of its pages, 0 for the default
 */
struct hugetlbfs {
	char *dir;
	__u64 size;
};

static __u64 page_size_option(const struct mntent *entry)
{
	char *option = hasmntopt(entry, "pagesize"), *end;
	__u64 size;

	if (!option)
		return 0;
	size = strtoull(option + strlen("pagesize="), &end, 10);
	switch (*end) {
	case 'G': case 'g':
		return size << 30;
	case 'M': case 'm':
		return size << 20;
	case 'K': case 'k':
		return size << 10;
	}
	return size;
}

/* Return the mounts of hugetlbfs, @nr of them. */
static struct hugetlbfs *read_mounts(struct findings *all, size_t *nr)
{
	char *text = host_read(all, "/proc/self/mounts"), line[4096];
	struct hugetlbfs *mounts = NULL;
	struct mntent entry;
	FILE *in;

	*nr = 0;
	in = text && *text ? fmemopen(text, strlen(text), "r") : NULL;
	while (in && getmntent_r(in, &entry, line, sizeof(line))) {
		if (strcmp(entry.mnt_type, "hugetlbfs") || *entry.mnt_dir != '/')
			continue;
		mounts = xrealloc(mounts, (*nr + 1) * sizeof(*mounts));
		mounts[*nr].dir = xstrdup(entry.mnt_dir);
		mounts[(*nr)++].size = page_size_option(&entry);
		add_line(&all->found, "/proc/self/mounts: hugetlbfs at %s (%s)", entry.mnt_dir,
			 entry.mnt_opts);
	}
	if (in)
		fclose(in);
	free(text);
	return mounts;
}

/*
 * Tell whether a directory can hold the files of a pool. systemd mounts hugetlbfs below
 * /dev again, and the files of the domains are in another pool.
 */
static bool is_usable(struct findings *all, const char *dir)
{
	const struct claim *vms = claim_of_domains(all);
	char *text = printable(dir);
	bool usable = !strcmp(text, dir) && strncmp(dir, "/dev/", strlen("/dev/")) &&
		      !(vms && vms->mount && !strcmp(vms->mount, dir));

	free(text);
	return usable;
}

/* Choose the directory for the files of the pool that replaces a stock. */
static char *mount_dir(struct findings *all, const struct claim *claim, __u64 size,
		       const struct hugetlbfs *mounts, size_t nr)
{
	char *dir = NULL;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (mounts[i].size ? mounts[i].size != size : size != 2ULL << 20)
			continue;
		if (!dir && is_usable(all, mounts[i].dir))
			dir = xstrdup(mounts[i].dir);
		add_line(&all->steps,
			 "umount %s, and remove it from /etc/fstab or disable its unit",
			 mounts[i].dir);
	}
	return dir ? dir : xprintf("/srv/%s", claim->name);
}

static void claim_rest(struct findings *all, struct stock *stock,
		       const struct hugetlbfs *mounts, size_t nr)
{
	const struct claim *vms = claim_of_domains(all);
	char *name, size[SIZE_TEXT];
	struct claim *claim = NULL;
	size_t i;

	for (i = 0; vms && vms->page_size == stock->size && i < vms->nr_mem; i++)
		take(stock, vms->mem[i].node, vms->mem[i].bytes);
	name = stock->size == 2ULL << 20 ? xstrdup("hugepages") :
		xprintf("hugepages-%s", format_size(stock->size, size));
	for (i = 0; i < stock->nr_mem; i++) {
		if (!stock->mem[i].bytes)
			continue;
		if (!claim)
			claim = claim_new(all, name, "programs with huge pages");
		claim->page_size = stock->size;
		claim_add_mem(claim, stock->mem[i].node, stock->mem[i].bytes);
	}
	if (claim)
		claim->mount = mount_dir(all, claim, stock->size, mounts, nr);
	free(name);
}

void import_hugepages(struct findings *all)
{
	struct stock *stocks = NULL;
	struct hugetlbfs *mounts;
	size_t i, nr, nr_names, nr_mounts;
	char **names;

	nr = 0;
	names = host_names(all, NODES, "node", &nr_names);
	for (i = 0; i < nr_names; i++)
		read_node(all, names[i], &stocks, &nr);
	names_free(names, nr_names);
	mounts = read_mounts(all, &nr_mounts);
	for (i = 0; i < nr; i++) {
		claim_rest(all, stocks + i, mounts, nr_mounts);
		free(stocks[i].mem);
	}
	for (i = 0; i < nr_mounts; i++)
		free(mounts[i].dir);
	free(mounts);
	free(stocks);
}
