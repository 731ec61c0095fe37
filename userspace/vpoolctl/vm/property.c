// SPDX-License-Identifier: GPL-2.0-only
/*
 * The properties of a virtual machine. The option --NAME of vm start and vm define and the
 * key NAME of a definition are the same property, parsed and checked here.
 *
 * To add a property: add its row, a member of struct vm_config, a function that sets the
 * member, and its line in vm_config_free(). vm_config_check() has what depends on several
 * properties, and qemu_args() gives the property to QEMU.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/macros.h"
#include "config/value.h"
#include "output/messages.h"
#include "output/units.h"
#include "vm/config.h"
#include "vm/device_check.h"
#include "vm/property.h"

/* Largest number of vCPUs that is accepted. */
#define MAX_VCPUS 4096

static int wrong(struct failure *failure, const char *text, const char *what)
{
	return failure_set(failure, -EINVAL, TOOL_USAGE, "'%s' is not %s", text, what);
}

static int set_text(char **member, const char *text, struct failure *failure)
{
	if (!*text)
		return failure_set(failure, -EINVAL, TOOL_USAGE, "the value is empty");
	free(*member);
	*member = xstrdup(text);
	return 0;
}

/* Set a member to one of two words. */
static int set_word(char **member, const char *text, const char *a, const char *b,
		    struct failure *failure)
{
	if (strcmp(text, a) && strcmp(text, b))
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "'%s' is neither %s nor %s", text, a, b);
	return set_text(member, text, failure);
}

/* Set a member to one of several words. */
static int set_one_of(char **member, const char *text, const char * const *words, size_t nr,
		      struct failure *failure)
{
	char *list = NULL, *longer;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!strcmp(text, words[i])) {
			free(list);
			return set_text(member, text, failure);
		}
		longer = xprintf("%s%s%s", list ? list : "",
				 !i ? "" : i == nr - 1 ? " or " : ", ", words[i]);
		free(list);
		list = longer;
	}
	wrong(failure, text, list);
	free(list);
	return -EINVAL;
}

static int set_number(unsigned int *member, const char *text, unsigned int max,
		      const char *what, struct failure *failure)
{
	unsigned long nr;

	if (parse_number(text, 1, max, &nr))
		return wrong(failure, text, what);
	*member = nr;
	return 0;
}

static int set_size(__u64 *member, const char *text, struct failure *failure)
{
	if (parse_size(text, member, failure->text, sizeof(failure->text))) {
		failure->code = TOOL_USAGE;
		return -EINVAL;
	}
	if (!*member)
		return failure_set(failure, -EINVAL, TOOL_USAGE, "a machine needs memory");
	return 0;
}

static int set_pool(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_text(&config->pool, text, failure);
}

static int set_mem(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_size(&config->mem, text, failure);
}

static int set_vcpus(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_number(&config->vcpus, text, MAX_VCPUS, "a number of CPUs", failure);
}

static int set_kernel(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_text(&config->kernel, text, failure);
}

static int set_initrd(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_text(&config->initrd, text, failure);
}

static int set_append(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_text(&config->append, text, failure);
}

static void begin_disk(void *target)
{
	struct vm_config *config = target;

	config->disks = xrealloc(config->disks,
				 (config->nr_disks + 1) * sizeof(*config->disks));
	config->disks[config->nr_disks++] = (struct vm_config_disk) { 0 };
}

/* Return the disk that begin_disk() has added. */
static struct vm_config_disk *last_disk(void *target)
{
	struct vm_config *config = target;

	return config->disks + config->nr_disks - 1;
}

static int set_disk_file(void *target, const char *text, struct failure *failure)
{
	return set_text(&last_disk(target)->file, text, failure);
}

static int set_disk_format(void *target, const char *text, struct failure *failure)
{
	if (!*text || strpbrk(text, ",="))
		return wrong(failure, text, "a format, such as raw or qcow2");
	return set_text(&last_disk(target)->format, text, failure);
}

static int set_disk_cache(void *target, const char *text, struct failure *failure)
{
	static const char * const words[] = {
		"none", "writeback", "writethrough", "directsync", "unsafe",
	};

	return set_one_of(&last_disk(target)->cache, text, words, ARRAY_SIZE(words), failure);
}

