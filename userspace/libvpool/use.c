// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Using a pool: its memory through a region, its CPUs through membership.
 */
#include <string.h>
#include <sys/mman.h>

#include "private.h"

int vpool_commit(struct vpool *vp, __u64 *bytes, unsigned int flags)
{
	struct vpool_commit cmd = {
		.size = sizeof(cmd), .flags = flags, .bytes = *bytes,
	};
	int err;

	err = vpool_call(vp, VPOOL_COMMIT, &cmd);
	if (!err)
		*bytes = cmd.bytes;
	return err;
}

int vpool_map(struct vpool *vp, __u64 offset, size_t bytes, void **addr)
{
	void *at;

	if (vp->kind != VPOOL_KIND_POOL)
		return vpool_fail(vp, ENOTTY,
				  "only the handle of a pool can be mapped");
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vp->fd,
		  (off_t)offset);
	if (at == MAP_FAILED)
		return vpool_kernel_failed(vp, errno);
	*addr = at;
	return 0;
}

static int change_member(struct vpool *vp, unsigned long call, int pidfd,
			 unsigned int flags)
{
	struct vpool_attach cmd = {
		.size = sizeof(cmd), .flags = flags, .pidfd = pidfd,
	};

	return vpool_call(vp, call, &cmd);
}

int vpool_attach(struct vpool *vp, int pidfd, unsigned int flags)
{
	return change_member(vp, VPOOL_ATTACH, pidfd, flags);
}

int vpool_detach(struct vpool *vp, int pidfd, unsigned int flags)
{
	return change_member(vp, VPOOL_DETACH, pidfd, flags);
}
