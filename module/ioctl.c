// SPDX-License-Identifier: GPL-2.0
/*
 * The table of ioctls, and their dispatch.
 *
 * The dispatcher copies the structure of a call in and checks what the table
 * describes: the size, the flags, the reserved fields and the privilege. The functions in
 * the table check the values of the other fields.
 */
#include <linux/build_bug.h>
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "call.h"
#include "ioctl.h"
#include "member_ioctl.h"
#include "pool.h"
#include "pool_ioctl.h"
#include "query.h"
#include "region_ioctl.h"
#include "spec.h"
#include "trace.h"

union vpool_any_cmd {
	struct vpool_attach attach;
	struct vpool_commit commit;
	struct vpool_create create;
	struct vpool_destroy destroy;
	struct vpool_file file;
	struct vpool_list list;
	struct vpool_members members;
	struct vpool_query query;
	struct vpool_reason reason;
	struct vpool_regions regions;
	struct vpool_resize resize;
	struct vpool_users users;
};

/* The kinds of descriptor that a call works on. */
#define VPOOL_ON_CONTROL BIT(0)
#define VPOOL_ON_POOL BIT(1)
#define VPOOL_ON_FILE BIT(2)
#define VPOOL_ON_BOTH (VPOOL_ON_CONTROL | VPOOL_ON_POOL)
#define VPOOL_ON_ALL (VPOOL_ON_BOTH | VPOOL_ON_FILE)

/**
 * struct vpool_ioctl - an entry of the table of ioctls
 * @size: size of the structure in bytes
 * @min_size: size of the structure as it was first published, in bytes
 * @flags_at: offset of the 32-bit flags, 0 if the structure has none
 * @flags: mask of the flags that the call accepts
 * @reserved_at: offsets of the 32-bit reserved fields, 0 if there is none
 * @where: VPOOL_ON_* bits, the kinds of descriptor that the call works on
 * @admin: the call needs CAP_SYS_ADMIN in the initial user namespace
 * @changes: name of the call for vpool_refuse; NULL if the call only reads
 * @name_at: offset of the name of the pool, for calls on the control device that have
 *	@changes
 * @dry_run: the flag of a dry run, 0 if the call has none
 * @execute: execute the call, and return 0 or a negative errno
 */
struct vpool_ioctl {
	u16 size;
	u16 min_size;
	u16 flags_at;
	u16 reserved_at[2];
	u32 flags;
	u32 where;
	bool admin;
	const char *changes;
	u16 name_at;
	u32 dry_run;
	int (*execute)(struct vpool_call *call);
};

