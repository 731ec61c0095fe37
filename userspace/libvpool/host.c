// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * CPUs and memory of the host, read from sysfs and procfs.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpus.h"
#include "file.h"
#include "handle.h"

/* Return the bytes of "KEY:   123 kB" in a meminfo file, or 0 if it has no such line. */
static __u64 meminfo(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) * 1024 : 0;
}

/* Return the pages of "KEY  123" in the section of one zone in /proc/zoneinfo. */
static __u64 zone_pages(const char *zone, size_t len, const char *key)
{
	const char *at = memmem(zone, len, key, strlen(key));

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* Return the largest number in a line such as "protection: (0, 2953, 2953)". */
static __u64 zone_protection(const char *zone, size_t len)
{
	static const char key[] = "protection: (";
	char *at = memmem(zone, len, key, strlen(key));
	__u64 most = 0, pages;

	for (at = at ? at + strlen(key) : NULL; at && *at != ')'; at++) {
		pages = strtoull(at, &at, 10);
		most = pages > most ? pages : most;
		if (*at != ',')
			break;
	}
	return most;
}

/*
 * Add up the low watermarks and the reserves of the zones of a node, in bytes. The
 * reserve of a zone is its high watermark plus its protection, as in the kernel's
 * calculate_totalreserve_pages().
 */
static void read_zones(int node, __u64 *low, __u64 *reserve)
{
	const char *zone, *next;
	char *text, head[32];

	*low = 0;
	*reserve = 0;
	if (vpool_read_text(AT_FDCWD, "/proc/zoneinfo", &text))
		return;
	snprintf(head, sizeof(head), "Node %d, zone", node);
	for (zone = strstr(text, head); zone; zone = strstr(next, head)) {
		__u64 keep, managed;
		size_t len;

		next = strstr(zone + 1, "\nNode ");
		len = next ? (size_t)(next - zone) : strlen(zone);
		next = next ? next : zone + len;
		managed = zone_pages(zone, len, "        managed  ");
		keep = zone_pages(zone, len, "        high     ") +
		       zone_protection(zone, len);
		*low += zone_pages(zone, len, "        low      ");
		*reserve += keep < managed ? keep : managed;
	}
	free(text);
	*low *= sysconf(_SC_PAGESIZE);
	*reserve *= sysconf(_SC_PAGESIZE);
}

static __u64 reclaimable(__u64 bytes, __u64 low)
{
	return bytes - (bytes / 2 < low ? bytes / 2 : low);
}

/* Compute the available memory of a node like the kernel's si_mem_available(). */
static int read_node_meminfo(int dir, const char *path,
			     struct vpool_host_node *node)
{
	__u64 caches, low, reserve, bytes;
	char *text;
	int err;

	err = vpool_read_text(dir, path, &text);
	if (err)
		return err;
	node->total_bytes = meminfo(text, "MemTotal:");
	node->free_bytes = meminfo(text, "MemFree:");
	caches = meminfo(text, "Active(file):") +
		 meminfo(text, "Inactive(file):");
	read_zones(node->node, &low, &reserve);
	bytes = node->free_bytes + reclaimable(caches, low) +
		reclaimable(meminfo(text, "SReclaimable:"), low);
	node->available_bytes = bytes > reserve ? bytes - reserve : 0;
	free(text);
	return 0;
}

static int read_meminfo(int dir, const char *path, __u64 *total,
			const char *key, __u64 *other)
{
	char *text;
	int err;

	err = vpool_read_text(dir, path, &text);
	if (err)
		return err;
	*total = meminfo(text, "MemTotal:");
	*other = meminfo(text, key);
	free(text);
	return 0;
}

/* Tell whether @cpu is the lowest online CPU of its core. Each core has one such CPU. */
static bool leads_core(int dir, const struct vpool_cpus *online,
		       unsigned int cpu)
{
	struct vpool_cpus siblings;
	unsigned int other;
	char path[64];
	bool leads = true;

	snprintf(path, sizeof(path), "cpu%u/topology/thread_siblings_list",
		 cpu);
	if (vpool_read_cpus(dir, path, &siblings))
		return true;
	for (other = 0; other < cpu; other++)
		if (vpool_cpus_test(&siblings, other) &&
		    vpool_cpus_test(online, other))
			leads = false;
	vpool_cpus_free(&siblings);
	return leads;
}

static unsigned int count_cores(int dir, const struct vpool_cpus *cpus)
{
	unsigned int cpu, cores = 0;

	for (cpu = 0; cpu < cpus->bytes * 8; cpu++)
		if (vpool_cpus_test(cpus, cpu))
			cores += leads_core(dir, cpus, cpu);
	return cores;
}

static int read_node(int dir, int cpus_dir, const struct vpool_host *host,
		     struct vpool_host_node *node)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), "node%d/cpulist", node->node);
	err = vpool_read_cpus(dir, path, &node->cpus);
	if (err)
		return err;
	vpool_cpus_and(&node->cpus, &host->cpus);
	node->cores = count_cores(cpus_dir, &node->cpus);
	snprintf(path, sizeof(path), "node%d/meminfo", node->node);
	return read_node_meminfo(dir, path, node);
}

