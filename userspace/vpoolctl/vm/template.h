/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_TEMPLATE_H
#define VPOOLCTL_VM_TEMPLATE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "vm/placement.h"

struct invocation;
struct qmp;
struct vm_plugs;

/* Files of a template. */
#define TEMPLATE_CONFIG "config.json"
#define TEMPLATE_STATE "state"
#define TEMPLATE_MEMORY "memory"
#define TEMPLATE_KERNEL "kernel"
#define TEMPLATE_INITRD "initrd"

/**
 * struct template_file - a file of a template that was written
 * @bytes: its size
 * @sum: its checksum
 */
struct template_file {
	__u64 bytes;
	__u64 sum;
};

/**
 * struct template_disk - a disk that the saved machine could write to
 * @file: its path; owned
 * @bytes: size of the file
 * @modified_ns: time of the last change of the file, in nanoseconds since 1970
 */
struct template_disk {
	char *file;
	__u64 bytes;
	long long modified_ns;
};

/**
 * struct template - a saved machine
 * @vm: name of the machine that was saved
 * @machine: its type, "q35" or "microvm"
 * @accel: "kvm" or "tcg"
 * @cpu: model of the CPU of the host
 * @qemu: version of QEMU, such as "7.2"
 * @directory: working directory of its QEMU
 * @saved: when it was saved, in seconds since 1970
 * @plan: its memory and vCPUs
 * @args: the arguments that describe the machine, NULL-terminated; for args_free()
 * @disks: its disks
 * @nr_disks: length of @disks
 * @state: the state of its devices
 * @memory: its memory
 *
 * All pointers are owned.
 */
struct template {
	char *vm;
	char *machine;
	char *accel;
	char *cpu;
	char *qemu;
	char *directory;
	long long saved;
	struct vm_plan plan;
	char **args;
	struct template_disk *disks;
	size_t nr_disks;
	struct template_file state;
	struct template_file memory;
};

void template_free(struct template *tpl);

/* Return the directory of a template, for free(3). */
char *template_dir(const char *name);
/* Return a file of a directory, for free(3). */
char *template_path(const char *dir, const char *file);
bool template_exists(const char *name);
/* Return the names of the templates, sorted; each and the array for free(3). */
char **template_names(size_t *nr);
/* Return the bytes that the files of a template have on the disk. */
__u64 template_bytes(const char *name);
/* Return the memory and the number of vCPUs of a plan. */
__u64 template_memory(const struct template *tpl);
unsigned int template_vcpus(const struct template *tpl);

/* Write the configuration of a template into its directory. Return 0 or a negative errno. */
int template_write(const char *dir, const struct template *tpl);

/**
 * template_read() - read the configuration of a template
 * @inv: invocation of the verb, for messages
 * @subject: subject of messages
 * @name: name of the template
 * @tpl: out: the template, for template_free()
 *
 * Refuse a template to which other users than root and the caller can write: its arguments
 * for QEMU would be theirs.
 *
 * Return: 0, or -1 after a message
 */
int template_read(const struct invocation *inv, const char *subject, const char *name,
		  struct template *tpl);

/*
 * Lock the templates against other vpoolctls that change them, and create their directory
 * with @create. Return a descriptor for close(2), or -1 after a message.
 */
int template_lock(const struct invocation *inv, const char *subject, bool create);
/* Create an empty directory for a new template, for free(3), or return NULL with errno set. */
char *template_begin(const char *name);
/* Make a complete directory the template. Return 0 or a negative errno. */
int template_finish(const char *name, const char *dir);
/* Remove a directory that template_begin() has created. */
void template_abort(const char *dir);
/* Remove a template. Return 0 or a negative errno. */
int template_remove(const char *name);

/* Return the model of the host's CPU, for free(3). */
char *template_host_cpu(void);
/* Return the version of a QEMU, such as "7.2", for free(3), or NULL if it does not answer. */
char *template_qemu_version(struct qmp *qmp);

/* Read the size and the time of the last change of a disk. Return 0 or a negative errno. */
int template_stat_disk(struct template_disk *disk);

/**
 * template_args() - make the arguments of a machine from those of a template
 * @tpl: the template
 * @uuid: new UUID of the machine
 *
 * The kernel and the initrd are descriptors, see template_plug(). Changes of disks go to a
 * temporary file that QEMU removes when it ends. The UUID, the generation ID and the MAC
 * addresses are new. A guest keeps its MAC addresses until it resets the network cards,
 * because those are in the state of the devices.
 * The rules of the sandbox are left out, because they depend on the user of the new QEMU.
 *
 * Return: the arguments, for args_free()
 */
char **template_args(const struct template *tpl, const char *uuid);

/**
 * template_plug() - open the kernel and the initrd of a template for a QEMU
 * @inv: invocation of the verb, for messages
 * @name: name of the machine
 * @dir: directory of the template
 * @args: arguments of the QEMU
 * @plugs: descriptors that QEMU inherits
 *
 * QEMU may run as a user that cannot search the directory.
 *
 * Return: 0, or -1 after a message
 */
int template_plug(const struct invocation *inv, const char *name, const char *dir,
		  char *const *args, struct vm_plugs *plugs);

/*
 * Open them for a QEMU to which a machine migrates. They are descriptors of the other QEMU,
 * so the template need not exist any more. Return 0, or -1 after a message.
 */
int template_plug_again(const struct invocation *inv, const char *name, pid_t from,
			char *const *args, struct vm_plugs *plugs);

/* Tell whether a path is that of a file of a template in a QEMU. */
bool template_is_plugged(const char *path);

/* Call @found for each option of QEMU and its value, which is NULL for a flag. */
void template_each_arg(char *const *args,
		       void (*found)(void *data, const char *option, const char *value),
		       void *data);
/* Tell whether a value of -drive is a disk to which changes become temporary. */
bool template_is_disk(const char *drive);
/* Tell whether a value of -drive is a disk or CD that a machine only reads. */
bool template_is_medium(const char *drive);
/* Return the path of the file of a value of -drive, for free(3). */
char *template_drive_file(const char *drive);
/* Tell whether a disk of a QEMU with these arguments is temporary. */
bool template_has_temporary_disk(char *const *args);

#endif /* VPOOLCTL_VM_TEMPLATE_H */
