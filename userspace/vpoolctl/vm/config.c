// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine as the user describes it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/failure.h"
#include "vm/config.h"
#include "vm/qemu_refuse.h"
#include "vm/size.h"

void vm_config_init(struct vm_config *config, const char *name)
{
	*config = (struct vm_config) { .name = xstrdup(name) };
}

void vm_config_forget_scope(struct vm_config *config)
{
	size_t i;

	for (i = 0; i < config->nr_scope; i++)
		free(config->scope[i]);
	config->nr_scope = 0;
}

void vm_config_clear_disks(struct vm_config *config)
{
	size_t i;

	for (i = 0; i < config->nr_disks; i++) {
		free(config->disks[i].file);
		free(config->disks[i].format);
		free(config->disks[i].cache);
		free(config->disks[i].io);
	}
	free(config->disks);
	config->disks = NULL;
	config->nr_disks = 0;
}

void vm_config_clear_cdroms(struct vm_config *config)
{
	size_t i;

	for (i = 0; i < config->nr_cdroms; i++)
		free(config->cdroms[i]);
	free(config->cdroms);
	config->cdroms = NULL;
	config->nr_cdroms = 0;
}

void vm_config_clear_seed(struct vm_config *config)
{
	free(config->seed.user_data);
	free(config->seed.meta_data);
	free(config->seed.network_config);
	config->seed = (struct vm_config_seed) { 0 };
}

void vm_config_clear_nets(struct vm_config *config)
{
	size_t i;

	for (i = 0; i < config->nr_nets; i++) {
		free(config->nets[i].type);
		free(config->nets[i].name);
		free(config->nets[i].mac);
	}
	free(config->nets);
	config->nets = NULL;
	config->nr_nets = 0;
}

void vm_config_clear_shares(struct vm_config *config)
{
	size_t i;

	for (i = 0; i < config->nr_shares; i++) {
		free(config->shares[i].dir);
		free(config->shares[i].tag);
	}
	free(config->shares);
	config->shares = NULL;
	config->nr_shares = 0;
}

void vm_config_free(struct vm_config *config)
{
	size_t i;

	vm_config_clear_disks(config);
	vm_config_clear_cdroms(config);
	vm_config_clear_seed(config);
	vm_config_clear_nets(config);
	vm_config_clear_shares(config);
	for (i = 0; i < config->nr_qemu; i++)
		free(config->qemu[i]);
	free(config->qemu);
	free(config->name);
	free(config->pool);
	free(config->kernel);
	free(config->initrd);
	free(config->append);
	free(config->console);
	free(config->vnc);
	free(config->firmware);
	free(config->accel);
	free(config->user);
	free(config->confine);
	vm_config_forget_scope(config);
	free(config->scope);
	free(config->machine);
	*config = (struct vm_config) { 0 };
}

char *vm_config_tag(const struct vm_config_share *share)
{
	size_t len = strlen(share->dir);
	const char *begin;

	if (share->tag)
		return xstrdup(share->tag);
	while (len && share->dir[len - 1] == '/')
		len--;
	for (begin = share->dir + len; begin > share->dir && begin[-1] != '/'; begin--)
		;
	return xprintf("%.*s", (int)(share->dir + len - begin), begin);
}

bool vm_config_is_microvm(const struct vm_config *config)
{
	return config->machine && !strcmp(config->machine, "microvm");
}

void vm_config_add_qemu(struct vm_config *config, const char *arg)
{
	config->qemu = xrealloc(config->qemu,
				(config->nr_qemu + 2) * sizeof(*config->qemu));
	config->qemu[config->nr_qemu++] = xstrdup(arg);
	config->qemu[config->nr_qemu] = NULL;
}

static int wrong(struct failure *failure, const char *before, const char *name,
		 const char *after)
{
	return failure_set(failure, -EINVAL, TOOL_USAGE, "%s%s%s", before, name, after);
}

