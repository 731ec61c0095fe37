// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disks and filesystems of the host, from /sys/block and /proc/self/mounts.
 */
#include <dirent.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "host/storage.h"
#include "output/table.h"

/* Unit of /sys/block, independent of the sector size of the disk. */
#define SECTOR 512

enum {
	DISK_DISK,
	DISK_SIZE,
	DISK_KIND,
	DISK_MODEL,
};

static const struct column disk_columns[] = {
	[DISK_DISK] = { .name = "DISK", .type = CELL_TEXT },
	[DISK_SIZE] = { .name = "SIZE", .type = CELL_SIZE },
	[DISK_KIND] = { .name = "KIND", .type = CELL_TEXT },
	[DISK_MODEL] = { .name = "MODEL", .type = CELL_TEXT },
};

enum {
	FS_TARGET,
	FS_SOURCE,
	FS_TYPE,
	FS_SIZE,
	FS_FREE,
};

static const struct column fs_columns[] = {
	[FS_TARGET] = { .name = "MOUNTED-ON", .type = CELL_TEXT },
	[FS_SOURCE] = { .name = "FILESYSTEM", .type = CELL_TEXT },
	[FS_TYPE] = { .name = "TYPE", .type = CELL_TEXT },
	[FS_SIZE] = { .name = "SIZE", .type = CELL_SIZE },
	[FS_FREE] = { .name = "FREE", .type = CELL_SIZE },
};

/* Read the first line of a file of a disk, without trailing blanks. */
static bool disk_file(const char *disk, const char *file, char *text,
		      int room)
{
	char *path = xprintf("/sys/block/%s/%s", disk, file);
	FILE *in = fopen(path, "re");
	bool got = in && fgets(text, room, in);
	size_t len;

	if (in)
		fclose(in);
	free(path);
	if (!got)
		return false;
	for (len = strlen(text); len && strchr("\n ", text[len - 1]);)
		text[--len] = '\0';
	return true;
}

static void add_disk(struct table *tb, const char *disk)
{
	char text[256];
	__u64 sectors;

	/* Only real and virtual hardware has these files. */
	if (!disk_file(disk, "device/uevent", text, sizeof(text)) &&
	    !disk_file(disk, "device/modalias", text, sizeof(text)))
		return;
	if (!disk_file(disk, "size", text, sizeof(text)))
		return;
	sectors = strtoull(text, NULL, 10);
	if (!sectors)
		return;
	table_row(tb);
	table_text(tb, DISK_DISK, disk);
	table_number(tb, DISK_SIZE, sectors * SECTOR);
	if (disk_file(disk, "queue/rotational", text, sizeof(text)))
		table_text(tb, DISK_KIND, *text == '1' ? "disk" : "ssd");
	if (disk_file(disk, "device/model", text, sizeof(text)))
		table_text(tb, DISK_MODEL, text);
}

struct table *disk_table(void)
{
	struct table *tb = table_new("disks", disk_columns,
				     ARRAY_SIZE(disk_columns));
	struct dirent **entries;
	int i, nr;

	nr = scandir("/sys/block", &entries, NULL, alphasort);
	if (nr < 0)
		return tb;
	for (i = 0; i < nr; i++) {
		if (entries[i]->d_name[0] != '.')
			add_disk(tb, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return tb;
}

/* Devices printed so far: a device that is mounted twice is printed once. */
struct seen {
	dev_t *devs;
	size_t nr;
};

static bool seen_before(struct seen *seen, dev_t dev)
{
	size_t i;

	for (i = 0; i < seen->nr; i++)
		if (seen->devs[i] == dev)
			return true;
	seen->devs = xrealloc(seen->devs,
			      (seen->nr + 1) * sizeof(*seen->devs));
	seen->devs[seen->nr++] = dev;
	return false;
}

static void add_filesystem(struct table *tb, const struct mntent *mnt,
			   struct seen *seen)
{
	struct statvfs vfs;
	struct stat st;

	/* Skip network filesystems: statfs() of an unreachable one blocks. */
	if (strncmp(mnt->mnt_fsname, "/dev/", 5))
		return;
	if (stat(mnt->mnt_dir, &st) || seen_before(seen, st.st_dev))
		return;
	if (statvfs(mnt->mnt_dir, &vfs) || !vfs.f_blocks)
		return;
	table_row(tb);
	table_text(tb, FS_TARGET, mnt->mnt_dir);
	table_text(tb, FS_SOURCE, mnt->mnt_fsname);
	table_text(tb, FS_TYPE, mnt->mnt_type);
	table_number(tb, FS_SIZE, (__u64)vfs.f_blocks * vfs.f_frsize);
	table_number(tb, FS_FREE, (__u64)vfs.f_bavail * vfs.f_frsize);
}

struct table *filesystem_table(void)
{
	struct table *tb = table_new("filesystems", fs_columns,
				     ARRAY_SIZE(fs_columns));
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct seen seen = { 0 };
	struct mntent *mnt;

	while (mounts && (mnt = getmntent(mounts)))
		add_filesystem(tb, mnt, &seen);
	if (mounts)
		endmntent(mounts);
	free(seen.devs);
	return tb;
}
