/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_PROGRESS_H
#define VPOOLCTL_PROGRESS_H

struct progress;

/**
 * progress_start() - show how the memory for a pool comes together
 * @verb: what is being done
 * @name: the pool
 *
 * From another thread, on standard error, if that is a terminal and if it takes
 * longer than a second.
 *
 * Return: what to stop, or NULL
 */
struct progress *progress_start(const char *verb, const char *name);

/* Stop it and leave a clean line; NULL is fine. */
void progress_stop(struct progress *pr);

#endif /* VPOOLCTL_PROGRESS_H */
