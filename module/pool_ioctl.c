// SPDX-License-Identifier: GPL-2.0
#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "call.h"
#include "create.h"
#include "destroy.h"
#include "pool_ioctl.h"
#include "resize.h"
#include "spec.h"

/* Bounds the kernel memory of one call; one request for each node is enough. */
#define VPOOL_MAX_MEM 4096
#define VPOOL_RESIZE_USER_ALL						\
	(VPOOL_RESIZE_USER_BYTES | VPOOL_RESIZE_USER_REGIONS |		\
	 VPOOL_RESIZE_USER_MEMBERS)
/* 524,288 CPUs, far more than any kernel supports. */
#define VPOOL_MAX_CPUS_BYTES SZ_64K

static int vpool_copy_mem(struct vpool_call *call,
			  struct vpool_request *request, u64 uptr, u32 nr)
{
	struct vpool_mem *mem;

	if (!nr)
		return 0;
	if (nr > VPOOL_MAX_MEM)
		return vpool_err(call->extack, -EINVAL,
				 VPOOL_CODE_MEM_REQUESTS_MANY,
				 "%u memory requests, but at most %u are accepted",
				 nr, VPOOL_MAX_MEM);
	mem = memdup_user(u64_to_user_ptr(uptr), nr * sizeof(*mem));
	if (IS_ERR(mem))
		return vpool_err(call->extack, PTR_ERR(mem),
				 VPOOL_CODE_MEM_REQUESTS_UNREADABLE,
				 "the memory requests cannot be read");
	request->mem = mem;
	request->nr_mem = nr;
	return 0;
}

/* The kernel's masks may be shorter than @bits. */
static int vpool_mask_from_bits(struct vpool_call *call, struct cpumask *mask,
				const unsigned long *bits, unsigned int nr_bits)
{
	unsigned int cpu;

	for_each_set_bit(cpu, bits, nr_bits) {
		if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
			return vpool_err(call->extack, -ENODEV,
					 VPOOL_CODE_CPU_MISSING,
					 "cpu %u does not exist", cpu);
		cpumask_set_cpu(cpu, mask);
	}
	return 0;
}

static int vpool_copy_cpus(struct vpool_call *call,
			   struct vpool_request *request, u64 uptr, u32 bytes)
{
	unsigned long *bits;
	struct cpumask *mask;
	int err = -EFAULT;

	if (!bytes)
		return 0;
	if (bytes > VPOOL_MAX_CPUS_BYTES)
		return vpool_err(call->extack, -EINVAL,
				 VPOOL_CODE_CPU_MASK_SIZE,
				 "the CPU mask has %u bytes, but at most %u are accepted",
				 bytes, VPOOL_MAX_CPUS_BYTES);
	mask = kzalloc(cpumask_size(), GFP_KERNEL);
	request->cpus.mask = mask;
	bits = kzalloc(round_up(bytes, sizeof(long)), GFP_KERNEL);
	if (!mask || !bits)
		err = vpool_err(call->extack, -ENOMEM,
				VPOOL_CODE_NO_KERNEL_MEMORY,
				"no kernel memory for the CPU mask");
	else if (copy_from_user(bits, u64_to_user_ptr(uptr), bytes))
		vpool_err(call->extack, err, VPOOL_CODE_CPU_MASK_UNREADABLE,
			  "the CPU mask cannot be read");
	else
		err = vpool_mask_from_bits(call, mask, bits,
					   bytes * BITS_PER_BYTE);
	kfree(bits);
	return err;
}

static void vpool_request_free(struct vpool_request *request)
{
	kfree(request->mem);
	kfree(request->cpus.mask);
}

static int vpool_spec_fill_ids(struct vpool_call *call, struct vpool_spec *spec)
{
	struct vpool_create *cmd = call->cmd;
	struct user_namespace *ns = current_user_ns();

	spec->uid = cmd->uid == VPOOL_ID_CALLER ? current_uid() :
		make_kuid(ns, cmd->uid);
	spec->gid = cmd->gid == VPOOL_ID_CALLER ? current_gid() :
		make_kgid(ns, cmd->gid);
	if (uid_valid(spec->uid) && gid_valid(spec->gid))
		return 0;
	return vpool_err(call->extack, -EINVAL, VPOOL_CODE_OWNER_UNKNOWN,
			 "the owner does not exist in this user namespace");
}

