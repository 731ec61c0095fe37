/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_CONFIG_H
#define VPOOLCTL_VM_CONFIG_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "vm/device.h"

struct failure;

/* Largest numbers of parts that a machine can have. */
#define VM_CDROMS_MAX 4
#define VM_NETS_MAX 16
#define VM_SHARES_MAX 8
/* Virtio devices of a microvm. */
#define VM_MICROVM_MAX 8
/* Longest tag of a share, which the device limits. */
#define VM_TAG_MAX 35

/* Ports that VNC can have. */
#define VM_VNC_FIRST 5900
#define VM_VNC_LAST 65535

/* Last place among the machines that start at boot. */
#define VM_AUTOSTART_LAST 1000U

/**
 * struct vm_config_disk - a disk as the user describes it
 * @file: path of its file; NULL until it is known
 * @format: format of the file; NULL for raw
 * @cache: QEMU's mode for the cache of the host; NULL for its default
 * @io: how QEMU transfers blocks; NULL for its default
 * @readonly: the guest cannot write to it
 */
struct vm_config_disk {
	char *file;
	char *format;
	char *cache;
	char *io;
	bool readonly;
};

/**
 * struct vm_config_net - a network interface as the user describes it
 * @type: "user", "tap", "bridge", "macvtap" or "none"; NULL until it is known
 * @name: name of the interface or bridge of the host, or NULL
 * @mac: MAC address of the guest's interface; NULL for the default
 */
struct vm_config_net {
	char *type;
	char *name;
	char *mac;
};

/**
 * struct vm_config_share - a directory of the host that the guest can mount
 * @dir: path of the directory; NULL until it is known
 * @tag: name under which the guest mounts it; NULL for the last part of @dir
 */
struct vm_config_share {
	char *dir;
	char *tag;
};

/**
 * struct vm_config_seed - files that configure a guest at its first boot
 * @given: the machine has a seed
 * @user_data: path of the file for cloud-init's user-data; NULL until it is known
 * @meta_data: path of the file for its meta-data; NULL for one that names the machine
 * @network_config: path of the file for its network-config, or NULL
 */
struct vm_config_seed {
	bool given;
	char *user_data;
	char *meta_data;
	char *network_config;
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
 * @cdroms: paths of the images of its CDs
 * @nr_cdroms: length of @cdroms
 * @seed: files for cloud-init
 * @nets: its network interfaces
 * @nr_nets: length of @nets
 * @shares: directories of the host that the guest can mount
 * @nr_shares: length of @shares
 * @console: path of a file for the output of the console, or NULL
 * @vnc: "socket" or a port on the loopback interface for the screen; NULL for no screen
 * @firmware: "bios" or "uefi"; NULL for bios
 * @tpm: the machine has a TPM
 * @accel: "kvm" or "tcg"; NULL for kvm
 * @machine: "q35" or "microvm"; NULL for q35
 * @devices: PCI devices of the host to pass to the machine
 * @force_device: pass them although the host uses them
 * @user: name of the user that QEMU runs as; NULL for the default
 * @confine: "yes", "no" or "auto": QEMU gets an AppArmor profile; or its SELinux context; NULL
 *	for auto
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
	char **cdroms;
	size_t nr_cdroms;
	struct vm_config_seed seed;
	struct vm_config_net *nets;
	size_t nr_nets;
	struct vm_config_share *shares;
	size_t nr_shares;
	char *console;
	char *vnc;
	char *firmware;
	bool tpm;
	char *accel;
	char *machine;
	struct vm_devices devices;
	bool force_device;
	char *user;
	char *confine;
	char **scope;
	size_t nr_scope;
	unsigned int autostart;
	char **qemu;
	size_t nr_qemu;
};

/* Set all properties to their defaults. */
void vm_config_init(struct vm_config *config, const char *name);
void vm_config_free(struct vm_config *config);

/* Remove the values of a property that can have several. */
void vm_config_clear_disks(struct vm_config *config);
void vm_config_clear_cdroms(struct vm_config *config);
void vm_config_clear_seed(struct vm_config *config);
void vm_config_clear_nets(struct vm_config *config);
void vm_config_clear_shares(struct vm_config *config);

/* Return the name under which the guest mounts a directory, for free(3). */
char *vm_config_tag(const struct vm_config_share *share);
/* Remove the properties of the scope. */
void vm_config_forget_scope(struct vm_config *config);

/* Tell whether the machine is a microvm. */
bool vm_config_is_microvm(const struct vm_config *config);

/* Add an argument for QEMU. */
void vm_config_add_qemu(struct vm_config *config, const char *arg);

/*
 * Check what depends on several properties. Return 0, or -EINVAL with @failure set to a
 * message without a subject. The message names properties as options, such as --mem, if
 * the machine is not defined in a file.
 */
int vm_config_check(const struct vm_config *config, struct failure *failure);

#endif /* VPOOLCTL_VM_CONFIG_H */
