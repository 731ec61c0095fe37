// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Query one pool: its properties, its regions and its members.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handle.h"
#include "reason.h"
#include "sysfs.h"

static void copy_query(struct vpool_info *info, const struct vpool_query *cmd)
{
	snprintf(info->name, sizeof(info->name), "%s", cmd->name);
	snprintf(info->state_name, sizeof(info->state_name), "%s",
		 vpool_state_name(cmd->state));
	info->id = cmd->id;
	info->state = cmd->state;
	info->page_size = cmd->page_size;
	info->uid = cmd->uid;
	info->gid = cmd->gid;
	info->mode = cmd->mode;
	info->regions = cmd->regions;
	info->members = cmd->members;
	info->created_ns = cmd->created_ns;
	info->total_bytes = cmd->total_bytes;
	info->free_bytes = cmd->free_bytes;
	info->used_bytes = cmd->used_bytes;
	info->peak_bytes = cmd->peak_bytes;
	info->target_bytes = cmd->target_bytes;
	info->gathered_bytes = cmd->gathered_bytes;
	info->clean_bytes = cmd->clean_bytes;
	info->scrubbing_bytes = cmd->scrubbing_bytes;
	info->poisoned_bytes = cmd->poisoned_bytes;
	info->nr_nodes = cmd->nr_nodes;
	info->create_flags = cmd->create_flags;
	info->user_bytes = cmd->user_bytes;
	info->user_regions = cmd->user_regions;
	info->user_members = cmd->user_members;
}

/* Allocate arrays of the lengths that the last call reported. */
static int query_room(struct vpool_info *info, const struct vpool_query *cmd)
{
	vpool_cpus_free(&info->cpus);
	free(info->nodes);
	info->nodes = calloc(cmd->nr_nodes + 1, sizeof(*info->nodes));
	info->cpus.bits = calloc(1, cmd->cpus_bytes);
	info->cpus.bytes = info->cpus.bits ? cmd->cpus_bytes : 0;
	return info->nodes && info->cpus.bits ? 0 : -ENOMEM;
}

static int query_once(struct vpool *vp, struct vpool_query *cmd,
		      struct vpool_info *info)
{
	size_t bytes = cmd->cpus_bytes;
	int err;

	if (query_room(info, cmd))
		return vpool_set_no_memory(vp);
	cmd->nodes_uptr = (unsigned long)info->nodes;
	cmd->cpus_uptr = (unsigned long)info->cpus.bits;
	err = vpool_call(vp, VPOOL_QUERY, cmd);
	if (err)
		return err;
	if (cmd->cpus_bytes < bytes)
		info->cpus.bytes = (cmd->cpus_bytes + 7) & ~7U;
	copy_query(info, cmd);
	return 0;
}

static int query_ioctl(struct vpool *vp, const char *name,
		       struct vpool_info *info)
{
	struct vpool_query cmd = {
		.size = sizeof(cmd), .nr_nodes = 8, .cpus_bytes = 128,
	};
	int err, tries = 0;

	err = vpool_set_name(vp, cmd.name, name);
	if (err)
		return err;
	do {
		err = query_once(vp, &cmd, info);
		cmd.cpus_bytes = (cmd.cpus_bytes + 7) & ~7U;
		if (!cmd.cpus_bytes)
			cmd.cpus_bytes = 8;
	} while (err == -EMSGSIZE && ++tries < VPOOL_RETRIES);
	return err;
}

int vpool_query(struct vpool *vp, const char *name, struct vpool_info **ret)
{
	struct vpool_info *info = calloc(1, sizeof(*info));
	int err;

	if (!info)
		return vpool_set_no_memory(vp);
	if (vp->kind == VPOOL_KIND_SYSFS)
		err = vpool_sysfs_query(vp, name, info);
	else
		err = query_ioctl(vp, name, info);
	if (!err && vpool_sysfs_extra(info))
		err = vpool_set_no_memory(vp);
	if (err) {
		vpool_info_free(info);
		return err;
	}
	*ret = info;
	return 0;
}

void vpool_info_free(struct vpool_info *info)
{
	if (!info)
		return;
	vpool_cpus_free(&info->cpus);
	vpool_cpus_free(&info->effective);
	vpool_cpus_free(&info->dedicated);
	free(info->nodes);
	free(info);
}

/* Open the device of a pool for a handle that reads sysfs, if the caller may. */
static int open_pool(struct vpool *vp, const char *name, struct vpool **pool)
{
	int err;

	if (!name)
		return vpool_set_no_name(vp);
	err = vpool_open(name, pool);
	if (err) {
		vpool_copy_error(vp, *pool);
		vpool_close(*pool);
	}
	return err;
}