static const struct vpool_ioctl vpool_ioctls[] = {
	[VPOOL_CMD_ATTACH] = {
		.size = sizeof(struct vpool_attach),
		.min_size = offsetofend(struct vpool_attach, tid),
		.flags_at = offsetof(struct vpool_attach, flags),
		.flags = VPOOL_ATTACH_PROCESS |
			 VPOOL_ATTACH_DEDICATED,
		.reserved_at = {
			offsetof(struct vpool_attach, __reserved),
		},
		.where = VPOOL_ON_POOL,
		.changes = "attach",
		.execute = vpool_ioctl_attach,
	},
	[VPOOL_CMD_COMMIT] = {
		.size = sizeof(struct vpool_commit),
		.min_size = offsetofend(struct vpool_commit, bytes),
		.flags_at = offsetof(struct vpool_commit, flags),
		.flags = VPOOL_COMMIT_POPULATE |
			 VPOOL_COMMIT_NODE,
		.reserved_at = {
			offsetof(struct vpool_commit, __reserved),
		},
		.where = VPOOL_ON_POOL,
		.changes = "commit",
		.execute = vpool_ioctl_commit,
	},
	[VPOOL_CMD_CREATE] = {
		.size = sizeof(struct vpool_create),
		.min_size = offsetofend(struct vpool_create, out_bytes),
		.flags_at = offsetof(struct vpool_create, flags),
		.flags = VPOOL_CREATE_DRY_RUN |
			 VPOOL_CREATE_EPHEMERAL |
			 VPOOL_CREATE_SPLIT_CORES |
			 VPOOL_CREATE_BOOT_CORE |
			 VPOOL_CREATE_ISOLATED,
		.reserved_at = {
			offsetof(struct vpool_create, __reserved),
		},
		.where = VPOOL_ON_CONTROL,
		.admin = true,
		.changes = "create",
		.name_at = offsetof(struct vpool_create, name),
		.dry_run = VPOOL_CREATE_DRY_RUN,
		.execute = vpool_ioctl_create,
	},
	[VPOOL_CMD_DESTROY] = {
		.size = sizeof(struct vpool_destroy),
		.min_size = offsetofend(struct vpool_destroy, name),
		.flags_at = offsetof(struct vpool_destroy, flags),
		.flags = VPOOL_DESTROY_FORCE,
		.where = VPOOL_ON_CONTROL,
		.admin = true,
		.changes = "destroy",
		.name_at = offsetof(struct vpool_destroy, name),
		.execute = vpool_ioctl_destroy,
	},
	[VPOOL_CMD_DETACH] = {
		.size = sizeof(struct vpool_attach),
		.min_size = offsetofend(struct vpool_attach, tid),
		.flags_at = offsetof(struct vpool_attach, flags),
		.flags = VPOOL_ATTACH_PROCESS,
		.reserved_at = {
			offsetof(struct vpool_attach, __reserved),
		},
		.where = VPOOL_ON_POOL,
		.changes = "detach",
		.execute = vpool_ioctl_detach,
	},
	[VPOOL_CMD_FILE] = {
		.size = sizeof(struct vpool_file),
		.min_size = offsetofend(struct vpool_file, __reserved),
		.flags_at = offsetof(struct vpool_file, flags),
		.flags = VPOOL_FILE_CLOEXEC,
		.reserved_at = {
			offsetof(struct vpool_file, __reserved),
		},
		.where = VPOOL_ON_POOL,
		.changes = "file",
		.execute = vpool_ioctl_file,
	},
	[VPOOL_CMD_LIST] = {
		.size = sizeof(struct vpool_list),
		.min_size = offsetofend(struct vpool_list, entries_uptr),
		.flags_at = offsetof(struct vpool_list, flags),
		.reserved_at = {
			offsetof(struct vpool_list, __reserved),
		},
		.where = VPOOL_ON_CONTROL,
		.execute = vpool_ioctl_list,
	},
	[VPOOL_CMD_MEMBERS] = {
		.size = sizeof(struct vpool_members),
		.min_size = offsetofend(struct vpool_members, members_uptr),
		.flags_at = offsetof(struct vpool_members, flags),
		.reserved_at = {
			offsetof(struct vpool_members, __reserved),
		},
		.where = VPOOL_ON_BOTH,
		.execute = vpool_ioctl_members,
	},
	[VPOOL_CMD_QUERY] = {
		.size = sizeof(struct vpool_query),
		.min_size = offsetofend(struct vpool_query, __reserved),
		.flags_at = offsetof(struct vpool_query, flags),
		.reserved_at = {
			offsetof(struct vpool_query, __reserved),
			offsetof(struct vpool_query, __reserved_2),
		},
		.where = VPOOL_ON_ALL,
		.execute = vpool_ioctl_query,
	},
	[VPOOL_CMD_REASON] = {
		.size = sizeof(struct vpool_reason),
		.min_size = offsetofend(struct vpool_reason, buf_uptr),
		.reserved_at = {
			offsetof(struct vpool_reason, __reserved),
		},
		.where = VPOOL_ON_ALL,
		.execute = vpool_ioctl_reason,
	},
	[VPOOL_CMD_REGIONS] = {
		.size = sizeof(struct vpool_regions),
		.min_size = offsetofend(struct vpool_regions, regions_uptr),
		.flags_at = offsetof(struct vpool_regions, flags),
		.reserved_at = {
			offsetof(struct vpool_regions, __reserved),
		},
		.where = VPOOL_ON_BOTH,
		.execute = vpool_ioctl_regions,
	},
	[VPOOL_CMD_RESIZE] = {
		.size = sizeof(struct vpool_resize),
		.min_size = offsetofend(struct vpool_resize, out_bytes),
		.flags_at = offsetof(struct vpool_resize, flags),
		.flags = VPOOL_RESIZE_DRY_RUN |
			 VPOOL_RESIZE_SPLIT_CORES |
			 VPOOL_RESIZE_BOOT_CORE |
			 VPOOL_RESIZE_USER_BYTES |
			 VPOOL_RESIZE_USER_REGIONS |
			 VPOOL_RESIZE_USER_MEMBERS,
		.reserved_at = {
			offsetof(struct vpool_resize, __reserved),
		},
		.where = VPOOL_ON_CONTROL,
		.admin = true,
		.changes = "resize",
		.name_at = offsetof(struct vpool_resize, name),
		.dry_run = VPOOL_RESIZE_DRY_RUN,
		.execute = vpool_ioctl_resize,
	},
	[VPOOL_CMD_USERS] = {
		.size = sizeof(struct vpool_users),
		.min_size = offsetofend(struct vpool_users, users_uptr),
		.flags_at = offsetof(struct vpool_users, flags),
		.reserved_at = {
			offsetof(struct vpool_users, __reserved),
		},
		.where = VPOOL_ON_BOTH,
		.execute = vpool_ioctl_users,
	},
};