static int vpool_spec_fill(struct vpool_call *call, struct vpool_spec *spec)
{
	struct vpool_create *cmd = call->cmd;
	struct vpool_request *request = &spec->request;
	int err;

	memcpy(spec->name, cmd->name, sizeof(spec->name));
	spec->flags = cmd->flags;
	spec->page_size = cmd->page_size;
	spec->mode = cmd->mode;
	/* A mode that does not fit umode_t must not look valid. */
	if (spec->mode != cmd->mode)
		spec->mode = (umode_t)~0;
	if (cmd->flags & VPOOL_CREATE_EPHEMERAL) {
		spec->creator = call->handle;
		call->handle->has_ephemeral = true;
	}
	spec->limits.bytes = cmd->user_bytes;
	spec->limits.regions = cmd->user_regions;
	spec->limits.members = cmd->user_members;
	request->timeout_ms = cmd->timeout_ms;
	request->dry_run = cmd->flags & VPOOL_CREATE_DRY_RUN;
	request->rules.split_cores = cmd->flags & VPOOL_CREATE_SPLIT_CORES;
	request->rules.boot_core = cmd->flags & VPOOL_CREATE_BOOT_CORE;
	request->cpus.nr = cmd->nr_cpus;
	request->cpus.node = cmd->cpus_node;
	err = vpool_spec_fill_ids(call, spec);
	if (!err)
		err = vpool_copy_mem(call, request, cmd->mem_uptr, cmd->nr_mem);
	if (!err)
		err = vpool_copy_cpus(call, request, cmd->cpus_uptr,
				      cmd->cpus_bytes);
	return err;
}

/**
 * vpool_ioctl_create - VPOOL_CREATE: create a pool
 * @call: call on the control device
 *
 * Return: 0 or a negative errno as the UAPI describes.
 */
int vpool_ioctl_create(struct vpool_call *call)
{
	struct vpool_create *cmd = call->cmd;
	struct vpool_spec spec = {};
	int err;

	err = vpool_spec_fill(call, &spec);
	if (!err)
		err = vpool_pool_create(&spec, &cmd->out_id, call->extack);
	vpool_request_free(&spec.request);
	cmd->out_bytes = spec.bytes;
	return err ?: vpool_call_respond(call);
}

static int vpool_resize_fill(struct vpool_call *call,
			     struct vpool_request *request)
{
	struct vpool_resize *cmd = call->cmd;
	int err;

	if (!cmd->nr_mem && !cmd->cpus_bytes && !request->limits)
		return vpool_err(call->extack, -EINVAL,
				 VPOOL_CODE_NOTHING_TO_CHANGE,
				 "no change of memory, CPUs or limits requested");
	request->timeout_ms = cmd->timeout_ms;
	request->dry_run = cmd->flags & VPOOL_RESIZE_DRY_RUN;
	request->rules.split_cores = cmd->flags & VPOOL_RESIZE_SPLIT_CORES;
	request->rules.boot_core = cmd->flags & VPOOL_RESIZE_BOOT_CORE;
	err = vpool_copy_mem(call, request, cmd->mem_uptr, cmd->nr_mem);
	if (!err)
		err = vpool_copy_cpus(call, request, cmd->cpus_uptr,
				      cmd->cpus_bytes);
	return err;
}

/**
 * vpool_ioctl_resize - VPOOL_RESIZE: change the memory and the CPUs of a pool
 * @call: call on the control device
 *
 * Return: 0 or a negative errno as the UAPI describes.
 */
int vpool_ioctl_resize(struct vpool_call *call)
{
	struct vpool_resize *cmd = call->cmd;
	struct vpool_request request = {};
	struct vpool_limit_change change = {
		.flags = cmd->flags & VPOOL_RESIZE_USER_ALL,
	};
	int err;

	if (change.flags & VPOOL_RESIZE_USER_BYTES)
		change.limits.bytes = cmd->user_bytes;
	if (change.flags & VPOOL_RESIZE_USER_REGIONS)
		change.limits.regions = cmd->user_regions;
	if (change.flags & VPOOL_RESIZE_USER_MEMBERS)
		change.limits.members = cmd->user_members;
	if (change.flags)
		request.limits = &change;
	err = vpool_resize_fill(call, &request);
	if (!err)
		err = vpool_pool_resize(cmd->name, &request, &cmd->out_bytes,
					call->extack);
	vpool_request_free(&request);
	return err ?: vpool_call_respond(call);
}

/**
 * vpool_ioctl_destroy - VPOOL_DESTROY: destroy a pool
 * @call: call on the control device
 *
 * Return: 0 or a negative errno as the UAPI describes.
 */
int vpool_ioctl_destroy(struct vpool_call *call)
{
	struct vpool_destroy *cmd = call->cmd;

	return vpool_pool_destroy(cmd->name, cmd->flags & VPOOL_DESTROY_FORCE,
				  call->extack);
}
