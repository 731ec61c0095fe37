// SPDX-License-Identifier: GPL-2.0
/*
 * The calls on both kinds of node: what they take, check and give back.
 */
#include <linux/build_bug.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched/task.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "attach.h"
#include "detach.h"
#include "ioctl.h"
#include "pool.h"
#include "target.h"

/* More requests than that cannot be meant: one for each node is enough. */
#define VPOOL_MAX_MEM 4096
/* Room for the CPU masks of machines to come. */
#define VPOOL_MAX_CPUS_BYTES SZ_64K

/**
 * struct vpool_call - one ioctl
 * @file: on which
 * @extack: the same file's
 * @uptr: the argument
 * @user_size: of the caller's structure
 * @size: of ours
 * @cmd: our copy
 */
struct vpool_call {
	struct vpool_file *file;
	struct vpool_extack *extack;
	void __user *uptr;
	u32 user_size;
	u32 size;
	void *cmd;
};

static int vpool_respond(struct vpool_call *call)
{
	if (copy_to_user(call->uptr, call->cmd,
			 min(call->user_size, call->size)))
		return vpool_err(call->extack, -EFAULT,
				 VPOOL_CODE_BUFFER_UNWRITABLE,
				 "the structure cannot be written back");
	return 0;
}

static int vpool_copy_out(struct vpool_call *call, u64 uptr, const void *from,
			  size_t bytes)
{
	if (copy_to_user(u64_to_user_ptr(uptr), from, bytes))
		return vpool_err(call->extack, -EFAULT,
				 VPOOL_CODE_BUFFER_UNWRITABLE,
				 "the array cannot be written to");
	return 0;
}

static int vpool_check_flags(struct vpool_call *call, u32 flags, u32 known)
{
	if (!(flags & ~known))
		return 0;
	return vpool_err(call->extack, -EOPNOTSUPP, VPOOL_CODE_FLAGS_UNKNOWN,
			 "flags %#x are not supported", flags & ~known);
}

static int vpool_check_reserved(struct vpool_call *call, u32 reserved)
{
	if (!reserved)
		return 0;
	return vpool_err(call->extack, -EINVAL, VPOOL_CODE_RESERVED_FIELD,
			 "a reserved field is not 0");
}

/* Too little room: write the count back, and nothing else. */
static int vpool_too_small(struct vpool_call *call, u32 room, u32 needed)
{
	int err = vpool_respond(call);

	if (err)
		return err;
	return vpool_err(call->extack, -EMSGSIZE, VPOOL_CODE_BUFFER_TOO_SMALL,
			 "room for %u entries, %u needed", room, needed);
}

static int vpool_check_admin(struct vpool_call *call)
{
	if (capable(CAP_SYS_ADMIN))
		return 0;
	return vpool_err(call->extack, -EPERM, VPOOL_CODE_NOT_PERMITTED,
			 "changing pools needs CAP_SYS_ADMIN in the initial user namespace");
}

static int vpool_call_reason(struct vpool_call *call)
{
	struct vpool_reason *cmd = call->cmd;
	char text[VPOOL_REASON_SIZE];
	u32 len = vpool_extack_read(call->extack, text, &cmd->code);
	u32 room = cmd->len;
	int err;

	err = vpool_check_reserved(call, cmd->__reserved);
	if (err)
		return err;
	cmd->len = len;
	if (len > room) {
		err = vpool_respond(call);
		return err ?: -EMSGSIZE;
	}
	err = vpool_copy_out(call, cmd->buf_uptr, text, len);
	return err ?: vpool_respond(call);
}

static int vpool_spec_ids(struct vpool_call *call, struct vpool_spec *spec)
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