static int set_disk_io(void *target, const char *text, struct failure *failure)
{
	static const char * const words[] = { "threads", "native", "io_uring" };

	return set_one_of(&last_disk(target)->io, text, words, ARRAY_SIZE(words), failure);
}

static int set_disk_readonly(void *target, const char *text, struct failure *failure)
{
	return value_set_bool(&last_disk(target)->readonly, text, failure);
}

static int set_cdrom(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	config->cdroms = xrealloc(config->cdroms,
				  (config->nr_cdroms + 1) * sizeof(*config->cdroms));
	config->cdroms[config->nr_cdroms] = NULL;
	return set_text(&config->cdroms[config->nr_cdroms++], text, failure);
}

static void begin_seed(void *target)
{
	struct vm_config *config = target;

	config->seed.given = true;
}

static int set_user_data(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_text(&config->seed.user_data, text, failure);
}

static int set_meta_data(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_text(&config->seed.meta_data, text, failure);
}

static int set_network_config(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_text(&config->seed.network_config, text, failure);
}

static void begin_net(void *target)
{
	struct vm_config *config = target;

	config->nets = xrealloc(config->nets, (config->nr_nets + 1) * sizeof(*config->nets));
	config->nets[config->nr_nets++] = (struct vm_config_net) { 0 };
}

static struct vm_config_net *last_net(void *target)
{
	struct vm_config *config = target;

	return config->nets + config->nr_nets - 1;
}

static int set_net_type(void *target, const char *text, struct failure *failure)
{
	static const char * const words[] = { "user", "none", "tap", "bridge", "macvtap" };

	return set_one_of(&last_net(target)->type, text, words, ARRAY_SIZE(words), failure);
}

/* The name becomes a part of an identifier of QEMU, so that a migration finds it. */
static int set_net_name(void *target, const char *text, struct failure *failure)
{
	static const char ok[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	if (!*text || strlen(text) > 15 || text[strspn(text, ok)] || *text == '.')
		return wrong(failure, text,
			     "the name of an interface: up to 15 letters, digits, and . _ -");
	return set_text(&last_net(target)->name, text, failure);
}

/* A group address, whose lowest bit is set, cannot be the address of an interface. */
static int set_net_mac(void *target, const char *text, struct failure *failure)
{
	unsigned int byte[6];
	char *mac;
	int end = 0;

	if (strlen(text) != 17 ||
	    sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", byte, byte + 1, byte + 2, byte + 3,
		   byte + 4, byte + 5, &end) != 6 || end != 17 || byte[0] & 1 ||
	    strspn(text, "0123456789abcdefABCDEF:") != 17)
		return wrong(failure, text,
			     "the MAC address of an interface, such as 52:54:00:12:34:56");
	mac = xprintf("%02x:%02x:%02x:%02x:%02x:%02x", byte[0], byte[1], byte[2], byte[3],
		      byte[4], byte[5]);
	free(last_net(target)->mac);
	last_net(target)->mac = mac;
	return 0;
}

static void begin_share(void *target)
{
	struct vm_config *config = target;

	config->shares = xrealloc(config->shares,
				  (config->nr_shares + 1) * sizeof(*config->shares));
	config->shares[config->nr_shares++] = (struct vm_config_share) { 0 };
}

static struct vm_config_share *last_share(void *target)
{
	struct vm_config *config = target;

	return config->shares + config->nr_shares - 1;
}

static int set_share_dir(void *target, const char *text, struct failure *failure)
{
	return set_text(&last_share(target)->dir, text, failure);
}

static int set_share_tag(void *target, const char *text, struct failure *failure)
{
	return set_text(&last_share(target)->tag, text, failure);
}

static int set_vnc(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;
	unsigned long port;

	if (strcmp(text, "socket") &&
	    (parse_number(text, VM_VNC_FIRST, VM_VNC_LAST, &port)))
		return wrong(failure, text, "socket or a port from 5900 to 65535");
	return set_text(&config->vnc, text, failure);
}

static int set_firmware(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_word(&config->firmware, text, "bios", "uefi", failure);
}

static int set_tpm(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return value_set_bool(&config->tpm, text, failure);
}

static int set_console(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_text(&config->console, text, failure);
}

static int set_accel(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_word(&config->accel, text, "kvm", "tcg", failure);
}

static int set_machine(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_word(&config->machine, text, "q35", "microvm", failure);
}

