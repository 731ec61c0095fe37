/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CMD_VERBS_H
#define VPOOLCTL_CMD_VERBS_H

#include <stddef.h>

struct command;

/* All verbs, in the order of the help. */
extern const struct command * const verbs[];
extern const size_t nr_verbs;

#endif /* VPOOLCTL_CMD_VERBS_H */
