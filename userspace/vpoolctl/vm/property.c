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

static int set_net(void *target, const char *text, struct failure *failure)
{
	struct vm_config *config = target;

	return set_word(&config->net, text, "user", "none", failure);
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
		.name = "disk", .letter = 'd', .arg = "FILE[,format=FORMAT]",
		.complete = COMPLETE_FILE,
		.list = LIST_OF_VALUES, .begin = begin_disk, .set = set_disk_file,
		.parts = disk_parts, .nr_parts = ARRAY_SIZE(disk_parts),
		.help =
			"a disk; default format raw, other formats such as\n"
			"qcow2. The machine boots the first one if it has no\n"
			"kernel",
	},
	[VM_NET] = {
		.name = "net", .arg = "user|none", .set = set_net,
		.help =
			"network: user for outgoing connections through QEMU,\n"
			"or none, the default",
	},
	[VM_CONSOLE] = {
		.name = "console", .letter = 'c', .arg = "FILE",
		.complete = COMPLETE_FILE, .set = set_console,
		.help =
			"append the output of its first serial port to a file;\n"
			"- connects vm start to it, as vm console does",
	},
	[VM_ACCEL] = {
		.name = "accel", .arg = "kvm|tcg", .set = set_accel,
		.help =
			"kvm, the default, needs /dev/kvm; tcg runs without it,\n"
			"but is many times slower",
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
	size_t i;

	if (property == VM_DEVICE)
		config->devices.nr = 0;
	if (property == VM_SCOPE)
		vm_config_forget_scope(config);
	if (property != VM_DISK)
		return;
	for (i = 0; i < config->nr_disks; i++) {
		free(config->disks[i].file);
		free(config->disks[i].format);
	}
	config->nr_disks = 0;
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
