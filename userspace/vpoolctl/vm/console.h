/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_CONSOLE_H
#define VPOOLCTL_VM_CONSOLE_H

struct invocation;
struct vm_slot;

/* Connect to the console of a slot. Return a descriptor or a negative errno. */
int console_open(const struct vm_slot *slot);

/*
 * Copy between the console @fd and standard input and output, until the console closes
 * or the user disconnects. Close @fd. Return an exit status.
 */
int console_relay(const struct invocation *inv, int fd);

#endif /* VPOOLCTL_VM_CONSOLE_H */
