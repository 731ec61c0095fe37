/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_TREE_H
#define VPOOLCTL_HOST_TREE_H

#include <stddef.h>

/*
 * Find a process and its descendants, parents first. @nr receives their number. Return
 * their ids for free(3), the first of which is @pid. A process whose parent has exited is
 * a child of another one, and is not found.
 */
int *tree_find(int pid, size_t *nr);

#endif /* VPOOLCTL_HOST_TREE_H */
