// SPDX-License-Identifier: GPL-2.0
#include <linux/build_bug.h>
#include <linux/capability.h>
#include <linux/cdev.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "chardev.h"
#include "compat.h"
#include "pool.h"

/* More requests than that cannot be meant: one for each node is enough. */
#define VPOOL_MAX_MEM 4096
/* Room for the CPU masks of machines to come. */
#define VPOOL_MAX_CPUS_BYTES SZ_64K

/**
 * struct vpool_file - one open of a node
 * @why: of its last failure
 * @pool: of which it has a reference; NULL for the control node
 * @region: that it owns, on a pool's node
 */
struct vpool_file {
	struct vpool_why why;
	struct vpool_pool *pool;
	struct vpool_region region;
};

/**
 * struct vpool_call - one ioctl
 * @file: on which
 * @why: the same file's
 * @uptr: the argument
 * @user_size: of the caller's structure
 * @size: of ours
 * @cmd: our copy
 */
struct vpool_call {
	struct vpool_file *file;
	struct vpool_why *why;
	void __user *uptr;
	u32 user_size;
	u32 size;
	void *cmd;
};

static int vpool_respond(struct vpool_call *call)
{
	if (copy_to_user(call->uptr, call->cmd,
			 min(call->user_size, call->size)))
		return vpool_fail(call->why, -EFAULT,
				  "the structure cannot be written back");
	return 0;
}

static int vpool_copy_out(struct vpool_call *call, u64 uptr, const void *from,
			  size_t bytes)
{
	if (copy_to_user(u64_to_user_ptr(uptr), from, bytes))
		return vpool_fail(call->why, -EFAULT,
				  "the array cannot be written to");
	return 0;
}

static int vpool_check_flags(struct vpool_call *call, u32 flags, u32 known)
{
	if (!(flags & ~known))
		return 0;
	return vpool_fail(call->why, -EOPNOTSUPP,
			  "flags %#x are not supported", flags & ~known);
}

static int vpool_check_reserved(struct vpool_call *call, u32 reserved)
{
	if (!reserved)
		return 0;
	return vpool_fail(call->why, -EINVAL, "a reserved field is not 0");
}

/* Too little room: write the count back, and nothing else. */
static int vpool_too_small(struct vpool_call *call, u32 room, u32 needed)
{
	int err = vpool_respond(call);

	if (err)
		return err;
	return vpool_fail(call->why, -EMSGSIZE,
			  "room for %u entries, %u needed", room, needed);
}

static int vpool_check_admin(struct vpool_call *call)
{
	if (capable(CAP_SYS_ADMIN))
		return 0;
	return vpool_fail(call->why, -EPERM,
			  "changing pools needs CAP_SYS_ADMIN in the initial user namespace");
}

static int vpool_call_reason(struct vpool_call *call)
{
	struct vpool_reason *cmd = call->cmd;
	char text[VPOOL_REASON_SIZE];
	u32 len = vpool_why_read(call->why, text), room = cmd->len;
	int err;

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
	return vpool_fail(call->why, -EINVAL,
			  "the owner does not exist in this user namespace");
}

static int vpool_spec_mem(struct vpool_call *call, struct vpool_spec *spec)
{
	struct vpool_create *cmd = call->cmd;

	spec->nr_mem = cmd->nr_mem;
	if (!cmd->nr_mem)
		return 0;
	if (cmd->nr_mem > VPOOL_MAX_MEM)
		return vpool_fail(call->why, -EINVAL,
				  "%u memory requests, at most %u",
				  cmd->nr_mem, VPOOL_MAX_MEM);
	spec->mem = memdup_user(u64_to_user_ptr(cmd->mem_uptr),
				cmd->nr_mem * sizeof(*spec->mem));
	if (!IS_ERR(spec->mem))
		return 0;
	return vpool_fail(call->why, PTR_ERR_OR_ZERO(spec->mem),
			  "the memory requests cannot be read");
}

/* Copies what fits a mask, and names the first CPU that does not. */
static int vpool_mask_from(struct vpool_call *call, struct cpumask *mask,
			   const unsigned long *bits, unsigned int nr_bits)
{
	unsigned int cpu;

	for_each_set_bit(cpu, bits, nr_bits) {
		if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
			return vpool_fail(call->why, -ENODEV,
					  "cpu %u does not exist", cpu);
		cpumask_set_cpu(cpu, mask);
	}
	return 0;
}

