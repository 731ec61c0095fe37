// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read which filesystems are mounted, and of which pools.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "base/alloc.h"
#include "base/files.h"
#include "host/mounts.h"

/* Return the file that lists the mounts. Tests replace it. */
static const char *list_of_mounts(void)
{
	const char *path = getenv("VPOOL_MOUNTINFO");

	return path && *path ? path : "/proc/self/mountinfo";
}

/* Decode the octal escapes of a field, such as \040 for a space. Return a copy. */
static char *decode(const char *text)
{
	char *copy = xstrdup(text), *to = copy;

	while (*text) {
		if (*text == '\\' && strspn(text + 1, "01234567") >= 3) {
			*to++ = (text[1] - '0') << 6 | (text[2] - '0') << 3 |
				(text[3] - '0');
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
	return copy;
}

/* Return the value of an option in "rw,pool=web,mode=770", for free(3), or NULL. */
static char *option(const char *options, const char *name)
{
	size_t len = strlen(name);

	while (*options) {
		size_t end = strcspn(options, ",");

		if (end > len && !strncmp(options, name, len) && options[len] == '=')
			return xprintf("%.*s", (int)(end - len - 1), options + len + 1);
		options += end;
		options += *options == ',';
	}
	return NULL;
}

static void read_options(struct mount_point *mp, const char *options)
{
	char *type = option(options, "f_type");

	mp->pool = option(options, "pool");
	mp->hugetlbfs = type && !strcmp(type, "hugetlbfs");
	free(type);
}

/* Parse a line of /proc/self/mountinfo, which the call changes. */
static bool parse_line(char *line, struct mount_point *mp)
{
	char *rest = strstr(line, " - "), *words[5], *type, *options, *save;
	unsigned int major, minor;
	size_t i;

	if (!rest)
		return false;
	*rest = '\0';
	for (i = 0; i < 5; i++)
		words[i] = strtok_r(i ? NULL : line, " ", &save);
	type = strtok_r(rest + 3, " ", &save);
	if (!words[4] || !type || sscanf(words[2], "%u:%u", &major, &minor) != 2)
		return false;
	/* The name of the device, which can be empty, is in front of the options. */
	options = strrchr(save, ' ');
	*mp = (struct mount_point) {
		.id = atoi(words[0]),
		.parent = atoi(words[1]),
		.dev = makedev(major, minor),
		.dir = decode(words[4]),
		.type = decode(type),
	};
	if (!strcmp(type, "vpool") && options)
		read_options(mp, options + 1);
	return true;
}

/* A filesystem has no size after its pool was destroyed. */
static bool is_dead(const struct mount_point *mp)
{
	struct statvfs fs;
	struct stat st;

	return mp->pool && !stat(mp->dir, &st) && st.st_dev == mp->dev &&
	       !statvfs(mp->dir, &fs) && !fs.f_blocks;
}

static void add_line(struct mounts *mounts, char *line)
{
	struct mount_point mp;
	size_t i;

	if (!parse_line(line, &mp))
		return;
	for (i = 0; i < mounts->nr; i++)
		mounts->all[i].covered |= !strcmp(mounts->all[i].dir, mp.dir);
	mounts->all = xrealloc(mounts->all, (mounts->nr + 1) * sizeof(mp));
	mounts->all[mounts->nr++] = mp;
}

void mounts_read(struct mounts *mounts)
{
	char *text = read_text(list_of_mounts()), *line, *save;

	size_t i;

	*mounts = (struct mounts) { 0 };
	for (line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		add_line(mounts, line);
	for (i = 0; i < mounts->nr; i++)
		mounts->all[i].dead = is_dead(mounts->all + i);
	free(text);
}

void mounts_free(struct mounts *mounts)
{
	size_t i;

	for (i = 0; i < mounts->nr; i++) {
		free(mounts->all[i].dir);
		free(mounts->all[i].type);
		free(mounts->all[i].pool);
	}
	free(mounts->all);
	*mounts = (struct mounts) { 0 };
}

char *canonical_dir(const char *dir)
{
	char *path = realpath(dir, NULL);

	return path ? path : xstrdup(dir);
}

const struct mount_point *mounts_at(const struct mounts *mounts, const char *dir)
{
	const struct mount_point *at = NULL;
	char *path = canonical_dir(dir);
	size_t i;

	for (i = 0; i < mounts->nr; i++)
		if (!strcmp(mounts->all[i].dir, path))
			at = mounts->all + i;
	free(path);
	return at;
}

static bool is_of(const struct mount_point *mp, const char *pool)
{
	return mp && mp->pool && !mp->dead && !strcmp(mp->pool, pool);
}

const struct mount_point *mounts_of(const struct mounts *mounts, const char *pool,
				    const char *dir)
{
	const struct mount_point *at;
	size_t i;

	if (dir) {
		at = mounts_at(mounts, dir);
		return is_of(at, pool) ? at : NULL;
	}
	for (i = 0; i < mounts->nr; i++)
		if (is_of(mounts->all + i, pool))
			return mounts->all + i;
	return NULL;
}

char *mounts_text(const struct mounts *mounts, const char *pool)
{
	char *text = NULL, *longer;
	size_t i;

	for (i = 0; i < mounts->nr; i++) {
		const struct mount_point *mp = mounts->all + i;

		if (!mp->pool || strcmp(mp->pool, pool))
			continue;
		longer = text ? xprintf("%s and %s", text, mp->dir) : xstrdup(mp->dir);
		free(text);
		text = longer;
	}
	return text;
}
