/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_USER_H
#define VPOOLCTL_VM_USER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct invocation;

/* The user that QEMU runs as if root starts a machine. The Debian package creates it. */
#define VM_USER "vpool-vm"

/**
 * struct vm_user - the user that a QEMU runs as
 * @name: its name, owned; NULL if QEMU runs as the user of vpoolctl
 * @uid: its user id
 * @gid: its primary group
 * @groups: its supplementary groups, with room for one more; owned
 * @nr_groups: number of them
 * @locked: memory that QEMU may lock, in bytes; 0 for the limit that vpoolctl has
 */
struct vm_user {
	char *name;
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t nr_groups;
	__u64 locked;
};

/**
 * vm_user_choose() - choose the user that the QEMU of a machine will run as
 * @inv: invocation of the verb, for messages
 * @vm: name of the machine
 * @wanted: name of the user that was asked for, or NULL
 * @user: out: the user, for vm_user_free()
 *
 * Without @wanted, root uses VM_USER. If there is no such user, QEMU runs as root, of which
 * vm_user_warn() warns. A caller other than root can only use its own user.
 *
 * Return: 0, or -1 with a message
 */
int vm_user_choose(const struct invocation *inv, const char *vm, const char *wanted,
		   struct vm_user *user);

/* Warn if a machine will run as root because there is no VM_USER. */
void vm_user_warn(const char *vm, const char *wanted, const struct vm_user *user);

/*
 * Read the user that a running QEMU has, for vm_user_free(). Its name is NULL if that is
 * the user of vpoolctl. Return 0 or a negative errno.
 */
int vm_user_of(pid_t pid, struct vm_user *user);

/* Let a process of the user be in the group of a file, such as /dev/kvm. */
void vm_user_join_group_of(struct vm_user *user, const char *path);

/*
 * Give up the privileges of root in a child, for good: become the user. The next program can
 * get no privileges, unless it must run in another domain of SELinux: for that, the policies
 * of hosts have no rule. Return 0 or a negative errno.
 */
int vm_user_become(const struct vm_user *user, bool other_domain);

/*
 * Let the QEMU of a slot use the directory of the slot, which exists. The files of vpoolctl
 * in it stay root's. Return 0 or a negative errno.
 */
int vm_user_share_slot(const struct vm_user *user, const char *slot_dir);

void vm_user_free(struct vm_user *user);

#endif /* VPOOLCTL_VM_USER_H */
