// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line of QEMU.
 *
 * The first arguments are specific to one QEMU, at fixed positions: -S or -incoming, and
 * its sockets. The other arguments describe the machine. vm migrate copies them without
 * parsing, because a user's argument can look like one of vpoolctl.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/files.h"
#include "vm/args.h"
#include "vm/config.h"
#include "vm/device.h"
#include "vm/part_args.h"
#include "vm/qemu_args.h"
#include "vm/size.h"
#include "vm/vm.h"

const char *qemu_program(void)
{
	const char *program = getenv("VPOOL_QEMU");

	return program && *program ? program : "qemu-system-x86_64";
}

/*
 * Monitors. QEMU sets up each one in its main thread and then hands it to another
 * thread. Both threads would read from a client that connects in between, and mix up its
 * commands. So the sockets have other names at first, and the vpoolctl that starts QEMU
 * uses a connection that QEMU inherits.
 */
const char * const qemu_monitors[NR_QEMU_MONITORS] = { "qmp", "state" };

static void add_monitors(char ***args, const struct vm_slot *slot)
{
	size_t i;

	for (i = 0; i < NR_QEMU_MONITORS; i++) {
		char *path = vm_slot_path(slot, qemu_monitors[i]);
		char *escaped = args_escape(path);

		args_add_made(args, "-chardev",
			      xprintf("socket,id=%s,path=%s" VM_HIDDEN ",server=on,wait=off",
				      qemu_monitors[i], escaped));
		args_add_made(args, "-mon",
			      xprintf("chardev=%s,mode=control", qemu_monitors[i]));
		free(escaped);
		free(path);
	}
	/* This monitor must be the last: if it answers, all are ready. */
	args_add_made(args, "-chardev", xprintf("socket,id=boot,fd=%d", QEMU_BOOT_FD));
	args_add_two(args, "-mon", "chardev=boot,mode=control");
}

#define CONSOLE "socket,id=console,path="

static void add_console(char ***args, const char *console, const struct vm_slot *slot)
{
	char *path = vm_slot_path(slot, "console"), *escaped = args_escape(path);
	char *file = console ? args_escape(console) : NULL;

	args_add_made(args, "-chardev",
		      xprintf(CONSOLE "%s,server=on,wait=off%s%s%s", escaped,
			      file ? ",logfile=" : "", file ? file : "",
			      file ? ",logappend=on" : ""));
	args_add_two(args, "-serial", "chardev:console");
	free(file);
	free(escaped);
	free(path);
}

static void add_boot(char ***args, const struct vm_config *config)
{
	if (config->kernel)
		args_add_made(args, "-kernel", args_absolute(config->kernel));
	if (config->initrd)
		args_add_made(args, "-initrd", args_absolute(config->initrd));
	if (config->append)
		args_add_two(args, "-append", config->append);
}

/*
 * Linux gets no interrupts of the first device of a microvm that has a second IOAPIC. The
 * firmware qboot does nothing but load the kernel, sooner than QEMU's default.
 */
static void add_machine(char ***args, const struct vm_config *config)
{
	if (!vm_config_is_microvm(config)) {
		args_add_two(args, "-machine", "q35,hpet=off");
		return;
	}
	args_add_two(args, "-machine", "microvm,acpi=on,rtc=on,ioapic2=off");
	args_add_two(args, "-bios", "qboot.rom");
}

/*
 * The generation ID tells a guest that it is a copy, if it is new when the machine starts
 * from a template. A migration keeps it. A microvm has no table for it.
 */
static void add_generation(char ***args, const struct vm_config *config)
{
	char *uuid = read_text("/proc/sys/kernel/random/uuid");
	char **extra;

	for (extra = config->qemu; extra && *extra; extra++)
		if (!strncmp(*extra, "vmgenid", 7))
			break;
	if (uuid && !vm_config_is_microvm(config) && !(extra && *extra))
		args_add_made(args, "-device", xprintf("vmgenid,guid=%.*s",
						       (int)strcspn(uuid, "\n"), uuid));
	free(uuid);
}

