// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check PCI devices before a virtual machine gets them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/failure.h"
#include "host/pci.h"
#include "host/pci_use.h"
#include "host/privilege.h"
#include "output/messages.h"
#include "output/units.h"
#include "vm/device.h"
#include "vm/device_check.h"
#include "vm/user.h"
#include "vm/vm.h"

/* Memory besides the guest's that QEMU maps for devices: firmware and their ROMs. */
#define FIRMWARE_BYTES (64ULL << 20)

static bool has_device(const struct vm_devices *devices, const char *address)
{
	size_t i;

	for (i = 0; i < devices->nr; i++)
		if (!strcmp(devices->device[i].address, address))
			return true;
	return false;
}

int vm_devices_parse(const char *list, struct vm_devices *devices, char **bad)
{
	char address[PCI_ADDRESS_SIZE];
	size_t len;

	devices->nr = 0;
	for (;; list += len + 1) {
		len = strcspn(list, ",");
		*bad = xprintf("%.*s", (int)len, list);
		if (pci_parse(*bad, address) || has_device(devices, address))
			return -EINVAL;
		free(*bad);
		*bad = NULL;
		if (devices->nr == VM_DEVICES_MAX)
			return -EINVAL;
		memcpy(devices->device[devices->nr++].address, address,
		       sizeof(address));
		if (!list[len])
			return 0;
	}
}

/* Other machines */

/*
 * Tell whether a machine has one of the devices, and set @address to that one. Opening a
 * machine whose QEMU has ended gives its devices back.
 */
static bool is_holder(const char *name, const struct vm_devices *devices,
		      char address[PCI_ADDRESS_SIZE])
{
	struct vm_devices theirs = { 0 };
	struct vm *vm;
	size_t i;

	if (vm_open(name, false, &vm) == -EBUSY)
		vm = vm_inspect(name);
	if (vm)
		vm_devices_read(vm->dir, &theirs);
	vm_close(vm);
	for (i = 0; i < theirs.nr; i++) {
		if (!has_device(devices, theirs.device[i].address))
			continue;
		memcpy(address, theirs.device[i].address, PCI_ADDRESS_SIZE);
		return true;
	}
	return false;
}

static int check_others(const struct invocation *inv, const char *name,
			const struct vm_devices *devices)
{
	char address[PCI_ADDRESS_SIZE], **names;
	size_t i, nr;
	int err = 0;

	names = vm_names(&nr);
	for (i = 0; i < nr; i++) {
		if (!err && strcmp(names[i], name) &&
		    is_holder(names[i], devices, address)) {
			cmd_error(inv, name, TOOL_VM_DEVICE_TAKEN,
				  "the virtual machine '%s' has device %s",
				  names[i], address);
			err = -1;
		}
		free(names[i]);
	}
	free(names);
	return err;
}

/* The checks of one device */

static int check_kind(const struct invocation *inv, const char *name,
		      const char *address)
{
	if (!pci_exists(address))
		cmd_error(inv, name, TOOL_VM_DEVICE,
			  "there is no PCI device %s", address);
	else if (pci_is_bridge(address))
		cmd_error(inv, name, TOOL_VM_DEVICE,
			  "device %s is a bridge, which cannot be passed to a virtual machine",
			  address);
	else if (pci_group(address) < 0)
		cmd_error(inv, name, TOOL_VM_DEVICE_NO_IOMMU,
			  "device %s has no IOMMU group: turn the IOMMU on in the firmware (VT-d or AMD-Vi), and boot Linux with intel_iommu=on on a processor by Intel",
			  address);
	else
		return 0;
	return -1;
}

/*
 * Tell whether a device of the group may stay where it is while a program has the group.
 * The kernel accepts devices without a driver and bridges, too.
 */
static bool is_harmless(const char *address)
{
	char *driver = pci_driver(address);
	bool harmless = !driver || pci_is_vfio(driver) ||
			!strcmp(driver, "pci-stub") || !strcmp(driver, "pcieport");

	free(driver);
	return harmless;
}

/* Check that a program can open the group of a device that has a driver for VFIO. */
static int check_open(const struct invocation *inv, const char *name,
		      const char *address, int group)
{
	int err = pci_group_busy(group);

	if (err == -EBUSY)
		cmd_error(inv, name, TOOL_VM_DEVICE_TAKEN,
			  "another program has IOMMU group %d of device %s open",
			  group, address);
	else if (err)
		cmd_error(inv, name, errno_code(-err),
			  "the IOMMU group of device %s: /dev/vfio/%d: %s",
			  address, group, strerror(-err));
	return err ? -1 : 0;
}

