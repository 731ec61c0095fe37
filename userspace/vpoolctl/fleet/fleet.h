/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_FLEET_FLEET_H
#define VPOOLCTL_FLEET_FLEET_H

struct invocation;

/*
 * Run a verb on each host of "HOST[,HOST...]", and print the answers: a table with a
 * column HOST if the verb prints a table, else each line after the name of its host.
 * Return the exit status.
 */
int fleet_run(const char *list, const struct invocation *inv);

#endif /* VPOOLCTL_FLEET_FLEET_H */
