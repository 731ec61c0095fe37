/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_PCI_H
#define VPOOLCTL_HOST_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Room for an address such as 0000:01:00.0, which can have a domain of 8 digits. */
#define PCI_ADDRESS_SIZE 20

/* The driver that gives a device to a program. */
#define PCI_VFIO "vfio-pci"

/*
 * Parse "0000:01:00.0", or "01:00.0" for a device in domain 0. Write the address as in
 * sysfs. Return 0 or -EINVAL.
 */
int pci_parse(const char *text, char address[PCI_ADDRESS_SIZE]);

/* Return the path of a file of a device in sysfs, for free(3). */
char *pci_path(const char *address, const char *file);

/* Return the first line of a file of a device, for free(3), or NULL. */
char *pci_read(const char *address, const char *file);

/* Tell whether a device exists. */
bool pci_exists(const char *address);
/* Tell whether a device is a bridge to another bus. */
bool pci_is_bridge(const char *address);
/* Return the driver of a device, for free(3), or NULL if it has none. */
char *pci_driver(const char *address);
/* Tell whether the driver is one that gives devices to programs. */
bool pci_is_vfio(const char *driver);

/* Return the number of the IOMMU group of a device, or -ENOENT. */
int pci_group(const char *address);
/* Return the addresses of all devices of a group; each and the array for free(3). */
char **pci_group_devices(int group, size_t *nr);
/*
 * Tell whether a program has the group open. Return 0, -EBUSY, or another negative errno
 * if the group cannot be opened. A group without a device for VFIO is not open.
 */
int pci_group_busy(int group);

/*
 * Read the owner of /dev/vfio/GROUP, or change it. Return 0, -ENOENT if no device of the
 * group has a driver for VFIO, or another negative errno.
 */
int pci_group_owner(int group, uid_t *uid, gid_t *gid);
int pci_group_chown(int group, uid_t uid, gid_t gid);

/* Tell whether the kernel has the driver PCI_VFIO. */
bool pci_has_vfio(void);
/* Bind a device to PCI_VFIO. Return 0 or a negative errno. */
int pci_take(const char *address);
/*
 * Undo pci_take(): bind a device to its former driver, or to none for NULL. @override is
 * the former driver_override, or NULL. Return 0 or a negative errno.
 */
int pci_give_back(const char *address, const char *driver, const char *override);

/* Return a path in sysfs, for free(3). Tests have another directory than /sys. */
char *host_sysfs(const char *path);

#endif /* VPOOLCTL_HOST_PCI_H */
