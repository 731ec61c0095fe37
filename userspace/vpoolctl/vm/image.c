// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks of the files of disks and CDs.
 *
 * QEMU checks most of this, too, but only after it has been started, and in its own words.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/macros.h"
#include "host/proc.h"
#include "output/messages.h"
#include "vm/config.h"
#include "vm/image.h"
#include "vm/vm.h"

/* Reading */

ssize_t vm_image_read(const struct invocation *inv, const char *name, const char *what,
		      const char *path, off_t from, char *buffer, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t len = -1;

	if (fd < 0 || fstat(fd, &st)) {
		cmd_error(inv, name, errno_code(errno), "%s %s: %s", what, path,
			  strerror(errno));
	} else if (S_ISDIR(st.st_mode)) {
		cmd_error(inv, name, TOOL_VM_FILE, "%s %s: it is a directory", what, path);
	} else if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		cmd_error(inv, name, TOOL_VM_FILE, "%s %s: not a regular file", what, path);
	} else {
		len = pread(fd, buffer, room, from);
		if (len < 0)
			cmd_error(inv, name, errno_code(errno), "%s %s: %s", what, path,
				  strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return len;
}

/* Formats */

/* Formats that a file shows by its first bytes, as QEMU names them. */
static const struct {
	const char *format;
	const char *magic;
} formats[] = {
	{ "qcow2", "QFI\373" },
	{ "qed", "QED" },
	{ "vhdx", "vhdxfile" },
	{ "vmdk", "KDMV" },
	{ "vpc", "conectix" },
};

/* Return the format that the first bytes of a file show, or NULL. */
static const char *probe(const char *head, size_t len)
{
	size_t i, magic;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		magic = strlen(formats[i].magic);
		if (len >= magic && !memcmp(head, formats[i].magic, magic))
			return formats[i].format;
	}
	return NULL;
}

/* Tell whether files of a format begin with bytes that are known here. */
static bool has_magic(const char *format)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].format, format))
			return true;
	return false;
}

/* A guest can write anything to a raw disk, so that format=raw is believed. */
static int check_format(const struct invocation *inv, const char *name,
			const struct vm_config_disk *disk)
{
	char head[8];
	ssize_t len = vm_image_read(inv, name, "the disk", disk->file, 0, head, sizeof(head));
	const char *found = len > 0 ? probe(head, len) : NULL;

	if (len < 0)
		return -1;
	if (!len)
		cmd_error(inv, name, TOOL_VM_FILE, "the disk %s: the file is empty",
			  disk->file);
	else if (found && !disk->format)
		cmd_error(inv, name, TOOL_VM_FILE,
			  "the disk %s: the file is a %s image: use --disk %s,format=%s",
			  disk->file, found, disk->file, found);
	else if (disk->format && has_magic(disk->format) &&
		 (!found || strcmp(found, disk->format)))
		cmd_error(inv, name, TOOL_VM_FILE,
			  "the disk %s: the file is not a %s image%s%s", disk->file,
			  disk->format, found ? ", but a " : "", found ? found : "");
	else
		return 0;
	return -1;
}

/* Use */

/*
 * Locks of QEMU on the bytes of a file: the first one says that a program writes to it, the
 * second one that a program does not share it with one that writes.
 */
enum {
	BYTE_WRITES = 101,
	BYTE_KEEPS = 201,
};

static bool is_locked(int fd, off_t byte)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1,
	};

	return !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

static bool machine_has(const char *name, const struct stat *file)
{
	struct vm_slot slot = { .pidfd = -1 };
	char *root = vm_root();
	bool has = false;
	int i;

	for (i = 0; i < VM_SLOTS && !has; i++) {
		slot.dir = xprintf("%s/%s/%d", root, name, i);
		vm_slot_update(&slot);
		has = slot.pid && process_has_open(slot.pid, file);
		if (slot.pidfd >= 0)
			close(slot.pidfd);
		slot.pidfd = -1;
		free(slot.dir);
	}
	free(root);
	return has;
}

/* Return the machine that has a file open, such as "machine 'shop'", for free(3). */
static char *user_of(const struct stat *file)
{
	char **names, *user = NULL;
	size_t i, nr;

	names = vm_names(&nr);
	for (i = 0; i < nr; i++) {
		if (!user && machine_has(names[i], file))
			user = xprintf("machine '%s'", names[i]);
		free(names[i]);
	}
	free(names);
	return user ? user : xstrdup("another program");
}

static int check_use(const struct invocation *inv, const char *name,
		     const struct vm_config_disk *disk)
{
	int flags = (disk->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK;
	int fd = open(disk->file, flags), err = -1;
	struct stat st;
	char *user;

	if (fd < 0 || fstat(fd, &st)) {
		cmd_error(inv, name, errno_code(errno), "the disk %s: cannot be written to: %s",
			  disk->file, strerror(errno));
	} else if (is_locked(fd, BYTE_WRITES) || (!disk->readonly && is_locked(fd, BYTE_KEEPS))) {
		user = user_of(&st);
		cmd_error(inv, name, TOOL_VM_DISK_IN_USE, "the disk %s: %s has it",
			  disk->file, user);
		free(user);
	} else {
		err = 0;
	}
	if (fd >= 0)
		close(fd);
	if (err || disk->readonly || !S_ISBLK(st.st_mode))
		return err;
	/* The kernel refuses this while the device is mounted. */
	fd = open(disk->file, flags | O_EXCL);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || errno != EBUSY)
		return 0;
	cmd_error(inv, name, TOOL_VM_DISK_IN_USE,
		  "the disk %s: the host uses it, as a file system, swap space or part of an array",
		  disk->file);
	return -1;
}

/* Check that a disk is not an earlier disk of the machine, unless both are read-only. */
static int check_twice(const struct invocation *inv, const struct vm_config *config,
		       size_t nr)
{
	struct stat st, other;
	size_t i;

	if (stat(config->disks[nr].file, &st))
		return 0;
	for (i = 0; i < nr; i++) {
		if (stat(config->disks[i].file, &other) || st.st_dev != other.st_dev ||
		    st.st_ino != other.st_ino ||
		    (config->disks[i].readonly && config->disks[nr].readonly))
			continue;
		cmd_error(inv, config->name, TOOL_VM_DISK_IN_USE,
			  "the disk %s: it is given twice", config->disks[nr].file);
		return -1;
	}
	return 0;
}

/* CDs */

/* Where the first descriptor of a volume has its type, in bytes. */
#define VOLUME_AT (16 * 2048 + 1)

static int check_cdrom(const struct invocation *inv, const char *name, const char *path)
{
	char head[5];
	ssize_t len = vm_image_read(inv, name, "the CD", path, VOLUME_AT, head, sizeof(head));

	if (len < 0)
		return -1;
	/* ISO 9660 or UDF */
	if (len == sizeof(head) && (!memcmp(head, "CD001", 5) || !memcmp(head, "BEA01", 5)))
		return 0;
	cmd_error(inv, name, TOOL_VM_FILE,
		  "the CD %s: it is not the image of a CD or DVD; use --disk for other images",
		  path);
	return -1;
}

int vm_images_check(const struct invocation *inv, const struct vm_config *config)
{
	size_t i;

	for (i = 0; i < config->nr_disks; i++)
		if (check_format(inv, config->name, config->disks + i) ||
		    check_use(inv, config->name, config->disks + i) ||
		    check_twice(inv, config, i))
			return -1;
	for (i = 0; i < config->nr_cdroms; i++)
		if (check_cdrom(inv, config->name, config->cdroms[i]))
			return -1;
	return 0;
}
