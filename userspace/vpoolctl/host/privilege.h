/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_PRIVILEGE_H
#define VPOOLCTL_PRIVILEGE_H

#include <stdbool.h>

/*
 * Check whether the caller may change the host: cgroups, interrupts and /run/vpool. That
 * needs CAP_SYS_ADMIN in the initial user namespace. Root in a container also has user id
 * 0, but the capability only in its own namespace.
 */
bool may_change_host(void);

/* Check whether the caller may lock memory without a limit. */
bool may_lock_memory(void);

#endif /* VPOOLCTL_PRIVILEGE_H */
