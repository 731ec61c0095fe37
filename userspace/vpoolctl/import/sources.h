/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_IMPORT_SOURCES_H
#define VPOOLCTL_IMPORT_SOURCES_H

struct findings;

/*
 * Each of these reads one kind of source, adds claims, and lists what it has found and
 * what to do about it. A source that the host does not have adds nothing.
 */

/* Read a domain of libvirt from a file, as virsh dumpxml prints it; - is standard input. */
void import_domain_file(struct findings *all, const char *file);
/* Read all domains that libvirt defines on the host. */
void import_domains(struct findings *all);
/* Read the kernel's command line, and the profile of tuned. */
void import_cmdline(struct findings *all);
void import_tuned(struct findings *all);
/* Read the cpusets of cgroups. */
void import_cgroups(struct findings *all);
/* Read the huge pages of the host and the mounts of hugetlbfs; after the domains. */
void import_hugepages(struct findings *all);

#endif /* VPOOLCTL_IMPORT_SOURCES_H */
