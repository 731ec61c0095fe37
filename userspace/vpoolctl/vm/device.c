// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI devices of the host that a virtual machine has.
 *
 * A file in the directory of the machine has a line for each device: its address, the
 * driver that it had, and its driver_override, "-" for none. If a user gets a device that
 * had a driver for VFIO before, the former owner of its IOMMU group follows. The file is
 * written before the first device changes its driver, and removed after all devices have
 * their drivers back. So whoever finds a machine without a QEMU can give its devices back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/code.h"
#include "base/failure.h"
#include "base/files.h"
#include "host/kmod.h"
#include "vm/device.h"
#include "vm/user.h"

/* Time limit for the kernel to close the devices of a QEMU that has ended. */
#define CLOSE_MS 5000

static char *note_path(const char *dir)
{
	return xprintf("%s/devices", dir);
}

/* "-" stands for an empty word. */
static void unpack(char *word)
{
	if (!strcmp(word, "-"))
		*word = '\0';
}

static const char *pack(const char *word)
{
	return *word ? word : "-";
}

static bool parse_line(const char *line, struct vm_device *device)
{
	char *one = xprintf("%.*s", (int)strcspn(line, "\n"), line);
	int nr = sscanf(one, "%19s %63s %63s %u %u", device->address, device->driver,
			device->override, &device->uid, &device->gid);

	device->has_owner = nr == 5;
	free(one);
	return nr == 3 || nr == 5;
}

static char *format_line(const struct vm_device *device)
{
	char *owner = device->has_owner ? xprintf(" %u %u", device->uid, device->gid) :
					  xstrdup("");
	char *line = xprintf("%s %s %s%s\n", device->address, pack(device->driver),
			     pack(device->override), owner);

	free(owner);
	return line;
}

void vm_devices_read(const char *dir, struct vm_devices *devices)
{
	char *path = note_path(dir), *text = read_text(path), *line;
	struct vm_device *device;

	devices->nr = 0;
	for (line = text; line && *line; line += strcspn(line, "\n")) {
		line += *line == '\n';
		device = devices->device + devices->nr;
		if (devices->nr == VM_DEVICES_MAX || !parse_line(line, device))
			break;
		unpack(device->driver);
		unpack(device->override);
		devices->nr++;
	}
	free(text);
	free(path);
}

char *vm_devices_text(const struct vm_devices *devices)
{
	char *text = xstrdup(""), *longer;
	size_t i;

	for (i = 0; i < devices->nr; i++) {
		longer = xprintf("%s%s%s", text, i ? "," : "",
				 devices->device[i].address);
		free(text);
		text = longer;
	}
	return text;
}

/* Write the note, or remove it if there are no devices. */
static int write_note(const char *dir, const struct vm_devices *devices)
{
	char *path = note_path(dir), *text = xstrdup(""), *longer, *line;
	char *unfinished = xprintf("%s~", path);
	int err = 0;
	size_t i;

	for (i = 0; i < devices->nr; i++) {
		line = format_line(devices->device + i);
		longer = xprintf("%s%s", text, line);
		free(line);
		free(text);
		text = longer;
	}
	if (devices->nr)
		err = replace_file(path, text);
	else if (unlink(path) && errno != ENOENT)
		err = -errno;
	/* A vpoolctl that was killed in replace_file() has left it. */
	unlink(unfinished);
	free(unfinished);
	free(text);
	free(path);
	return err;
}

int vm_devices_note(const char *dir, struct vm_devices *devices, bool for_user)
{
	size_t i;

	for (i = 0; i < devices->nr; i++) {
		struct vm_device *device = devices->device + i;
		char *driver = pci_driver(device->address);
		char *override = pci_read(device->address, "driver_override");

		snprintf(device->driver, DRIVER_SIZE, "%s", driver ? driver : "");
		/* The kernel prints "(null)" if there is none. */
		snprintf(device->override, DRIVER_SIZE, "%s",
			 override && strcmp(override, "(null)") ? override : "");
		/* Only then does the group have a node that stays. */
		device->has_owner = for_user && pci_is_vfio(device->driver) &&
				    !pci_group_owner(pci_group(device->address),
						     &device->uid, &device->gid);
		free(override);
		free(driver);
	}
	return write_note(dir, devices);
}

