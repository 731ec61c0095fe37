// SPDX-License-Identifier: GPL-2.0
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "call.h"
#include "pool.h"
#include "registry.h"

/**
 * vpool_call_respond - write the structure of a call back to its caller
 * @call: call
 *
 * Write at most the caller's size.
 *
 * Return: 0 or -EFAULT.
 */
int vpool_call_respond(struct vpool_call *call)
{
	if (copy_to_user(call->uptr, call->cmd,
			 min(call->user_size, call->size)))
		return vpool_err(call->extack, -EFAULT,
				 VPOOL_CODE_BUFFER_UNWRITABLE,
				 "the structure cannot be written back");
	return 0;
}

/**
 * vpool_call_copy_out - write an array or a text to the caller
 * @call: call
 * @uptr: user address, unchecked
 * @from: data to copy
 * @bytes: size of @from in bytes
 *
 * Return: 0 or -EFAULT.
 */
int vpool_call_copy_out(struct vpool_call *call, u64 uptr, const void *from,
			size_t bytes)
{
	if (copy_to_user(u64_to_user_ptr(uptr), from, bytes))
		return vpool_err(call->extack, -EFAULT,
				 VPOOL_CODE_BUFFER_UNWRITABLE,
				 "the array cannot be written back");
	return 0;
}

/**
 * vpool_call_too_small - fail a call whose array is too small
 * @call: call whose structure holds the count needed
 * @room: room in the caller's array, in entries
 * @needed: number of entries needed
 *
 * Return: -EMSGSIZE, or -EFAULT if the count cannot be written back.
 */
int vpool_call_too_small(struct vpool_call *call, u32 room, u32 needed)
{
	int err = vpool_call_respond(call);

	if (err)
		return err;
	return vpool_err(call->extack, -EMSGSIZE, VPOOL_CODE_BUFFER_TOO_SMALL,
			 "the buffer has room for %u entries, but %u are needed",
			 room, needed);
}

/**
 * vpool_call_pool - look up the pool that a call is about
 * @call: call
 * @name: VPOOL_NAME_SIZE bytes from userspace: the name on the control device,
 *	empty on the device of a pool
 *
 * Return: the pool with a reference for the caller, or an ERR_PTR: -ENOENT,
 * -EINVAL, or -ENXIO if the pool of the descriptor has been destroyed.
 */
struct vpool_pool *vpool_call_pool(struct vpool_call *call, const char *name)
{
	struct vpool_pool *pool = call->handle->pool;
	int err;

	if (!pool)
		return vpool_pool_find(name, call->extack);
	if (name[0]) {
		err = vpool_err(call->extack, -EINVAL,
				VPOOL_CODE_NAME_UNEXPECTED,
				"the name must be empty on a pool's own device");
		return ERR_PTR(err);
	}
	if (READ_ONCE(pool->state) == VPOOL_STATE_DESTROYING) {
		err = vpool_err(call->extack, -ENXIO, VPOOL_CODE_POOL_DESTROYED,
				"pool '%s' has been destroyed", pool->name);
		return ERR_PTR(err);
	}
	vpool_pool_get(pool);
	return pool;
}

static int vpool_call_no_memory(struct vpool_call *call, u32 nr)
{
	return vpool_err(call->extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
			 "no kernel memory for %u entries", nr);
}

/**
 * vpool_call_list - answer a call that returns an array
 * @call: call
 * @listing: array to return
 *
 * Return: 0, -EMSGSIZE with the count written back, -EFAULT or -ENOMEM.
 */
int vpool_call_list(struct vpool_call *call,
		    const struct vpool_listing *listing)
{
	u32 room = *listing->nr, max = listing->fill(listing->pool, NULL, 0);
	void *array = NULL;
	u32 nr;
	int err;

	/* The list may grow in between: try again while the caller has room. */
	for (nr = max; nr <= room; max = nr) {
		array = kvcalloc(max(max, 1U), listing->entry_size, GFP_KERNEL);
		if (!array)
			return vpool_call_no_memory(call, max);
		nr = listing->fill(listing->pool, array, max);
		if (nr <= max)
			break;
		kvfree(array);
		array = NULL;
	}
	*listing->nr = nr;
	if (!array)
		return vpool_call_too_small(call, room, nr);
	err = vpool_call_copy_out(call, listing->uptr, array,
				  nr * listing->entry_size);
	kvfree(array);
	return err ?: vpool_call_respond(call);
}

/**
 * vpool_call_list_of_pool - answer a call that returns an array of a pool
 * @call: call
 * @name: as for vpool_call_pool()
 * @listing: array to return; its pool is set
 *
 * Return: 0 or a negative errno of vpool_call_pool() and vpool_call_list().
 */
int vpool_call_list_of_pool(struct vpool_call *call, const char *name,
			    struct vpool_listing *listing)
{
	int err;

	listing->pool = vpool_call_pool(call, name);
	if (IS_ERR(listing->pool))
		return PTR_ERR(listing->pool);
	err = vpool_call_list(call, listing);
	vpool_pool_put(listing->pool);
	return err;
}
