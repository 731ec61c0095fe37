/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_STORAGE_H
#define VPOOLCTL_STORAGE_H

struct table;

/* The host's disks. */
struct table *disk_table(void);
/* The filesystems on them that are mounted, and what is free there. */
struct table *filesystem_table(void);

#endif /* VPOOLCTL_STORAGE_H */
