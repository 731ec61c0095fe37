/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_QEMU_ARGS_H
#define VPOOLCTL_VM_QEMU_ARGS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct vm_devices;
struct vm_slot;

/**
 * struct qemu_spec - parameters of a virtual machine
 * @name: name of the machine
 * @pool: name of the pool to run on
 * @bytes: memory in bytes; 0 for all free memory of the pool
 * @elastic: memory that vm resize can add, in bytes; 0 if the size is fixed
 * @block: unit in which the size can change, in bytes
 * @reclaim: true if the memory that the guest frees returns to the pool
 * @vcpus: number of vCPUs; 0 for the default
 * @kernel: path of a kernel to boot, or NULL
 * @initrd: path of the initial RAM disk for @kernel, or NULL
 * @append: command line for @kernel, or NULL
 * @disk: path of the disk, or NULL
 * @format: format of the disk, such as "raw"
 * @net: "user" or "none"
 * @devices: PCI devices of the host to pass to the machine
 * @console: path of a file for the output of the console, or NULL
 * @accel: "kvm" or "tcg"
 * @extra: more arguments for QEMU, NULL-terminated
 */
struct qemu_spec {
	const char *name;
	const char *pool;
	__u64 bytes;
	__u64 elastic;
	__u64 block;
	bool reclaim;
	unsigned int vcpus;
	const char *kernel;
	const char *initrd;
	const char *append;
	char *disk;
	const char *format;
	const char *net;
	const struct vm_devices *devices;
	char *console;
	const char *accel;
	char **extra;
};

/* QEMU's descriptor of the connection to the vpoolctl that starts it. */
#define QEMU_BOOT_FD 100

/* Return the program: VPOOL_QEMU, or qemu-system-x86_64. */
const char *qemu_program(void);

/* Names of the monitors of QEMU, which are also the names of their sockets. */
#define NR_QEMU_MONITORS 2
extern const char * const qemu_monitors[NR_QEMU_MONITORS];

/* Make the arguments of a QEMU, for qemu_args_free(). */
char **qemu_args(const struct qemu_spec *spec, const struct vm_slot *slot);
/* Read the arguments of a running QEMU, for qemu_args_free(), or return NULL. */
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
 * Return: the arguments, for qemu_args_free(); NULL if qemu_args() did not make
 * @cmdline
 */
char **qemu_args_from(const char *cmdline, size_t len, const char *from_dir,
		      const char *to_dir);
void qemu_args_free(char **args);

#endif /* VPOOLCTL_VM_QEMU_ARGS_H */
