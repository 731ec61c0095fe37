/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_LISTING_H
#define VPOOLCTL_LISTING_H

#include <libvpool.h>

#include "base/command.h"

struct table;

/* Options of a verb that prints a single table. */
extern const struct option_def listing_options[];

/* The number of these options without --bytes, and with it. */
#define NR_LISTING_OPTIONS 4
#define NR_LISTING_SIZE_OPTIONS 5

/* Tell whether the user asks for more than the default columns. */
bool listing_wants_all(const struct invocation *inv);

/*
 * Run such a verb: create the table, let @fill add the rows, print it. @fill gets a handle
 * that can read, and returns 0 or a negative errno.
 */
int run_listing(const struct invocation *inv, const char *name,
		int (*fill)(const struct invocation *inv, struct vpool *vp,
			    struct table *tb));

#endif /* VPOOLCTL_LISTING_H */
