// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cpusets of cgroups.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "host/cpumask.h"
#include "host/pools.h"
#include "import/findings.h"
#include "import/sources.h"

/* Cgroups nest no deeper in practice. A simulated root could have a loop of links. */
#define MAX_DEPTH 16

/* Cgroups that another program creates, and would create again. */
static const struct {
	const char *pattern;
	const char *whose;
} made[] = {
	{ "vpool_*.slice", NULL },
	{ "machine.slice", NULL },
	{ "machine", NULL },
	{ "libpod-*", "podman" },
	{ "libpod_parent", "podman" },
	{ "docker*", "Docker" },
	{ "kubepods*", "the kubelet" },
	{ "crio-*", "CRI-O" },
	{ "cri-containerd-*", "containerd" },
	{ "lxc*", "LXC" },
};

/*
 * Tell whether another program creates a cgroup. @whose is NULL if the proposal does not
 * mention it.
 */
static bool is_made(const char *name, const char **whose)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(made); i++)
		if (!fnmatch(made[i].pattern, name, 0)) {
			*whose = made[i].whose;
			return true;
		}
	return false;
}

static char *file_text(struct findings *all, const char *dir, const char *file)
{
	char *path = xprintf("%s/%s", dir, file), *text = host_read(all, path);

	if (text)
		text[strcspn(text, "\n")] = '\0';
	free(path);
	return text;
}

static enum grade grade_at(struct findings *all, const char *dir)
{
	char *type = file_text(all, dir, "cpuset.cpus.partition");
	enum grade grade = GRADE_CONFINED;

	if (type && !strncmp(type, "isolated", strlen("isolated")))
		grade = GRADE_NOBALANCE;
	else if (type && !strncmp(type, "root", strlen("root")))
		grade = GRADE_ISOLATED;
	free(type);
	return grade;
}

/* Return the claim that has some of these CPUs, or NULL. */
static struct claim *rival(struct findings *all, const struct vpool_cpus *cpus)
{
	size_t i;

	for (i = 0; i < all->nr_claims; i++)
		if (cpus_overlap(&all->claims[i].cpus, cpus))
			return all->claims + i;
	return NULL;
}

/* Print steps for a unit of systemd, or for any other cgroup. */
static void add_steps(struct findings *all, const char *cgroup, const struct claim *claim)
{
	const char *base = strrchr(cgroup, '/') + 1;
	const char *dot = strrchr(base, '.');

	if (dot && (!strcmp(dot, ".slice") || !strcmp(dot, ".service") ||
		    !strcmp(dot, ".scope")))
		add_line(&all->steps,
			 "%s: remove AllowedCPUs= from the unit; give its services Requires= and After=vpool@%s.target, and the Slice= that 'vpoolctl slice %s' prints",
			 base, claim->name, claim->name);
	else
		add_line(&all->steps,
			 "start what runs in the cgroup %s by 'vpoolctl run %s -- PROGRAM', and do not create that cgroup any more",
			 cgroup, claim->name);
}

static void claim_cgroup(struct findings *all, const char *dir, const char *cgroup,
			 const struct vpool_cpus *cpus)
{
	char *what = xprintf("the cgroup %s", cgroup), *list = cpus_text(cpus), *wish;
	struct claim *claim = rival(all, cpus);
	enum grade grade = grade_at(all, dir);
	const char *base = strrchr(cgroup, '/') + 1;

	add_line(&all->found, "%s: the CPUs %s%s", dir, list,
		 grade == GRADE_CONFINED ? "" : ", as a partition");
	if (claim) {
		add_line(&all->found,
			 "%s and %s share CPUs: they share the pool %s, because a CPU is in one pool",
			 what, claim->what, claim->name);
	} else {
		wish = xprintf("%.*s", (int)(strrchr(base, '.') ?
					     strrchr(base, '.') - base :
					     (long)strlen(base)), base);
		claim = claim_new(all, wish, what);
		claim->grade = grade;
		free(wish);
	}
	cpus_add_all(&claim->cpus, cpus);
	add_steps(all, cgroup, claim);
	free(list);
	free(what);
}

static void walk(struct findings *all, const char *top, const char *cgroup,
		 const struct vpool_cpus *above, int depth);

/* Claim a cgroup whose cpuset is smaller than the one above it, or walk into it. */
static void visit(struct findings *all, const char *top, const char *cgroup,
		  const struct vpool_cpus *above, int depth)
{
	char *dir = xprintf("%s%s", top, cgroup);
	char *path = xprintf("%s/cpuset.cpus", dir), *have, *inherited;
	struct vpool_cpus cpus;

	host_read_cpus(all, path, &cpus);
	have = cpus_text(&cpus);
	inherited = cpus_text(above);
	if (*have && strcmp(have, inherited))
		claim_cgroup(all, dir, cgroup, &cpus);
	else if (depth < MAX_DEPTH)
		walk(all, top, cgroup, above, depth + 1);
	vpool_cpus_free(&cpus);
	free(inherited);
	free(have);
	free(path);
	free(dir);
}

static void walk(struct findings *all, const char *top, const char *cgroup,
		 const struct vpool_cpus *above, int depth)
{
	char *dir = xprintf("%s%s", top, cgroup), *inside, *procs, **names;
	const char *whose;
	size_t i, nr;

	names = host_names(all, dir, NULL, &nr);
	for (i = 0; i < nr; i++) {
		inside = xprintf("%s/%s", cgroup, names[i]);
		/* Each cgroup has this file, and nothing else has. */
		procs = xprintf("%s%s%s/cgroup.procs", all->root, top, inside);
		if (access(procs, F_OK))
			;
		else if (!is_made(names[i], &whose))
			visit(all, top, inside, above, depth);
		else if (whose)
			add_line(&all->found,
				 "%s%s: left to %s; containers take a pool by 'vpoolctl cdi'",
				 top, inside, whose);
		free(procs);
		free(inside);
	}
	names_free(names, nr);
	free(dir);
}

void import_cgroups(struct findings *all)
{
	char *unified = xprintf("%s/sys/fs/cgroup/cgroup.controllers", all->root);

	/* Version 1 has a hierarchy for each controller. */
	walk(all, access(unified, F_OK) ? "/sys/fs/cgroup/cpuset" : "/sys/fs/cgroup",
	     "", &all->online, 0);
	free(unified);
}
