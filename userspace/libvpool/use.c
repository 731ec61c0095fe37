// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Use a pool: its memory through a region, its CPUs by attaching tasks.
 */
#include <string.h>
#include <sys/mman.h>

#include "handle.h"
#include "reason.h"

static int commit(struct vpool *vp, __u64 *bytes, unsigned int flags, int node)
{
	struct vpool_commit cmd = {
		.size = sizeof(cmd), .flags = flags, .bytes = *bytes,
		.node = node,
	};
	int err;

	err = vpool_call(vp, VPOOL_COMMIT, &cmd);
	if (!err)
		*bytes = cmd.bytes;
	return err;
}

int vpool_commit(struct vpool *vp, __u64 *bytes, unsigned int flags)
{
	if (flags & VPOOL_COMMIT_NODE)
		return vpool_set_error(vp, EINVAL, VPOOL_LIB_NO_NODE,
				       "VPOOL_COMMIT_NODE needs a node: call vpool_commit_node()");
	return commit(vp, bytes, flags, 0);
}

int vpool_commit_node(struct vpool *vp, __u64 *bytes, unsigned int flags,
		      int node)
{
	if (node == VPOOL_ANY_NODE)
		return commit(vp, bytes, flags & ~VPOOL_COMMIT_NODE, 0);
	return commit(vp, bytes, flags | VPOOL_COMMIT_NODE, node);
}

int vpool_map(struct vpool *vp, __u64 offset, size_t bytes, void **addr)
{
	void *at;

	if (vp->kind != VPOOL_KIND_POOL)
		return vpool_set_error(vp, ENOTTY, VPOOL_LIB_WRONG_HANDLE,
				       "only the handle of a pool can be mapped");
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vp->fd,
		  (off_t)offset);
	if (at == MAP_FAILED)
		return vpool_set_kernel_error(vp, errno);
	*addr = at;
	return 0;
}

int vpool_file_create(struct vpool *vp, unsigned int flags, int *fd)
{
	struct vpool_file cmd = { .size = sizeof(cmd), .flags = flags };
	int err;

	if (vp->kind != VPOOL_KIND_POOL)
		return vpool_set_error(vp, ENOTTY, VPOOL_LIB_WRONG_HANDLE,
				       "only the handle of a pool can create files");
	err = vpool_call(vp, VPOOL_FILE, &cmd);
	if (!err)
		*fd = cmd.out_fd;
	return err;
}

int vpool_attach_task(struct vpool *vp, int pidfd, pid_t tid,
		      unsigned int flags, int *cpu)
{
	struct vpool_attach cmd = {
		.size = sizeof(cmd), .flags = flags, .pidfd = pidfd, .tid = tid,
	};
	int err;

	if (cpu)
		cmd.flags |= VPOOL_ATTACH_DEDICATED;
	if (cmd.flags & VPOOL_ATTACH_DEDICATED)
		cmd.cpu = cpu ? *cpu : -1;
	err = vpool_call(vp, VPOOL_ATTACH, &cmd);
	if (!err && cpu)
		*cpu = cmd.cpu;
	return err;
}

int vpool_attach(struct vpool *vp, int pidfd, unsigned int flags)
{
	return vpool_attach_task(vp, pidfd, 0, flags, NULL);
}

int vpool_detach_task(struct vpool *vp, int pidfd, pid_t tid,
		      unsigned int flags)
{
	struct vpool_attach cmd = {
		.size = sizeof(cmd), .flags = flags, .pidfd = pidfd, .tid = tid,
	};

	return vpool_call(vp, VPOOL_DETACH, &cmd);
}

int vpool_detach(struct vpool *vp, int pidfd, unsigned int flags)
{
	return vpool_detach_task(vp, pidfd, 0, flags);
}
