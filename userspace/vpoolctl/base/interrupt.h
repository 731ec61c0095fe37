/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_INTERRUPT_H
#define VPOOLCTL_INTERRUPT_H

#include <stdbool.h>

/*
 * From now on SIGINT, SIGTERM and SIGHUP do not end the program: a call that waits
 * fails with EINTR instead, so that the verb can undo what it has done. A signal that
 * is ignored, as nohup(1) has it, stays so.
 */
void catch_interrupts(void);
bool interrupted(void);
/* Forget the signal, so that undoing is not cut short by it. */
void forget_interrupt(void);

#endif /* VPOOLCTL_INTERRUPT_H */
