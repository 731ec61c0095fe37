// SPDX-License-Identifier: GPL-2.0-only
/*
 * Find the pools whose memory a virtual machine uses.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "vm/memory.h"

/* Poll interval for released memory, in microseconds. */
#define POLL_US 10000

/* Start of the path of a file without a name in /proc; the name of the pool follows. */
#define FILE_PREFIX "/vpool:"

static const char *device_dir(void)
{
	const char *dir = getenv("VPOOL_DEV_DIR");

	return dir ? dir : "/dev/vpool";
}

/* Inode numbers of the files of pools that a process has mapped. */
struct inodes {
	unsigned long long *number;
	size_t nr;
};

static void set_pool(struct vm_memory *memory, const char *name)
{
	if (!*memory->pool)
		snprintf(memory->pool, sizeof(memory->pool), "%.*s",
			 (int)strcspn(name, "\n "), name);
}

/* Remove an inode number from the list. Return false if it is not there. */
static bool take_inode(struct inodes *inodes, unsigned long long number)
{
	size_t i;

	for (i = 0; i < inodes->nr; i++) {
		if (inodes->number[i] != number)
			continue;
		inodes->number[i] = inodes->number[--inodes->nr];
		return true;
	}
	return false;
}

static void add_inode(struct inodes *inodes, unsigned long long number)
{
	/* A file can have several mappings. */
	take_inode(inodes, number);
	inodes->number = xrealloc(inodes->number,
				  (inodes->nr + 1) * sizeof(*inodes->number));
	inodes->number[inodes->nr++] = number;
}

/*
 * Count a line of /proc/PID/maps if it maps the device of a pool, all of which is
 * committed, and note the file if it maps one.
 */
static void add_mapping(const char *line, struct vm_memory *memory,
			struct inodes *inodes)
{
	const char *dir = device_dir(), *path = strchr(line, '/');
	size_t len = strlen(dir);
	unsigned long long start, end, inode;

	if (!path || sscanf(line, "%llx-%llx %*s %*s %*s %llu", &start, &end,
			    &inode) != 3)
		return;
	if (!strncmp(path, dir, len) && path[len] == '/') {
		set_pool(memory, path + len + 1);
		memory->bytes += end - start;
	} else if (!strncmp(path, FILE_PREFIX, strlen(FILE_PREFIX))) {
		set_pool(memory, path + strlen(FILE_PREFIX));
		add_inode(inodes, inode);
	}
}

/* Add the committed memory of the files, each of which the process has open. */
static void add_files(pid_t pid, struct vm_memory *memory, struct inodes *inodes)
{
	char *path = xprintf("/proc/%d/fd", pid), target[64];
	DIR *dir = inodes->nr ? opendir(path) : NULL;
	struct dirent *entry;
	struct stat st;
	ssize_t len;

	while (dir && inodes->nr && (entry = readdir(dir))) {
		len = readlinkat(dirfd(dir), entry->d_name, target,
				 sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		if (strncmp(target, FILE_PREFIX, strlen(FILE_PREFIX)) ||
		    fstatat(dirfd(dir), entry->d_name, &st, 0))
			continue;
		if (take_inode(inodes, st.st_ino))
			memory->bytes += st.st_blocks * 512ULL;
	}
	if (dir)
		closedir(dir);
	free(path);
}

int vm_read_memory(pid_t pid, struct vm_memory *memory)
{
	struct inodes inodes = { 0 };
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *file;

	memset(memory, 0, sizeof(*memory));
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (getline(&line, &room, file) > 0)
		add_mapping(line, memory, &inodes);
	free(line);
	fclose(file);
	add_files(pid, memory, &inodes);
	free(inodes.number);
	return 0;
}

/* Read the bytes of a pool that are in use, but in no region. */
static int read_missing(struct vpool *vp, __u64 *missing)
{
	struct vpool_region_info *regions;
	struct vpool_info *info;
	__u64 held = 0;
	size_t i, nr;
	int err;

	err = vpool_regions(vp, NULL, &regions, &nr);
	if (err)
		return err;
	for (i = 0; i < nr; i++)
		held += regions[i].bytes;
	free(regions);
	err = vpool_query(vp, NULL, &info);
	if (err)
		return err;
	*missing = info->used_bytes > held ? info->used_bytes - held : 0;
	vpool_info_free(info);
	return 0;
}

int vm_wait_returned(const char *pool, int ms, __u64 *missing)
{
	double deadline = now_ms() + ms;
	struct vpool *vp;
	int err;

	*missing = 0;
	err = vpool_open(pool, &vp);
	while (!err) {
		err = read_missing(vp, missing);
		if (err || !*missing)
			break;
		if (now_ms() > deadline)
			err = -ETIMEDOUT;
		usleep(POLL_US);
	}
	vpool_close(vp);
	/* A destroyed pool has no memory in use. */
	return err == -ENOENT || err == -ENXIO ? 0 : err;
}
