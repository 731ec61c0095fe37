// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read all pools, and format their owners and CPUs.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "host/pools.h"

char *owner_text(uid_t uid, gid_t gid)
{
	const struct passwd *pw = getpwuid(uid);
	char *user = pw ? xstrdup(pw->pw_name) : xprintf("%u", uid);
	const struct group *gr = getgrgid(gid);
	char *text;

	text = gr ? xprintf("%s:%s", user, gr->gr_name) :
		    xprintf("%s:%u", user, gid);
	free(user);
	return text;
}

char *cpus_text(const struct vpool_cpus *cpus)
{
	char *text = vpool_cpus_format(cpus);

	return text ? text : xstrdup("");
}

void core_of(unsigned int cpu, struct vpool_cpus *core)
{
	char path[96], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path),
		 "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
		 cpu);
	file = fopen(path, "re");
	if (file && !fgets(text, sizeof(text), file))
		*text = '\0';
	if (file)
		fclose(file);
	text[strcspn(text, "\n")] = '\0';
	if (*text && !vpool_cpus_parse(text, core, NULL, 0))
		return;
	memset(core, 0, sizeof(*core));
	vpool_cpus_add(core, cpu);
}

void free_pools(struct vpool_info **pools, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		vpool_info_free(pools[i]);
	free(pools);
}

int read_pools(struct vpool *vp, struct vpool_info ***pools, size_t *nr)
{
	struct vpool_list_entry *entries;
	size_t i, nr_entries;
	int err;

	err = vpool_list(vp, &entries, &nr_entries);
	if (err)
		return err;
	*pools = xcalloc(nr_entries, sizeof(**pools));
	*nr = 0;
	for (i = 0; i < nr_entries && !err; i++) {
		err = vpool_query(vp, entries[i].name, *pools + *nr);
		if (!err)
			++*nr;
		if (err == -ENOENT || err == -ENXIO)
			err = 0;
	}
	free(entries);
	if (err) {
		free_pools(*pools, *nr);
		*pools = NULL;
		*nr = 0;
	}
	return err;
}