/* Check the other devices of the group. */
static int check_group(const struct invocation *inv, const char *name,
		       const char *address, const struct vm_devices *devices)
{
	int group = pci_group(address), err = 0;
	char **all, *driver;
	size_t i, nr;

	all = pci_group_devices(group, &nr);
	for (i = 0; i < nr; i++) {
		if (!err && !has_device(devices, all[i]) && !is_harmless(all[i])) {
			driver = pci_driver(all[i]);
			cmd_error(inv, name, TOOL_VM_DEVICE_GROUP,
				  "device %s shares IOMMU group %d with device %s, which has driver %s",
				  address, group, all[i], driver ? driver : "-");
			free(driver);
			err = -1;
		}
		free(all[i]);
	}
	free(all);
	return err ? err : check_open(inv, name, address, group);
}

/* Check that the device can leave its driver. */
static int check_driver(const struct invocation *inv, const char *name,
			const char *address, bool force)
{
	char *driver = pci_driver(address), *use = NULL;
	int err = -1;

	if (!pci_is_vfio(driver) && !force)
		use = pci_use(address);
	if (use)
		cmd_error(inv, name, TOOL_VM_DEVICE_IN_USE,
			  "the host uses device %s: %s", address, use);
	else if (!pci_is_vfio(driver) && !may_change_host())
		cmd_error(inv, name, TOOL_VM_DEVICE_BIND,
			  "only root can bind device %s to " PCI_VFIO ", and it has %s%s",
			  address, driver ? "driver " : "no driver",
			  driver ? driver : "");
	else
		err = 0;
	free(use);
	free(driver);
	return err;
}

int vm_devices_check(const struct invocation *inv, const char *name,
		     const struct vm_devices *devices, bool force)
{
	size_t i;

	if (!devices->nr)
		return 0;
	for (i = 0; i < devices->nr; i++)
		if (check_kind(inv, name, devices->device[i].address))
			return -1;
	if (check_others(inv, name, devices))
		return -1;
	for (i = 0; i < devices->nr; i++) {
		const char *address = devices->device[i].address;

		if (check_group(inv, name, address, devices) ||
		    check_driver(inv, name, address, force))
			return -1;
	}
	return 0;
}

__u64 vm_devices_locked(__u64 bytes)
{
	return bytes + FIRMWARE_BYTES;
}

int vm_devices_check_memlock(const struct invocation *inv, const char *name,
			     __u64 bytes)
{
	__u64 wanted = vm_devices_locked(bytes);
	char size[SIZE_TEXT], limited[SIZE_TEXT];
	struct rlimit limit;

	if (may_lock_memory() || getrlimit(RLIMIT_MEMLOCK, &limit) ||
	    limit.rlim_cur >= wanted)
		return 0;
	if (limit.rlim_max >= wanted) {
		limit.rlim_cur = limit.rlim_max;
		if (!setrlimit(RLIMIT_MEMLOCK, &limit))
			return 0;
	}
	cmd_error(inv, name, TOOL_VM_MEMLOCK,
		  "a device needs all memory of the machine locked, %s with the firmware, but the limit of locked memory is %s",
		  format_size(wanted, size), format_size(limit.rlim_max, limited));
	return -1;
}

/* Taking devices */

/* Note the devices while no other vpoolctl can. */
static int write_note(const struct invocation *inv, const struct vm *vm,
		      struct vm_devices *devices, const struct vm_user *user)
{
	char *root = vm_root();
	int err, fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	err = fd < 0 || flock(fd, LOCK_EX) ? -errno : 0;
	free(root);
	if (!err && check_others(inv, vm->name, devices)) {
		close(fd);
		return -1;
	}
	if (!err)
		err = vm_devices_note(vm->dir, devices, user->name);
	if (fd >= 0)
		close(fd);
	if (err)
		cmd_error(inv, vm->name, errno_code(-err),
			  "cannot note its devices: %s", strerror(-err));
	return err ? -1 : 0;
}

int vm_devices_claim(const struct invocation *inv, const struct vm *vm,
		     struct vm_devices *devices, const struct vm_user *user)
{
	struct vm_devices old;
	struct failure failure;

	vm_devices_read(vm->dir, &old);
	if (old.nr) {
		cmd_error(inv, vm->name, TOOL_VM_DEVICE_TAKEN,
			  "device %s of an earlier machine with this name is still in use",
			  old.device->address);
		return -1;
	}
	if (write_note(inv, vm, devices, user))
		return -1;
	if (vm_devices_take(devices, &failure) ||
	    vm_devices_hand(devices, user, &failure)) {
		failure_report(inv, vm->name, &failure);
		return -1;
	}
	return 0;
}
