// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI devices of the host, their drivers and IOMMU groups.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/files.h"
#include "host/pci.h"

char *host_sysfs(const char *path)
{
	const char *dir = getenv("VPOOL_HOST_SYSFS_DIR");

	return xprintf("%s/%s", dir ? dir : "/sys", path);
}

/* Parse a hexadecimal number of 1 to @digits digits and the character after it. */
static bool parse_hex(const char **at, int digits, char end, unsigned long *nr)
{
	size_t len = strspn(*at, "0123456789abcdefABCDEF");

	if (!len || len > (size_t)digits || (*at)[len] != end)
		return false;
	*nr = strtoul(*at, NULL, 16);
	*at += len + !!end;
	return true;
}

int pci_parse(const char *text, char address[PCI_ADDRESS_SIZE])
{
	unsigned long domain = 0, bus, slot, function;
	const char *colon = strchr(text, ':');

	if (colon && strchr(colon + 1, ':') &&
	    !parse_hex(&text, 8, ':', &domain))
		return -EINVAL;
	if (!parse_hex(&text, 2, ':', &bus) || !parse_hex(&text, 2, '.', &slot) ||
	    !parse_hex(&text, 1, '\0', &function) || slot > 31 || function > 7)
		return -EINVAL;
	snprintf(address, PCI_ADDRESS_SIZE, "%04lx:%02lx:%02lx.%lx", domain, bus,
		 slot, function);
	return 0;
}

/* Devices */

char *pci_path(const char *address, const char *file)
{
	char *name = xprintf("bus/pci/devices/%s%s%s", address, *file ? "/" : "",
			     file);
	char *path = host_sysfs(name);

	free(name);
	return path;
}

char *pci_read(const char *address, const char *file)
{
	char *path = pci_path(address, file), *text = read_text(path);

	if (text)
		text[strcspn(text, "\n")] = '\0';
	free(path);
	return text;
}

bool pci_exists(const char *address)
{
	char *path = pci_path(address, "");
	bool exists = !access(path, F_OK);

	free(path);
	return exists;
}

bool pci_is_bridge(const char *address)
{
	char *class = pci_read(address, "class");
	bool bridge = class && !strncmp(class, "0x06", 4);

	free(class);
	return bridge;
}

/* Return the last part of the target of a symbolic link, for free(3), or NULL. */
static char *link_name(const char *address, const char *file)
{
	char *path = pci_path(address, file), target[PATH_MAX], *name;
	ssize_t len = readlink(path, target, sizeof(target) - 1);

	free(path);
	if (len < 0)
		return NULL;
	target[len] = '\0';
	name = strrchr(target, '/');
	return xstrdup(name ? name + 1 : target);
}

char *pci_driver(const char *address)
{
	return link_name(address, "driver");
}

bool pci_is_vfio(const char *driver)
{
	/* Drivers for certain devices are variants: mlx5_vfio_pci. */
	return driver && (!strcmp(driver, PCI_VFIO) ||
			  strstr(driver, "vfio_pci") || strstr(driver, "vfio-pci"));
}

/* IOMMU groups */

int pci_group(const char *address)
{
	char *name = link_name(address, "iommu_group");
	int group = name && isdigit((unsigned char)*name) ? atoi(name) : -ENOENT;

	free(name);
	return group;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char * const *)a, *(char * const *)b);
}

char **pci_group_devices(int group, size_t *nr)
{
	char *name = xprintf("kernel/iommu_groups/%d/devices", group);
	char *path = host_sysfs(name), **found = NULL;
	DIR *dir = opendir(path);
	struct dirent *entry;

	*nr = 0;
	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		found = xrealloc(found, (*nr + 1) * sizeof(*found));
		found[(*nr)++] = xstrdup(entry->d_name);
	}
	if (dir)
		closedir(dir);
	if (*nr)
		qsort(found, *nr, sizeof(*found), compare_names);
	free(path);
	free(name);
	return found;
}

static char *group_node(int group)
{
	return xprintf("/dev/vfio/%d", group);
}

int pci_group_busy(int group)
{
	char *path = group_node(group);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int err = fd >= 0 || errno == ENOENT ? 0 : -errno;

	if (fd >= 0)
		close(fd);
	free(path);
	return err;
}

int pci_group_owner(int group, uid_t *uid, gid_t *gid)
{
	char *path = group_node(group);
	struct stat st;
	int err = stat(path, &st) ? -errno : 0;

	if (!err) {
		*uid = st.st_uid;
		*gid = st.st_gid;
	}
	free(path);
	return err;
}

int pci_group_chown(int group, uid_t uid, gid_t gid)
{
	char *path = group_node(group);
	int err = chown(path, uid, gid) ? -errno : 0;

	free(path);
	return err;
}

/* Drivers */

/* Write a line to a file of a device. */
static int device_write(const char *address, const char *file, const char *line)
{
	char *path = pci_path(address, file), *text = xprintf("%s\n", line);
	int err = write_text(path, text);

	free(text);
	free(path);
	return err;
}

/* Write the address of a device to a file of the PCI bus. */
static int bus_write(const char *file, const char *address)
{
	char *name = xprintf("bus/pci/%s", file), *path = host_sysfs(name);
	int err = write_text(path, address);

	free(path);
	free(name);
	return err;
}

/* Remove a device from its driver, if it has one. */
static int leave_driver(const char *address)
{
	char *driver = pci_driver(address);
	int err = driver ? device_write(address, "driver/unbind", address) : 0;

	free(driver);
	return err;
}

/* Tell whether a device has a driver of this name. */
static bool has_driver(const char *address, const char *wanted)
{
	char *driver = pci_driver(address);
	bool has = driver && !strcmp(driver, wanted);

	free(driver);
	return has;
}

bool pci_has_vfio(void)
{
	char *path = host_sysfs("bus/pci/drivers/" PCI_VFIO);
	bool has = !access(path, F_OK);

	free(path);
	return has;
}

int pci_take(const char *address)
{
	int err;

	if (has_driver(address, PCI_VFIO))
		return 0;
	err = device_write(address, "driver_override", PCI_VFIO);
	if (!err)
		err = leave_driver(address);
	if (!err)
		err = bus_write("drivers_probe", address);
	if (!err && !has_driver(address, PCI_VFIO))
		err = -ENODEV;
	return err;
}

static int enter_driver(const char *address, const char *driver)
{
	char *file = xprintf("drivers/%s/bind", driver);
	int err = bus_write(file, address);

	free(file);
	return err;
}

int pci_give_back(const char *address, const char *driver, const char *override)
{
	int err = 0;

	if (!pci_exists(address))
		return 0;
	if (has_driver(address, PCI_VFIO) && (!driver || strcmp(driver, PCI_VFIO)))
		err = leave_driver(address);
	/* An empty line removes the override. */
	if (!err)
		err = device_write(address, "driver_override", override ? override : "");
	if (!err && driver && !has_driver(address, driver))
		err = enter_driver(address, driver);
	return err;
}
