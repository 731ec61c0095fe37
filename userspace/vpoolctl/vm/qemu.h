/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_QEMU_H
#define VPOOLCTL_QEMU_H

#include <libvpool.h>
#include <stdbool.h>

#include "vm/keeper.h"

struct backing;
struct invocation;
struct qmp;
struct vm_plugs;
struct vm_slot;
struct vm_user;

/**
 * struct qemu_bounds - limits of a QEMU, beside its user
 * @scope: properties of its scope of systemd, one in each line, or NULL
 * @confined: QEMU runs in an AppArmor profile
 * @context: the SELinux context that it runs in, or NULL
 */
struct qemu_bounds {
	const char *scope;
	bool confined;
	const char *context;
};

/**
 * struct qemu - a QEMU that is being started
 * @slot: slot of the machine; the caller owns it
 * @keeper: process that watches QEMU, and kills it if vpoolctl dies before qemu_release()
 * @qmp: QMP connection, or NULL
 */
struct qemu {
	struct vm_slot *slot;
	struct keeper keeper;
	struct qmp *qmp;
};

/* Check that QEMU is installed and recent enough. Return 0, or -1 with a message. */
int qemu_check(const struct invocation *inv, const char *name);

/**
 * qemu_launch() - start a QEMU and connect to it
 * @inv: invocation of the verb, for messages
 * @name: name of the machine
 * @slot: empty slot
 * @pool: handle of the pool that QEMU becomes a member of
 * @cwd: descriptor of the working directory of QEMU; -1 for that of vpoolctl
 * @args: arguments, NULL-terminated
 * @backing: files that QEMU inherits
 * @plugs: descriptors that QEMU inherits for its parts, which are closed here
 * @user: user that QEMU runs as
 * @bounds: its limits
 * @qemu: out: the QEMU, for qemu_stop() or qemu_release()
 *
 * QEMU has no memory and no devices yet. It dies with vpoolctl until qemu_release().
 *
 * Return: 0, or -1 with a message
 */
int qemu_launch(const struct invocation *inv, const char *name,
		struct vm_slot *slot, struct vpool *pool, int cwd, char **args,
		const struct backing *backing, struct vm_plugs *plugs,
		const struct vm_user *user, const struct qemu_bounds *bounds,
		struct qemu *qemu);

/* Let QEMU outlive vpoolctl. The connection stays until qemu_close(). */
void qemu_release(struct qemu *qemu);
void qemu_close(struct qemu *qemu);
/* Stop QEMU with SIGKILL, and remove its slot. */
void qemu_stop(struct qemu *qemu);

/* Print the end of the log on standard error. Return false if the log is empty. */
bool qemu_show_log(const struct vm_slot *slot);

/* Print an error about a failed call, with the end of QEMU's log if QEMU has ended. */
void qemu_failed(const struct invocation *inv, const char *name,
		 const struct qemu *qemu, int err);

#endif /* VPOOLCTL_QEMU_H */
