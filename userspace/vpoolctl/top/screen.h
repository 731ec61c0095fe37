/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_TOP_SCREEN_H
#define VPOOLCTL_TOP_SCREEN_H

struct top;

/* Run top on a terminal until the key q. Return an exit status. */
int top_screen(struct top *top);

#endif /* VPOOLCTL_TOP_SCREEN_H */
