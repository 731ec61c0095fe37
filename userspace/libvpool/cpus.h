/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBVPOOL_CPUS_H
#define LIBVPOOL_CPUS_H

#include "libvpool.h"

/*
 * Read a file with a list of CPUs, for vpool_cpus_free(). @path is relative to the
 * directory @dir, a descriptor or AT_FDCWD. Return 0 or a negative errno.
 */
int vpool_read_cpus(int dir, const char *path, struct vpool_cpus *cpus);

#endif /* LIBVPOOL_CPUS_H */
