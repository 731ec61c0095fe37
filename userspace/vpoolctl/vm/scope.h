/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_SCOPE_H
#define VPOOLCTL_VM_SCOPE_H

struct vm_config;

/*
 * Properties of the scope of systemd that the QEMUs of a machine have, one in each line. A
 * file in the directory of the machine keeps them, so that a migration does not lose the
 * limits of the machine.
 */

/* Return the properties of a configuration, for free(3), or NULL if there are none. */
char *scope_of_config(const struct vm_config *config);

/* Write the file, unless @properties is NULL. Return 0 or a negative errno. */
int scope_write(const char *dir, const char *properties);
/* Return the properties, for free(3), or NULL if there are none. */
char *scope_read(const char *dir);
void scope_remove(const char *dir);

#endif /* VPOOLCTL_VM_SCOPE_H */
