/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_CONFINE_H
#define VPOOLCTL_VM_CONFINE_H

#include <stdbool.h>

struct invocation;
struct vm_slot;
struct vpool;
struct vm_user;

/* Return the SELinux context that the property "confine" names, or NULL. */
const char *vm_confine_context(const char *wanted);

/**
 * vm_confine_choose() - choose whether the QEMU of a machine gets an AppArmor profile
 * @inv: invocation of the verb, for messages
 * @vm: name of the machine
 * @wanted: "yes", "no", "auto" or an SELinux context, which is checked; NULL for "auto"
 * @confined: out: whether it gets one
 *
 * With "auto", QEMU gets a profile if root starts it and this host uses AppArmor: it is
 * enabled, and apparmor_parser is installed. If QEMU is a script, print a warning instead.
 *
 * Return: 0, or -1 with a message if "yes" or the context is impossible
 */
int vm_confine_choose(const struct invocation *inv, const char *vm, const char *wanted,
		      bool *confined);

/**
 * vm_confine_load() - load the profile of a QEMU that will start in a slot
 * @inv: invocation of the verb, for messages
 * @vm: name of the machine
 * @slot: slot of the QEMU, whose directory exists
 * @pool: the pool that QEMU becomes a member of
 * @args: arguments of QEMU, NULL-terminated
 * @cwd: descriptor of the working directory of QEMU, or -1 for that of this process
 * @user: user that QEMU runs as
 *
 * Return: 0, or -1 with a message
 */
int vm_confine_load(const struct invocation *inv, const char *vm, const struct vm_slot *slot,
		    struct vpool *pool, char **args, int cwd, const struct vm_user *user);

/*
 * Let the next program that this process executes run in the profile of a slot, if the slot
 * has one, or in an SELinux context, unless that is NULL. The process is still root's. Return
 * 0, or a negative errno after a line on standard error.
 */
int vm_confine_enter(const struct vm_slot *slot, const char *context);

#endif /* VPOOLCTL_VM_CONFINE_H */