static int set_device(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;
	char *bad;

	if (!vm_devices_parse(text, &config->devices, &bad))
		return 0;
	if (bad)
		failure_set(failure, -EINVAL, TOOL_USAGE,
			    "'%s' is not the address of a PCI device, or is given twice",
			    bad);
	else
		failure_set(failure, -EINVAL, TOOL_USAGE, "more than %d devices",
			    VM_DEVICES_MAX);
	free(bad);
	return -EINVAL;
}

static int set_force_device(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return value_set_bool(&config->force_device, text, failure);
}

static int set_max_mem(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_size(&config->max_mem, text, failure);
}

static int set_reclaim(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return value_set_bool(&config->reclaim, text, failure);
}

static int set_user(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_text(&config->user, text, failure);
}

/* Tell whether a text has the form USER:ROLE:TYPE[:RANGE] of an SELinux context. */
static bool is_context(const char *text)
{
	const char *role = strchr(text, ':'), *type = role ? strchr(role + 1, ':') : NULL;

	return type && role > text && type > role + 1 && type[1] && type[1] != ':' &&
	       !strpbrk(text, " \t\n");
}

static int set_confine(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	if (!is_context(text) && strcmp(text, "yes") && strcmp(text, "no") &&
	    strcmp(text, "auto"))
		return wrong(failure, text, "yes, no, auto or an SELinux context");
	return set_text(&config->confine, text, failure);
}

static int set_scope(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;
	size_t len = 0;

	while (isalnum((unsigned char)text[len]))
		len++;
	if (!len || text[len] != '=' || strchr(text, '\n'))
		return wrong(failure, text, "NAME=VALUE, as in MemoryMax=1G");
	config->scope = xrealloc(config->scope,
				 (config->nr_scope + 1) * sizeof(*config->scope));
	config->scope[config->nr_scope++] = xstrdup(text);
	return 0;
}

static int set_autostart(void *target, const char *text, struct failure *failure)
{
	static const char what[] = "true, false or a place from 1 to 1000";
	struct vm_config *config = target;
	bool yes;

	if (*text >= '0' && *text <= '9')
		return set_number(&config->autostart, text, VM_AUTOSTART_LAST, what, failure);
	if (value_set_bool(&yes, text, failure))
		return wrong(failure, text, what);
	config->autostart = yes ? VM_AUTOSTART_LAST : 0;
	return 0;
}

static int set_qemu(void *target, const char *text, struct failure *failure)
{
	(void)failure;
	vm_config_add_qemu(target, text);
	return 0;
}

static const struct option_def disk_parts[] = {
	{ .name = "file", .arg = "FILE", .complete = COMPLETE_FILE, .set = set_disk_file },
	{ .name = "format", .arg = "FORMAT", .set = set_disk_format },
	{ .name = "readonly", .arg = "true|false", .set = set_disk_readonly },
	{ .name = "cache", .arg = "MODE", .set = set_disk_cache },
	{ .name = "io", .arg = "MODE", .set = set_disk_io },
};

static const struct option_def seed_parts[] = {
	{ .name = "user-data", .arg = "FILE", .complete = COMPLETE_FILE, .set = set_user_data },
	{ .name = "meta-data", .arg = "FILE", .complete = COMPLETE_FILE, .set = set_meta_data },
	{ .name = "network-config", .arg = "FILE", .complete = COMPLETE_FILE,
	  .set = set_network_config },
};

static const struct option_def net_parts[] = {
	{ .name = "type", .arg = "TYPE", .set = set_net_type },
	{ .name = "name", .arg = "NAME", .set = set_net_name },
	{ .name = "mac", .arg = "ADDRESS", .set = set_net_mac },
};

static const struct option_def share_parts[] = {
	{ .name = "dir", .arg = "DIR", .complete = COMPLETE_FILE, .set = set_share_dir },
	{ .name = "tag", .arg = "TAG", .set = set_share_tag },
};

