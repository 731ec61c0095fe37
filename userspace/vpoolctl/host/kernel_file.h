/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_KERNEL_FILE_H
#define VPOOLCTL_HOST_KERNEL_FILE_H

#include <stdbool.h>

#include <libvpool.h>

/* Return the path of a file of the kernel, for free(3). Tests have another root. */
char *kernel_path(const char *path);

/* Return the first line of a file of the kernel, for free(3), or NULL. */
char *kernel_line(const char *path);

/* Read a number. Return false if the file does not begin with one. */
bool kernel_number(const char *path, long long *number);

/* Read a list of CPUs, for vpool_cpus_free(). Return false if there is none. */
bool kernel_cpus(const char *path, struct vpool_cpus *cpus);

/* Read a mask of CPUs, for vpool_cpus_free(). Return false if there is none. */
bool kernel_mask(const char *path, struct vpool_cpus *cpus);

#endif /* VPOOLCTL_HOST_KERNEL_FILE_H */
