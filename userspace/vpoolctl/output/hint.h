/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_ADVICE_H
#define VPOOLCTL_ADVICE_H

#include <stdbool.h>
#include <stddef.h>

#define HINT_SIZE 256

/**
 * struct hint_host - what advice depends on
 * @root: the caller is root
 * @threads: a core has several threads
 * @nodes: there are several NUMA nodes
 */
struct hint_host {
	bool root;
	bool threads;
	bool nodes;
};

/* Give advice for another host than this, for tests. */
void hint_set_host(const struct hint_host *host);

/*
 * What to try after a reason, in a sentence; empty if the reason says it itself.
 * false, and empty, if nothing is known about it.
 */
bool hint_for(const char *reason, const char *subject, char *text,
	      size_t room);

#endif /* VPOOLCTL_ADVICE_H */
