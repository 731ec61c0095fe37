/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_DISKS_H
#define VPOOLCTL_VM_DISKS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

struct invocation;
struct migration;
struct qmp;
struct vm_user;

#define DISKS_MAX 16
#define DISKS_MESSAGE 512

/**
 * struct vm_disk - a disk that a machine can write to
 * @device: its name in QEMU
 * @node: name of its block node in QEMU
 * @file: path of the file
 * @format: format of the file, such as "raw"
 * @bytes: size of the disk, in bytes
 * @marker: file beside @file that tells the target whether it sees the same folder;
 *	empty if there is none
 * @created: the target has created @file for this migration
 */
struct vm_disk {
	char *device;
	char *node;
	char *file;
	char *format;
	long long bytes;
	char *marker;
	bool created;
};

/**
 * struct vm_disks - the disks of a machine
 * @nr: number of disks
 * @disk: the disks; their texts are owned
 */
struct vm_disks {
	size_t nr;
	struct vm_disk disk[DISKS_MAX];
};

void disks_free(struct vm_disks *disks);

/* Read the disks of a QEMU. Return 0 or a negative errno. */
int disks_read(struct qmp *qmp, struct vm_disks *disks);

struct json_object *disks_to_json(const struct vm_disks *disks);
void disks_from_json(struct json_object *array, struct vm_disks *disks);

/* On the source: create the markers. @id is the number of the migration. */
void disks_mark(struct vm_disks *disks, const char *id);
void disks_unmark(const struct vm_disks *disks);

/*
 * On the target: check that the disks are the same files. Return 0, or -1 with a message.
 */
int disks_check_shared(const struct invocation *inv, const char *name,
		       const struct vm_disks *disks);
/*
 * On the target: create files of the same size, for the user of QEMU. Return 0, or -1 with
 * a message and without files.
 */
int disks_create(const struct invocation *inv, const char *name,
		 struct vm_disks *disks, bool overwrite, const struct vm_user *user);
/* On the target: remove the files that disks_create() has created. */
void disks_remove(const struct vm_disks *disks);
/* On the target: let the source write to the disks. Return 0 or a negative errno. */
int disks_export(struct qmp *qmp, const char *address, const char *port);
/* On the target: end that. */
void disks_unexport(struct qmp *qmp);

/**
 * disks_copy() - copy the disks to the target while the machine runs
 * @migration: the migration, for its limits and its message
 * @disks: the disks
 * @address: address of the target
 * @port: TCP port of the target
 *
 * When it returns, writes of the guest still go to both sides, until disks_finish() or
 * disks_abort().
 *
 * Return: 0, or -1 with a message
 */
int disks_copy(struct migration *migration, const struct vm_disks *disks,
	       const char *address, const char *port);
/* End the copying when the vCPUs have stopped. Return 0, or -1 with a message. */
int disks_finish(struct migration *migration, const struct vm_disks *disks);
/* End the copying after a failure. The target may be dead. */
void disks_abort(struct qmp *qmp, const struct vm_disks *disks);

#endif /* VPOOLCTL_VM_DISKS_H */
