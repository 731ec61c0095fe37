/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_USER_FILES_H
#define VPOOLCTL_VM_USER_FILES_H

#include <stdbool.h>

struct invocation;
struct vm_config;
struct vm_user;

/**
 * vm_user_check_file() - check that the user of a QEMU can open a file
 * @inv: invocation of the verb, for messages
 * @vm: name of the machine
 * @user: the user
 * @what: what the file is, such as "the disk"
 * @path: the file
 * @writes: QEMU also writes to the file
 *
 * Return: 0, or -1 with a message that says which directory or file is closed to the user
 */
int vm_user_check_file(const struct invocation *inv, const char *vm,
		       const struct vm_user *user, const char *what, const char *path,
		       bool writes);

/**
 * vm_user_make_console() - create the file for the output of a console
 * @inv: invocation of the verb, for messages
 * @vm: name of the machine
 * @user: the user of QEMU, who owns the file if it is new
 * @path: the file
 *
 * A file that exists keeps its contents, owner and mode. QEMU must be able to write it.
 *
 * Return: 0, or -1 with a message; then no new file is left
 */
int vm_user_make_console(const struct invocation *inv, const char *vm,
			 const struct vm_user *user, const char *path);

/* Check all files of a machine in the same way, which the caller can open. */
int vm_user_check_config(const struct invocation *inv, const struct vm_user *user,
			 const struct vm_config *config);

/* Check that the user can use KVM. Return 0, or -1 with a message. */
int vm_user_check_kvm(const struct invocation *inv, const char *vm,
		      const struct vm_user *user);

#endif /* VPOOLCTL_VM_USER_FILES_H */