const struct option_def vm_properties[NR_VM_PROPERTIES] = {
	[VM_POOL] = {
		.name = "pool", .letter = 'p', .arg = "NAME",
		.complete = COMPLETE_POOL, .set = set_pool,
		.help = "pool to take memory and CPUs from",
	},
	[VM_MEM] = {
		.name = "mem", .letter = 'm', .arg = "SIZE", .set = set_mem,
		.help = "its memory; default: all free memory of the pool",
	},
	[VM_VCPUS] = {
		.name = "vcpus", .letter = 'n', .arg = "NUMBER", .set = set_vcpus,
		.help =
			"number of vCPUs; default: one less than the CPUs of the\n"
			"pool, so that one CPU stays for QEMU's other threads",
	},
	[VM_KERNEL] = {
		.name = "kernel", .letter = 'k', .arg = "FILE",
		.complete = COMPLETE_FILE, .set = set_kernel,
		.help = "boot this Linux kernel",
	},
	[VM_INITRD] = {
		.name = "initrd", .letter = 'i', .arg = "FILE",
		.complete = COMPLETE_FILE, .set = set_initrd,
		.help = "initial RAM disk for the kernel",
	},
	[VM_APPEND] = {
		.name = "append", .letter = 'a', .arg = "STRING", .set = set_append,
		.help = "command line for the kernel",
	},
	[VM_DISK] = {
		.name = "disk", .letter = 'd', .arg = "FILE[,PART=VALUE...]",
		.complete = COMPLETE_FILE,
		.list = LIST_OF_VALUES, .begin = begin_disk, .set = set_disk_file,
		.parts = disk_parts, .nr_parts = ARRAY_SIZE(disk_parts),
		.help =
			"a disk. format=FORMAT: raw, the default, or another\n"
			"such as qcow2. readonly=true. cache=none|writeback|\n"
			"writethrough|directsync|unsafe and io=threads|native|\n"
			"io_uring as in QEMU. The machine boots the first disk\n"
			"if it has no kernel",
	},
	[VM_CDROM] = {
		.name = "cdrom", .arg = "FILE", .complete = COMPLETE_FILE,
		.list = LIST_OF_VALUES, .set = set_cdrom,
		.help =
			"image of a CD or DVD. The machine boots it if no disk\n"
			"can be booted",
	},
	[VM_SEED] = {
		.name = "seed", .arg = "USER-DATA[,PART=FILE...]",
		.complete = COMPLETE_FILE, .begin = begin_seed, .set = set_user_data,
		.parts = seed_parts, .nr_parts = ARRAY_SIZE(seed_parts),
		.help =
			"configure the guest with cloud-init (NoCloud), by a\n"
			"read-only disk with this file, and with the files\n"
			"meta-data=FILE and network-config=FILE",
	},
	[VM_NET] = {
		.name = "net", .arg = "user|none|tap|bridge|macvtap",
		.list = LIST_OF_VALUES, .begin = begin_net, .set = set_net_type,
		.parts = net_parts, .nr_parts = ARRAY_SIZE(net_parts),
		.help =
			"a network interface: user for outgoing connections\n"
			"through QEMU; tap, bridge or macvtap with\n"
			",name=INTERFACE of the host; or none, the default.\n"
			",mac=ADDRESS sets its MAC address",
	},
	[VM_SHARE] = {
		.name = "share", .arg = "DIR[,tag=TAG]", .complete = COMPLETE_FILE,
		.list = LIST_OF_VALUES, .begin = begin_share, .set = set_share_dir,
		.parts = share_parts, .nr_parts = ARRAY_SIZE(share_parts),
		.help =
			"directory of the host that the guest can mount, by\n"
			"'mount -t virtiofs TAG DIRECTORY'; the default tag is\n"
			"the last part of its path. The machine cannot migrate",
	},
	[VM_CONSOLE] = {
		.name = "console", .letter = 'c', .arg = "FILE",
		.complete = COMPLETE_FILE, .set = set_console,
		.help =
			"append the output of its first serial port to a file;\n"
			"- connects vm start to it, as vm console does",
	},
	[VM_VNC] = {
		.name = "vnc", .arg = "socket|PORT", .set = set_vnc,
		.help =
			"give the machine a screen, which VNC shows: on the\n"
			"socket vnc in the directory of its QEMU, or on a port\n"
			"from 5900 of the loopback interface",
	},
	[VM_FIRMWARE] = {
		.name = "firmware", .arg = "bios|uefi", .set = set_firmware,
		.help =
			"firmware: bios, the default, or uefi, whose variables\n"
			"stay with the machine",
	},
	[VM_TPM] = {
		.name = "tpm", .set = set_tpm,
		.help = "give the machine a TPM 2.0, whose state stays with it",
	},
	[VM_ACCEL] = {
		.name = "accel", .arg = "kvm|tcg", .set = set_accel,
		.help =
			"kvm, the default, needs /dev/kvm; tcg runs without it,\n"
			"but is many times slower",
	},
	[VM_MACHINE] = {
		.name = "machine", .arg = "q35|microvm", .set = set_machine,
		.help =
			"q35, the default, is a PC; microvm boots a Linux kernel\n"
			"sooner, but has no PCI bus",
	},
	[VM_DEVICE] = {
		.name = "device", .arg = "ADDRESS[,ADDRESS...]",
		.complete = COMPLETE_DEVICE,
		.list = LIST_JOINED, .set = set_device,
		.help =
			"pass PCI devices of the host to the machine, as in\n"
			"0000:01:00.0; they need an IOMMU",
	},
	[VM_FORCE_DEVICE] = {
		.name = "force-device", .set = set_force_device,
		.help =
			"take the devices even if a network interface is up, or\n"
			"a disk is in use",
	},
	[VM_MAX_MEM] = {
		.name = "max-mem", .arg = "SIZE", .set = set_max_mem,
		.help =
			"largest memory that vm resize can give it: mem plus a\n"
			"multiple of 128M",
	},
	[VM_RECLAIM] = {
		.name = "reclaim", .set = set_reclaim,
		.help =
			"return memory that the guest frees to the pool. The\n"
			"guest fails if the pool cannot give it back",
	},
	[VM_RUN_AS] = {
		.name = "user", .arg = "USER", .set = set_user,
		.help =
			"if root starts the machine, run QEMU as this user;\n"
			"default: vpool-vm if there is such a user",
	},
	[VM_CONFINE] = {
		.name = "confine", .arg = "yes|no|auto|CONTEXT", .set = set_confine,
		.help =
			"run QEMU in an AppArmor profile that allows the files\n"
			"of this machine alone; default: auto, if root starts\n"
			"the machine and the host uses AppArmor. CONTEXT is the\n"
			"SELinux context for QEMU, as USER:ROLE:TYPE:s0:c1,c2",
	},
	[VM_SCOPE] = {
		.name = "property", .arg = "NAME=VALUE",
		.list = LIST_OF_VALUES, .set = set_scope,
		.help =
			"under systemd, run QEMU in a scope with a property such\n"
			"as MemoryMax=1G; can be given several times",
	},
	[VM_AUTOSTART] = {
		.name = "autostart", .arg = "true|false|PLACE", .set = set_autostart,
		.help =
			"start the machine when the host boots. Machines with\n"
			"lower places, from 1 to 1000, start earlier; true is\n"
			"1000. Those with the same place start by name",
	},
	[VM_QEMU] = {
		.name = "qemu", .arg = "[ARGUMENT, ...]",
		.list = LIST_OF_VALUES, .set = set_qemu,
		.help =
			"more arguments for QEMU, as vm start takes after --. An\n"
			"argument that YAML could take for something else needs\n"
			"quotes",
	},
};

