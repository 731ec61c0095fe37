/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_LABEL_H
#define VPOOLCTL_VM_LABEL_H

#include <stdbool.h>

/* File of the kernel that removes a profile. */
#define LABEL_REMOVE "/sys/kernel/security/apparmor/.remove"

/*
 * The AppArmor profile of a slot. Each slot has a profile, so that both QEMUs of a migration
 * have one. A file in the directory of the slot tells that it is loaded. The vpoolctl that
 * removes the directory also removes the profile, after QEMU has ended.
 *
 * The name of the profile comes from the path of the directory and not from the file, because
 * QEMU can create files there.
 */

/* Return the name of the profile of a slot with this directory, for free(3). */
char *label_name(const char *dir);
/* Note that the profile is loaded. The directory exists. Return 0 or a negative errno. */
int label_set(const char *dir);
bool label_is_set(const char *dir);
/* Remove the profile of a slot whose QEMU has ended, if the slot has one. */
void label_remove(const char *dir);

/*
 * Keep the value of the property "confine" in the directory of a machine, for migrations. Do
 * nothing for NULL. Return 0 or a negative errno.
 */
int label_wanted_write(const char *dir, const char *wanted);
/* Return that value, for free(3), or NULL. */
char *label_wanted_read(const char *dir);
void label_wanted_remove(const char *dir);

#endif /* VPOOLCTL_VM_LABEL_H */
