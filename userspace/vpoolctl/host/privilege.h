/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_PRIVILEGE_H
#define VPOOLCTL_PRIVILEGE_H

#include <stdbool.h>

/*
 * May the program change the host: cgroups, interrupts, /run/vpool? That takes
 * CAP_SYS_ADMIN in the initial user namespace. Root of a container has user 0, and
 * that capability over its own namespace only.
 */
bool may_change_host(void);

#endif /* VPOOLCTL_PRIVILEGE_H */