/* An array of requests, to be freed; NULL if there are none. */
static struct vpool_mem *vpool_copy_mem(struct vpool_call *call, u64 uptr,
					u32 nr)
{
	struct vpool_mem *mem;

	if (!nr)
		return NULL;
	if (nr > VPOOL_MAX_MEM)
		return ERR_PTR(vpool_err(
			call->extack, -EINVAL, VPOOL_CODE_MEM_REQUESTS_MANY,
			"%u memory requests, at most %u", nr, VPOOL_MAX_MEM));
	mem = memdup_user(u64_to_user_ptr(uptr), nr * sizeof(*mem));
	if (IS_ERR(mem))
		vpool_err(call->extack, PTR_ERR(mem),
			  VPOOL_CODE_MEM_REQUESTS_UNREADABLE,
			  "the memory requests cannot be read");
	return mem;
}

/* Copies what fits a mask, and names the first CPU that does not. */
static int vpool_mask_from(struct vpool_call *call, struct cpumask *mask,
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

/* Sets @cpus to @mask, or leaves it alone if no mask was given. */
static int vpool_copy_cpus(struct vpool_call *call, u64 uptr, u32 bytes,
			   struct cpumask *mask, const struct cpumask **cpus)
{
	unsigned long *bits;
	int err = -EFAULT;

	if (!bytes)
		return 0;
	if (bytes > VPOOL_MAX_CPUS_BYTES)
		return vpool_err(call->extack, -EINVAL,
				 VPOOL_CODE_CPU_MASK_SIZE,
				 "the CPU mask has %u bytes, no kernel has CPUs beyond %u",
				 bytes, VPOOL_MAX_CPUS_BYTES);
	bits = kzalloc(round_up(bytes, sizeof(long)), GFP_KERNEL);
	if (!bits)
		return vpool_err(call->extack, -ENOMEM,
				 VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for the CPU mask");
	if (copy_from_user(bits, u64_to_user_ptr(uptr), bytes))
		vpool_err(call->extack, err, VPOOL_CODE_CPU_MASK_UNREADABLE,
			  "the CPU mask cannot be read");
	else
		err = vpool_mask_from(call, mask, bits, bytes * BITS_PER_BYTE);
	kfree(bits);
	*cpus = mask;
	return err;
}

static int vpool_spec_fill(struct vpool_call *call, struct vpool_spec *spec,
			   struct cpumask *mask)
{
	struct vpool_create *cmd = call->cmd;
	int err;

	memcpy(spec->name, cmd->name, sizeof(spec->name));
	spec->flags = cmd->flags;
	spec->page_size = cmd->page_size;
	spec->mode = cmd->mode;
	if (spec->mode != cmd->mode)
		spec->mode = (umode_t)~0;
	spec->timeout_ms = cmd->timeout_ms;
	spec->nr_cpus = cmd->nr_cpus;
	spec->cpus_node = cmd->cpus_node;
	if (cmd->flags & VPOOL_CREATE_EPHEMERAL) {
		spec->creator = call->file;
		call->file->has_ephemeral = true;
	}
	err = vpool_spec_ids(call, spec);
	if (err)
		return err;
	spec->nr_mem = cmd->nr_mem;
	spec->mem = vpool_copy_mem(call, cmd->mem_uptr, cmd->nr_mem);
	if (IS_ERR(spec->mem))
		return PTR_ERR(spec->mem);
	return vpool_copy_cpus(call, cmd->cpus_uptr, cmd->cpus_bytes, mask,
			       &spec->cpus);
}

static int vpool_call_create(struct vpool_call *call)
{
	struct vpool_create *cmd = call->cmd;
	struct vpool_spec spec = {};
	cpumask_var_t mask;
	int err;

	err = vpool_check_flags(call, cmd->flags, VPOOL_CREATE_DRY_RUN |
				VPOOL_CREATE_EPHEMERAL |
				VPOOL_CREATE_SPLIT_CORES |
				VPOOL_CREATE_BOOT_CORE |
				VPOOL_CREATE_ISOLATED);
	if (!err)
		err = vpool_check_reserved(call, cmd->__reserved);
	if (!err)
		err = vpool_check_admin(call);
	if (err)
		return err;
	if (!zalloc_cpumask_var(&mask, GFP_KERNEL))
		return vpool_err(call->extack, -ENOMEM,
				 VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for the CPU mask");
	err = vpool_spec_fill(call, &spec, mask);
	if (!err)
		err = vpool_pool_create(&spec, &cmd->out_id, &cmd->out_bytes,
					call->extack);
	if (!IS_ERR(spec.mem))
		kfree(spec.mem);
	free_cpumask_var(mask);
	return err ?: vpool_respond(call);
}

static int vpool_resize_fill(struct vpool_call *call,
			     struct vpool_resize_spec *spec,
			     struct cpumask *mask)
{
	struct vpool_resize *cmd = call->cmd;

	spec->timeout_ms = cmd->timeout_ms;
	spec->dry_run = cmd->flags & VPOOL_RESIZE_DRY_RUN;
	spec->rules.split_cores = cmd->flags & VPOOL_RESIZE_SPLIT_CORES;
	spec->rules.boot_core = cmd->flags & VPOOL_RESIZE_BOOT_CORE;
	if (!cmd->nr_mem && !cmd->cpus_bytes)
		return vpool_err(call->extack, -EINVAL,
				 VPOOL_CODE_NOTHING_TO_CHANGE,
				 "nothing was said of what is to change");
	spec->nr_mem = cmd->nr_mem;
	spec->mem = vpool_copy_mem(call, cmd->mem_uptr, cmd->nr_mem);
	if (IS_ERR(spec->mem))
		return PTR_ERR(spec->mem);
	return vpool_copy_cpus(call, cmd->cpus_uptr, cmd->cpus_bytes, mask,
			       &spec->cpus);
}

static int vpool_call_resize(struct vpool_call *call)
{
	struct vpool_resize *cmd = call->cmd;
	struct vpool_resize_spec spec = {};
	cpumask_var_t mask;
	int err;

	err = vpool_check_flags(call, cmd->flags, VPOOL_RESIZE_DRY_RUN |
				VPOOL_RESIZE_SPLIT_CORES |
				VPOOL_RESIZE_BOOT_CORE);
	if (!err)
		err = vpool_check_reserved(call, cmd->__reserved);
	if (!err)
		err = vpool_check_admin(call);
	if (err)
		return err;
	if (!zalloc_cpumask_var(&mask, GFP_KERNEL))
		return vpool_err(call->extack, -ENOMEM,
				 VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for the CPU mask");
	err = vpool_resize_fill(call, &spec, mask);
	if (!err)
		err = vpool_pool_resize(cmd->name, &spec, &cmd->out_bytes,
					call->extack);
	if (!IS_ERR(spec.mem))
		kfree(spec.mem);
	free_cpumask_var(mask);
	return err ?: vpool_respond(call);
}

static int vpool_call_destroy(struct vpool_call *call)
{
	struct vpool_destroy *cmd = call->cmd;
	int err;

	err = vpool_check_flags(call, cmd->flags, VPOOL_DESTROY_FORCE);
	if (!err)
		err = vpool_check_admin(call);
	if (err)
		return err;
	return vpool_pool_destroy(cmd->name, cmd->flags & VPOOL_DESTROY_FORCE,
				  call->extack);
}

/* The pool that a call is about: the file's, or on the control node by name. */
static struct vpool_pool *vpool_call_pool(struct vpool_call *call,
					  const char *name)
{
	struct vpool_pool *pool = call->file->pool;

	if (!pool)
		return vpool_pool_find(name, call->extack);
	if (name[0])
		return ERR_PTR(vpool_err(
			call->extack, -EINVAL, VPOOL_CODE_NAME_UNEXPECTED,
			"on a pool's own node the name stays empty"));
	if (READ_ONCE(pool->state) == VPOOL_STATE_DESTROYING)
		return ERR_PTR(vpool_err(
			call->extack, -ENXIO, VPOOL_CODE_POOL_DESTROYED,
			"pool '%s' has been destroyed", pool->name));
	vpool_pool_get(pool);
	return pool;
}

/**
 * struct vpool_listing - one of the calls that return an array
 * @pool: whose, or NULL
 * @fill: writes up to max entries, returns how many there are
 * @entry_size: in bytes
 * @nr: the field that has the room, and gets the count
 * @uptr: where the array goes
 */
struct vpool_listing {
	struct vpool_pool *pool;
	u32 (*fill)(struct vpool_pool *pool, void *array, u32 max);
	size_t entry_size;
	u32 *nr;
	u64 uptr;
};

static u32 vpool_fill_pools(struct vpool_pool *pool, void *array, u32 max)
{
	return vpool_pools_list(array, max);
}

static u32 vpool_fill_regions(struct vpool_pool *pool, void *array, u32 max)
{
	return vpool_pool_regions(pool, array, max);
}

static u32 vpool_fill_members(struct vpool_pool *pool, void *array, u32 max)
{
	return vpool_members_list(&pool->members, array, max);
}

static int vpool_listing_out(struct vpool_call *call,
			     const struct vpool_listing *listing)
{
	u32 room = *listing->nr, max = listing->fill(listing->pool, NULL, 0);
	void *array = NULL;
	u32 nr;
	int err;

	/* It may grow while we look; go on as long as the caller has room. */
	for (nr = max; nr <= room; max = nr) {
		array = kvcalloc(max(max, 1U), listing->entry_size, GFP_KERNEL);
		if (!array)
			return vpool_err(call->extack, -ENOMEM,
					 VPOOL_CODE_NO_KERNEL_MEMORY,
					 "no kernel memory for %u entries",
					 max);
		nr = listing->fill(listing->pool, array, max);
		if (nr <= max)
			break;
		kvfree(array);
		array = NULL;
	}
	*listing->nr = nr;
	if (!array)
		return vpool_too_small(call, room, nr);
	err = vpool_copy_out(call, listing->uptr, array,
			     nr * listing->entry_size);
	kvfree(array);
	return err ?: vpool_respond(call);
}

static int vpool_call_list(struct vpool_call *call)
{
	struct vpool_list *cmd = call->cmd;
	struct vpool_listing listing = {
		.fill = vpool_fill_pools,
		.entry_size = sizeof(struct vpool_list_entry),
		.nr = &cmd->nr,
		.uptr = cmd->entries_uptr,
	};
	int err;

	err = vpool_check_flags(call, cmd->flags, 0);
	if (!err)
		err = vpool_check_reserved(call, cmd->__reserved);
	return err ?: vpool_listing_out(call, &listing);
}

static int vpool_pool_listing(struct vpool_call *call, const char *name,
			      struct vpool_listing *listing)
{
	int err;

	listing->pool = vpool_call_pool(call, name);
	if (IS_ERR(listing->pool))
		return PTR_ERR(listing->pool);
	err = vpool_listing_out(call, listing);
	vpool_pool_put(listing->pool);
	return err;
}

static int vpool_call_regions(struct vpool_call *call)
{
	struct vpool_regions *cmd = call->cmd;
	struct vpool_listing listing = {
		.fill = vpool_fill_regions,
		.entry_size = sizeof(struct vpool_region_info),
		.nr = &cmd->nr,
		.uptr = cmd->regions_uptr,
	};
	int err;

	err = vpool_check_flags(call, cmd->flags, 0);
	if (!err)
		err = vpool_check_reserved(call, cmd->__reserved);
	return err ?: vpool_pool_listing(call, cmd->name, &listing);
}

static int vpool_call_members(struct vpool_call *call)
{
	struct vpool_members *cmd = call->cmd;
	struct vpool_listing listing = {
		.fill = vpool_fill_members,
		.entry_size = sizeof(struct vpool_member_info),
		.nr = &cmd->nr,
		.uptr = cmd->members_uptr,
	};
	int err;

	err = vpool_check_flags(call, cmd->flags, 0);
	if (!err)
		err = vpool_check_reserved(call, cmd->__reserved);
	return err ?: vpool_pool_listing(call, cmd->name, &listing);
}

static void vpool_query_usage(struct vpool_query *cmd, struct vpool_pool *pool)
{
	struct vpool_usage usage;

	vpool_store_usage(&pool->store, &usage);
	cmd->total_bytes = usage.total;
	cmd->free_bytes = usage.free;
	cmd->used_bytes = usage.used;
	cmd->peak_bytes = usage.peak;
	cmd->clean_bytes = usage.clean;
	cmd->scrubbing_bytes = usage.scrubbing;
	cmd->poisoned_bytes = usage.poisoned;
	cmd->target_bytes = usage.target;
	cmd->gathered_bytes = usage.gathered;
}

static void vpool_query_fill(struct vpool_query *cmd, struct vpool_pool *pool)
{
	memcpy(cmd->name, pool->name, sizeof(cmd->name));
	cmd->id = pool->id;
	cmd->state = vpool_pool_state(pool);
	cmd->page_size = vpool_store_page_size(&pool->store);
	cmd->uid = from_kuid_munged(current_user_ns(), pool->uid);
	cmd->gid = from_kgid_munged(current_user_ns(), pool->gid);
	cmd->mode = pool->mode;
	cmd->regions = READ_ONCE(pool->nr_regions);
	cmd->members = READ_ONCE(pool->members.nr);
	cmd->created_ns = pool->created_ns;
	cmd->create_flags = pool->create_flags;
	vpool_query_usage(cmd, pool);
}

/* A node may gain memory at any time: @nodes are those that the caller has room for. */
static int vpool_query_nodes(struct vpool_call *call, struct vpool_pool *pool,
			     const nodemask_t *nodes)
{
	struct vpool_query *cmd = call->cmd;
	struct vpool_node_info __user *out = u64_to_user_ptr(cmd->nodes_uptr);
	struct vpool_usage usage;
	int nid;

	if (!out)
		return 0;
	for_each_node_mask(nid, *nodes) {
		struct vpool_node_info info = { .node = nid };

		vpool_store_node_usage(&pool->store, nid, &usage);
		info.total_bytes = usage.total;
		info.free_bytes = usage.free;
		info.used_bytes = usage.used;
		if (copy_to_user(out++, &info, sizeof(info)))
			return vpool_err(
				call->extack, -EFAULT,
				VPOOL_CODE_BUFFER_UNWRITABLE,
				"the array of nodes cannot be written to");
	}
	return 0;
}

static int vpool_query_cpus(struct vpool_call *call, struct vpool_pool *pool,
			    u32 bytes)
{
	struct vpool_query *cmd = call->cmd;
	cpumask_var_t mask;
	int err;

	if (!alloc_cpumask_var(&mask, GFP_KERNEL))
		return vpool_err(call->extack, -ENOMEM,
				 VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for the CPU mask");
	vpool_cpus_read(&pool->cpus, mask, NULL);
	err = vpool_copy_out(call, cmd->cpus_uptr, cpumask_bits(mask), bytes);
	free_cpumask_var(mask);
	return err;
}

static int vpool_query_out(struct vpool_call *call, struct vpool_pool *pool)
{
	struct vpool_query *cmd = call->cmd;
	u32 room_nodes = cmd->nr_nodes, room_cpus = cmd->cpus_bytes;
	u32 mask_bytes = BITS_TO_LONGS(nr_cpu_ids) * sizeof(long);
	nodemask_t nodes = node_states[N_MEMORY];
	int err;

	if (room_cpus % sizeof(u64))
		return vpool_err(
			call->extack, -EINVAL, VPOOL_CODE_CPU_MASK_SIZE,
			"room for %u bytes of CPU mask is no multiple of 8",
			room_cpus);
	cmd->nr_nodes = nodes_weight(nodes);
	cmd->cpus_bytes = mask_bytes;
	if (cmd->nodes_uptr && room_nodes < cmd->nr_nodes)
		return vpool_too_small(call, room_nodes, cmd->nr_nodes);
	if (cmd->cpus_uptr && room_cpus < mask_bytes)
		return vpool_too_small(call, room_cpus, mask_bytes);
	err = vpool_query_nodes(call, pool, &nodes);
	if (!err && cmd->cpus_uptr)
		err = vpool_query_cpus(call, pool, mask_bytes);
	if (err)
		return err;
	vpool_query_fill(cmd, pool);
	return vpool_respond(call);
}

static int vpool_call_query(struct vpool_call *call)
{
	struct vpool_query *cmd = call->cmd;
	struct vpool_pool *pool;
	int err;

	err = vpool_check_flags(call, cmd->flags, 0);
	if (!err)
		err = vpool_check_reserved(call, cmd->__reserved |
					   cmd->__reserved_2);
	if (err)
		return err;
	pool = vpool_call_pool(call, cmd->name);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = vpool_query_out(call, pool);
	vpool_pool_put(pool);
	return err;
}

static int vpool_call_commit(struct vpool_call *call)
{
	struct vpool_commit *cmd = call->cmd;
	int nid = VPOOL_ANY_NODE;
	int err;

	err = vpool_check_flags(call, cmd->flags, VPOOL_COMMIT_POPULATE |
				VPOOL_COMMIT_NODE);
	if (!err)
		err = vpool_check_reserved(call, cmd->__reserved);
	if (!err && cmd->flags & VPOOL_COMMIT_NODE)
		err = vpool_check_node(nid = cmd->node, call->extack);
	if (!err)
		err = vpool_region_commit(call->file->region, nid, &cmd->bytes,
					  cmd->flags & VPOOL_COMMIT_POPULATE,
					  call->extack);
	return err ?: vpool_respond(call);
}

static int vpool_check_attach(struct vpool_call *call, u32 known)
{
	struct vpool_attach *cmd = call->cmd;
	bool process = cmd->flags & VPOOL_ATTACH_PROCESS;
	bool dedicated = cmd->flags & VPOOL_ATTACH_DEDICATED;
	int err;

	err = vpool_check_flags(call, cmd->flags, known);
	if (!err)
		err = vpool_check_reserved(call, cmd->__reserved);
	if (!err && process && dedicated)
		err = vpool_err(
			call->extack, -EINVAL, VPOOL_CODE_DEDICATED_PROCESS,
			"a CPU is dedicated to one thread, not to a process");
	if (!err && (cmd->tid < 0 || (cmd->tid && process)))
		err = vpool_err(call->extack, -EINVAL, VPOOL_CODE_TID_INVALID,
				"thread %d, where %s is meant", cmd->tid,
				process ? "a process" : "a number or 0");
	if (!err && dedicated && cmd->cpu < -1)
		err = vpool_err(call->extack, -EINVAL,
				VPOOL_CODE_CPU_NUMBER_INVALID,
				"cpu %d is neither a number nor -1", cmd->cpu);
	return err;
}

static struct task_struct *vpool_call_target(struct vpool_call *call)
{
	struct vpool_attach *cmd = call->cmd;

	return vpool_target_get(cmd->pidfd, cmd->tid,
				cmd->flags & VPOOL_ATTACH_PROCESS,
				call->extack);
}

static int vpool_call_attach(struct vpool_call *call)
{
	struct vpool_attach *cmd = call->cmd;
	struct vpool_pool *pool = call->file->pool;
	bool dedicated = cmd->flags & VPOOL_ATTACH_DEDICATED;
	struct task_struct *task;
	int err;

	err = vpool_check_attach(call, VPOOL_ATTACH_PROCESS |
				 VPOOL_ATTACH_DEDICATED);
	if (err)
		return err;
	task = vpool_call_target(call);
	if (IS_ERR(task))
		return PTR_ERR(task);
	err = vpool_member_attach(&pool->members, task,
				  cmd->flags & VPOOL_ATTACH_PROCESS,
				  dedicated ? &cmd->cpu : NULL, call->extack);
	put_task_struct(task);
	if (err)
		return err;
	vpool_stat_inc(&pool->stat, VPOOL_STAT_ATTACHES);
	return dedicated ? vpool_respond(call) : 0;
}

static int vpool_call_detach(struct vpool_call *call)
{
	struct vpool_attach *cmd = call->cmd;
	struct task_struct *task;
	int err;

	err = vpool_check_attach(call, VPOOL_ATTACH_PROCESS);
	if (err)
		return err;
	task = vpool_call_target(call);
	if (IS_ERR(task))
		return PTR_ERR(task);
	err = vpool_member_detach(&call->file->pool->members, task,
				  cmd->flags & VPOOL_ATTACH_PROCESS,
				  call->extack);
	put_task_struct(task);
	return err;
}

union vpool_any_cmd {
	struct vpool_attach attach;
	struct vpool_commit commit;
	struct vpool_create create;
	struct vpool_destroy destroy;
	struct vpool_list list;
	struct vpool_members members;
	struct vpool_query query;
	struct vpool_reason reason;
	struct vpool_regions regions;
	struct vpool_resize resize;
};

/* On which nodes a call works. */
#define VPOOL_ON_CONTROL BIT(0)
#define VPOOL_ON_POOL BIT(1)
#define VPOOL_ON_BOTH (VPOOL_ON_CONTROL | VPOOL_ON_POOL)

/**
 * struct vpool_ioctl - one of our calls
 * @size: of its structure now
 * @min_size: of that structure as it was first published
 * @where: the nodes it works on
 * @execute: does it
 */
struct vpool_ioctl {
	u32 size;
	u32 min_size;
	u32 where;
	int (*execute)(struct vpool_call *call);
};

static const struct vpool_ioctl vpool_ioctls[] = {
	[VPOOL_CMD_REASON] = {
		sizeof(struct vpool_reason), 16,
		VPOOL_ON_BOTH, vpool_call_reason,
	},
	[VPOOL_CMD_CREATE] = {
		sizeof(struct vpool_create), 112,
		VPOOL_ON_CONTROL, vpool_call_create,
	},
	[VPOOL_CMD_DESTROY] = {
		sizeof(struct vpool_destroy), 48,
		VPOOL_ON_CONTROL, vpool_call_destroy,
	},
	[VPOOL_CMD_LIST] = {
		sizeof(struct vpool_list), 24,
		VPOOL_ON_CONTROL, vpool_call_list,
	},
	[VPOOL_CMD_QUERY] = {
		sizeof(struct vpool_query), 176,
		VPOOL_ON_BOTH, vpool_call_query,
	},
	[VPOOL_CMD_REGIONS] = {
		sizeof(struct vpool_regions), 64,
		VPOOL_ON_BOTH, vpool_call_regions,
	},
	[VPOOL_CMD_MEMBERS] = {
		sizeof(struct vpool_members), 64,
		VPOOL_ON_BOTH, vpool_call_members,
	},
	[VPOOL_CMD_COMMIT] = {
		sizeof(struct vpool_commit), 16,
		VPOOL_ON_POOL, vpool_call_commit,
	},
	[VPOOL_CMD_ATTACH] = {
		sizeof(struct vpool_attach), 16,
		VPOOL_ON_POOL, vpool_call_attach,
	},
	[VPOOL_CMD_DETACH] = {
		sizeof(struct vpool_attach), 16,
		VPOOL_ON_POOL, vpool_call_detach,
	},
	[VPOOL_CMD_RESIZE] = {
		sizeof(struct vpool_resize), 72,
		VPOOL_ON_CONTROL, vpool_call_resize,
	},
};

/* What was published keeps its layout for ever; fields are added behind it. */
static_assert(offsetofend(struct vpool_attach, tid) == 16);
static_assert(offsetofend(struct vpool_attach, __reserved) == 24);
static_assert(offsetofend(struct vpool_commit, __reserved) == 24);
static_assert(offsetofend(struct vpool_create, out_bytes) == 112);
static_assert(offsetofend(struct vpool_create, cpus_node) == 120);
static_assert(offsetofend(struct vpool_destroy, name) == 48);
static_assert(offsetofend(struct vpool_list, entries_uptr) == 24);
static_assert(offsetofend(struct vpool_members, members_uptr) == 64);
static_assert(offsetofend(struct vpool_query, __reserved) == 176);
static_assert(offsetofend(struct vpool_query, __reserved_2) == 200);
static_assert(offsetofend(struct vpool_reason, buf_uptr) == 16);
static_assert(offsetofend(struct vpool_reason, __reserved) == 24);
static_assert(offsetofend(struct vpool_regions, regions_uptr) == 64);
static_assert(offsetofend(struct vpool_resize, out_bytes) == 72);
static_assert(offsetofend(struct vpool_resize, __reserved) == 88);
/* These are elements of arrays, and cannot even grow. */
static_assert(sizeof(struct vpool_list_entry) == 48);
static_assert(sizeof(struct vpool_mem) == 16);
static_assert(sizeof(struct vpool_member_info) == 8);
static_assert(sizeof(struct vpool_node_info) == 32);
static_assert(sizeof(struct vpool_region_info) == 40);

/* The size in a number is for those who watch; a structure says its own. */
static bool vpool_num_is(unsigned int num, const struct vpool_ioctl *op)
{
	if (_IOC_TYPE(num) != VPOOL_TYPE)
		return false;
	if (_IOC_DIR(num) == _IOC_NONE)
		return !_IOC_SIZE(num);
	return _IOC_DIR(num) == (_IOC_READ | _IOC_WRITE) &&
	       _IOC_SIZE(num) >= op->min_size;
}

static const struct vpool_ioctl *vpool_find_ioctl(struct vpool_file *file,
						  unsigned int num)
{
	u32 where = file->pool ? VPOOL_ON_POOL : VPOOL_ON_CONTROL;
	unsigned int nr = _IOC_NR(num) - VPOOL_CMD_BASE;

	if (nr >= ARRAY_SIZE(vpool_ioctls) ||
	    !vpool_num_is(num, &vpool_ioctls[nr]) ||
	    !(vpool_ioctls[nr].where & where))
		return NULL;
	return &vpool_ioctls[nr];
}

static int vpool_copy_in(struct vpool_call *call,
			 const struct vpool_ioctl *op)
{
	int err;

	if (get_user(call->user_size, (u32 __user *)call->uptr))
		return vpool_err(call->extack, -EFAULT,
				 VPOOL_CODE_STRUCT_UNREADABLE,
				 "the structure cannot be read");
	if (call->user_size < op->min_size)
		return vpool_err(
			call->extack, -EINVAL, VPOOL_CODE_STRUCT_SIZE,
			"the structure has %u bytes, at least %u are needed",
			call->user_size, op->min_size);
	/* No structure will ever be so large; do not read user memory without end. */
	if (call->user_size > PAGE_SIZE)
		return vpool_err(
			call->extack, -E2BIG, VPOOL_CODE_STRUCT_SIZE,
			"the structure has %u bytes, at most %lu are taken",
			call->user_size, PAGE_SIZE);
	call->size = op->size;
	err = copy_struct_from_user(call->cmd, op->size, call->uptr,
				    call->user_size);
	if (err == -E2BIG)
		return vpool_err(call->extack, err, VPOOL_CODE_STRUCT_SIZE,
				 "the structure has %u bytes, and those beyond %u are not all 0",
				 call->user_size, op->size);
	if (err)
		return vpool_err(call->extack, err,
				 VPOOL_CODE_STRUCT_UNREADABLE,
				 "the structure cannot be read");
	return 0;
}

/**
 * vpool_file_ioctl - one call on a node
 * @file: the descriptor's
 * @num: of the call
 * @arg: user pointer to its structure
 *
 * Return: 0 or a negative errno, see the UAPI.
 */
long vpool_file_ioctl(struct vpool_file *file, unsigned int num,
		      unsigned long arg)
{
	const struct vpool_ioctl *op = vpool_find_ioctl(file, num);
	union vpool_any_cmd cmd;
	struct vpool_call call = {
		.file = file,
		.extack = &file->extack,
		.uptr = (void __user *)arg,
		.cmd = &cmd,
	};
	int err;

	if (!op)
		return vpool_err(&file->extack, -ENOTTY,
				 VPOOL_CODE_CALL_UNKNOWN,
				 "ioctl %#x does not exist on this node", num);
	err = vpool_copy_in(&call, op);
	return err ?: op->execute(&call);
}
