// SPDX-License-Identifier: GPL-2.0-only
/*
 * Find the pools whose memory a virtual machine uses.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/clock.h"
#include "vm/memory.h"

/* Poll interval for released memory, in microseconds. */
#define POLL_US 10000

static const char *device_dir(void)
{
	const char *dir = getenv("VPOOL_DEV_DIR");

	return dir ? dir : "/dev/vpool";
}

/* Count a line of /proc/PID/maps if it maps the device of a pool. */
static void add_mapping(const char *line, struct vm_memory *memory)
{
	const char *dir = device_dir(), *path = strchr(line, '/');
	size_t len = strlen(dir);
	unsigned long long start, end;

	if (!path || strncmp(path, dir, len) || path[len] != '/')
		return;
	if (sscanf(line, "%llx-%llx", &start, &end) != 2)
		return;
	path += len + 1;
	if (!*memory->pool)
		snprintf(memory->pool, sizeof(memory->pool), "%.*s",
			 (int)strcspn(path, "\n "), path);
	memory->bytes += end - start;
}

int vm_read_memory(pid_t pid, struct vm_memory *memory)
{
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *file;

	memset(memory, 0, sizeof(*memory));
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (getline(&line, &room, file) > 0)
		add_mapping(line, memory);
	free(line);
	fclose(file);
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
