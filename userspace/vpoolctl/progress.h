/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_PROGRESS_H
#define VPOOLCTL_PROGRESS_H

#include <linux/types.h>

struct progress;

/**
 * progress_start() - show how the memory of a new pool comes together
 * @name: the pool
 * @bytes: how much it shall be
 *
 * From another thread, on standard error, if that is a terminal and if it takes
 * longer than a second.
 *
 * Return: what to stop, or NULL
 */
struct progress *progress_start(const char *name, __u64 bytes);

/* Stop it and leave a clean line; NULL is fine. */
void progress_stop(struct progress *pr);

#endif /* VPOOLCTL_PROGRESS_H */
