/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_PROGRESS_H
#define VPOOLCTL_PROGRESS_H

struct progress;

/**
 * progress_start() - show the progress of a memory reservation
 * @verb: the verb, for the display; the caller keeps it
 * @name: name of the pool; the caller keeps it
 *
 * Print from another thread to standard error, if that is a terminal and the reservation
 * takes longer than a second.
 *
 * Return: the progress, for progress_stop(), or NULL
 */
struct progress *progress_start(const char *verb, const char *name);

/* Stop the display and clear its line. Does nothing for NULL. */
void progress_stop(struct progress *pr);

#endif /* VPOOLCTL_PROGRESS_H */
