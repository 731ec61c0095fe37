/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_CONSOLE_H
#define VPOOLCTL_VM_CONSOLE_H

#include "vm/vm.h"

/* Connect to a side's console; a descriptor or a negative errno. */
int console_open(const struct vm_side *side);

/*
 * Pass on what comes from the console, and to it what is typed, until it ends or
 * the user leaves; closes it. An exit status.
 */
int console_relay(const struct invocation *inv, int fd);

#endif /* VPOOLCTL_VM_CONSOLE_H */
