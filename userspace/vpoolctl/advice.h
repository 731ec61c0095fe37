/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_ADVICE_H
#define VPOOLCTL_ADVICE_H

#include "vpoolctl.h"

#define ADVICE_SIZE 256

/*
 * What to try after a reason, in a sentence; empty if the reason says it itself.
 * false, and empty, if nothing is known about it.
 */
bool advice_for(const char *reason, const char *subject, char *text,
		size_t room);

#endif /* VPOOLCTL_ADVICE_H */