static void add_devices(char ***args, const struct vm_devices *devices)
{
	size_t i;

	for (i = 0; i < devices->nr; i++)
		args_add_made(args, "-device",
			      xprintf("vfio-pci,host=%s", devices->device[i].address));
}

/* The address of the device needs room to be aligned, which a slot gives. */
static void add_size(char ***args, const struct qemu_spec *spec)
{
	if (spec->elastic)
		args_add_made(args, "-m", xprintf("size=%lluB,maxmem=%lluB,slots=1",
						  spec->bytes, spec->bytes + spec->elastic));
	else
		args_add_made(args, "-m", xprintf("%lluB", spec->bytes));
}

/*
 * With prealloc, QEMU commits a block before the guest gets it. It refuses the block if
 * the pool has no memory. Otherwise the guest would get a bus error later.
 */
static void add_elastic(char ***args, const struct qemu_spec *spec)
{
	if (spec->elastic)
		args_add_made(args, "-device",
			      xprintf("virtio-mem-pci,id=" VM_SIZE_DEVICE
				      ",memdev=" VM_SIZE_MEMORY
				      ",block-size=%llu,prealloc=on", spec->block));
	if (spec->config->reclaim)
		args_add_two(args, "-device", "virtio-balloon-pci,id="
			     VM_RECLAIM_DEVICE ",free-page-reporting=on");
}

/* Tell whether arguments have an option of QEMU. QEMU accepts one dash or two. */
static bool has_option(char *const *args, const char *option)
{
	for (; args && *args; args++)
		if (**args == '-' && !strcmp(*args + 1 + ((*args)[1] == '-'), option))
			return true;
	return false;
}

/*
 * Let the kernel refuse system calls that QEMU does not need after its start. vpoolctl sets
 * the affinity of threads from outside, and mbind(2) is still allowed.
 */
static void add_sandbox(char ***args, const struct vm_user *user, char *const *others)
{
	if (user->name && !has_option(others, "sandbox"))
		args_add_two(args, "-sandbox", QEMU_SANDBOX);
}

char **qemu_args(const struct qemu_spec *spec, const struct vm_slot *slot)
{
	const struct vm_config *config = spec->config;
	const char *accel = config->accel ? config->accel : "kvm";
	bool kvm = !strcmp(accel, "kvm");
	char **args = NULL, **extra;

	args_add(&args, qemu_program());
	args_add(&args, "-S");
	add_monitors(&args, slot);
	add_console(&args, spec->console, slot);
	vm_args_vnc(&args, config, slot);
	args_add_made(&args, "-name", xprintf("%s,debug-threads=on", config->name));
	args_add_two(&args, "-accel", accel);
	add_machine(&args, config);
	args_add_two(&args, "-cpu", kvm ? "host" : "max");
	args_add_made(&args, "-smp", xprintf("%u", spec->vcpus));
	add_size(&args, spec);
	args_add_two(&args, "-display", "none");
	args_add(&args, "-nodefaults");
	args_add(&args, "-no-user-config");
	args_add(&args, "-preconfig");
	add_sandbox(&args, &spec->user, config->qemu);
	vm_args_nets(&args, config, spec->parts);
	add_boot(&args, config);
	vm_args_media(&args, config, spec->parts);
	vm_args_helped(&args, config);
	add_devices(&args, &config->devices);
	add_elastic(&args, spec);
	add_generation(&args, config);
	for (extra = config->qemu; extra && *extra; extra++)
		args_add(&args, *extra);
	return args;
}

char **qemu_args_incoming(const char *name, const char *console,
			  const struct vm_user *user, const struct vm_slot *slot,
			  char *const *machine)
{
	char **args = NULL;

	args_add(&args, qemu_program());
	args_add_two(&args, "-incoming", "defer");
	add_monitors(&args, slot);
	add_console(&args, console, slot);
	args_add_two(&args, "-vnc", "none");
	args_add_made(&args, "-name", xprintf("%s,debug-threads=on", name));
	add_sandbox(&args, user, machine);
	for (; *machine; machine++)
		args_add(&args, *machine);
	return args;
}

/* Replace the first occurrence of a word. */
static char *replace(const char *text, const char *word, const char *by)
{
	const char *at = strstr(text, word);

	if (!at)
		return xstrdup(text);
	return xprintf("%.*s%s%s", (int)(at - text), text, by,
		       at + strlen(word));
}

