// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Values that only sysfs has: the ABI version of the module and the counters of a
 * pool. Every file in the stat directory of a pool is a counter.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "handle.h"
#include "reason.h"

int vpool_abi_version(struct vpool *vp, unsigned int *version)
{
	char path[4096];
	__u64 value;
	int err;

	snprintf(path, sizeof(path), "%s/abi_version", vpool_sysfs_dir());
	err = vpool_read_u64(AT_FDCWD, path, 10, &value);
	if (err == -ENOENT)
		return vpool_set_error(vp, VPOOL_NO_MODULE, VPOOL_LIB_NO_MODULE,
				       "the vpool module is not loaded");
	if (err)
		return vpool_set_error(vp, -err, VPOOL_LIB_SYSTEM, "%s: %s",
				       path, strerror(-err));
	*version = value;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct vpool_counter *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int add_counter(int dir, const char *name,
		       struct vpool_counter **counters, size_t *nr)
{
	struct vpool_counter *more;
	__u64 value;
	int err;

	if (*name == '.' || strlen(name) >= sizeof(more->name))
		return 0;
	err = vpool_read_u64(dir, name, 10, &value);
	if (err)
		return err;
	more = reallocarray(*counters, *nr + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	*counters = more;
	more += (*nr)++;
	memcpy(more->name, name, strlen(name) + 1);
	more->value = value;
	return 0;
}

static int read_counters(DIR *dir, struct vpool_counter **counters, size_t *nr)
{
	struct dirent *entry;
	int err = 0;

	*counters = NULL;
	*nr = 0;
	while (!err && (entry = readdir(dir)))
		err = add_counter(dirfd(dir), entry->d_name, counters, nr);
	if (err)
		free(*counters);
	else if (*nr)
		qsort(*counters, *nr, sizeof(**counters), compare_names);
	return err;
}

int vpool_counters(struct vpool *vp, const char *name,
		   struct vpool_counter **counters, size_t *nr)
{
	char path[4096];
	DIR *dir;
	int err;

	if (!name && vp->kind == VPOOL_KIND_POOL)
		name = vp->name;
	if (!name)
		return vpool_set_no_name(vp);
	if (!vpool_name_is_valid(name))
		return vpool_set_bad_name(vp, name);
	snprintf(path, sizeof(path), "%s/pools/%s/stat", vpool_sysfs_dir(),
		 name);
	dir = opendir(path);
	err = dir ? read_counters(dir, counters, nr) : -errno;
	if (dir)
		closedir(dir);
	/* ENODEV: the pool was destroyed while the file was open. */
	if (err == -ENOENT || err == -ENODEV)
		return vpool_set_no_pool(vp, name);
	if (err)
		return vpool_set_error(vp, -err, VPOOL_LIB_SYSTEM, "%s: %s",
				       path, strerror(-err));
	return 0;
}
