/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_TEMPLATE_IMAGE_H
#define VPOOLCTL_VM_TEMPLATE_IMAGE_H

#include <linux/types.h>
#include <stddef.h>
#include <sys/types.h>

#include "vm/template.h"

struct failure;
struct qmp;
struct vm_slot;

/* Value of a checksum before the first byte. */
#define IMAGE_SUM 0x9e3779b97f4a7c15ULL

/*
 * Add bytes to a checksum, which finds damage, but no forgery. All parts but the last must
 * be multiples of 32 bytes.
 */
__u64 image_sum(__u64 sum, const void *data, size_t len);

/**
 * struct image_node - memory of a NUMA node of a guest
 * @address: its address in QEMU
 * @bytes: its size
 */
struct image_node {
	__u64 address;
	__u64 bytes;
};

/**
 * image_find() - find the memory of a guest in its QEMU
 * @qmp: connection to the QEMU
 * @tpl: the machine type and the plan
 * @nodes: out: one for each node of the plan
 * @failure: out: the reason for an error
 *
 * Return: 0 or a negative errno
 */
int image_find(struct qmp *qmp, const struct template *tpl, struct image_node *nodes,
	       struct failure *failure);

/*
 * Write the memory of a process that does not change to a new file, without pages that are
 * zero. Return 0, or a negative errno with @failure set.
 */
int image_save_memory(pid_t pid, const struct image_node *nodes, size_t nr, const char *path,
		      struct template_file *file, struct failure *failure);
/* Write the file to the memory of a process, which is zero. Check it as above. */
int image_load_memory(pid_t pid, const struct image_node *nodes, size_t nr, const char *path,
		      const struct template_file *file, struct failure *failure);

/*
 * Let a QEMU write the state of its devices to a new file. The machine does not run after
 * that, and has all of its state, unless an error is returned. Return 0, or a negative
 * errno with @failure set.
 */
int image_save_state(struct qmp *qmp, const struct vm_slot *slot, const char *path,
		     struct template_file *file, struct failure *failure);
/* Let a QEMU that waits for it load the state, and start its vCPUs. Check it as above. */
int image_load_state(struct qmp *qmp, const struct vm_slot *slot, const char *path,
		     const struct template_file *file, struct failure *failure);

/* Copy a file to a new one, which all can read. Return 0, or a negative errno with @failure set. */
int image_copy_file(const char *from, const char *to, struct failure *failure);

#endif /* VPOOLCTL_VM_TEMPLATE_IMAGE_H */