/* Read the arguments of a process, each NUL-terminated; for free(3). */
static char *read_cmdline(pid_t pid, size_t *len)
{
	char *path = xprintf("/proc/%d/cmdline", pid), *text = NULL;
	FILE *file = fopen(path, "re");
	size_t room = 0;
	int c;

	*len = 0;
	while (file && (c = getc(file)) != EOF) {
		if (*len + 2 >= room) {
			room = room ? 2 * room : 4096;
			text = xrealloc(text, room);
		}
		text[(*len)++] = c;
		text[*len] = '\0';
	}
	if (file)
		fclose(file);
	free(path);
	return text;
}

/* Number of arguments after -S or -incoming for the sockets: four for each, two for VNC. */
#define OWN_WORDS (4 * (NR_QEMU_MONITORS + 2) + 2)

/* Add such an argument with the paths of the other slot. */
static void add_for(char ***args, const char *arg, const char *from,
		    const char *to)
{
	char *changed = replace(arg, from, to);

	args_add(args, changed);
	free(changed);
}

char **qemu_args_from(const char *cmdline, size_t len, const char *from_dir,
		      const char *to_dir)
{
	char *old = args_escape(from_dir), *new = args_escape(to_dir);
	const char *at = cmdline, *end = cmdline + len;
	char **args = NULL;
	size_t nr, skip = 0;

	for (nr = 0; at < end; at += strlen(at) + 1, nr++) {
		if (nr == 1) {
			skip = !strcmp(at, "-S") ? 1 :
			       !strcmp(at, "-incoming") ? 2 : 0;
			if (!skip)
				break;
			args_add_two(&args, "-incoming", "defer");
		}
		if (nr && nr <= skip)
			continue;
		if (nr && nr <= skip + OWN_WORDS)
			add_for(&args, at, old, new);
		else
			args_add(&args, at);
	}
	if (!skip) {
		args_free(args);
		args = NULL;
	}
	free(new);
	free(old);
	return args;
}

char **qemu_args_read(const struct vm_slot *slot)
{
	size_t len;
	char *text = read_cmdline(slot->pid, &len), *at, **args = NULL;

	for (at = text; at && at < text + len; at += strlen(at) + 1)
		args_add(&args, at);
	free(text);
	return args;
}

char **qemu_args_of(const struct vm_slot *from, const struct vm_slot *to)
{
	size_t len;
	char **args, *text = read_cmdline(from->pid, &len);

	args = qemu_args_from(text, len, from->dir, to->dir);
	free(text);
	return args;
}

/* Return the end of a value of an option of QEMU, in which commas are doubled. */
static const char *value_end(const char *value)
{
	while (*value && (*value != ',' || value[1] == ','))
		value += *value == ',' ? 2 : 1;
	return value;
}

/* Return a value that ends at @end without the doubled commas, for free(3). */
static char *unescape(const char *value, const char *end)
{
	char *text = xcalloc(end - value + 1, 1), *to = text;

	for (; value < end; value++) {
		*to++ = *value;
		if (*value == ',')
			value++;
	}
	return text;
}

char *qemu_args_console(char **args)
{
	const char *at;

	/* No other argument can look like this: vm start refuses another chardev "console". */
	while (*args && strncmp(*args, CONSOLE, strlen(CONSOLE)))
		args++;
	at = *args ? value_end(*args) : "";
	for (; *at; at = value_end(at + 1))
		if (!strncmp(at, ",logfile=", strlen(",logfile=")))
			return unescape(at + strlen(",logfile="), value_end(at + 1));
	return NULL;
}

char **qemu_args_machine(char **args)
{
	size_t nr = args_count(args), skip;

	if (nr < 2)
		return NULL;
	skip = !strcmp(args[1], "-S") ? 1 : !strcmp(args[1], "-incoming") ? 2 : 0;
	if (!skip || nr < 1 + skip + OWN_WORDS + 2 ||
	    strcmp(args[1 + skip + OWN_WORDS], "-name"))
		return NULL;
	return args + 1 + skip + OWN_WORDS + 2;
}