static int vpool_spec_cpus(struct vpool_call *call, struct vpool_spec *spec,
			   struct cpumask *mask)
{
	struct vpool_create *cmd = call->cmd;
	u32 bytes = cmd->cpus_bytes;
	unsigned long *bits;
	int err = -EFAULT;

	if (!bytes)
		return 0;
	if (bytes > VPOOL_MAX_CPUS_BYTES)
		return vpool_fail(call->why, -EINVAL,
				  "a CPU mask of %u bytes, at most %u", bytes,
				  VPOOL_MAX_CPUS_BYTES);
	bits = kzalloc(round_up(bytes, sizeof(long)), GFP_KERNEL);
	if (!bits)
		return vpool_fail(call->why, -ENOMEM,
				  "no kernel memory for the CPU mask");
	if (copy_from_user(bits, u64_to_user_ptr(cmd->cpus_uptr), bytes))
		vpool_fail(call->why, err, "the CPU mask cannot be read");
	else
		err = vpool_mask_from(call, mask, bits, bytes * BITS_PER_BYTE);
	kfree(bits);
	spec->cpus = mask;
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
	if (cmd->flags & VPOOL_CREATE_EPHEMERAL)
		spec->creator = call->file;
	err = vpool_spec_ids(call, spec);
	if (err)
		return err;
	err = vpool_spec_mem(call, spec);
	if (err)
		return err;
	return vpool_spec_cpus(call, spec, mask);
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
				VPOOL_CREATE_BOOT_CORE);
	if (!err)
		err = vpool_check_reserved(call, cmd->__reserved);
	if (!err)
		err = vpool_check_admin(call);
	if (err)
		return err;
	if (!zalloc_cpumask_var(&mask, GFP_KERNEL))
		return vpool_fail(call->why, -ENOMEM,
				  "no kernel memory for the CPU mask");
	err = vpool_spec_fill(call, &spec, mask);
	if (!err)
		err = vpool_pool_create(&spec, &cmd->out_id, &cmd->out_bytes,
					call->why);
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
				  call->why);
}

