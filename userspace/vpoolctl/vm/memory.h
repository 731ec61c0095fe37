/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_MEMORY_H
#define VPOOLCTL_VM_MEMORY_H

#include <libvpool.h>

/**
 * struct vm_memory - a QEMU's memory of pools
 * @pool: the pool of the first of it, empty if it has none
 * @bytes: how much it has mapped
 */
struct vm_memory {
	char pool[VPOOL_NAME_SIZE];
	__u64 bytes;
};

/* Read from /proc what a process has mapped; 0 or a negative errno. */
int vm_read_memory(pid_t pid, struct vm_memory *memory);

/*
 * Wait until all that no region holds is free in a pool: after the end of a QEMU.
 * 0, or -ETIMEDOUT with the bytes that are missing.
 */
int vm_wait_returned(const char *pool, int ms, __u64 *missing);

#endif /* VPOOLCTL_VM_MEMORY_H */
