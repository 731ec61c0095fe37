// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Create, resize, destroy and list pools.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "handle.h"
#include "reason.h"
#include "sysfs.h"

/* Sizes of the structures in programs that know no limits of users. */
#define REQUEST_SIZE_0 offsetof(struct vpool_request, user_bytes)
#define CHANGE_SIZE_0 offsetof(struct vpool_change, user_bytes)

static void fill_create(struct vpool_create *cmd,
			const struct vpool_request *req)
{
	cmd->flags = req->flags;
	cmd->page_size = req->page_size;
	cmd->uid = req->uid;
	cmd->gid = req->gid;
	cmd->mode = req->mode;
	cmd->timeout_ms = req->timeout_ms;
	cmd->mem_uptr = (unsigned long)req->mem;
	cmd->nr_mem = req->nr_mem;
	cmd->nr_cpus = req->nr_cpus;
	cmd->cpus_node = req->cpus_node;
	if (req->size == sizeof(*req)) {
		cmd->user_bytes = req->user_bytes;
		cmd->user_regions = req->user_regions;
		cmd->user_members = req->user_members;
	}
	if (!req->cpus)
		return;
	cmd->cpus_uptr = (unsigned long)req->cpus->bits;
	cmd->cpus_bytes = req->cpus->bytes;
}

int vpool_create(struct vpool *vp, struct vpool_request *req)
{
	struct vpool_create cmd = { .size = sizeof(cmd) };
	int err;

	if (req->size != sizeof(*req) && req->size != REQUEST_SIZE_0)
		return vpool_set_error(vp, EINVAL, VPOOL_LIB_STRUCT_SIZE,
				       "the request has a size that libvpool %s does not know",
				       vpool_version());
	err = vpool_set_name(vp, cmd.name, req->name);
	if (err)
		return err;
	fill_create(&cmd, req);
	err = vpool_call(vp, VPOOL_CREATE, &cmd);
	if (err)
		return err;
	req->out_bytes = cmd.out_bytes;
	req->out_id = cmd.out_id;
	return 0;
}

int vpool_resize(struct vpool *vp, struct vpool_change *chg)
{
	struct vpool_resize cmd = {
		.size = sizeof(cmd),
		.flags = chg->flags,
		.timeout_ms = chg->timeout_ms,
		.mem_uptr = (unsigned long)chg->mem,
		.nr_mem = chg->nr_mem,
	};
	int err;

	if (chg->size != sizeof(*chg) && chg->size != CHANGE_SIZE_0)
		return vpool_set_error(vp, EINVAL, VPOOL_LIB_STRUCT_SIZE,
				       "the change has a size that libvpool %s does not know",
				       vpool_version());
	if (chg->size == sizeof(*chg)) {
		cmd.user_bytes = chg->user_bytes;
		cmd.user_regions = chg->user_regions;
		cmd.user_members = chg->user_members;
	}
	if (chg->cpus) {
		cmd.cpus_uptr = (unsigned long)chg->cpus->bits;
		cmd.cpus_bytes = chg->cpus->bytes;
	}
	err = vpool_set_name(vp, cmd.name, chg->name);
	if (err)
		return err;
	err = vpool_call(vp, VPOOL_RESIZE, &cmd);
	if (!err)
		chg->out_bytes = cmd.out_bytes;
	return err;
}

int vpool_destroy(struct vpool *vp, const char *name, unsigned int flags)
{
	struct vpool_destroy cmd = { .size = sizeof(cmd), .flags = flags };
	int err;

	err = vpool_set_name(vp, cmd.name, name);
	if (err)
		return err;
	return vpool_call(vp, VPOOL_DESTROY, &cmd);
}

int vpool_list(struct vpool *vp, struct vpool_list_entry **entries,
	       size_t *nr)
{
	struct vpool_list cmd = { .size = sizeof(cmd), .nr = 16 };
	int err = -EMSGSIZE, tries;

	if (vp->kind == VPOOL_KIND_SYSFS)
		return vpool_sysfs_list(vp, entries, nr);
	for (tries = 0; err == -EMSGSIZE && tries < VPOOL_RETRIES; tries++) {
		struct vpool_list_entry *array;

		array = calloc(cmd.nr, sizeof(*array));
		if (!array)
			return vpool_set_no_memory(vp);
		cmd.entries_uptr = (unsigned long)array;
		err = vpool_call(vp, VPOOL_LIST, &cmd);
		if (!err) {
			*entries = array;
			*nr = cmd.nr;
			return 0;
		}
		free(array);
		cmd.nr += 8;
	}
	return err;
}
