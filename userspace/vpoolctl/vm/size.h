/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_SIZE_H
#define VPOOLCTL_VM_SIZE_H

#include <linux/types.h>
#include <stdbool.h>

struct qmp;

/* Name of the device that grows and shrinks the memory, and of its memory. */
#define VM_SIZE_DEVICE "vmem"
#define VM_SIZE_MEMORY "elastic"
/* Name of the device with which a guest reports free memory. */
#define VM_RECLAIM_DEVICE "reclaim"

/* Smallest block of memory that a guest takes and returns, in bytes. */
#define VM_SIZE_BLOCK (2ULL << 20)
/* Memory that a Linux guest adds at once on x86, in bytes. It cannot use a part of it. */
#define VM_SIZE_STEP (128ULL << 20)

/**
 * struct vm_size - memory of a machine, in bytes
 * @base: memory that the machine always has
 * @elastic: largest amount that it can have in addition; 0 without --max-mem
 * @plugged: what the guest has of @elastic
 * @requested: what it should have of @elastic
 * @block: unit of @plugged and @requested
 */
struct vm_size {
	__u64 base;
	__u64 elastic;
	__u64 plugged;
	__u64 requested;
	__u64 block;
};

/* Read the size of a machine. Return 0 or a negative errno. */
int vm_size_read(struct qmp *qmp, int ms, struct vm_size *size);

/*
 * Request that the guest has @bytes in addition to its base memory. The same request again
 * makes the guest try again. Return 0 or a negative errno.
 */
int vm_size_request(struct qmp *qmp, __u64 bytes);

/* Tell whether the guest has no driver for the device. */
bool vm_size_lacks_driver(struct qmp *qmp);

#endif /* VPOOLCTL_VM_SIZE_H */
