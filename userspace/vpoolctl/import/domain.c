// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains of libvirt: their memory in huge pages, and the CPUs that they are pinned to.
 *
 * All domains share one claim, because libvirt can use one mount for each page size.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/files.h"
#include "base/macros.h"
#include "host/cpumask.h"
#include "host/pools.h"
#include "import/findings.h"
#include "import/sources.h"
#include "import/xml.h"
#include "output/units.h"

#define DEFINITIONS "/etc/libvirt/qemu"
/* No host has more, and the sum of many domains does not overflow. */
#define MOST_MEMORY 0x4000000000000ULL

/**
 * struct domain - one domain
 * @all: where to report
 * @file: the file, for messages
 * @xml: its element
 * @name: its name
 * @bytes: its memory
 * @bad: the file has a mistake
 */
struct domain {
	struct findings *all;
	const char *file;
	const struct xml *xml;
	const char *name;
	__u64 bytes;
	bool bad;
};

/* Return the factor of a unit of libvirt, or 0. */
static __u64 unit_factor(const char *unit)
{
	static const struct {
		const char *name;
		__u64 factor;
	} units[] = {
		{ "b", 1 }, { "bytes", 1 },
		{ "KB", 1000 }, { "k", 1 << 10 }, { "KiB", 1 << 10 },
		{ "MB", 1000000 }, { "M", 1 << 20 }, { "MiB", 1 << 20 },
		{ "GB", 1000000000 }, { "G", 1 << 30 }, { "GiB", 1 << 30 },
		{ "TB", 1000000000000 }, { "T", 1ULL << 40 }, { "TiB", 1ULL << 40 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(units[i].name, unit))
			return units[i].factor;
	return 0;
}

/* Read a size with its unit. Return 0 after a message. */
static __u64 read_size(struct domain *dom, const char *what, const char *text,
		       const char *unit)
{
	__u64 bytes = 0, factor = unit_factor(unit ? unit : "KiB");
	unsigned long long number;
	char *end = "";

	errno = 0;
	number = text ? strtoull(text, &end, 10) : 0;
	if (text && *text >= '0' && *text <= '9' && !*end && !errno && factor &&
	    !__builtin_mul_overflow(number, factor, &bytes) && bytes &&
	    bytes <= MOST_MEMORY)
		return bytes;
	host_mistake(dom->all, dom->file, "<%s>: '%s' %s is not an amount of memory",
		     what, text ? text : "", unit ? unit : "KiB");
	dom->bad = true;
	return 0;
}

/* Add the CPUs of an attribute. */
static void add_cpus(struct domain *dom, struct vpool_cpus *cpus, const struct xml *at,
		     const char *attribute)
{
	const char *text = xml_attribute(at, attribute);
	struct vpool_cpus more;
	char reason[256];

	if (!text || dom->bad)
		return;
	if (vpool_cpus_parse(text, &more, reason, sizeof(reason))) {
		host_mistake(dom->all, dom->file, "<%s %s=>: %s", at->name, attribute, reason);
		dom->bad = true;
		return;
	}
	cpus_add_all(cpus, &more);
	vpool_cpus_free(&more);
}

static void read_cpus(struct domain *dom, struct vpool_cpus *cpus)
{
	static const char *const pins[] = {
		"cputune/vcpupin", "cputune/emulatorpin", "cputune/iothreadpin",
	};
	const struct xml *at;
	size_t i;

	*cpus = (struct vpool_cpus) { 0 };
	add_cpus(dom, cpus, xml_find(dom->xml, "vcpu"), "cpuset");
	for (i = 0; i < ARRAY_SIZE(pins); i++)
		for (at = xml_find(dom->xml, pins[i]); at; at = xml_next(at))
			add_cpus(dom, cpus, at, "cpuset");
}

/* Return the node of the memory, or VPOOL_ANY_NODE. */
static __s32 read_node(struct domain *dom)
{
	const struct xml *at = xml_find(dom->xml, "numatune/memory");
	const char *text = xml_attribute(at, "nodeset");

	return text && *text && !text[strspn(text, "0123456789")] ? atoi(text) :
	       VPOOL_ANY_NODE;
}

/* Return the size of the huge pages of a domain, 0 if it has none. */
static __u64 read_page_size(struct domain *dom)
{
	const struct xml *pages = xml_find(dom->xml, "memoryBacking/hugepages");
	const struct xml *page = pages ? xml_find(pages, "page") : NULL;

	if (!pages)
		return 0;
	if (!page)
		return 2ULL << 20;
	return read_size(dom, "page size=", xml_attribute(page, "size"),
			 xml_attribute(page, "unit"));
}

static void say(struct domain *dom, const struct vpool_cpus *cpus, __u64 page)
{
	char *list = cpus_text(cpus);
	char size[SIZE_TEXT];

	add_line(&dom->all->found, "%s: the domain '%s' has %s of %s, and %s%s",
		 dom->file, dom->name, format_size(dom->bytes, size),
		 page ? "huge pages" : "ordinary memory",
		 *list ? "the CPUs " : "is not pinned to CPUs", list);
	free(list);
	if (!page)
		add_line(&dom->all->steps,
			 "the domain '%s' has no <hugepages/>: add it, and %s to 'mem', if the pool shall hold its memory",
			 dom->name, format_size(dom->bytes, size));
}

static void claim_domain(struct domain *dom, const struct vpool_cpus *cpus, __u64 page)
{
	struct claim *claim;

	say(dom, cpus, page);
	if (!page && !vpool_cpus_count(cpus))
		return;
	claim = claim_of_domains(dom->all);
	if (!claim)
		claim = claim_new(dom->all, "vms", "the domains of libvirt");
	claim->domains = true;
	cpus_add_all(&claim->cpus, cpus);
	if (!page)
		return;
	/* The memory of the pool is rounded up to its page size. */
	if (!claim->nr_mem || page > claim->page_size)
		claim->page_size = page;
	claim_add_mem(claim, read_node(dom), (dom->bytes + page - 1) / page * page);
	if (!claim->mount)
		claim->mount = xstrdup("/srv/vms");
}

static void read_domain(struct domain *dom)
{
	const char *root = dom->xml->name;
	struct vpool_cpus cpus = { 0 };
	__u64 page;

	if (strcmp(root, "domain")) {
		host_mistake(dom->all, dom->file, "<%s> is no domain of libvirt", root);
		return;
	}
	dom->name = xml_text(dom->xml, "name");
	if (!dom->name || !*dom->name) {
		host_mistake(dom->all, dom->file, "the domain has no name");
		return;
	}
	dom->bytes = read_size(dom, "memory", xml_text(dom->xml, "memory"),
			       xml_attribute(xml_find(dom->xml, "memory"), "unit"));
	page = dom->bad ? 0 : read_page_size(dom);
	if (!dom->bad)
		read_cpus(dom, &cpus);
	if (!dom->bad)
		claim_domain(dom, &cpus, page);
	vpool_cpus_free(&cpus);
}

static void parse(struct findings *all, const char *file, const char *text)
{
	struct domain dom = { .all = all, .file = file };
	struct xml *xml;
	char message[256];

	xml = xml_parse(text, message, sizeof(message));
	if (!xml) {
		host_mistake(all, file, "%s", message);
		return;
	}
	dom.xml = xml;
	read_domain(&dom);
	xml_free(xml);
}

void import_domain_file(struct findings *all, const char *file)
{
	bool input = !strcmp(file, "-");
	char *text = read_text(input ? "/dev/stdin" : file);
	const char *root = all->root;

	/* The path is one of this host, not one below the root. */
	all->root = "";
	if (input)
		file = "standard input";
	if (text)
		parse(all, file, text);
	else
		host_mistake(all, file, "%s", strerror(errno));
	all->root = root;
	free(text);
}

void import_domains(struct findings *all)
{
	char **names, *path, *text;
	size_t i, nr, len;

	names = host_names(all, DEFINITIONS, NULL, &nr);
	for (i = 0; i < nr; i++) {
		len = strlen(names[i]);
		if (len < 5 || strcmp(names[i] + len - 4, ".xml"))
			continue;
		path = xprintf(DEFINITIONS "/%s", names[i]);
		text = host_read(all, path);
		if (text)
			parse(all, path, text);
		free(text);
		free(path);
	}
	names_free(names, nr);
}