/* A published structure keeps its layout. New fields are appended. */
static_assert(offsetofend(struct vpool_attach, tid) == 16);
static_assert(offsetofend(struct vpool_attach, __reserved) == 24);
static_assert(offsetofend(struct vpool_commit, __reserved) == 24);
static_assert(offsetofend(struct vpool_create, out_bytes) == 112);
static_assert(offsetofend(struct vpool_create, cpus_node) == 120);
static_assert(offsetofend(struct vpool_create, user_members) == 136);
static_assert(offsetofend(struct vpool_destroy, name) == 48);
static_assert(offsetofend(struct vpool_file, __reserved) == 16);
static_assert(offsetofend(struct vpool_list, entries_uptr) == 24);
static_assert(offsetofend(struct vpool_members, members_uptr) == 64);
static_assert(offsetofend(struct vpool_query, __reserved) == 176);
static_assert(offsetofend(struct vpool_query, __reserved_2) == 200);
static_assert(offsetofend(struct vpool_query, user_members) == 216);
static_assert(offsetofend(struct vpool_reason, buf_uptr) == 16);
static_assert(offsetofend(struct vpool_reason, __reserved) == 24);
static_assert(offsetofend(struct vpool_regions, regions_uptr) == 64);
static_assert(offsetofend(struct vpool_resize, out_bytes) == 72);
static_assert(offsetofend(struct vpool_resize, __reserved) == 88);
static_assert(offsetofend(struct vpool_resize, user_members) == 104);
static_assert(offsetofend(struct vpool_users, users_uptr) == 64);
/* Elements of arrays cannot grow either. */
static_assert(sizeof(struct vpool_list_entry) == 48);
static_assert(sizeof(struct vpool_mem) == 16);
static_assert(sizeof(struct vpool_member_info) == 8);
static_assert(sizeof(struct vpool_node_info) == 32);
static_assert(sizeof(struct vpool_region_info) == 40);
static_assert(sizeof(struct vpool_user_info) == 24);

/*
 * The size in an ioctl's number is for observers such as strace. It need not be the
 * size of the caller's structure; the first member of the structure has that.
 */
static bool vpool_number_is_valid(unsigned int num,
				  const struct vpool_ioctl *op)
{
	if (_IOC_TYPE(num) != VPOOL_TYPE)
		return false;
	/* The numbers of the first release had no size. */
	if (_IOC_DIR(num) == _IOC_NONE)
		return !_IOC_SIZE(num);
	return _IOC_DIR(num) == (_IOC_READ | _IOC_WRITE) &&
	       _IOC_SIZE(num) >= op->min_size;
}

static u32 vpool_kind(const struct vpool_handle *handle)
{
	if (handle->is_file)
		return VPOOL_ON_FILE;
	return handle->pool ? VPOOL_ON_POOL : VPOOL_ON_CONTROL;
}

