/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_PLUG_H
#define VPOOLCTL_VM_PLUG_H

#include <stdbool.h>
#include <stddef.h>

struct vm_slot;
struct vm_user;

/*
 * QEMU's descriptors: of the TPM, of the first share, of the first network, and of the
 * kernel and the initrd of a template.
 */
#define VM_PLUG_TPM 170
#define VM_PLUG_SHARE 171
#define VM_PLUG_NET 180
#define VM_PLUG_KERNEL 200
#define VM_PLUG_INITRD 201
/* Descriptor of a helper's end. */
#define VM_HELPER_FD 3

#define VM_PLUGS_MAX 32

/**
 * struct vm_plug - a descriptor that QEMU inherits
 * @at: its number in QEMU
 * @fd: its number in vpoolctl; owned
 * @end: for a helper: its end of the connection; owned; or -1
 * @program: for a helper: its program and arguments, NULL-terminated; owned; or NULL
 * @is_root: the helper must be root, if only in a user namespace
 */
struct vm_plug {
	int at;
	int fd;
	int end;
	char **program;
	bool is_root;
};

/**
 * struct vm_plugs - all descriptors that QEMU inherits for its parts
 * @nr: number of plugs
 * @plug: the plugs
 */
struct vm_plugs {
	size_t nr;
	struct vm_plug plug[VM_PLUGS_MAX];
};

/*
 * Add a plug. Take the descriptors and the program, also on failure. Return 0 or a negative
 * errno.
 */
int vm_plugs_add(struct vm_plugs *plugs, int at, int fd, int end, char **program);
void vm_plugs_close(struct vm_plugs *plugs);

/*
 * In the process that becomes QEMU, while it is still root: start the helpers as the user of
 * QEMU, and give the descriptors their numbers. The helpers end with QEMU. Return 0 or a
 * negative errno.
 */
int vm_plugs_inherit(const struct vm_plugs *plugs, const struct vm_slot *slot,
		     const struct vm_user *user);

#endif /* VPOOLCTL_VM_PLUG_H */
