/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_QEMU_REFUSE_H
#define VPOOLCTL_VM_QEMU_REFUSE_H

#include <stdbool.h>

/**
 * qemu_refuse() - find an argument that conflicts with vpoolctl
 * @args: arguments of the user for QEMU, NULL-terminated
 *
 * An option is refused if vpoolctl could not find QEMU, its memory or its CPUs with it,
 * if the machine could not migrate with it, or if it contradicts an option of vm start.
 *
 * Return: a message for free(3), or NULL if no argument is refused
 */
char *qemu_refuse(char **args);

/* Tell whether an option of QEMU, without its dashes, has no value. */
bool qemu_option_is_flag(const char *option);

#endif /* VPOOLCTL_VM_QEMU_REFUSE_H */
