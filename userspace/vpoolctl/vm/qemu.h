/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_QEMU_H
#define VPOOLCTL_QEMU_H

#include <libvpool.h>

struct invocation;
struct qmp;
struct vm_slot;

/**
 * struct qemu - a QEMU that is being made
 * @slot: where it is
 * @guard: what ends it if we die, or 0
 * @guard_fd: tells the guard to let it live
 * @qmp: the connection, or NULL
 */
struct qemu {
	struct vm_slot *slot;
	pid_t guard;
	int guard_fd;
	struct qmp *qmp;
};

/* 0 if it is there and new enough; else a message. */
int qemu_check(const struct invocation *inv, const char *name);

/**
 * qemu_launch() - start a QEMU and connect to it
 * @inv: complained for
 * @name: the machine's name
 * @slot: an empty slot
 * @pool: a handle of the pool that QEMU is to be a member of
 * @cwd: a descriptor of the folder that QEMU works in; -1 is the caller's
 * @args: its arguments
 * @qemu: the QEMU, for qemu_kill() or qemu_release()
 *
 * It has no memory and no devices yet. If this process dies before
 * qemu_release(), so does QEMU.
 *
 * Return: 0, or -1 with a message
 */
int qemu_launch(const struct invocation *inv, const char *name,
		struct vm_slot *slot, struct vpool *pool, int cwd, char **args,
		struct qemu *qemu);

/* Let it live. The connection stays until qemu_close(). */
void qemu_release(struct qemu *qemu);
void qemu_close(struct qemu *qemu);
/* End it and remove all of it. */
void qemu_kill(struct qemu *qemu);

/* Print the end of a QEMU's log on standard error; false if it is empty. */
bool qemu_show_log(const struct vm_slot *slot);

/* Complain about a call that failed; with QEMU's last words if it has ended. */
void qemu_failed(const struct invocation *inv, const char *name,
		 const struct qemu *qemu, int err);

#endif /* VPOOLCTL_QEMU_H */
