// SPDX-License-Identifier: GPL-2.0-only
/*
 * Users of pools and of the module.
 */
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/failure.h"
#include "host/isolate.h"
#include "host/kmod.h"
#include "host/mount_note.h"
#include "host/mounts.h"
#include "host/pools.h"
#include "host/proc.h"
#include "host/users.h"
#include "output/units.h"

#define CONTROL "/dev/vpool/control"

/* Take over @text. */
static void add(struct users *users, const char *pool, int pid, char *text)
{
	struct user *user;

	users->all = xrealloc(users->all, (users->nr + 1) * sizeof(*users->all));
	user = users->all + users->nr++;
	*user = (struct user) {
		.pool = pool ? xstrdup(pool) : NULL, .pid = pid, .text = text,
	};
}

static bool is_known(const struct users *users, const char *pool, int pid)
{
	size_t i;

	for (i = 0; i < users->nr; i++)
		if (users->all[i].pid == pid &&
		    !strcmp(users->all[i].pool ?: "", pool ?: ""))
			return true;
	return false;
}

static void add_region(struct users *users, const char *pool,
		       const struct vpool_region_info *region)
{
	char size[SIZE_TEXT], *name;

	if (region->pid && is_known(users, pool, region->pid))
		return;
	format_size(region->bytes, size);
	if (!region->pid) {
		add(users, pool, 0,
		    xprintf("a region of %s is in use that %.*s opened, which has ended",
			    size, (int)sizeof(region->comm), region->comm));
	} else {
		name = process_name(region->pid);
		add(users, pool, region->pid,
		    xprintf("process %d (%s) has a region of %s", region->pid,
			    name, size));
		free(name);
	}
}

static int add_regions(struct vpool *vp, struct users *users, const char *pool)
{
	struct vpool_region_info *regions;
	size_t i, nr;
	int err = vpool_regions(vp, pool, &regions, &nr);

	if (err)
		return err;
	for (i = 0; i < nr; i++)
		add_region(users, pool, regions + i);
	free(regions);
	return 0;
}

static int add_members(struct vpool *vp, struct users *users, const char *pool)
{
	struct vpool_member_info *members;
	size_t i, nr;
	int err = vpool_members(vp, pool, &members, &nr);

	if (err)
		return err;
	for (i = 0; i < nr; i++) {
		char *name;

		if (is_known(users, pool, members[i].pid))
			continue;
		name = process_name(members[i].pid);
		add(users, pool, members[i].pid,
		    xprintf("process %d (%s) is a member", members[i].pid, name));
		free(name);
	}
	free(members);
	return 0;
}

/* Add the mounts of a pool but the one of apply, which a change of the pool keeps. */
static void add_mounts(struct users *users, const struct vpool_info *info)
{
	const struct mount_point *own;
	struct mounts mounts;
	char *dirs;

	mounts_read(&mounts);
	own = mount_noted(&mounts, info->name);
	dirs = mounts_text(&mounts, info->name);
	if (info->mounts > !!own)
		add(users, info->name, 0,
		    xprintf("it is mounted at %s", dirs ? dirs :
			    "a directory of another mount namespace"));
	free(dirs);
	mounts_free(&mounts);
}

static int add_users_of(struct vpool *vp, struct users *users,
			const struct vpool_info *info)
{
	size_t before = users->nr;
	struct failure failure;
	int err;

	if (info->state == VPOOL_STATE_CREATING ||
	    info->state == VPOOL_STATE_DESTROYING)
		add(users, info->name, 0, xprintf("it is %s", info->state_name));
	err = add_regions(vp, users, info->name);
	if (!err)
		err = add_members(vp, users, info->name);
	/* A pool that is destroyed during these calls has no users. */
	if (err == -ENOENT || err == -ENXIO)
		return 0;
	if (err)
		return err;
	add_mounts(users, info);
	if (users->nr == before && info->used_bytes)
		add(users, info->name, 0,
		    xstrdup("its memory is pinned, by a device or by the kernel"));
	if (users->nr == before && isolate_idle(info->name, &failure))
		add(users, info->name, 0, xstrdup(failure.text));
	return 0;
}

static bool has_control(int pid)
{
	char *path = xprintf("/proc/%d/fd", pid), *file, target[64];
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool has = false;
	ssize_t len;

	while (dir && !has && (entry = readdir(dir))) {
		file = xprintf("%s/%s", path, entry->d_name);
		len = readlink(file, target, sizeof(target));
		has = len == (ssize_t)strlen(CONTROL) && !memcmp(target, CONTROL, len);
		free(file);
	}
	if (dir)
		closedir(dir);
	free(path);
	return has;
}

static void add_controllers(struct users *users)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int pid = atoi(entry->d_name);
		char *name;

		if (pid <= 0 || pid == getpid() || !has_control(pid))
			continue;
		name = process_name(pid);
		add(users, NULL, pid, xprintf("process %d (%s) has " CONTROL " open",
					      pid, name));
		free(name);
	}
	if (dir)
		closedir(dir);
}

static void add_livepatches(struct users *users)
{
	char **names;
	size_t i, nr;

	names = kmod_livepatches(&nr);
	for (i = 0; i < nr; i++) {
		add(users, NULL, 0,
		    xprintf("livepatch %s is applied: write 0 to /sys/kernel/livepatch/%s/enabled",
			    names[i], names[i]));
		free(names[i]);
	}
	free(names);
}

/* Add the mounts whose pool was destroyed by force. They keep the module loaded. */
static void add_dead_mounts(struct users *users, struct vpool_info *const *pools,
			    size_t nr)
{
	struct mounts mounts;
	size_t i, j;

	mounts_read(&mounts);
	for (i = 0; i < mounts.nr; i++) {
		const struct mount_point *mp = mounts.all + i;

		for (j = 0; mp->pool && j < nr; j++)
			if (!mp->dead && !strcmp(pools[j]->name, mp->pool))
				break;
		if (mp->pool && j == nr)
			add(users, NULL, 0,
			    xprintf("pool '%s', which is destroyed, is still mounted at %s",
				    mp->pool, mp->dir));
	}
	mounts_free(&mounts);
}

int users_find(struct vpool *vp, struct users *users)
{
	struct vpool_info **pools;
	size_t i, nr;
	int err;

	*users = (struct users) { 0 };
	err = read_pools(vp, &pools, &nr);
	if (err)
		return err;
	for (i = 0; i < nr && !err; i++)
		err = add_users_of(vp, users, pools[i]);
	add_dead_mounts(users, pools, nr);
	free_pools(pools, nr);
	add_controllers(users);
	add_livepatches(users);
	if (err)
		users_free(users);
	return err;
}

void users_free(struct users *users)
{
	size_t i;

	for (i = 0; i < users->nr; i++) {
		free(users->all[i].pool);
		free(users->all[i].text);
	}
	free(users->all);
	*users = (struct users) { 0 };
}
