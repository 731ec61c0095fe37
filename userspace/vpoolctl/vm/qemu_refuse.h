/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_QEMU_REFUSE_H
#define VPOOLCTL_VM_QEMU_REFUSE_H

/**
 * qemu_refuse() - find an argument that would part QEMU from vpoolctl
 * @args: the user's arguments for QEMU, NULL-terminated
 *
 * An option is refused if it takes QEMU, its memory or its CPUs out of vpoolctl's
 * sight, if the machine could not migrate with it, or if it contradicts an option of
 * vm start.
 *
 * Return: a sentence for free(3), or NULL if there is none
 */
char *qemu_refuse(char **args);

#endif /* VPOOLCTL_VM_QEMU_REFUSE_H */
