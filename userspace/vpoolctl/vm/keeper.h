/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_KEEPER_H
#define VPOOLCTL_VM_KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

struct vm_slot;

/**
 * struct keeper - a process that watches a QEMU
 * @pid: process id of the keeper, or 0 if there is none
 * @fd: pipe for words to the keeper, or -1
 */
struct keeper {
	pid_t pid;
	int fd;
};

/**
 * keeper_start() - start a QEMU and its keeper
 * @keeper: out: the keeper, for keeper_end()
 * @name: name of the machine
 * @slot: slot of the QEMU; its directory exists; its pid and pidfd are set
 * @events: descriptor of a QMP connection, which the keeper reads after keeper_listen()
 * @run: executes QEMU in the new process, with this descriptor for its output
 * @data: argument for @run
 *
 * The keeper is the parent of QEMU. It writes what QEMU prints to the log of the machine,
 * and notes why QEMU ended. Until keeper_release(), it kills QEMU if this process dies.
 *
 * Return: 0 or a negative errno
 */
int keeper_start(struct keeper *keeper, const char *name, struct vm_slot *slot,
		 int events, void (*run)(void *data, int output), void *data);

/* Let QEMU outlive this process. */
void keeper_release(struct keeper *keeper);
/* Let the keeper read events. This process must not read from the connection any more. */
void keeper_listen(struct keeper *keeper);
/* Wait until the keeper has noted the end of a QEMU that has ended. */
void keeper_end(struct keeper *keeper);

#endif /* VPOOLCTL_VM_KEEPER_H */
