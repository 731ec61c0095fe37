/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_BASE_CLOCK_H
#define VPOOLCTL_BASE_CLOCK_H

/* Return the milliseconds of CLOCK_MONOTONIC. */
double now_ms(void);

#endif /* VPOOLCTL_BASE_CLOCK_H */
