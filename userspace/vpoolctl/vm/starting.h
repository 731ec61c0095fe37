/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_STARTING_H
#define VPOOLCTL_VM_STARTING_H

struct invocation;
struct qemu_spec;
struct vm;
struct vm_config;
struct vm_placed;
struct vm_user;

/* Lock a machine that is about to start, for vm_close(). Return NULL after a message. */
struct vm *vm_start_open(const struct invocation *inv, const char *name);

/*
 * Begin the log of a machine. A machine whose log cannot be written starts all the same:
 * the journal has its output.
 */
void vm_start_log(const char *name);

/* Check that KVM is here and can be used. Return 0, or -1 after a message. */
int vm_start_check_kvm(const struct invocation *inv);

/**
 * vm_start_user() - choose the user that the QEMU of a machine will run as
 * @inv: invocation of the verb, for messages
 * @config: the machine
 * @accel: its accelerator; NULL for kvm
 * @user: out: the user, for vm_user_free()
 *
 * Return: 0, or -1 after a message
 */
int vm_start_user(const struct invocation *inv, const struct vm_config *config,
		  const char *accel, struct vm_user *user);

/**
 * vm_start_console() - create the file of a console
 * @inv: invocation of the verb, for messages
 * @config: the machine, with the path, or NULL or "-" for none
 * @user: user that QEMU runs as, who gets a new file
 * @file: out: absolute path of the file, for free(3); unchanged if there is none
 *
 * Nothing is created in a dry run.
 *
 * Return: 0, or -1 after a message
 */
int vm_start_console(const struct invocation *inv, const struct vm_config *config,
		     const struct vm_user *user, char **file);

/* Check that QEMU can have a scope with its properties. Return 0, or -1 after a message. */
int vm_start_check_scope(const struct invocation *inv, const struct vm_config *config);
/*
 * Note the properties of its scope, and whether it is confined, for a migration. Return 0, or
 * -1 after a message.
 */
int vm_start_note_bounds(const struct invocation *inv, const struct vm *vm,
			 const struct vm_config *config);

/* Return what a machine has, such as "1G of memory, 2 vCPUs with CPUs 2-3", for free(3). */
char *vm_start_resources(const struct qemu_spec *spec, const struct vm_placed *placed);

#endif /* VPOOLCTL_VM_STARTING_H */