int vm_devices_take(const struct vm_devices *devices, struct failure *failure)
{
	bool loaded = false;
	size_t i;
	int err;

	for (i = 0; i < devices->nr; i++) {
		const struct vm_device *device = devices->device + i;

		if (pci_is_vfio(device->driver))
			continue;
		if (!loaded && !pci_has_vfio()) {
			err = kmod_load_kernel(PCI_VFIO, failure);
			if (err)
				return err;
		}
		loaded = true;
		err = pci_take(device->address);
		if (err)
			return failure_set(failure, err, TOOL_VM_DEVICE_BIND,
					   "device %s cannot be bound to " PCI_VFIO ": %s",
					   device->address, strerror(-err));
	}
	return 0;
}

int vm_devices_hand(const struct vm_devices *devices, const struct vm_user *user,
		    struct failure *failure)
{
	size_t i;
	int err;

	for (i = 0; user->name && i < devices->nr; i++) {
		const char *address = devices->device[i].address;

		err = pci_group_chown(pci_group(address), user->uid, -1);
		if (err)
			return failure_set(failure, err, TOOL_VM_USER_FILE,
					   "user '%s' cannot become the owner of /dev/vfio/%d, the IOMMU group of device %s: %s",
					   user->name, pci_group(address), address,
					   strerror(-err));
	}
	return 0;
}

static int return_owner(const struct vm_device *device, struct failure *failure)
{
	int group = pci_group(device->address), err = 0;

	if (device->has_owner && group >= 0)
		err = pci_group_chown(group, device->uid, device->gid);
	/* The administrator may have removed the driver. */
	if (!err || err == -ENOENT)
		return 0;
	return failure_set(failure, err, TOOL_VM_DEVICE_NOT_BACK,
			   "/dev/vfio/%d cannot be given back to user id %u: %s", group,
			   device->uid, strerror(-err));
}

/* Wait until no program has the group of a device open. Return 0 or a negative errno. */
static int wait_closed(const char *address)
{
	double deadline = now_ms() + CLOSE_MS;
	int group = pci_group(address), err;

	if (group < 0)
		return 0;
	while ((err = pci_group_busy(group)) == -EBUSY && now_ms() < deadline)
		usleep(10000);
	return err == -EBUSY ? err : 0;
}

static int return_one(const struct vm_device *device, struct failure *failure)
{
	const char *driver = *device->driver ? device->driver : NULL;
	int err = wait_closed(device->address);

	if (err)
		return failure_set(failure, err, TOOL_VM_DEVICE_NOT_BACK,
				   "device %s is still open in another program",
				   device->address);
	err = pci_give_back(device->address, driver,
			    *device->override ? device->override : NULL);
	if (err)
		return failure_set(failure, err, TOOL_VM_DEVICE_NOT_BACK,
				   "device %s cannot be given back to %s: %s",
				   device->address, driver ? driver : "no driver",
				   strerror(-err));
	return 0;
}

int vm_devices_return(const char *dir, struct failure *failure)
{
	struct vm_devices devices, kept = { 0 };
	struct failure one;
	int err = 0, first = 0;
	size_t i;

	vm_devices_read(dir, &devices);
	for (i = 0; i < devices.nr; i++) {
		/* vpoolctl did not change a driver for VFIO. */
		err = pci_is_vfio(devices.device[i].driver) ?
		      return_owner(devices.device + i, &one) :
		      return_one(devices.device + i, &one);
		if (err == -EBUSY)
			kept.device[kept.nr++] = devices.device[i];
		if (err && !first) {
			first = err;
			*failure = one;
		}
	}
	write_note(dir, &kept);
	return first;
}
