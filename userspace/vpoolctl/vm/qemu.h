/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_QEMU_H
#define VPOOLCTL_QEMU_H

#include "vm/vm.h"

/**
 * struct qemu_wish - what a virtual machine shall be
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
struct qemu_wish {
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

/**
 * struct qemu - a QEMU that is being made
 * @side: where it is
 * @guard: what ends it if we die, or 0
 * @guard_fd: tells the guard to let it live
 * @qmp: the connection, or NULL
 */
struct qemu {
	struct vm_side *side;
	pid_t guard;
	int guard_fd;
	struct qmp *qmp;
};

/* qemu_args.c */

/* The descriptor by which QEMU has the connection to the vpoolctl that starts it. */
#define QEMU_BOOT_FD 100

/* Names of QEMU's monitors: the sockets of a side, and the chardevs. */
#define NR_QEMU_MONITORS 2
extern const char * const qemu_monitors[NR_QEMU_MONITORS];

/* The arguments of a QEMU; for qemu_args_free(). */
char **qemu_args(const struct qemu_wish *wish, const struct vm_side *side);
/* Those of a running QEMU, for another that it can migrate to; or NULL. */
char **qemu_args_of(const struct vm_side *from, const struct vm_side *to);

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

/* qemu_refuse.c */

/**
 * qemu_refuse() - find an argument that would part QEMU from vpoolctl
 * @args: the user's arguments for QEMU, NULL-terminated
 *
 * An option is refused if it takes QEMU, its memory or its CPUs out of vpoolctl's
 * sight, if the machine could not migrate with it, or if it contradicts an option of
 * vm start.
 *
 * Return: a sentence for free(3), or NULL if there is none
 */
char *qemu_refuse(char **args);

/* qemu.c */

/* The program: VPOOL_QEMU, or qemu-system-x86_64. */
const char *qemu_program(void);

/* 0 if it is there and new enough; else a complaint. */
int qemu_check(const struct invocation *inv, const char *name);

/**
 * qemu_launch() - start a QEMU and connect to it
 * @inv: complained for
 * @name: the machine's name
 * @side: an empty side
 * @pool: a handle of the pool that QEMU is to be a member of
 * @cwd: a descriptor of the folder that QEMU works in; -1 is the caller's
 * @args: its arguments
 * @qemu: the QEMU, for qemu_kill() or qemu_release()
 *
 * It has no memory and no devices yet. If this process dies before
 * qemu_release(), so does QEMU.
 *
 * Return: 0, or -1 with a complaint
 */
int qemu_launch(const struct invocation *inv, const char *name,
		struct vm_side *side, struct vpool *pool, int cwd, char **args,
		struct qemu *qemu);

/* Let it live. The connection stays until qemu_close(). */
void qemu_release(struct qemu *qemu);
void qemu_close(struct qemu *qemu);
/* End it and remove all of it. */
void qemu_kill(struct qemu *qemu);

/* Print the end of a QEMU's log on standard error; false if it is empty. */
bool qemu_show_log(const struct vm_side *side);

/* Complain about a call that failed; with QEMU's last words if it has ended. */
void qemu_failed(const struct invocation *inv, const char *name,
		 const struct qemu *qemu, int err);

#endif /* VPOOLCTL_QEMU_H */
