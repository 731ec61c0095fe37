/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_IMPORT_FINDINGS_H
#define VPOOLCTL_IMPORT_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include <libvpool.h>

#include "base/macros.h"
#include "host/grade.h"

/**
 * struct claim - CPUs and memory that something on the host has, and a pool would have
 * @name: a name for the pool, valid and unique, owned
 * @what: what has them, such as "the cgroup /web.slice", owned
 * @cpus: the CPUs, owned
 * @mem: the memory, one request for each node or one for any node, owned
 * @nr_mem: length of @mem
 * @page_size: size of its pages in bytes
 * @grade: the grade that the pool would have
 * @mount: directory for its files, owned; NULL for none
 * @domains: it is what the domains of libvirt have
 */
struct claim {
	char *name;
	char *what;
	struct vpool_cpus cpus;
	struct vpool_mem *mem;
	size_t nr_mem;
	__u64 page_size;
	enum grade grade;
	char *mount;
	bool domains;
};

/**
 * struct lines - sentences to print
 * @text: the sentences, owned
 * @nr: length of @text
 */
struct lines {
	char **text;
	size_t nr;
};

/**
 * struct findings - what a host has
 * @root: directory that stands for the root of the host; "" for this host
 * @online: CPUs that are online, owned; empty if the host does not tell
 * @isolated: CPUs that the command line or tuned isolates, owned
 * @claims: what pools would have, owned
 * @nr_claims: length of @claims
 * @found: what there is
 * @steps: what an administrator has to do
 * @failed: a file could not be used, and a message was printed
 */
struct findings {
	const char *root;
	struct vpool_cpus online;
	struct vpool_cpus isolated;
	struct claim *claims;
	size_t nr_claims;
	struct lines found;
	struct lines steps;
	bool failed;
};

void findings_free(struct findings *all);

/* Add a sentence without a full stop. */
void add_line(struct lines *lines, const char *fmt, ...) __printf(2, 3);

/*
 * Read a file of the host. Return its text for free(3), or NULL. A file that does not
 * exist is no failure.
 */
char *host_read(struct findings *all, const char *path);
/* Read a file that holds a list of CPUs. @cpus is empty if it does not exist. */
void host_read_cpus(struct findings *all, const char *path, struct vpool_cpus *cpus);
/*
 * Return the names in a directory of the host that are @prefix and a number, or all if
 * @prefix is NULL, sorted. The caller frees them with names_free().
 */
char **host_names(struct findings *all, const char *path, const char *prefix, size_t *nr);
void names_free(char **names, size_t nr);
/* Report that a file of the host, named by its path there, cannot be used. */
void host_mistake(struct findings *all, const char *path, const char *fmt, ...)
	__printf(3, 4);

/*
 * Add a claim. @wish can be any text: the name is made of what a pool's name can have, and
 * is unique. @what describes the claim. The pointer is valid until the next call.
 */
struct claim *claim_new(struct findings *all, const char *wish, const char *what);
/* Return the claim of the domains of libvirt, or NULL. */
struct claim *claim_of_domains(const struct findings *all);
/* Add memory. A claim with memory of any node has no memory of a certain node. */
void claim_add_mem(struct claim *claim, __s32 node, __u64 bytes);
/* Return all CPUs of the claims, for vpool_cpus_free(). */
struct vpool_cpus claims_cpus(const struct findings *all);
/* Tell whether two sets have a CPU in common. */
bool cpus_overlap(const struct vpool_cpus *a, const struct vpool_cpus *b);

#endif /* VPOOLCTL_IMPORT_FINDINGS_H */
