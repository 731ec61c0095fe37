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

void vm_config_free(struct vm_config *config)
{
	size_t i;

	for (i = 0; i < config->nr_disks; i++) {
		free(config->disks[i].file);
		free(config->disks[i].format);
	}
	for (i = 0; i < config->nr_qemu; i++)
		free(config->qemu[i]);
	free(config->disks);
	free(config->qemu);
	free(config->name);
	free(config->pool);
	free(config->kernel);
	free(config->initrd);
	free(config->append);
	free(config->net);
	free(config->console);
	free(config->accel);
	free(config->user);
	vm_config_forget_scope(config);
	free(config->scope);
	*config = (struct vm_config) { 0 };
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
	size_t i;

	if (!config->kernel && !config->nr_disks)
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "nothing to boot: use %skernel or %sdisk", dash, dash);
	if (!config->kernel && (config->initrd || config->append))
		return failure_set(failure, -EINVAL, TOOL_USAGE,
				   "%sinitrd and %sappend need %skernel", dash, dash, dash);
	for (i = 0; i < config->nr_disks; i++)
		if (!config->disks[i].file)
			return wrong(failure, dash, "disk", " needs a file");
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
		err = check_devices(config, dash, failure);
	return err ? err : check_memory(config, dash, failure);
}
