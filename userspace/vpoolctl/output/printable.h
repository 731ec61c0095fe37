/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_OUTPUT_PRINTABLE_H
#define VPOOLCTL_OUTPUT_PRINTABLE_H

/*
 * Return a copy of @text for free(3), with each byte that belongs to no printable
 * character written as \x1b, so that the text cannot control a terminal.
 */
char *printable(const char *text);

#endif /* VPOOLCTL_OUTPUT_PRINTABLE_H */
