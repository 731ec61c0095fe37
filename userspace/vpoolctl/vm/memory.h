/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_MEMORY_H
#define VPOOLCTL_VM_MEMORY_H

#include <libvpool.h>

/**
 * struct vm_memory - memory of pools that a QEMU uses
 * @pool: name of the pool of the first mapping; empty if there is none
 * @bytes: committed memory of all mapped regions and files, in bytes
 */
struct vm_memory {
	char pool[VPOOL_NAME_SIZE];
	__u64 bytes;
};

/* Read the mappings of a process from /proc. Return 0 or a negative errno. */
int vm_read_memory(pid_t pid, struct vm_memory *memory);

/*
 * Wait up to @ms milliseconds until all memory of a pool outside of regions is free, as
 * it should be after a QEMU has ended. Return 0, or -ETIMEDOUT with the bytes that are
 * not free in @missing.
 */
int vm_wait_returned(const char *pool, int ms, __u64 *missing);

#endif /* VPOOLCTL_VM_MEMORY_H */
