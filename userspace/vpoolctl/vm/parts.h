/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_PARTS_H
#define VPOOLCTL_VM_PARTS_H

#include <stdbool.h>

#include "vm/config.h"
#include "vm/plug.h"

struct invocation;
struct vm_slot;
struct vm_user;

/**
 * struct vm_parts - what the host gives to the parts of a machine
 * @code: path of the code of its firmware, or NULL; owned
 * @variables: path of its variables of UEFI, or NULL; owned
 * @seed: path of the image of its seed, or NULL; owned
 * @fresh_dir: directory of its state, if this start has created it; owned
 * @fresh_variables: this start has created @variables
 * @fresh_tpm: this start has created the directory of the TPM
 * @mac: MAC addresses of its networks, or NULL for the default of QEMU; owned
 * @plugs: descriptors that QEMU inherits
 */
struct vm_parts {
	char *code;
	char *variables;
	char *seed;
	char *fresh_dir;
	bool fresh_variables;
	bool fresh_tpm;
	char *mac[VM_NETS_MAX];
	struct vm_plugs plugs;
};

/* Check what the parts of a machine need. Return 0, or -1 after a message. */
int vm_parts_check(const struct invocation *inv, const struct vm_config *config);

/**
 * vm_parts_prepare() - make and open what the parts of a machine need
 * @inv: invocation of the verb, for messages
 * @config: the machine
 * @user: user that QEMU runs as, who gets the files that QEMU opens
 * @dir: directory of the machine's slots, which exists
 * @parts: out: the parts, for vm_parts_close()
 *
 * Return: 0, or -1 after a message
 */
int vm_parts_prepare(const struct invocation *inv, const struct vm_config *config,
		     const struct vm_user *user, const char *dir, struct vm_parts *parts);

/* Free the parts. If the machine did not start, also remove what was made for it. */
void vm_parts_close(const struct vm_config *config, struct vm_parts *parts, bool started);

/*
 * Open what the parts of a machine need in a QEMU with these arguments, to which it
 * migrates. Return 0, or -1 after a message.
 */
int vm_parts_reopen(const struct invocation *inv, const char *name, char **args,
		    struct vm_plugs *plugs);

/*
 * Check whether the parts of a machine allow a migration. @here says that both QEMUs are on
 * this host. Return 0, or -1 after a message.
 */
int vm_parts_check_fixed(const struct invocation *inv, const char *name,
			 const struct vm_slot *slot, bool here);

/* Remove what a machine keeps while it does not run. Return 0 or a negative errno. */
int vm_parts_forget(const char *name);

#endif /* VPOOLCTL_VM_PARTS_H */
