// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pools that import proposes.
 */
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/exit.h"
#include "config/config.h"
#include "config/declare.h"
#include "host/cpumask.h"
#include "host/pools.h"
#include "import/findings.h"
#include "import/proposal.h"
#include "output/printable.h"

static void copy_cpus(struct vpool_cpus *to, const struct vpool_cpus *from)
{
	if (vpool_cpus_copy(to, from))
		exit(EXIT_FAILED);
}

/* Tell whether all CPUs of a set are in another one. */
static bool is_within(const struct vpool_cpus *cpus, const struct vpool_cpus *all)
{
	struct vpool_cpus rest;
	bool within;

	copy_cpus(&rest, cpus);
	vpool_cpus_subtract(&rest, all);
	within = !vpool_cpus_count(&rest);
	vpool_cpus_free(&rest);
	return within;
}

/* CPUs that are isolated, and that nothing else claims, are a pool of their own. */
static void claim_isolated(struct findings *all)
{
	struct vpool_cpus taken = claims_cpus(all), rest;
	struct claim *claim;
	size_t i;

	/* libvirt starts QEMU in a cgroup with limits, which an isolated pool refuses. */
	for (i = 0; i < all->nr_claims; i++)
		if (all->claims[i].grade == GRADE_CONFINED &&
		    is_within(&all->claims[i].cpus, &all->isolated))
			all->claims[i].grade = GRADE_ISOLATED;
	copy_cpus(&rest, &all->isolated);
	vpool_cpus_subtract(&rest, &taken);
	if (vpool_cpus_count(&rest)) {
		claim = claim_new(all, "isolated", "the isolated CPUs");
		cpus_add_all(&claim->cpus, &rest);
		claim->grade = GRADE_ISOLATED;
	}
	vpool_cpus_free(&rest);
	vpool_cpus_free(&taken);
}

/* Read the CPUs of the core of @cpu; only @cpu itself if the host does not tell. */
static void read_core(struct findings *all, unsigned int cpu, struct vpool_cpus *core)
{
	char *path = xprintf("/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
			     cpu);

	host_read_cpus(all, path, core);
	if (!vpool_cpus_count(core) && vpool_cpus_add(core, cpu))
		exit(EXIT_FAILED);
	free(path);
}

/* Leave the host the core that it booted on, if pools would take all CPUs. */
static void leave_boot_core(struct findings *all)
{
	struct vpool_cpus taken = claims_cpus(all), core;
	size_t i;

	read_core(all, 0, &core);
	for (i = 0; vpool_cpus_count(&all->online) && is_within(&all->online, &taken) &&
	     i < all->nr_claims; i++) {
		struct claim *claim = all->claims + i;

		if (!cpus_overlap(&claim->cpus, &core))
			continue;
		vpool_cpus_subtract(&claim->cpus, &core);
		add_line(&all->found,
			 "the pool %s has no CPUs of the core of CPU 0, because the host needs some",
			 claim->name);
	}
	vpool_cpus_free(&core);
	vpool_cpus_free(&taken);
}

/* Find out whether a pool has parts of cores, and of the core of CPU 0. */
static void find_manner(struct findings *all, struct pool_config *pool)
{
	struct vpool_cpus core;
	unsigned int cpu;

	for (cpu = 0; cpu < pool->cpus.bytes * 8; cpu++) {
		if (!vpool_cpus_test(&pool->cpus, cpu))
			continue;
		read_core(all, cpu, &core);
		pool->boot_core |= vpool_cpus_test(&core, 0);
		vpool_cpus_subtract(&core, &pool->cpus);
		pool->split_cores |= vpool_cpus_count(&core) > 0;
		vpool_cpus_free(&core);
	}
}

static void propose_mount(struct findings *all, struct pool_config *pool,
			  const struct claim *claim)
{
	pool->mount.dir = xstrdup(claim->mount);
	pool->mount.hugetlbfs = true;
	/* Programs of other users search the directory, as QEMU does. */
	pool->mount.mode = claim->domains ? 0755 : 01777;
	add_line(&all->steps, "mkdir -p %s", claim->mount);
}

static void propose_pool(struct findings *all, struct pool_config *pool,
			 const struct claim *claim)
{
	pool_config_init(pool, claim->name);
	pool->page_size = claim->page_size;
	pool->isolate = vpool_cpus_count(&claim->cpus) ? claim->grade : GRADE_PLAIN;
	pool->nr_mem = claim->nr_mem;
	if (claim->nr_mem) {
		pool->mem = xcalloc(claim->nr_mem, sizeof(*pool->mem));
		memcpy(pool->mem, claim->mem, claim->nr_mem * sizeof(*pool->mem));
	}
	copy_cpus(&pool->cpus, &claim->cpus);
	find_manner(all, pool);
	if (claim->page_size == 1ULL << 30 && claim->nr_mem)
		add_line(&all->found,
			 "the pool %s has pages of 1 GiB, which need Linux 7.1 or newer: leave 'page-size' out on an older one",
			 claim->name);
	if (claim->nr_mem && claim->mount)
		propose_mount(all, pool, claim);
}

static void add_last_steps(struct findings *all)
{
	if (claim_of_domains(all)) {
		add_line(&all->steps,
			 "for libvirt: shut the domains down, set hugetlbfs_mount = [ \"/srv/vms\" ] in /etc/libvirt/qemu.conf and restart its daemon, and give each domain <access mode='shared'/> in <memoryBacking>");
		add_line(&all->steps,
			 "to make a domain a member of the pool, name the pool in its metadata: virsh metadata DOMAIN https://vpool.dev/libvirt/1.0 --config --key vpool --set \"<pool name='vms'/>\"");
	}
	add_line(&all->steps, "vpoolctl check FILE; vpoolctl apply --dry-run FILE");
	add_line(&all->steps, "copy FILE to /etc/vpool.d, and reboot, or run vpoolctl apply");
}

static void write_lines(const char *title, const struct lines *lines, bool number,
			FILE *to)
{
	size_t i;

	if (lines->nr)
		fprintf(to, "#\n# %s\n", title);
	for (i = 0; i < lines->nr; i++) {
		/* The text of a file must not end the comment. */
		char *text = printable(lines->text[i]);

		if (number)
			fprintf(to, "#   %zu. %s\n", i + 1, text);
		else
			fprintf(to, "#   %s\n", text);
		free(text);
	}
}

void proposal_write(struct findings *all, FILE *to)
{
	struct config cfg = { 0 };
	size_t i;

	claim_isolated(all);
	leave_boot_core(all);
	cfg.pools = xcalloc(all->nr_claims + 1, sizeof(*cfg.pools));
	for (i = 0; i < all->nr_claims; i++) {
		struct claim *claim = all->claims + i;

		if (claim->nr_mem || vpool_cpus_count(&claim->cpus))
			propose_pool(all, cfg.pools + cfg.nr_pools++, claim);
	}
	if (cfg.nr_pools)
		add_last_steps(all);
	fputs("# Pools for what this host has, proposed by vpoolctl import. Nothing was changed.\n"
	      "# See vpool.conf(5).\n", to);
	write_lines("Found:", &all->found, false, to);
	write_lines("Steps, which an administrator does:", &all->steps, true, to);
	fputs("#\n", to);
	config_write(&cfg, to);
	config_free(&cfg);
}
