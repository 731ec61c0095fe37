/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_QEMU_ARGS_H
#define VPOOLCTL_VM_QEMU_ARGS_H

#include <linux/types.h>
#include <stddef.h>

struct vm_slot;

/**
 * struct qemu_spec - what a virtual machine shall be
 * @name: its name
 * @pool: the pool it is to run on
 * @bytes: its memory
 * @vcpus: its CPUs
 * @kernel: a kernel to boot, or NULL
 * @initrd: its first file system, or NULL
 * @append: its command line, or NULL
 * @disk: a disk to boot, or NULL
 * @format: format of the disk
 * @net: "user" or "none"
 * @console: a file that the console is written to, or NULL
 * @accel: "kvm" or "tcg"
 * @extra: more arguments for QEMU, NULL-terminated
 */
struct qemu_spec {
	const char *name;
	const char *pool;
	__u64 bytes;
	unsigned int vcpus;
	const char *kernel;
	const char *initrd;
	const char *append;
	char *disk;
	const char *format;
	const char *net;
	char *console;
	const char *accel;
	char **extra;
};

/* The descriptor by which QEMU has the connection to the vpoolctl that starts it. */
#define QEMU_BOOT_FD 100

/* The program: VPOOL_QEMU, or qemu-system-x86_64. */
const char *qemu_program(void);

/* Names of QEMU's monitors: the sockets of a slot, and the chardevs. */
#define NR_QEMU_MONITORS 2
extern const char * const qemu_monitors[NR_QEMU_MONITORS];

/* The arguments of a QEMU; for qemu_args_free(). */
char **qemu_args(const struct qemu_spec *spec, const struct vm_slot *slot);
/* Those of a running QEMU, for another that it can migrate to; or NULL. */
char **qemu_args_of(const struct vm_slot *from, const struct vm_slot *to);

/**
 * qemu_args_from() - make the arguments of the QEMU that a machine migrates to
 * @cmdline: the arguments of the QEMU that has it, each with its NUL
 * @len: length of @cmdline in bytes
 * @from_dir: the folder of that QEMU's sockets
 * @to_dir: that of the other's
 *
 * Return: the arguments, for qemu_args_free(); NULL if qemu_args() did not make
 * @cmdline
 */
char **qemu_args_from(const char *cmdline, size_t len, const char *from_dir,
		      const char *to_dir);
void qemu_args_free(char **args);

#endif /* VPOOLCTL_VM_QEMU_ARGS_H */
