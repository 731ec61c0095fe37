/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_LISTING_H
#define VPOOLCTL_LISTING_H

#include <libvpool.h>

#include "base/command.h"

struct table;

/* What a verb that prints one table can be told. */
extern const struct option_def listing_options[];

/* How many of them there are without --bytes, and with it. */
#define NR_LISTING_OPTIONS 4
#define NR_LISTING_SIZE_OPTIONS 5

/* Does the caller ask for more than the usual columns? */
bool listing_wants_all(const struct invocation *inv);

/*
 * Do such a verb: make the table, let fill add the rows, print it. fill gets a
 * handle to read with and returns a negative errno.
 */
int run_listing(const struct invocation *inv, const char *name,
		int (*fill)(const struct invocation *inv, struct vpool *vp,
			    struct table *tb));

#endif /* VPOOLCTL_LISTING_H */