static int check_memory(const struct vm_config *config, const char *dash,
			struct failure *failure)
{
	if (!config->max_mem)
		return 0;
	if (!config->mem)
		return failure_set(failure, -EINVAL, TOOL_USAGE, "%smax-mem needs %smem",
				   dash, dash);
	if (config->max_mem <= config->mem)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "%smax-mem is not more than %smem", dash, dash);
	if ((config->max_mem - config->mem) % VM_SIZE_STEP)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "%smax-mem is not %smem plus a multiple of 128M, the unit in which a guest can use it",
				   dash, dash);
	return 0;
}

static int check_boot(const struct vm_config *config, const char *dash,
		      struct failure *failure)
{
	if (!config->kernel && !config->nr_disks && !config->nr_cdroms)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "nothing to boot: use %skernel, %sdisk or %scdrom",
				   dash, dash, dash);
	if (!config->kernel && (config->initrd || config->append))
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "%sinitrd and %sappend need %skernel", dash, dash, dash);
	return 0;
}

static int check_disks(const struct vm_config *config, const char *dash,
		       struct failure *failure)
{
	const struct vm_config_disk *disk;
	size_t i;

	for (i = 0; i < config->nr_disks; i++) {
		disk = config->disks + i;
		if (!disk->file)
			return wrong(failure, dash, "disk", " needs a file");
		/* QEMU can only bypass the cache with the native interface. */
		if (disk->io && !strcmp(disk->io, "native") &&
		    (!disk->cache || (strcmp(disk->cache, "none") &&
				      strcmp(disk->cache, "directsync"))))
			return wrong(failure, dash, "disk",
				     ": io=native needs cache=none or cache=directsync");
	}
	if (config->nr_cdroms > VM_CDROMS_MAX)
		return failure_set(failure, -EINVAL, TOOL_USAGE, "more than %d of %scdrom",
				   VM_CDROMS_MAX, dash);
	return 0;
}

static bool is_net(const struct vm_config_net *net, const char *type)
{
	return net->type && !strcmp(net->type, type);
}

static int check_net(const struct vm_config_net *net, const char *dash,
		     struct failure *failure)
{
	bool named = !is_net(net, "none") && !is_net(net, "user");

	if (!net->type)
		return wrong(failure, dash, "net", " needs a type");
	if (named && !net->name)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "%snet %s needs name=NAME, an interface of the host", dash,
				   net->type);
	if (!named && net->name)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "%snet %s has no interface of the host, and takes no name",
				   dash, net->type);
	if (is_net(net, "none") && net->mac)
		return wrong(failure, dash, "net", " none takes no MAC address");
	return 0;
}

static int check_nets(const struct vm_config *config, const char *dash,
		      struct failure *failure)
{
	size_t i, j;
	int err = 0;

	if (config->nr_nets > VM_NETS_MAX)
		return failure_set(failure, -EINVAL, TOOL_USAGE, "more than %d of %snet",
				   VM_NETS_MAX, dash);
	for (i = 0; i < config->nr_nets && !err; i++) {
		const struct vm_config_net *net = config->nets + i;

		err = check_net(net, dash, failure);
		if (!err && is_net(net, "none") && config->nr_nets > 1)
			err = wrong(failure, dash, "net", " none is not the only network");
		for (j = 0; j < i && !err && net->mac; j++)
			if (config->nets[j].mac && !strcmp(config->nets[j].mac, net->mac))
				err = wrong(failure, "two networks have the MAC address ",
					    net->mac, "");
	}
	return err;
}

static int check_shares(const struct vm_config *config, const char *dash,
			struct failure *failure)
{
	size_t i, j;