static const struct vpool_ioctl *
vpool_find_ioctl(const struct vpool_handle *handle, unsigned int num)
{
	unsigned int nr = _IOC_NR(num) - VPOOL_CMD_BASE;

	if (nr >= ARRAY_SIZE(vpool_ioctls) ||
	    !vpool_number_is_valid(num, &vpool_ioctls[nr]) ||
	    !(vpool_ioctls[nr].where & vpool_kind(handle)))
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
		return vpool_err(call->extack, -EINVAL, VPOOL_CODE_STRUCT_SIZE,
				 "the structure has %u bytes, but at least %u are needed",
				 call->user_size, op->min_size);
	/* Bound the scan of the part that this module does not know. */
	if (call->user_size > PAGE_SIZE)
		return vpool_err(call->extack, -E2BIG, VPOOL_CODE_STRUCT_SIZE,
				 "the structure has %u bytes, but at most %lu are accepted",
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

static int vpool_check_fields(struct vpool_call *call,
			      const struct vpool_ioctl *op)
{
	const u32 *word = call->cmd;
	u32 unknown = 0, reserved = 0;
	unsigned int i;

	if (op->flags_at)
		unknown = word[op->flags_at / sizeof(u32)] & ~op->flags;
	if (unknown)
		return vpool_err(call->extack, -EOPNOTSUPP,
				 VPOOL_CODE_FLAGS_UNKNOWN,
				 "flags %#x are not supported", unknown);
	for (i = 0; i < ARRAY_SIZE(op->reserved_at); i++)
		if (op->reserved_at[i])
			reserved |= word[op->reserved_at[i] / sizeof(u32)];
	if (reserved)
		return vpool_err(call->extack, -EINVAL,
				 VPOOL_CODE_RESERVED_FIELD,
				 "a reserved field is not 0");
	return 0;
}

static int vpool_check_privilege(struct vpool_call *call,
				 const struct vpool_ioctl *op)
{
	if (!op->admin || capable(CAP_SYS_ADMIN))
		return 0;
	return vpool_err(call->extack, -EPERM, VPOOL_CODE_NOT_PERMITTED,
			 "changing pools needs CAP_SYS_ADMIN in the initial user namespace");
}

/* Return the name of the pool that a call is about, or "" if it is not valid. */
static const char *vpool_call_name(const struct vpool_call *call,
				   const struct vpool_ioctl *op)
{
	const char *name = call->cmd + op->name_at;

	if (call->handle->pool)
		return call->handle->pool->name;
	return vpool_spec_check_name(name, NULL) ? "" : name;
}

/* Report a call that failed to change something. A dry run only asks. */
static void vpool_trace_refusal(const struct vpool_call *call,
				const struct vpool_ioctl *op, int err)
{
	const u32 *word = call->cmd;
	char reason[VPOOL_REASON_SIZE];
	u32 code;

	if (!trace_vpool_refuse_enabled() || !op->changes)
		return;
	if (word[op->flags_at / sizeof(u32)] & op->dry_run)
		return;
	vpool_extack_read(call->extack, reason, &code);
	trace_vpool_refuse(vpool_call_name(call, op), op->changes, err, code,
			   reason);
}

/**
 * vpool_handle_ioctl - dispatch an ioctl
 * @handle: descriptor that the ioctl was made on
 * @num: number of the ioctl
 * @arg: user address of its structure
 *
 * Return: 0 or a negative errno as the UAPI describes.
 */
long vpool_handle_ioctl(struct vpool_handle *handle, unsigned int num,
			unsigned long arg)
{
	const struct vpool_ioctl *op = vpool_find_ioctl(handle, num);
	union vpool_any_cmd cmd;
	struct vpool_call call = {
		.handle = handle,
		.extack = &handle->extack,
		.uptr = (void __user *)arg,
		.cmd = &cmd,
	};
	int err;

	if (!op)
		return vpool_err(&handle->extack, -ENOTTY,
				 VPOOL_CODE_CALL_UNKNOWN,
				 "ioctl %#x does not exist on this %s",
				 num, handle->is_file ? "file" : "device");
	err = vpool_copy_in(&call, op);
	if (err)
		return err;
	err = vpool_check_fields(&call, op) ?:
		vpool_check_privilege(&call, op) ?: op->execute(&call);
	if (err)
		vpool_trace_refusal(&call, op, err);
	return err;
}
