// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notes about the filesystems that apply has mounted.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/files.h"
#include "host/isolate.h"
#include "host/mount_note.h"
#include "host/mounts.h"

/* Return the directory of the notes. Tests replace it. */
static const char *folder(void)
{
	const char *dir = getenv("VPOOL_RUN_DIR");

	return dir && *dir ? dir : VPOOL_RUN;
}

static char *note_path(const char *pool)
{
	return xprintf("%s/%s.mount", folder(), pool);
}

char *mount_note_read(const char *pool)
{
	char *path = note_path(pool), *text = read_text(path);

	free(path);
	if (!text)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	if (*text == '/')
		return text;
	free(text);
	return NULL;
}

int mount_note_write(const char *pool, const char *dir)
{
	char *path = note_path(pool), *text = xprintf("%s\n", dir);
	int err;

	mkdir(folder(), 0755);
	err = replace_file(path, text);
	free(text);
	free(path);
	return err;
}

void mount_note_remove(const char *pool)
{
	char *path = note_path(pool);

	unlink(path);
	free(path);
}

const struct mount_point *mount_noted(const struct mounts *mounts, const char *pool)
{
	char *dir = mount_note_read(pool);
	const struct mount_point *mp = dir ? mounts_of(mounts, pool, dir) : NULL;

	free(dir);
	return mp;
}