/* VPOOL_REGIONS, VPOOL_MEMBERS and VPOOL_USERS have the same structure. */
static_assert(sizeof(struct vpool_regions) == sizeof(struct vpool_members));
static_assert(offsetof(struct vpool_regions, name) == offsetof(struct vpool_members, name));
static_assert(offsetof(struct vpool_regions, nr) == offsetof(struct vpool_members, nr));
static_assert(offsetof(struct vpool_regions, regions_uptr) ==
	      offsetof(struct vpool_members, members_uptr));
static_assert(sizeof(struct vpool_regions) == sizeof(struct vpool_users));
static_assert(offsetof(struct vpool_regions, name) == offsetof(struct vpool_users, name));
static_assert(offsetof(struct vpool_regions, nr) == offsetof(struct vpool_users, nr));
static_assert(offsetof(struct vpool_regions, regions_uptr) ==
	      offsetof(struct vpool_users, users_uptr));

/* Read an array with one of these calls, with room for @nr entries at the first try. */
static int list_ioctl(struct vpool *vp, unsigned long call, const char *name,
		      size_t entry, size_t first, void **ret, size_t *nr)
{
	struct vpool_regions cmd = { .size = sizeof(cmd), .nr = first };
	int err, tries;

	err = vpool_set_name(vp, cmd.name, name);
	for (tries = 0; !err && tries < VPOOL_RETRIES; tries++) {
		void *array = calloc(cmd.nr, entry);

		if (!array)
			return vpool_set_no_memory(vp);
		cmd.regions_uptr = (unsigned long)array;
		err = vpool_call(vp, call, &cmd);
		if (!err) {
			*ret = array;
			*nr = cmd.nr;
			return 0;
		}
		free(array);
		if (err == -EMSGSIZE && tries < VPOOL_RETRIES - 1)
			err = 0;
		cmd.nr += cmd.nr / 4 + 8;
	}
	return err;
}

/*
 * The same for any handle. *@opened tells whether this has opened the device of the pool,
 * which counts as a region.
 */
static int list(struct vpool *vp, unsigned long call, const char *name, size_t entry,
		size_t first, void **ret, size_t *nr, bool *opened)
{
	struct vpool *pool;
	int err;

	*opened = vp->kind == VPOOL_KIND_SYSFS;
	if (!*opened)
		return list_ioctl(vp, call, name, entry, first, ret, nr);
	err = open_pool(vp, name, &pool);
	if (err)
		return err;
	err = list_ioctl(pool, call, NULL, entry, first, ret, nr);
	if (err)
		vpool_copy_error(vp, pool);
	vpool_close(pool);
	return err;
}

/* Drop the region that the query itself opened, which is the newest. */
static size_t drop_own(const struct vpool_region_info *regions, size_t nr)
{
	const struct vpool_region_info *last = regions + nr - 1;

	return nr && !last->bytes && last->pid == getpid() ? nr - 1 : nr;
}

int vpool_regions(struct vpool *vp, const char *name,
		  struct vpool_region_info **regions, size_t *nr)
{
	void *array;
	bool opened;
	int err;

	err = list(vp, VPOOL_REGIONS, name, sizeof(**regions), 16, &array, nr, &opened);
	if (err)
		return err;
	*regions = array;
	if (opened)
		*nr = drop_own(*regions, *nr);
	return 0;
}

int vpool_members(struct vpool *vp, const char *name,
		  struct vpool_member_info **members, size_t *nr)
{
	void *array;
	bool opened;
	int err;

	err = list(vp, VPOOL_MEMBERS, name, sizeof(**members), 64, &array, nr, &opened);
	if (err)
		return err;
	*members = array;
	return 0;
}

/* Subtract the region that the query itself has opened. */
static size_t subtract_own(struct vpool_user_info *users, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (users[i].uid != getuid() || !users[i].regions)
			continue;
		users[i].regions--;
		if (users[i].regions || users[i].members || users[i].bytes)
			return nr;
		memmove(users + i, users + i + 1,
			(nr - i - 1) * sizeof(*users));
		return nr - 1;
	}
	return nr;
}

int vpool_users(struct vpool *vp, const char *name,
		struct vpool_user_info **users, size_t *nr)
{
	void *array;
	bool opened;
	int err;

	err = list(vp, VPOOL_USERS, name, sizeof(**users), 16, &array, nr, &opened);
	if (err)
		return err;
	*users = array;
	if (opened)
		*nr = subtract_own(*users, *nr);
	return 0;
}
