/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_CONFIG_H
#define VPOOLCTL_VM_CONFIG_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "vm/device.h"

struct failure;

/* Last place among the machines that start at boot. */
#define VM_AUTOSTART_LAST 1000U

/**
 * struct vm_config_disk - a disk as the user describes it
 * @file: path of its file; NULL until it is known
 * @format: format of the file; NULL for raw
 */
struct vm_config_disk {
	char *file;
	char *format;
};

/**
 * struct vm_config - a machine as the user describes it, by options or in a file
 * @name: its name
 * @location: position of its definition; line 0 for options
 * @pool: name of its pool, or NULL
 * @mem: its memory in bytes; 0 for all free memory of the pool
 * @max_mem: largest memory in bytes; 0 for @mem
 * @reclaim: true if the memory that the guest frees returns to the pool
 * @vcpus: number of vCPUs; 0 for the default
 * @kernel: path of a kernel to boot, or NULL
 * @initrd: path of the initial RAM disk for @kernel, or NULL
 * @append: command line for @kernel, or NULL
 * @disks: its disks, in the order in which the guest sees them
 * @nr_disks: length of @disks
 * @net: "user" or "none"; NULL for none
 * @console: path of a file for the output of the console, or NULL
 * @accel: "kvm" or "tcg"; NULL for kvm
 * @devices: PCI devices of the host to pass to the machine
 * @force_device: pass them although the host uses them
 * @user: name of the user that QEMU runs as; NULL for the default
 * @scope: properties of the scope of systemd that QEMU runs in
 * @nr_scope: number of them
 * @autostart: place among the machines that start at boot, from 1 to 1000; 0 if it does
 *	not start then
 * @qemu: more arguments for QEMU, NULL-terminated, or NULL
 * @nr_qemu: number of them
 *
 * All pointers are owned.
 */
struct vm_config {
	char *name;
	struct location location;
	char *pool;
	__u64 mem;
	__u64 max_mem;
	bool reclaim;
	unsigned int vcpus;
	char *kernel;
	char *initrd;
	char *append;
	struct vm_config_disk *disks;
	size_t nr_disks;
	char *net;
	char *console;
	char *accel;
	struct vm_devices devices;
	bool force_device;
	char *user;
	char **scope;
	size_t nr_scope;
	unsigned int autostart;
	char **qemu;
	size_t nr_qemu;
};

/* Set all properties to their defaults. */
void vm_config_init(struct vm_config *config, const char *name);
void vm_config_free(struct vm_config *config);

/* Remove the properties of the scope. */
void vm_config_forget_scope(struct vm_config *config);

/* Add an argument for QEMU. */
void vm_config_add_qemu(struct vm_config *config, const char *arg);

/*
 * Check what depends on several properties. Return 0, or -EINVAL with @failure set to a
 * message without a subject. The message names properties as options, such as --mem, if
 * the machine is not defined in a file.
 */
int vm_config_check(const struct vm_config *config, struct failure *failure);

#endif /* VPOOLCTL_VM_CONFIG_H */