/* The pool that a call is about: the file's, or on the control node by name. */
static struct vpool_pool *vpool_call_pool(struct vpool_call *call,
					  const char *name)
{
	struct vpool_pool *pool = call->file->pool;

	if (!pool)
		return vpool_pool_find(name, call->why);
	if (name[0])
		return ERR_PTR(vpool_fail(call->why, -EINVAL,
					  "on a pool's own node the name stays empty"));
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
			return vpool_fail(call->why, -ENOMEM,
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
}

static void vpool_query_fill(struct vpool_query *cmd, struct vpool_pool *pool)
{
	memcpy(cmd->name, pool->name, sizeof(cmd->name));
	cmd->id = pool->id;
	cmd->state = READ_ONCE(pool->state);
	cmd->page_size = vpool_store_page_size(&pool->store);
	cmd->uid = from_kuid_munged(current_user_ns(), pool->uid);
	cmd->gid = from_kgid_munged(current_user_ns(), pool->gid);
	cmd->mode = pool->mode;
	cmd->regions = READ_ONCE(pool->nr_regions);
	cmd->members = READ_ONCE(pool->members.nr);
	cmd->created_ns = pool->created_ns;
	vpool_query_usage(cmd, pool);
}

static int vpool_query_nodes(struct vpool_call *call, struct vpool_pool *pool)
{
	struct vpool_query *cmd = call->cmd;
	struct vpool_node_info __user *out = u64_to_user_ptr(cmd->nodes_uptr);
	struct vpool_usage usage;
	int nid;

	if (!out)
		return 0;
	for_each_node_state(nid, N_MEMORY) {
		struct vpool_node_info info = { .node = nid };

		vpool_store_node_usage(&pool->store, nid, &usage);
		info.total_bytes = usage.total;
		info.free_bytes = usage.free;
		info.used_bytes = usage.used;
		if (copy_to_user(out++, &info, sizeof(info)))
			return vpool_fail(call->why, -EFAULT,
					  "the array of nodes cannot be written to");
	}
	return 0;
}

static int vpool_query_out(struct vpool_call *call, struct vpool_pool *pool)
{
	struct vpool_query *cmd = call->cmd;
	u32 room_nodes = cmd->nr_nodes, room_cpus = cmd->cpus_bytes;
	u32 mask_bytes = BITS_TO_LONGS(nr_cpu_ids) * sizeof(long);
	int err;

	cmd->nr_nodes = num_node_state(N_MEMORY);
	cmd->cpus_bytes = mask_bytes;
	if (cmd->nodes_uptr && room_nodes < cmd->nr_nodes)
		return vpool_too_small(call, room_nodes, cmd->nr_nodes);
	if (cmd->cpus_uptr && room_cpus < mask_bytes)
		return vpool_too_small(call, room_cpus, mask_bytes);
	err = vpool_query_nodes(call, pool);
	if (!err && cmd->cpus_uptr)
		err = vpool_copy_out(call, cmd->cpus_uptr,
				     cpumask_bits(pool->cpus.assigned),
				     mask_bytes);
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
		err = vpool_check_reserved(call, cmd->__reserved);
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
	int err;

	err = vpool_check_flags(call, cmd->flags, 0);
	if (!err)
		err = vpool_region_commit(&call->file->region, &cmd->bytes,
					  call->why);
	return err ?: vpool_respond(call);
}

static int vpool_check_attach(struct vpool_call *call)
{
	struct vpool_attach *cmd = call->cmd;
	int err;

	err = vpool_check_flags(call, cmd->flags, VPOOL_ATTACH_PROCESS);
	if (!err)
		err = vpool_check_reserved(call, cmd->__reserved);
	if (!err && cmd->pidfd != VPOOL_SELF)
		err = vpool_fail(call->why, -EOPNOTSUPP,
				 "only the caller itself can be attached or detached");
	return err;
}

static int vpool_call_attach(struct vpool_call *call)
{
	struct vpool_attach *cmd = call->cmd;
	struct vpool_pool *pool = call->file->pool;
	int err;

	err = vpool_check_attach(call);
	if (err)
		return err;
	err = vpool_member_attach(&pool->members,
				  cmd->flags & VPOOL_ATTACH_PROCESS, call->why);
	if (!err)
		vpool_stat_inc(&pool->stat, VPOOL_STAT_ATTACHES);
	return err;
}

static int vpool_call_detach(struct vpool_call *call)
{
	struct vpool_attach *cmd = call->cmd;

	return vpool_check_attach(call) ?:
		vpool_member_detach(&call->file->pool->members,
				    cmd->flags & VPOOL_ATTACH_PROCESS,
				    call->why);
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
};

/* On which nodes a call works. */
#define VPOOL_ON_CONTROL BIT(0)
#define VPOOL_ON_POOL BIT(1)
#define VPOOL_ON_BOTH (VPOOL_ON_CONTROL | VPOOL_ON_POOL)

struct vpool_ioctl {
	u32 num;
	u32 size;
	u32 min_size;
	u32 where;
	int (*execute)(struct vpool_call *call);
};

/* _last is the last field of the structure as it was first published. */
#define VPOOL_IOCTL(_num, _where, _fn, _struct, _last)			\
	[_IOC_NR(_num) - VPOOL_CMD_BASE] = {				\
		.num = _num,						\
		.size = sizeof(struct _struct),				\
		.min_size = offsetofend(struct _struct, _last),		\
		.where = _where,					\
		.execute = _fn,						\
	}

static const struct vpool_ioctl vpool_ioctls[] = {
	VPOOL_IOCTL(VPOOL_ATTACH, VPOOL_ON_POOL, vpool_call_attach,
		    vpool_attach, __reserved),
	VPOOL_IOCTL(VPOOL_COMMIT, VPOOL_ON_POOL, vpool_call_commit,
		    vpool_commit, bytes),
	VPOOL_IOCTL(VPOOL_CREATE, VPOOL_ON_CONTROL, vpool_call_create,
		    vpool_create, out_bytes),
	VPOOL_IOCTL(VPOOL_DESTROY, VPOOL_ON_CONTROL, vpool_call_destroy,
		    vpool_destroy, name),
	VPOOL_IOCTL(VPOOL_DETACH, VPOOL_ON_POOL, vpool_call_detach,
		    vpool_attach, __reserved),
	VPOOL_IOCTL(VPOOL_LIST, VPOOL_ON_CONTROL, vpool_call_list,
		    vpool_list, entries_uptr),
	VPOOL_IOCTL(VPOOL_MEMBERS, VPOOL_ON_BOTH, vpool_call_members,
		    vpool_members, members_uptr),
	VPOOL_IOCTL(VPOOL_QUERY, VPOOL_ON_BOTH, vpool_call_query,
		    vpool_query, __reserved),
	VPOOL_IOCTL(VPOOL_REASON, VPOOL_ON_BOTH, vpool_call_reason,
		    vpool_reason, buf_uptr),
	VPOOL_IOCTL(VPOOL_REGIONS, VPOOL_ON_BOTH, vpool_call_regions,
		    vpool_regions, regions_uptr),
};

/* The first published layout, for ever. */
static_assert(sizeof(struct vpool_attach) == 16);
static_assert(sizeof(struct vpool_commit) == 16);
static_assert(offsetofend(struct vpool_create, out_bytes) == 112);
static_assert(sizeof(struct vpool_destroy) == 48);
static_assert(sizeof(struct vpool_list) == 24);
static_assert(sizeof(struct vpool_list_entry) == 48);
static_assert(sizeof(struct vpool_mem) == 16);
static_assert(sizeof(struct vpool_member_info) == 8);
static_assert(sizeof(struct vpool_members) == 64);
static_assert(sizeof(struct vpool_node_info) == 32);
static_assert(offsetofend(struct vpool_query, __reserved) == 176);
static_assert(sizeof(struct vpool_reason) == 16);
static_assert(sizeof(struct vpool_region_info) == 40);
static_assert(sizeof(struct vpool_regions) == 64);

static const struct vpool_ioctl *vpool_find_ioctl(struct vpool_file *file,
						  unsigned int cmd)
{
	u32 where = file->pool ? VPOOL_ON_POOL : VPOOL_ON_CONTROL;
	unsigned int nr = _IOC_NR(cmd) - VPOOL_CMD_BASE;

	if (nr >= ARRAY_SIZE(vpool_ioctls) || vpool_ioctls[nr].num != cmd ||
	    !(vpool_ioctls[nr].where & where))
		return NULL;
	return &vpool_ioctls[nr];
}

static int vpool_copy_in(struct vpool_call *call,
			 const struct vpool_ioctl *op)
{
	int err;

	if (get_user(call->user_size, (u32 __user *)call->uptr))
		return vpool_fail(call->why, -EFAULT,
				  "the structure cannot be read");
	if (call->user_size < op->min_size)
		return vpool_fail(call->why, -EINVAL,
				  "the structure has %u bytes, at least %u are needed",
				  call->user_size, op->min_size);
	call->size = op->size;
	err = copy_struct_from_user(call->cmd, op->size, call->uptr,
				    call->user_size);
	if (err == -E2BIG)
		return vpool_fail(call->why, err,
				  "the structure has %u bytes, and those beyond %u are not all 0",
				  call->user_size, op->size);
	if (err)
		return vpool_fail(call->why, err,
				  "the structure cannot be read");
	return 0;
}

static long vpool_file_ioctl(struct vpool_file *file, unsigned int num,
			     unsigned long arg)
{
	const struct vpool_ioctl *op = vpool_find_ioctl(file, num);
	union vpool_any_cmd cmd;
	struct vpool_call call = {
		.file = file,
		.why = &file->why,
		.uptr = (void __user *)arg,
		.cmd = &cmd,
	};
	int err;

	if (!op)
		return vpool_fail(&file->why, -ENOTTY,
				  "ioctl %#x does not exist on this node", num);
	err = vpool_copy_in(&call, op);
	return err ?: op->execute(&call);
}

static long vpool_ioctl(struct file *filp, unsigned int num, unsigned long arg)
{
	return vpool_file_ioctl(filp->private_data, num, arg);
}

static struct vpool_file *vpool_file_alloc(void)
{
	struct vpool_file *file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);

	if (file)
		vpool_why_init(&file->why);
	return file;
}

