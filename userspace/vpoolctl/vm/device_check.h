/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_DEVICE_CHECK_H
#define VPOOLCTL_VM_DEVICE_CHECK_H

#include <linux/types.h>
#include <stdbool.h>

struct invocation;
struct vm;
struct vm_devices;
struct vm_user;

/*
 * Parse a list of addresses. Return 0, or -EINVAL with @bad set to the address that is
 * wrong or given twice, or to NULL if there are too many; @bad is for free(3).
 */
int vm_devices_parse(const char *list, struct vm_devices *devices, char **bad);

/*
 * Check that devices can be passed to a machine. With @force, take them although the host
 * uses them. Return 0, or -1 with a message.
 */
int vm_devices_check(const struct invocation *inv, const char *name,
		     const struct vm_devices *devices, bool force);

/* Check that this process may lock @bytes of memory. Return 0, or -1 with a message. */
int vm_devices_check_memlock(const struct invocation *inv, const char *name,
			     __u64 bytes);

/* Return how much memory a machine with devices and @bytes of memory locks, in bytes. */
__u64 vm_devices_locked(__u64 bytes);

/*
 * Take the devices from the host for a locked machine, unless another machine has them.
 * vm_close() gives them back if the machine does not run then. The user of QEMU owns their
 * IOMMU groups. Return 0, or -1 with a message.
 */
int vm_devices_claim(const struct invocation *inv, const struct vm *vm,
		     struct vm_devices *devices, const struct vm_user *user);

#endif /* VPOOLCTL_VM_DEVICE_CHECK_H */
