/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_STORAGE_H
#define VPOOLCTL_STORAGE_H

struct table;

/* Make a table of the disks. */
struct table *disk_table(void);
/* Make a table of the mounted filesystems on disks, with their free space. */
struct table *filesystem_table(void);

#endif /* VPOOLCTL_STORAGE_H */
