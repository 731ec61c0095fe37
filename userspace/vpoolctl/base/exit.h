/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_BASE_EXIT_H
#define VPOOLCTL_BASE_EXIT_H

/* Exit statuses, as the manual documents them. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_MODULE = 3,
};

/* Exit statuses of the verb run, as in env(1). */
enum {
	EXIT_CANNOT_RUN = 126,
	EXIT_NOT_FOUND = 127,
};

#endif /* VPOOLCTL_BASE_EXIT_H */
