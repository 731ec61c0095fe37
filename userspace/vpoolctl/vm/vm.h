/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_H
#define VPOOLCTL_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "vm/dirs.h"

struct invocation;
struct qmp;

/* One slot to run in, and one to migrate to. */
#define VM_SLOTS 2

/**
 * struct vm_slot - one QEMU of a virtual machine
 * @dir: directory of its sockets; owned
 * @pid: process id of the QEMU, or 0 if none runs
 * @pidfd: pidfd of the QEMU, or -1; owned
 */
struct vm_slot {
	char *dir;
	pid_t pid;
	int pidfd;
};

/**
 * struct vm - a virtual machine
 * @name: name of the machine; owned
 * @dir: directory of its slots; owned
 * @lock: descriptor of @dir if this process holds the lock, or -1
 * @slot: slots for its QEMUs
 * @now: index of the slot that has the machine, or -1 if it does not run
 * @keeps_devices: devices could not be given back, which a message has reported
 */
struct vm {
	char *name;
	char *dir;
	int lock;
	struct vm_slot slot[VM_SLOTS];
	int now;
	bool keeps_devices;
};

/* Return the directory of all machines, /run/vpool/vm for root; for free(3). */
char *vm_root(void);

/* Return the names in vm_root(), sorted; each and the array for free(3). */
char **vm_names(size_t *nr);

/**
 * vm_open() - read a machine, and lock it against other vpoolctls
 * @name: valid name of a machine
 * @create: create the directory of a machine that does not exist
 * @vm: out: the machine, for vm_close(); NULL on failure
 *
 * Remove leftovers of a crash: end QEMUs that do not have the machine, remove the
 * directories of QEMUs that have ended, and give their devices back to the host.
 *
 * Return: 0; -ENOENT if there is no such machine; -EBUSY if another vpoolctl has locked
 * it; another negative errno
 */
int vm_open(const char *name, bool create, struct vm **vm);

/* Read a machine that another vpoolctl has locked, without changing it. */
struct vm *vm_inspect(const char *name);

/*
 * Give the devices of a locked machine that does not run back to the host. Return 0, or a
 * negative errno after a message.
 */
int vm_return_devices(struct vm *vm);

/*
 * Unlock and free a machine. Remove its directory and give its devices back if it does not
 * run.
 */
void vm_close(struct vm *vm);

/* Update whether the QEMU of a slot runs. */
void vm_slot_update(struct vm_slot *slot);

/* Wait until the QEMU of a slot has ended. Return 0 or -ETIMEDOUT. */
int vm_slot_wait(const struct vm_slot *slot, int ms);

/* Stop the QEMU of a slot with SIGKILL, and remove the directory of the slot. */
void vm_slot_stop(struct vm_slot *slot);

/* Remove the directory of a slot that has ended. */
void vm_slot_remove(struct vm_slot *slot);

/* File of a slot on which all helpers of its QEMU hold one lock. */
#define VM_HELPERS "helpers"
/* File of a slot on which the keeper of its QEMU holds a lock. */
#define VM_KEEPER "keeper"

/* Wait until the keeper and the helpers of a QEMU that has ended end, but only shortly. */
void vm_slot_wait_keeper(const struct vm_slot *slot);

/* Suffix of the name of a socket until it is ready. */
#define VM_HIDDEN ".new"

/* Return the path of a file of a slot, for free(3). */
char *vm_slot_path(const struct vm_slot *slot, const char *file);

/*
 * Connect to a monitor of a QEMU, "qmp" or "state". Only the QEMU of the slot may answer,
 * because its user can create sockets in the directory. Return 0 or a negative errno, as
 * qmp_open().
 */
int vm_slot_connect(const struct vm_slot *slot, const char *monitor, int ms,
		    struct qmp **qmp);

/* Return the run state, read from the monitor "state", for free(3), or NULL. */
char *vm_slot_status(const struct vm_slot *slot);

/*
 * Open a running machine. On error, print a message, set @status to the exit status, and
 * return NULL.
 */
struct vm *vm_running(const struct invocation *inv, const char *name,
		      int *status);
/* Connect to the QEMU of the machine. On error, print a message and return NULL. */
struct qmp *vm_connect(const struct invocation *inv, const struct vm *vm);

#endif /* VPOOLCTL_VM_H */
