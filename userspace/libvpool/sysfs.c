// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Read about pools from /sys/kernel/vpool, without opening a device.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpus.h"
#include "file.h"
#include "handle.h"
#include "reason.h"
#include "sysfs.h"

/*
 * Return a number, or 0 if there is no such file: a pool without memory lacks the files
 * about memory.
 */
static __u64 number(int dir, const char *path, int base)
{
	__u64 value;

	return vpool_read_u64(dir, path, base, &value) ? 0 : value;
}

static unsigned int parse_state(const char *name)
{
	unsigned int state;

	for (state = 0; state <= VPOOL_STATE_DEGRADED; state++)
		if (!strcmp(name, vpool_state_name(state)))
			return state;
	return VPOOL_STATE_ACTIVE;
}

/* Read the state, which every pool has. Fails if there is no such pool. */
static int read_state(int dir, struct vpool_info *info)
{
	char *text;
	int err;

	err = vpool_read_text(dir, "state", &text);
	if (err)
		return err;
	snprintf(info->state_name, sizeof(info->state_name), "%s", text);
	info->state = parse_state(text);
	free(text);
	return 0;
}

static void read_memory(int dir, struct vpool_info *info)
{
	info->total_bytes = number(dir, "memory/total_bytes", 10);
	info->free_bytes = number(dir, "memory/free_bytes", 10);
	info->used_bytes = number(dir, "memory/used_bytes", 10);
	info->peak_bytes = number(dir, "memory/peak_bytes", 10);
	info->target_bytes = number(dir, "memory/target_bytes", 10);
	info->gathered_bytes = number(dir, "memory/gathered_bytes", 10);
	info->clean_bytes = number(dir, "memory/clean_bytes", 10);
	info->scrubbing_bytes = number(dir, "memory/scrubbing_bytes", 10);
	info->poisoned_bytes = number(dir, "memory/poisoned_bytes", 10);
	info->regions = number(dir, "memory/regions", 10);
}

static __u64 node_number(int dir, int node, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "node%d/%s", node, what);
	return number(dir, path, 10);
}

static int read_nodes(int dir, struct vpool_info *info)
{
	int *numbers, err;
	size_t i, nr;

	err = vpool_read_numbers(dir, "node", &numbers, &nr);
	if (err)
		return err;
	info->nodes = calloc(nr + 1, sizeof(*info->nodes));
	for (i = 0; info->nodes && i < nr; i++) {
		struct vpool_node_info *node = info->nodes + info->nr_nodes;

		node->node = numbers[i];
		node->total_bytes = node_number(dir, node->node, "total_bytes");
		node->free_bytes = node_number(dir, node->node, "free_bytes");
		node->used_bytes = node_number(dir, node->node, "used_bytes");
		/* Keep only nodes with memory, as the ioctl does. */
		info->nr_nodes += node->total_bytes > 0;
	}
	free(numbers);
	return info->nodes ? 0 : -ENOMEM;
}

static int read_pool(int dir, struct vpool_info *info)
{
	int memory, err;

	err = read_state(dir, info);
	if (err)
		return err;
	info->id = number(dir, "id", 10);
	info->page_size = number(dir, "page_size", 10);
	info->uid = number(dir, "uid", 10);
	info->gid = number(dir, "gid", 10);
	info->mode = number(dir, "mode", 8);
	info->created_ns = number(dir, "created_ns", 10);
	/* sysfs shows no other flag. */
	if (number(dir, "isolated", 10) == 1)
		info->create_flags = VPOOL_CREATE_ISOLATED;
	info->members = number(dir, "cpus/members", 10);
	info->user_bytes = number(dir, "limits/user_bytes", 10);
	info->user_regions = number(dir, "limits/user_regions", 10);
	info->user_members = number(dir, "limits/user_members", 10);
	err = vpool_read_cpus(dir, "cpus/assigned", &info->cpus);
	if (err == -ENOMEM)
		return err;
	memory = openat(dir, "memory", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (memory < 0)
		return 0;
	read_memory(dir, info);
	err = read_nodes(memory, info);
	close(memory);
	return err;
}

int vpool_sysfs_query(struct vpool *vp, const char *name,
		      struct vpool_info *info)
{
	char path[4096];
	int dir, err;

	if (!name)
		return vpool_set_no_name(vp);
	if (!vpool_name_is_valid(name))
		return vpool_set_bad_name(vp, name);
	snprintf(info->name, sizeof(info->name), "%s", name);
	snprintf(path, sizeof(path), "%s/pools/%s", vpool_sysfs_dir(), name);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = dir < 0 ? -errno : read_pool(dir, info);
	if (dir >= 0)
		close(dir);
	if (err == -ENOENT || err == -ENODEV)
		return vpool_set_no_pool(vp, name);
	if (err)
		return vpool_set_error(vp, -err, VPOOL_LIB_SYSTEM, "%s: %s",
				       path, strerror(-err));
	return 0;
}

int vpool_sysfs_extra(struct vpool_info *info)
{
	char path[4096];
	int err;

	snprintf(path, sizeof(path), "%s/pools/%s/mounts", vpool_sysfs_dir(),
		 info->name);
	info->mounts = number(AT_FDCWD, path, 10);

	snprintf(path, sizeof(path), "%s/pools/%s/cpus/effective",
		 vpool_sysfs_dir(), info->name);
	err = vpool_read_cpus(AT_FDCWD, path, &info->effective);
	if (err == -ENOMEM)
		return err;
	snprintf(path, sizeof(path), "%s/pools/%s/cpus/dedicated",
		 vpool_sysfs_dir(), info->name);
	err = vpool_read_cpus(AT_FDCWD, path, &info->dedicated);
	return err == -ENOMEM ? err : 0;
}

static int compare_ids(const void *a, const void *b)
{
	const struct vpool_list_entry *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int add_entry(struct vpool *vp, const char *name,
		     struct vpool_list_entry **entries, size_t *nr)
{
	struct vpool_list_entry *more, *entry;
	struct vpool_info info = { 0 };
	int err;

	err = vpool_sysfs_query(vp, name, &info);
	if (!err) {
		more = reallocarray(*entries, *nr + 1, sizeof(*more));
		if (more) {
			*entries = more;
			entry = memset(more + (*nr)++, 0, sizeof(*entry));
			entry->id = info.id;
			entry->state = info.state;
			memcpy(entry->name, info.name, sizeof(info.name));
		} else {
			err = -ENOMEM;
		}
	}
	vpool_cpus_free(&info.cpus);
	free(info.nodes);
	/* The pool may have been destroyed since the directory was read. */
	return err == -ENOENT ? 0 : err;
}

int vpool_sysfs_list(struct vpool *vp, struct vpool_list_entry **entries,
		     size_t *nr)
{
	struct dirent *entry;
	char path[4096];
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/pools", vpool_sysfs_dir());
	dir = opendir(path);
	if (!dir)
		return vpool_set_error(vp, errno, VPOOL_LIB_SYSTEM, "%s: %s",
				       path, strerror(errno));
	*entries = NULL;
	*nr = 0;
	while (!err && (entry = readdir(dir)))
		if (vpool_name_is_valid(entry->d_name))
			err = add_entry(vp, entry->d_name, entries, nr);
	closedir(dir);
	if (err) {
		free(*entries);
		return vpool_set_error(vp, -err, VPOOL_LIB_SYSTEM, "%s: %s",
				       path, strerror(-err));
	}
	if (*nr)
		qsort(*entries, *nr, sizeof(**entries), compare_ids);
	return 0;
}
