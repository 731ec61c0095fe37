/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_BACKING_H
#define VPOOLCTL_VM_BACKING_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct invocation;
struct vm_user;
struct vpool;

/* One file for the memory that vm resize changes, and one for each node of the guest. */
#define BACKING_ELASTIC 0
#define BACKING_NODE(node) (1 + (node))
#define BACKING_FILES 65

/**
 * struct backing - files of a pool that a QEMU inherits
 * @fd: descriptors in vpoolctl, or -1; owned
 */
struct backing {
	int fd[BACKING_FILES];
};

void backing_init(struct backing *backing);
void backing_close(struct backing *backing);

/**
 * backing_add() - create a file that has a size, but no memory
 * @inv: invocation of the verb, for messages
 * @name: name of the machine
 * @pool: handle of the pool
 * @backing: files of the machine, for backing_close()
 * @nr: BACKING_ELASTIC or BACKING_NODE()
 * @bytes: size, a multiple of the page size of the pool
 *
 * Each page of the file is committed when it is first touched.
 *
 * Return: 0, or -1 with a message
 */
int backing_add(const struct invocation *inv, const char *name,
		struct vpool *pool, struct backing *backing, size_t nr,
		__u64 bytes);

/* Let a user open the files by backing_path(). Return 0 or a negative errno. */
int backing_give(const struct backing *backing, const struct vm_user *user);

/* Move the files to the descriptors of QEMU in a child. Return 0 or a negative errno. */
int backing_inherit(const struct backing *backing);

/* Return the path by which QEMU opens a file it has inherited, for free(3). */
char *backing_path(size_t nr);
/* Tell whether backing_path() made a path. */
bool backing_is_path(const char *path);

#endif /* VPOOLCTL_VM_BACKING_H */
