/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_FIRMWARE_H
#define VPOOLCTL_VM_FIRMWARE_H

/**
 * struct vm_firmware - files of a UEFI firmware
 * @code: path of its code; owned
 * @variables: path of variables to begin with; owned
 */
struct vm_firmware {
	char *code;
	char *variables;
};

/* Find OVMF. Return 0, or -ENOENT if it is not installed. */
int vm_firmware_find(struct vm_firmware *firmware);
void vm_firmware_free(struct vm_firmware *firmware);

/*
 * Copy the variables to a file that does not exist yet. Return 0 or a negative errno; the
 * file does not exist then, or -EEXIST.
 */
int vm_firmware_copy(const struct vm_firmware *firmware, const char *path);

#endif /* VPOOLCTL_VM_FIRMWARE_H */
