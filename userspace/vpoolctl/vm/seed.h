/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_SEED_H
#define VPOOLCTL_VM_SEED_H

struct failure;
struct invocation;
struct vm_config;

/* Check the files of the seed of a machine. Return 0, or -1 after a message. */
int vm_seed_check(const struct invocation *inv, const struct vm_config *config);

/*
 * Write the image of the seed, and replace the file @path by it. Return 0, or a negative
 * errno with @failure set.
 */
int vm_seed_write(const struct vm_config *config, const char *path, struct failure *failure);

#endif /* VPOOLCTL_VM_SEED_H */
