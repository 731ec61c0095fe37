// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slice of a pool in systemd.
 *
 * systemd writes a runtime property of a unit to a file in SETTINGS, which it reads again
 * on a reload and which is gone after a reboot. That file tells whether a slice has the
 * CPUs of a pool, so vpoolctl needs no state.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/failure.h"
#include "base/files.h"
#include "host/cgroup.h"
#include "host/pools.h"
#include "host/unit.h"

/* Directory in which systemd keeps runtime properties: systemd.unit(5). */
#define SETTINGS "/run/systemd/system.control"
#define SLICE_PREFIX "vpool_"
#define SLICE_SUFFIX ".slice.d"
#define DASH "\\x2d"

int unit_slice_set(const char *pool, const char *cpus, struct failure *failure)
{
	char *slice = cgroup_slice(pool);
	char *allowed = xprintf("AllowedCPUs=%s", cpus);
	char *const property[] = { "systemctl", "set-property", "--runtime",
				   slice, allowed, NULL };
	char *const start[] = { "systemctl", "start", slice, NULL };
	int err;

	err = systemd_call(start, failure);
	if (!err)
		err = systemd_call(property, failure);
	free(allowed);
	free(slice);
	return err;
}

void unit_slice_revert(const char *pool, bool empty)
{
	char *slice = cgroup_slice(pool);
	struct failure ignored;
	char *const stop[] = { "systemctl", "stop", slice, NULL };
	char *const reset[] = { "systemctl", "set-property", "--runtime",
				slice, "AllowedCPUs=", NULL };
	char *const revert[] = { "systemctl", "--quiet", "revert", slice, NULL };

	systemd_call(empty ? stop : reset, &ignored);
	systemd_call(revert, &ignored);
	free(slice);
}

void unit_slice_widen(const char *pool)
{
	char *root = cgroup_root(), *dir = cgroup_slice_dir(pool);
	char *path = xprintf("%s/cpuset.cpus.effective", root ? root : "");
	char *cpus = read_text(path);
	struct failure ignored;

	/* The kernel refuses CPUs of a partition, such as those of an isolated pool. */
	if (cpus && dir)
		cgroup_set(dir, "cpuset.cpus", cpus, &ignored);
	free(cpus);
	free(path);
	free(dir);
	free(root);
}

static char *settings_file(const char *pool)
{
	char *slice = cgroup_slice(pool);
	char *path = xprintf(SETTINGS "/%s.d/50-AllowedCPUs.conf", slice);

	free(slice);
	return path;
}

bool unit_slice_is_set(const char *pool)
{
	char *path = settings_file(pool);
	bool set = !access(path, F_OK);

	free(path);
	return set;
}

bool unit_slice_has(const char *pool, const struct vpool_cpus *cpus)
{
	static const char key[] = "\nAllowedCPUs=";
	char *path = settings_file(pool), *text = read_text(path);
	char *at = text ? strstr(text, key) : NULL, *space, *have, *want;
	struct vpool_cpus kept;
	bool same = false;

	if (at) {
		at += strlen(key);
		at[strcspn(at, "\n")] = '\0';
		/* systemd writes spaces between ranges. */
		while ((space = strchr(at, ' ')))
			*space = ',';
		if (!vpool_cpus_parse(at, &kept, NULL, 0)) {
			have = cpus_text(&kept);
			want = cpus_text(cpus);
			same = !strcmp(have, want);
			free(want);
			free(have);
			vpool_cpus_free(&kept);
		}
	}
	free(text);
	free(path);
	return same;
}

/* Return the pool of a directory such as vpool_web.slice.d, or NULL. For free(3). */
static char *pool_of(const char *file)
{
	size_t len = strlen(file), end = strlen(SLICE_SUFFIX);
	const char *from = file + strlen(SLICE_PREFIX);
	char *pool, *to;

	if (len <= strlen(SLICE_PREFIX) + end ||
	    strncmp(file, SLICE_PREFIX, strlen(SLICE_PREFIX)) ||
	    strcmp(file + len - end, SLICE_SUFFIX))
		return NULL;
	pool = xcalloc(1, len);
	for (to = pool; from < file + len - end; to++) {
		bool dash = !strncmp(from, DASH, strlen(DASH));

		*to = dash ? '-' : *from;
		from += dash ? strlen(DASH) : 1;
	}
	if (vpool_name_is_valid(pool) && unit_slice_is_set(pool))
		return pool;
	free(pool);
	return NULL;
}

char **unit_slice_pools(size_t *nr)
{
	DIR *dir = opendir(SETTINGS);
	struct dirent *entry;
	char **pools = NULL, *pool;

	*nr = 0;
	while (dir && (entry = readdir(dir))) {
		pool = pool_of(entry->d_name);
		if (!pool)
			continue;
		pools = xrealloc(pools, (*nr + 1) * sizeof(*pools));
		pools[(*nr)++] = pool;
	}
	if (dir)
		closedir(dir);
	return pools;
}
