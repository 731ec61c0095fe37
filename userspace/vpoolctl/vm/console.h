/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_CONSOLE_H
#define VPOOLCTL_VM_CONSOLE_H

struct invocation;
struct vm_slot;

/* Connect to a slot's console; a descriptor or a negative errno. */
int console_open(const struct vm_slot *slot);

/*
 * Pass on what comes from the console, and to it what is typed, until it ends or
 * the user leaves; closes it. An exit status.
 */
int console_relay(const struct invocation *inv, int fd);

#endif /* VPOOLCTL_VM_CONSOLE_H */
