/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_H
#define VPOOLCTL_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct invocation;
struct qmp;

#define VM_NAME_MAX 32
/* One to run, one to migrate to. */
#define VM_SLOTS 2

/**
 * struct vm_slot - one QEMU of a virtual machine
 * @dir: where its sockets are
 * @pid: it, or 0 if none runs
 * @pidfd: it, or -1
 */
struct vm_slot {
	char *dir;
	pid_t pid;
	int pidfd;
};

/**
 * struct vm - a virtual machine
 * @name: its name
 * @dir: where its slots are
 * @lock: the directory, locked by us, or -1
 * @slot: its QEMUs
 * @now: the slot that is the machine, or -1 if it does not run
 */
struct vm {
	char *name;
	char *dir;
	int lock;
	struct vm_slot slot[VM_SLOTS];
	int now;
};

/* Where the machines are: for root /run/vpool/vm. For free(3). */
char *vm_root(void);

/* Is it a name for a machine? */
bool vm_name_ok(const char *name);

/* Where QEMU's log is kept when a machine has ended by itself. For free(3). */
char *vm_log_path(const char *name);

/* Names of all that may be machines, sorted; each and the array for free(3). */
char **vm_names(size_t *nr);

/**
 * vm_open() - look at a machine, and lock it against other vpoolctls
 * @name: a good name
 * @create: it may be one that is yet to be started
 * @vm: the machine, for vm_close(); NULL on failure
 *
 * What a crash left is cleared away: QEMUs that are no machine are ended, and
 * the directories of those that ended are removed. What such a QEMU wrote to its log
 * is kept in vm_log_path().
 *
 * Return: 0; -ENOENT if there is none; -EBUSY if another vpoolctl is at it;
 * another negative errno
 */
int vm_open(const char *name, bool create, struct vm **vm);

/* Look at a machine that another vpoolctl has locked: nothing is changed. */
struct vm *vm_look(const char *name);

/* Let go; removes what is left of a machine that does not run. */
void vm_close(struct vm *vm);

/* Look again whether a slot's QEMU runs. */
void vm_slot_look(struct vm_slot *slot);

/* Wait until a slot's QEMU has ended; -ETIMEDOUT if it has not. */
int vm_slot_wait(const struct vm_slot *slot, int ms);

/* End a slot's QEMU now, and remove its directory. */
void vm_slot_kill(struct vm_slot *slot);

/* Remove the directory of a slot that has ended. */
void vm_slot_remove(struct vm_slot *slot);

/* What a socket's name ends with until it can be used. */
#define VM_HIDDEN ".new"

/* A file of a slot, for free(3). */
char *vm_slot_path(const struct vm_slot *slot, const char *file);

/* The run state by a look that disturbs nobody, for free(3), or NULL. */
char *vm_slot_status(const struct vm_slot *slot);

/* Open a machine that is to run, or cmd_error; the exit status is in status. */
struct vm *vm_running(const struct invocation *inv, const char *name,
		      int *status);
/* Connect to the QEMU of the machine, or cmd_error. */
struct qmp *vm_connect(const struct invocation *inv, const struct vm *vm);

#endif /* VPOOLCTL_VM_H */