static int vpool_control_open(struct inode *inode, struct file *filp)
{
	filp->private_data = vpool_file_alloc();
	return filp->private_data ? 0 : -ENOMEM;
}

static int vpool_control_release(struct inode *inode, struct file *filp)
{
	vpool_pools_abandon(filp->private_data);
	kfree(filp->private_data);
	return 0;
}

static const struct file_operations vpool_control_fops = {
	.owner = THIS_MODULE,
	.open = vpool_control_open,
	.release = vpool_control_release,
	.unlocked_ioctl = vpool_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice vpool_control = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vpool",
	.nodename = "vpool/control",
	.fops = &vpool_control_fops,
	.mode = 0600,
};

static int vpool_node_open(struct inode *inode, struct file *filp)
{
	struct vpool_pool *pool =
		container_of(inode->i_cdev, struct vpool_pool, cdev);
	struct vpool_file *file = vpool_file_alloc();
	int err;

	if (!file)
		return -ENOMEM;
	err = vpool_region_init(&file->region, &pool->store);
	if (err)
		goto free_file;
	err = vpool_pool_open(pool, &file->region);
	if (err)
		goto exit_region;
	vpool_pool_get(pool);
	file->pool = pool;
	filp->private_data = file;
	/* What the core asks for the size and the mappings of this memory. */
	filp->f_mapping = file->region.inode->i_mapping;
	filp->f_wb_err = filemap_sample_wb_err(filp->f_mapping);
	return 0;

exit_region:
	vpool_region_exit(&file->region);
free_file:
	kfree(file);
	return err;
}

