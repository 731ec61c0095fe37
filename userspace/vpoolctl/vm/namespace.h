/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_NAMESPACE_H
#define VPOOLCTL_VM_NAMESPACE_H

#include <sys/types.h>

struct vm_user;

/*
 * A user namespace in which root is the user of a QEMU. virtiofsd needs to be root to mount
 * its share and to change to the users of the guest. There, it is root over the files of
 * that user alone.
 *
 * Both functions are for processes of root. @sync is a socket between the two, and a failure
 * of one makes the other fail. They return 0 or a negative errno.
 */

/* In the child: enter a new namespace, and wait until the parent has mapped the user. */
int namespace_enter(int sync);
/* In the parent: map the user, and its range of /etc/subuid and /etc/subgid if it has one. */
int namespace_map(pid_t child, int sync, const struct vm_user *user);

/* Find the range of a user in the text of /etc/subuid. Return its length, or 0. */
unsigned long namespace_range(const char *text, const char *name, unsigned long *first);

#endif /* VPOOLCTL_VM_NAMESPACE_H */
