// SPDX-License-Identifier: GPL-2.0-only
/*
 * Find out whether the host uses a PCI device: a network interface that is up, a disk
 * that is mounted, or virtual functions.
 *
 * Interfaces and disks are directories below the directory of the device in sysfs, at a
 * depth that depends on its drivers. An NVMe disk that several controllers can reach is
 * in the directory of its subsystem instead, which has links to the controllers.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/files.h"
#include "host/pci.h"
#include "host/pci_use.h"

/* Directories of a device are not deeper than this. */
#define MAX_DEPTH 12

static bool exists(const char *dir, const char *file)
{
	char *path = xprintf("%s/%s", dir, file);
	bool there = !access(path, F_OK);

	free(path);
	return there;
}

/* Read the first line of a file in a directory, for free(3), or NULL. */
static char *read_line(const char *dir, const char *file)
{
	char *path = xprintf("%s/%s", dir, file), *text = read_text(path);

	if (text)
		text[strcspn(text, "\n")] = '\0';
	free(path);
	return text;
}

/* Network interfaces */

static char *interface_use(const char *dir, const char *name)
{
	char *text = read_line(dir, "flags"), *use = NULL;

	if (text && (strtoul(text, NULL, 0) & IFF_UP))
		use = xprintf("network interface %s is up", name);
	free(text);
	return use;
}

/* Disks */

/* Return where a block device is mounted, for free(3), or NULL. */
static char *mount_point(unsigned int major, unsigned int minor)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, *where = NULL, target[PATH_MAX];
	unsigned int at_major, at_minor;
	size_t room = 0;

	while (file && !where && getline(&line, &room, file) > 0)
		if (sscanf(line, "%*d %*d %u:%u %*s %4095s", &at_major, &at_minor,
			   target) == 3 && at_major == major && at_minor == minor)
			where = xstrdup(target);
	free(line);
	if (file)
		fclose(file);
	return where;
}

/* Return the first entry of a directory, for free(3), or NULL. */
static char *first_entry(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char *name = NULL;

	while (dir && !name && (entry = readdir(dir)))
		if (*entry->d_name != '.')
			name = xstrdup(entry->d_name);
	if (dir)
		closedir(dir);
	return name;
}

/* Return the use of a disk or a partition without its partitions, or NULL. */
static char *block_use(const char *dir, const char *name)
{
	char *text = read_line(dir, "dev"), *use = NULL, *where = NULL;
	char *path = xprintf("%s/holders", dir), *holder = first_entry(path);
	unsigned int major, minor;

	if (text && sscanf(text, "%u:%u", &major, &minor) == 2)
		where = mount_point(major, minor);
	if (where)
		use = xprintf("disk %s is mounted on %s", name, where);
	else if (holder)
		use = xprintf("disk %s is a part of %s", name, holder);
	free(where);
	free(holder);
	free(path);
	free(text);
	return use;
}

/*
 * Tell whether the kernel has a claim on a disk or a partition of it: a swap space, a
 * file system of several disks, or a mount in another namespace.
 */
static bool is_claimed(const char *name)
{
	char *path = xprintf("/dev/%s", name), *at;
	int fd;

	/* sysfs writes cciss/c0d0 with an exclamation mark. */
	for (at = path; (at = strchr(at, '!')); )
		*at = '/';
	fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return errno == EBUSY;
	close(fd);
	return false;
}

/* Return the use of a disk or of one of its partitions, or NULL. */
static char *disk_use(const char *path, const char *name)
{
	char *use = block_use(path, name), *part;
	struct dirent *entry;
	DIR *dir = opendir(path);

	while (dir && !use && (entry = readdir(dir))) {
		part = xprintf("%s/%s", path, entry->d_name);
		if (*entry->d_name != '.' && exists(part, "partition"))
			use = block_use(part, entry->d_name);
		free(part);
	}
	if (dir)
		closedir(dir);
	if (!use && is_claimed(name))
		use = xprintf("disk %s is in use", name);
	return use;
}

/* Return the use of the disks in the subsystem of an NVMe controller, or NULL. */
static char *nvme_use(const char *controller)
{
	char *root = host_sysfs("class/nvme-subsystem"), *use = NULL;
	DIR *all = opendir(root), *one;
	struct dirent *entry;

	while (all && !use && (entry = readdir(all))) {
		char *path = xprintf("%s/%s", root, entry->d_name);

		one = *entry->d_name != '.' && exists(path, controller) ?
			opendir(path) : NULL;
		while (one && !use && (entry = readdir(one))) {
			char *disk = xprintf("%s/%s", path, entry->d_name);

			if (*entry->d_name != '.' && exists(disk, "queue"))
				use = disk_use(disk, entry->d_name);
			free(disk);
		}
		if (one)
			closedir(one);
		free(path);
	}
	if (all)
		closedir(all);
	free(root);
	return use;
}

/* The tree of a device */

/* Return the use of the object in directory @path, or NULL. @kind is its directory. */
static char *object_use(const char *path, const char *kind, const char *name)
{
	if (!strcmp(kind, "net"))
		return interface_use(path, name);
	if (!strcmp(kind, "nvme") && exists(path, "cntlid"))
		return nvme_use(name);
	/* A disk that is hidden behind its subsystem has no device. */
	if (exists(path, "queue") && exists(path, "dev"))
		return disk_use(path, name);
	return NULL;
}

/* Search a directory and those below it for something that is in use. */
static char *tree_use(const char *path, int depth)
{
	const char *kind = strrchr(path, '/') + 1;
	DIR *dir = depth < MAX_DEPTH ? opendir(path) : NULL;
	struct dirent *entry;
	struct stat st;
	char *use = NULL, *sub;

	while (dir && !use && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		sub = xprintf("%s/%s", path, entry->d_name);
		if (!lstat(sub, &st) && S_ISDIR(st.st_mode)) {
			use = object_use(sub, kind, entry->d_name);
			if (!use)
				use = tree_use(sub, depth + 1);
		}
		free(sub);
	}
	if (dir)
		closedir(dir);
	return use;
}

static char *functions_use(const char *address)
{
	char *text = pci_read(address, "sriov_numvfs"), *use = NULL;
	unsigned long nr = text ? strtoul(text, NULL, 10) : 0;

	if (nr)
		use = xprintf("it has %lu virtual function%s", nr,
			      nr == 1 ? "" : "s");
	free(text);
	return use;
}

char *pci_use(const char *address)
{
	char *link = pci_path(address, ""), *path = realpath(link, NULL);
	char *use = functions_use(address);

	if (!use && path)
		use = tree_use(path, 0);
	free(path);
	free(link);
	return use;
}
