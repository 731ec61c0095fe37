/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_PROPERTY_H
#define VPOOLCTL_VM_PROPERTY_H

#include <stddef.h>

#include "base/command.h"

struct failure;
struct vm_config;

/**
 * enum vm_property - the properties of a machine
 * @NR_VM_START_PROPERTIES: number of those that vm start has as options
 * @NR_VM_DEFINE_PROPERTIES: number of those that vm define has as options
 * @NR_VM_PROPERTIES: number of those that a file can have
 *
 * The order is that of help and of a file.
 */
enum vm_property {
	VM_POOL,
	VM_MEM,
	VM_VCPUS,
	VM_KERNEL,
	VM_INITRD,
	VM_APPEND,
	VM_DISK,
	VM_CDROM,
	VM_SEED,
	VM_NET,
	VM_SHARE,
	VM_CONSOLE,
	VM_VNC,
	VM_FIRMWARE,
	VM_TPM,
	VM_ACCEL,
	VM_MACHINE,
	VM_DEVICE,
	VM_FORCE_DEVICE,
	VM_MAX_MEM,
	VM_RECLAIM,
	VM_RUN_AS,
	VM_CONFINE,
	VM_SCOPE,
	NR_VM_START_PROPERTIES,
	VM_AUTOSTART = NR_VM_START_PROPERTIES,
	NR_VM_DEFINE_PROPERTIES,
	VM_QEMU = NR_VM_DEFINE_PROPERTIES,
	NR_VM_PROPERTIES,
};

/*
 * The table of properties, which is the only place that knows them: options of vm start
 * and vm define, keys of a definition, help, manual pages and completion come from it.
 * The target of their functions is a struct vm_config.
 */
extern const struct option_def vm_properties[NR_VM_PROPERTIES];

/*
 * Set the properties that options of the command were given for, in their order. The first
 * option of a property that can have several values replaces the values that @config has.
 * Return EXIT_OK, or EXIT_USAGE after a message.
 */
int vm_config_from_options(const struct invocation *inv, struct vm_config *config);

#endif /* VPOOLCTL_VM_PROPERTY_H */
