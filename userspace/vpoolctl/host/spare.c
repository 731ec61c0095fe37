// SPDX-License-Identifier: GPL-2.0-only
/*
 * Poolable CPUs and memory, by the rules of the module: the core of CPU 0,
 * host_cpus_floor CPUs and host_mem_floor MiB stay with the host, and a pool takes whole
 * cores.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "host/pools.h"
#include "host/spare.h"
#include "output/messages.h"

/* Defaults of the module, for a host that has not loaded it. */
#define DEFAULT_CPUS_FLOOR 1
#define DEFAULT_MEM_FLOOR 256

/*
 * 1/64 of the memory is not offered: the host allocates memory while a pool is made, and
 * the module reads the available memory again.
 */
#define MARGIN 64

static __u64 parameter(const char *name, __u64 value)
{
	const char *dir = getenv("VPOOL_PARAMETERS_DIR");
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s",
		 dir ? dir : "/sys/module/vpool/parameters", name);
	file = fopen(path, "re");
	if (!file)
		return value;
	if (fscanf(file, "%llu", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

__u64 spare_mem_floor(void)
{
	__u64 mib = parameter("host_mem_floor", DEFAULT_MEM_FLOOR);

	return mib >> 44 ? ~0ULL : mib << 20;
}

static void copy_cpus(struct vpool_cpus *to, const struct vpool_cpus *from)
{
	if (vpool_cpus_copy(to, from)) {
		fputs("vpoolctl: out of memory\n", stderr);
		exit(EXIT_FAILED);
	}
}

/* Take a core out of @cpus unless all of its online threads are there. */
static void drop_partial_core(struct vpool_cpus *cpus,
			      const struct vpool_cpus *online,
			      const struct vpool_cpus *core)
{
	struct vpool_cpus taken;

	copy_cpus(&taken, core);
	vpool_cpus_and(&taken, online);
	vpool_cpus_subtract(&taken, cpus);
	if (vpool_cpus_count(&taken) || vpool_cpus_test(core, 0))
		vpool_cpus_subtract(cpus, core);
	vpool_cpus_free(&taken);
}

/* Find whole cores except the boot core. The last cores stay with the host. */
static void find_cpus(struct spare *spare, const struct vpool_host *host)
{
	__u64 floor = parameter("host_cpus_floor", DEFAULT_CPUS_FLOOR);
	unsigned int cpu, nr = vpool_cpus_count(&spare->free_cpus);
	__u64 most;
	struct vpool_cpus core;

	floor = floor ? floor : 1;
	most = nr > floor ? nr - floor : 0;
	copy_cpus(&spare->cpus, &spare->free_cpus);
	for (cpu = 0; cpu < host->cpus.bytes * 8; cpu++) {
		if (!vpool_cpus_test(&spare->cpus, cpu))
			continue;
		core_of(cpu, &core);
		drop_partial_core(&spare->cpus, &host->cpus, &core);
		vpool_cpus_free(&core);
	}
	for (cpu = host->cpus.bytes * 8;
	     cpu-- > 0 && vpool_cpus_count(&spare->cpus) > most;) {
		if (!vpool_cpus_test(&spare->cpus, cpu))
			continue;
		core_of(cpu, &core);
		vpool_cpus_subtract(&spare->cpus, &core);
		vpool_cpus_free(&core);
	}
}

static __u64 less(__u64 bytes, __u64 floor)
{
	__u64 left = bytes > floor ? bytes - floor : 0;

	return left - left / MARGIN;
}

static void find_memory(struct spare *spare, const struct vpool_host *host)
{
	__u64 floor = spare_mem_floor();
	size_t i;

	spare->bytes = less(host->available_bytes, floor);
	for (i = 0; i < spare->nr_nodes; i++) {
		const struct vpool_host_node *node = host->nodes + i;
		/* The floor is for the whole host. Each node keeps a part. */
		__u64 part = host->total_bytes ?
			     (__u64)((long double)floor * node->total_bytes /
				     host->total_bytes) : 0;
		__u64 bytes = less(node->available_bytes, part);

		spare->nodes[i].bytes = bytes < spare->bytes ? bytes :
							       spare->bytes;
	}
}

void spare_read(struct spare *spare, const struct vpool_host *host,
		struct vpool_info *const *pools, size_t nr_pools)
{
	size_t i;

	memset(spare, 0, sizeof(*spare));
	copy_cpus(&spare->free_cpus, &host->cpus);
	for (i = 0; i < nr_pools; i++)
		vpool_cpus_subtract(&spare->free_cpus, &pools[i]->cpus);
	find_cpus(spare, host);
	spare->nr_nodes = host->nr_nodes;
	spare->nodes = xcalloc(host->nr_nodes, sizeof(*spare->nodes));
	for (i = 0; i < host->nr_nodes; i++) {
		spare->nodes[i].node = host->nodes[i].node;
		copy_cpus(&spare->nodes[i].cpus, &host->nodes[i].cpus);
		vpool_cpus_and(&spare->nodes[i].cpus, &spare->cpus);
	}
	find_memory(spare, host);
}

void spare_free(struct spare *spare)
{
	size_t i;

	for (i = 0; i < spare->nr_nodes; i++)
		vpool_cpus_free(&spare->nodes[i].cpus);
	free(spare->nodes);
	vpool_cpus_free(&spare->free_cpus);
	vpool_cpus_free(&spare->cpus);
	memset(spare, 0, sizeof(*spare));
}

__u64 spare_bytes_on(const struct spare *spare, int node)
{
	size_t i;

	if (node == VPOOL_ANY_NODE)
		return spare->bytes;
	for (i = 0; i < spare->nr_nodes; i++)
		if (spare->nodes[i].node == node)
			return spare->nodes[i].bytes;
	return 0;
}

int spare_read_host(const struct invocation *inv, struct vpool *vp,
		    struct spare *spare)
{
	struct vpool_info **pools = NULL;
	struct vpool_host *host;
	size_t nr = 0;
	int err;

	err = vpool_host_read(&host);
	if (err) {
		cmd_error(inv, NULL, errno_code(-err),
			  "cannot read the CPUs and memory of the host: %s",
			  strerror(-err));
		return EXIT_FAILED;
	}
	err = read_pools(vp, &pools, &nr);
	if (err) {
		err = handle_error(inv, NULL, vp, err);
	} else {
		spare_read(spare, host, pools, nr);
		free_pools(pools, nr);
	}
	vpool_host_free(host);
	return err;
}
