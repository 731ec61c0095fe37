/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_RESTORE_H
#define VPOOLCTL_VM_RESTORE_H

struct invocation;

/* Start the machine @name from the template @from. Return an exit status. */
int vm_start_template(const struct invocation *inv, const char *name, const char *from);

#endif /* VPOOLCTL_VM_RESTORE_H */
