/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An ioctl in progress: its structure, and helpers that answer it.
 */
#ifndef VPOOL_CALL_H
#define VPOOL_CALL_H

#include <linux/types.h>

#include "extack.h"
#include "handle.h"

struct vpool_pool;

/**
 * struct vpool_call - an ioctl in progress
 * @handle: descriptor that the call was made on
 * @extack: message of @handle
 * @uptr: address of the caller's structure
 * @user_size: size of the caller's structure in bytes
 * @size: size of the structure in this kernel, in bytes
 * @cmd: kernel copy of the structure, of @size bytes
 */
struct vpool_call {
	struct vpool_handle *handle;
	struct vpool_extack *extack;
	void __user *uptr;
	u32 user_size;
	u32 size;
	void *cmd;
};

/**
 * struct vpool_listing - a call that returns an array
 * @pool: pool whose entries are listed, or NULL
 * @fill: write at most max entries to an array, and return the number of all entries
 * @entry_size: size of an entry in bytes
 * @nr: field of the structure; holds the room, and is set to the number of entries
 * @uptr: user address of the array
 */
struct vpool_listing {
	struct vpool_pool *pool;
	u32 (*fill)(struct vpool_pool *pool, void *array, u32 max);
	size_t entry_size;
	u32 *nr;
	u64 uptr;
};

int vpool_call_respond(struct vpool_call *call);
int vpool_call_copy_out(struct vpool_call *call, u64 uptr, const void *from,
			size_t bytes);
int vpool_call_too_small(struct vpool_call *call, u32 room, u32 needed);
struct vpool_pool *vpool_call_pool(struct vpool_call *call, const char *name);
int vpool_call_list(struct vpool_call *call,
		    const struct vpool_listing *listing);
int vpool_call_list_of_pool(struct vpool_call *call, const char *name,
			    struct vpool_listing *listing);

#endif /* VPOOL_CALL_H */
