// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "numa.h"

/* Return a CPU of the node, or -1 if the node has none. */
int vp_cpu_of(int node)
{
	char path[64], list[256];
	int cpu = -1;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist",
		 node);
	if (!vp_read_file(path, list, sizeof(list)))
		sscanf(list, "%d", &cpu);
	return cpu;
}

int vp_run_on_node(int node)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(vp_cpu_of(node), &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

/* Set the memory policy of this task. */
int vp_task_policy(int mode, unsigned long nodes)
{
	return syscall(SYS_set_mempolicy, mode, nodes ? &nodes : NULL,
		       8 * sizeof(nodes)) ? -errno : 0;
}

/* Set the memory policy of a mapping. */
int vp_mapping_policy(void *addr, __u64 bytes, int mode, unsigned long nodes)
{
	return syscall(SYS_mbind, addr, bytes, mode, &nodes, 8 * sizeof(nodes),
		       0) ? -errno : 0;
}

/* Return the node of the page that is mapped at @addr, as move_pages(2) tells it. */
int vp_node_of(void *addr)
{
	int status = -1;

	if (syscall(SYS_move_pages, 0, 1UL, &addr, NULL, &status, 0))
		return -errno;
	return status;
}

/*
 * Return the number of base pages that the mapping at @addr has on a node, as numa_maps
 * tells it, or a negative errno.
 */
long vp_numa_maps(const void *addr, int node)
{
	FILE *file = fopen("/proc/self/numa_maps", "re");
	char line[1024], word[16], *at;
	unsigned long start;
	long pages = -ENOENT;

	if (!file)
		return -errno;
	snprintf(word, sizeof(word), " N%d=", node);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx ", &start) != 1 ||
		    start != (unsigned long)addr)
			continue;
		at = strstr(line, word);
		pages = at ? atol(at + strlen(word)) : 0;
	}
	fclose(file);
	return pages;
}
