/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_QEMU_ARGS_H
#define VPOOLCTL_VM_QEMU_ARGS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "vm/user.h"

struct vm_config;
struct vm_parts;
struct vm_slot;

/**
 * struct qemu_spec - parameters of a virtual machine
 * @config: the machine as the user describes it
 * @bytes: its memory in bytes
 * @elastic: memory that vm resize can add, in bytes; 0 if the size is fixed
 * @block: unit in which the size can change, in bytes
 * @vcpus: number of vCPUs
 * @user: user that QEMU runs as
 * @confined: QEMU runs in an AppArmor profile
 * @console: absolute path of a file for the output of the console, or NULL
 * @parts: what the host gives to its parts, or NULL
 */
struct qemu_spec {
	const struct vm_config *config;
	__u64 bytes;
	__u64 elastic;
	__u64 block;
	unsigned int vcpus;
	struct vm_user user;
	bool confined;
	char *console;
	const struct vm_parts *parts;
};

/* QEMU's descriptor of the connection to the vpoolctl that starts it. */
#define QEMU_BOOT_FD 100

/* System calls that the kernel refuses to a QEMU that runs as another user. */
#define QEMU_SANDBOX \
	"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"

/* Return the program: VPOOL_QEMU, or qemu-system-x86_64. */
const char *qemu_program(void);

/* Names of the monitors of QEMU, which are also the names of their sockets. */
#define NR_QEMU_MONITORS 2
extern const char * const qemu_monitors[NR_QEMU_MONITORS];

/* Make the arguments of a QEMU, for args_free(). */
char **qemu_args(const struct qemu_spec *spec, const struct vm_slot *slot);
/* Read the arguments of a running QEMU, for args_free(), or return NULL. */
char **qemu_args_read(const struct vm_slot *slot);
/* Make the arguments of a QEMU that the QEMU of @from can migrate to, or return NULL. */
char **qemu_args_of(const struct vm_slot *from, const struct vm_slot *to);

/**
 * qemu_args_from() - make the arguments of the QEMU that a machine migrates to
 * @cmdline: arguments of the source QEMU, each NUL-terminated
 * @len: length of @cmdline in bytes
 * @from_dir: directory of the sockets of the source QEMU
 * @to_dir: directory of the sockets of the target QEMU
 *
 * Return: the arguments, for args_free(); NULL if qemu_args() did not make
 * @cmdline
 */
char **qemu_args_from(const char *cmdline, size_t len, const char *from_dir,
		      const char *to_dir);

/*
 * Return the file for the output of the console in the arguments of a QEMU, for free(3), or
 * NULL if there is none.
 */
char *qemu_args_console(char **args);

/*
 * Find the arguments that describe the machine among those that qemu_args() made: all but
 * the program, the sockets and the name. Return NULL if it did not make them.
 */
char **qemu_args_machine(char **args);

/**
 * qemu_args_incoming() - make the arguments of a QEMU that loads the state of a machine
 * @name: name of the machine
 * @console: absolute path of a file for the output of the console, or NULL
 * @user: user that QEMU runs as
 * @slot: slot of the QEMU
 * @machine: arguments that describe the machine, as from qemu_args_machine()
 *
 * Return: the arguments, for args_free()
 */
char **qemu_args_incoming(const char *name, const char *console,
			  const struct vm_user *user, const struct vm_slot *slot,
			  char *const *machine);

#endif /* VPOOLCTL_VM_QEMU_ARGS_H */
