/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_IMAGE_H
#define VPOOLCTL_VM_IMAGE_H

#include <stddef.h>
#include <sys/types.h>

struct invocation;
struct vm_config;

/*
 * Read @room bytes of a regular file or block device from @from on. @what is its role in
 * messages, such as "the kernel". Return the number of bytes, or -1 after a message.
 */
ssize_t vm_image_read(const struct invocation *inv, const char *name, const char *what,
		      const char *path, off_t from, char *buffer, size_t room);

/*
 * Check the files of the disks and CDs of a machine: that they can be opened, have the
 * format that the user names, and are not in use. Return 0, or -1 after a message.
 */
int vm_images_check(const struct invocation *inv, const struct vm_config *config);

#endif /* VPOOLCTL_VM_IMAGE_H */