static int read_all_nodes(int dir, int cpus_dir, struct vpool_host *host)
{
	int *numbers, err;
	size_t i, nr;

	err = vpool_read_numbers(dir, "node", &numbers, &nr);
	if (err)
		return err;
	host->nodes = calloc(nr + 1, sizeof(*host->nodes));
	if (!host->nodes)
		err = -ENOMEM;
	for (i = 0; !err && i < nr; i++) {
		host->nodes[i].node = numbers[i];
		host->nr_nodes++;
		err = read_node(dir, cpus_dir, host, host->nodes + i);
	}
	free(numbers);
	return err;
}

/* On a kernel without NUMA, node 0 has all CPUs and memory. */
static int single_node(struct vpool_host *host)
{
	struct vpool_host_node *node = calloc(1, sizeof(*node));
	int err;

	if (!node)
		return -ENOMEM;
	host->nodes = node;
	host->nr_nodes = 1;
	node->cores = host->cores;
	err = vpool_cpus_copy(&node->cpus, &host->cpus);
	if (err)
		return err;
	err = read_node_meminfo(AT_FDCWD, "/proc/meminfo", node);
	node->available_bytes = host->available_bytes;
	return err;
}

static int read_host(struct vpool_host *host, int cpus_dir)
{
	int nodes_dir, err;

	err = vpool_read_cpus(cpus_dir, "online", &host->cpus);
	if (err)
		return err;
	host->cores = count_cores(cpus_dir, &host->cpus);
	err = read_meminfo(AT_FDCWD, "/proc/meminfo", &host->total_bytes,
			   "MemAvailable:", &host->available_bytes);
	if (err)
		return err;
	nodes_dir = open("/sys/devices/system/node",
			 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (nodes_dir < 0)
		return single_node(host);
	err = read_all_nodes(nodes_dir, cpus_dir, host);
	close(nodes_dir);
	return err;
}

/* Add the memory of pools, which the kernel's totals do not include. */
static void add_pools(struct vpool_host *host)
{
	DIR *pools = opendir("/sys/kernel/vpool/pools");
	struct dirent *entry;
	char path[512];
	__u64 bytes;
	size_t i;

	while (pools && (entry = readdir(pools))) {
		for (i = 0; entry->d_name[0] != '.' && i < host->nr_nodes; i++) {
			snprintf(path, sizeof(path),
				 "%s/memory/node%d/total_bytes", entry->d_name,
				 host->nodes[i].node);
			if (vpool_read_u64(dirfd(pools), path, 10, &bytes))
				continue;
			host->nodes[i].total_bytes += bytes;
			host->total_bytes += bytes;
		}
	}
	if (pools)
		closedir(pools);
}

/* Read from sysfs of the module. */
static void read_mapping_bytes(struct vpool_host *host)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/max_mapping_size", vpool_sysfs_dir());
	if (vpool_read_u64(AT_FDCWD, path, 10, &host->mapping_bytes))
		host->mapping_bytes = 0;
}

int vpool_host_read(struct vpool_host **ret)
{
	struct vpool_host *host;
	int cpus_dir, err;

	cpus_dir = open("/sys/devices/system/cpu",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cpus_dir < 0)
		return -errno;
	host = calloc(1, sizeof(*host));
	err = host ? read_host(host, cpus_dir) : -ENOMEM;
	close(cpus_dir);
	if (err) {
		vpool_host_free(host);
		return err;
	}
	add_pools(host);
	read_mapping_bytes(host);
	*ret = host;
	return 0;
}

void vpool_host_free(struct vpool_host *host)
{
	size_t i;

	if (!host)
		return;
	for (i = 0; i < host->nr_nodes; i++)
		vpool_cpus_free(&host->nodes[i].cpus);
	vpool_cpus_free(&host->cpus);
	free(host->nodes);
	free(host);
}