	if (config->nr_shares > VM_SHARES_MAX)
		return failure_set(failure, -EINVAL, TOOL_USAGE, "more than %d of %sshare",
				   VM_SHARES_MAX, dash);
	for (i = 0; i < config->nr_shares; i++) {
		char *tag, *other;
		bool same = false;

		if (!config->shares[i].dir)
			return wrong(failure, dash, "share", " needs a dir");
		tag = vm_config_tag(config->shares + i);
		if (!*tag || strlen(tag) > VM_TAG_MAX) {
			free(tag);
			return failure_set(failure, -EINVAL, TOOL_USAGE,
					   "%sshare %s needs a tag of at most %d characters",
					   dash, config->shares[i].dir, VM_TAG_MAX);
		}
		for (j = 0; j < i && !same; j++) {
			other = vm_config_tag(config->shares + j);
			same = !strcmp(tag, other);
			free(other);
		}
		if (same)
			failure_set(failure, -EINVAL, TOOL_USAGE,
				    "two of %sshare have the tag '%s': use tag=TAG", dash, tag);
		free(tag);
		if (same)
			return -EINVAL;
	}
	return 0;
}

static int check_seed(const struct vm_config *config, const char *dash,
		      struct failure *failure)
{
	if (config->seed.given && !config->seed.user_data)
		return wrong(failure, dash, "seed", " needs user-data");
	return 0;
}

static int check_devices(const struct vm_config *config, const char *dash,
			 struct failure *failure)
{
	if (config->force_device && !config->devices.nr)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "%sforce-device needs %sdevice", dash, dash);
	/* QEMU ignores what a guest reports as long as a device can access all memory. */
	if (config->devices.nr && config->reclaim)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "%sreclaim has no effect with %sdevice, which pins all memory",
				   dash, dash);
	return 0;
}

/* Name a part of the machine that a microvm cannot have, or return NULL. */
static const char *not_of_microvm(const struct vm_config *config)
{
	return config->devices.nr ? "device" :
	       config->max_mem ? "max-mem" :
	       config->reclaim ? "reclaim" :
	       config->firmware && strcmp(config->firmware, "bios") ? "firmware" :
	       config->tpm ? "tpm" :
	       config->nr_shares ? "share" :
	       config->nr_cdroms ? "cdrom" :
	       config->seed.given ? "seed" :
	       config->vnc ? "vnc" : NULL;
}

/* A microvm has no PCI bus, no slots for memory and no firmware that boots a disk. */
static int check_machine(const struct vm_config *config, const char *dash,
			 struct failure *failure)
{
	const char *what = not_of_microvm(config);

	if (!vm_config_is_microvm(config))
		return 0;
	if (config->nr_disks + config->nr_nets > VM_MICROVM_MAX)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "%smachine microvm cannot have more than %d disks and networks",
				   dash, VM_MICROVM_MAX);
	if (what)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "%smachine microvm cannot have %s%s: use %smachine q35",
				   dash, dash, what, dash);
	/* It has no timer with which Linux could measure the clock of an emulated CPU. */
	if (config->accel && !strcmp(config->accel, "tcg"))
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "%smachine microvm needs KVM: most kernels do not boot with %saccel tcg",
				   dash, dash);
	if (!config->kernel)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "%smachine microvm cannot boot a disk: use %skernel, or %smachine q35",
				   dash, dash, dash);
	return 0;
}

static int check_qemu(const struct vm_config *config, struct failure *failure)
{
	char *message = config->qemu ? qemu_refuse(config->qemu) : NULL;

	if (!message)
		return 0;
	failure_set(failure, -EINVAL, TOOL_USAGE, "QEMU's option %s", message);
	free(message);
	return -EINVAL;
}

int vm_config_check(const struct vm_config *config, struct failure *failure)
{
	const char *dash = config->location.line ? "" : "--";
	int err;

	if (!config->pool && *dash)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "no pool: use --pool NAME, or define the machine with 'vpoolctl vm define'");
	if (!config->pool)
		return failure_set(failure, -EINVAL, TOOL_USAGE, "needs a pool");
	err = check_qemu(config, failure);
	if (!err)
		err = check_boot(config, dash, failure);
	if (!err)
		err = check_disks(config, dash, failure);
	if (!err)
		err = check_nets(config, dash, failure);
	if (!err)
		err = check_shares(config, dash, failure);
	if (!err)
		err = check_seed(config, dash, failure);
	if (!err)
		err = check_devices(config, dash, failure);
	if (!err)
		err = check_machine(config, dash, failure);
	return err ? err : check_memory(config, dash, failure);
}
