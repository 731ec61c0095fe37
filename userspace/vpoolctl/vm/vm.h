/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_H
#define VPOOLCTL_VM_H

#include "vm/qmp.h"
#include "vpoolctl.h"

#define VM_NAME_MAX 32
/* One to run, one to migrate to. */
#define VM_SIDES 2

/**
 * struct vm_side - one QEMU of a virtual machine
 * @dir: where its sockets are
 * @pid: it, or 0 if none runs
 * @pidfd: it, or -1
 */
struct vm_side {
	char *dir;
	pid_t pid;
	int pidfd;
};

/**
 * struct vm - a virtual machine
 * @name: its name
 * @dir: where its sides are
 * @lock: the directory, locked by us, or -1
 * @side: its QEMUs
 * @now: the side that is the machine, or -1 if it does not run
 */
struct vm {
	char *name;
	char *dir;
	int lock;
	struct vm_side side[VM_SIDES];
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

/* Look again whether a side's QEMU runs. */
void vm_side_look(struct vm_side *side);

/* Wait until a side's QEMU has ended; -ETIMEDOUT if it has not. */
int vm_side_wait(const struct vm_side *side, int ms);

/* End a side's QEMU now, and remove its directory. */
void vm_side_kill(struct vm_side *side);

/* Remove the directory of a side that has ended. */
void vm_side_remove(struct vm_side *side);

/* What a socket's name ends with until it can be used. */
#define VM_HIDDEN ".new"

/* A file of a side, for free(3). */
char *vm_side_path(const struct vm_side *side, const char *file);

/* The run state by a look that disturbs nobody, for free(3), or NULL. */
char *vm_side_status(const struct vm_side *side);

/* Open a machine that is to run, or complain; the exit status is in status. */
struct vm *vm_running(const struct invocation *inv, const char *name,
		      int *status);
/* Connect to the QEMU of the machine, or complain. */
struct qmp *vm_connect(const struct invocation *inv, const struct vm *vm);

/**
 * struct vm_memory - a QEMU's memory of pools
 * @pool: the pool of the first of it, empty if it has none
 * @bytes: how much it has mapped
 */
struct vm_memory {
	char pool[VPOOL_NAME_SIZE];
	__u64 bytes;
};

/* Read from /proc what a process has mapped; 0 or a negative errno. */
int vm_read_memory(pid_t pid, struct vm_memory *memory);

/*
 * Wait until all that no region holds is free in a pool: after the end of a QEMU.
 * 0, or -ETIMEDOUT with the bytes that are missing.
 */
int vm_wait_returned(const char *pool, int ms, __u64 *missing);

#endif /* VPOOLCTL_VM_H */
