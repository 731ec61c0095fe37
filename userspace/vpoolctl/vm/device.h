/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_DEVICE_H
#define VPOOLCTL_VM_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "host/pci.h"

struct failure;
struct vm_user;

#define VM_DEVICES_MAX 16
/* Room for the name of a driver. */
#define DRIVER_SIZE 64

/**
 * struct vm_device - a PCI device of the host that a machine has
 * @address: address of the device
 * @driver: driver that it had before; empty for none
 * @override: its former driver_override; empty for none
 * @has_owner: its IOMMU group had an owner before, which @uid and @gid are
 * @uid: user id of that owner
 * @gid: group id of that owner
 */
struct vm_device {
	char address[PCI_ADDRESS_SIZE];
	char driver[DRIVER_SIZE];
	char override[DRIVER_SIZE];
	bool has_owner;
	uid_t uid;
	gid_t gid;
};

/**
 * struct vm_devices - the PCI devices of a machine
 * @nr: number of devices
 * @device: the devices
 */
struct vm_devices {
	size_t nr;
	struct vm_device device[VM_DEVICES_MAX];
};

/* Read the note about the devices of a machine. @dir is the directory of the machine. */
void vm_devices_read(const char *dir, struct vm_devices *devices);

/* Return the addresses, separated by commas, for free(3). */
char *vm_devices_text(const struct vm_devices *devices);

/*
 * Note which devices a machine will have, with their drivers and, if a user will get them,
 * the owners of their IOMMU groups. Return 0 or a negative errno.
 */
int vm_devices_note(const char *dir, struct vm_devices *devices, bool for_user);

/*
 * Bind the devices to vfio-pci. Return 0, or a negative errno with @failure set. After a
 * failure, vm_devices_return() undoes what was done.
 */
int vm_devices_take(const struct vm_devices *devices, struct failure *failure);

/*
 * Make a user the owner of the IOMMU groups of devices. Return 0, or a negative errno with
 * @failure set. vm_devices_return() undoes it.
 */
int vm_devices_hand(const struct vm_devices *devices, const struct vm_user *user,
		    struct failure *failure);

/**
 * vm_devices_return() - give the noted devices back to their former drivers
 * @dir: directory of a machine whose QEMU has ended
 * @failure: out: the first failure
 *
 * The note keeps devices that a program still has open, for the next call.
 *
 * Return: 0, or a negative errno with @failure set
 */
int vm_devices_return(const char *dir, struct failure *failure);

#endif /* VPOOLCTL_VM_DEVICE_H */