static int vpool_node_release(struct inode *inode, struct file *filp)
{
	struct vpool_file *file = filp->private_data;

	vpool_pool_close(file->pool, &file->region);
	vpool_pool_put(file->pool);
	kfree(file);
	return 0;
}

static int vpool_node_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct vpool_file *file = filp->private_data;

	return vpool_region_mmap(&file->region, vma, &file->why);
}

static loff_t vpool_node_llseek(struct file *filp, loff_t offset, int whence)
{
	struct vpool_file *file = filp->private_data;
	u64 size = vpool_region_bytes(&file->region);
	struct vpool_usage usage;

	if (!size) {
		vpool_store_usage(&file->pool->store, &usage);
		size = usage.free;
	}
	return fixed_size_llseek(filp, offset, whence, size);
}

static const struct file_operations vpool_node_fops = {
	.owner = THIS_MODULE,
	.open = vpool_node_open,
	.release = vpool_node_release,
	.unlocked_ioctl = vpool_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vpool_node_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.llseek = vpool_node_llseek,
};

static dev_t vpool_devt;

static char *vpool_devnode(VPOOL_DEVNODE_CONST struct device *dev,
			   umode_t *mode, kuid_t *uid, kgid_t *gid)
{
	const struct vpool_pool *pool =
		container_of(dev, struct vpool_pool, dev);

	*mode = pool->mode;
	*uid = pool->uid;
	*gid = pool->gid;
	return kasprintf(GFP_KERNEL, "vpool/%s", pool->name);
}

static void vpool_dev_release(struct device *dev)
{
	vpool_pool_put(container_of(dev, struct vpool_pool, dev));
}

static const struct device_type vpool_device_type = {
	.name = "vpool",
	.devnode = vpool_devnode,
	.release = vpool_dev_release,
};

static struct class vpool_class = {
	.name = "vpool",
};

/**
 * vpool_node_add - make a pool's device and its node
 * @pool: ready to be opened but for its state
 *
 * Return: 0 or a negative errno with nothing left behind.
 */
int vpool_node_add(struct vpool_pool *pool)
{
	int err;

	device_initialize(&pool->dev);
	vpool_pool_get(pool);
	pool->dev.class = &vpool_class;
	pool->dev.type = &vpool_device_type;
	pool->dev.devt = vpool_devt + pool->id;
	err = dev_set_name(&pool->dev, "%s", pool->name);
	if (err)
		goto put_dev;
	cdev_init(&pool->cdev, &vpool_node_fops);
	pool->cdev.owner = THIS_MODULE;
	err = cdev_device_add(&pool->cdev, &pool->dev);
	if (err)
		goto put_dev;
	return 0;

put_dev:
	put_device(&pool->dev);
	return err;
}

/**
 * vpool_node_del - remove them
 * @pool: made by vpool_node_add(); it may be open still
 */
void vpool_node_del(struct vpool_pool *pool)
{
	cdev_device_del(&pool->cdev, &pool->dev);
	put_device(&pool->dev);
}

/**
 * vpool_nodes_start - have numbers and a class for the devices of pools
 *
 * Return: 0 or a negative errno.
 */
int vpool_nodes_start(void)
{
	int err;

	err = alloc_chrdev_region(&vpool_devt, 0, MINORMASK + 1, "vpool");
	if (err)
		return err;
	err = class_register(&vpool_class);
	if (err)
		unregister_chrdev_region(vpool_devt, MINORMASK + 1);
	return err;
}

/**
 * vpool_nodes_stop - give them back; no pool is left
 */
void vpool_nodes_stop(void)
{
	class_unregister(&vpool_class);
	unregister_chrdev_region(vpool_devt, MINORMASK + 1);
}

/**
 * vpool_control_start - make /dev/vpool/control: from now on there are callers
 *
 * Return: 0 or a negative errno.
 */
int vpool_control_start(void)
{
	return misc_register(&vpool_control);
}

/**
 * vpool_control_stop - remove it; nobody has it open
 */
void vpool_control_stop(void)
{
	misc_deregister(&vpool_control);
}