/* Remove the values that options will replace. */
static void forget_values(struct vm_config *config, enum vm_property property)
{
	if (property == VM_DEVICE)
		config->devices.nr = 0;
	if (property == VM_SCOPE)
		vm_config_forget_scope(config);
	if (property == VM_DISK)
		vm_config_clear_disks(config);
	if (property == VM_CDROM)
		vm_config_clear_cdroms(config);
	if (property == VM_SEED)
		vm_config_clear_seed(config);
	if (property == VM_NET)
		vm_config_clear_nets(config);
	if (property == VM_SHARE)
		vm_config_clear_shares(config);
}

int vm_config_from_options(const struct invocation *inv, struct vm_config *config)
{
	bool seen[NR_VM_PROPERTIES] = { false };
	const struct command *cmd = inv->cmd;
	const struct option_def *def;
	struct failure failure;
	const char *text;
	size_t i;
	int nr;

	for (i = 0; i < inv->nr_settings; i++) {
		nr = inv->settings[i].option - (int)cmd->nr_options;
		if (nr < 0)
			continue;
		def = cmd->properties + nr;
		text = inv->settings[i].value ? inv->settings[i].value : "true";
		if (!seen[nr])
			forget_values(config, nr);
		seen[nr] = true;
		if (value_set(def, config, text, &failure))
			return usage_error(cmd, "--%s: %s", def->name, failure.text);
	}
	return EXIT_OK;
}
