/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_PART_ARGS_H
#define VPOOLCTL_VM_PART_ARGS_H

struct vm_config;
struct vm_parts;
struct vm_slot;

/*
 * Add the arguments of QEMU for parts of a machine. @parts can be NULL, for a machine whose
 * parts need nothing of the host.
 */

/* Add where VNC shows the screen: two words. */
void vm_args_vnc(char ***args, const struct vm_config *config, const struct vm_slot *slot);
/* Add its networks. */
void vm_args_nets(char ***args, const struct vm_config *config, const struct vm_parts *parts);
/* Add its firmware, disks, CDs and seed. */
void vm_args_media(char ***args, const struct vm_config *config, const struct vm_parts *parts);
/* Add its screen, TPM and shares. */
void vm_args_helped(char ***args, const struct vm_config *config);

#endif /* VPOOLCTL_VM_PART_ARGS_H */
