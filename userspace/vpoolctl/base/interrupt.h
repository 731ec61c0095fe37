/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_INTERRUPT_H
#define VPOOLCTL_INTERRUPT_H

#include <stdbool.h>

/*
 * Catch SIGINT, SIGTERM and SIGHUP: they no longer end the program. A blocking call
 * fails with EINTR instead, so that the verb can undo its changes. An ignored signal, as
 * under nohup(1), stays ignored.
 */
void catch_interrupts(void);
bool interrupted(void);
/* Clear the signal, so that undoing the changes is not interrupted. */
void forget_interrupt(void);

#endif /* VPOOLCTL_INTERRUPT_H */
