/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_TOP_SCREEN_H
#define VPOOLCTL_TOP_SCREEN_H

struct top;

/* On a terminal, until q; an exit status. */
int top_screen(struct top *top);

#endif /* VPOOLCTL_TOP_SCREEN_H */
