// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of machines, and the directories of files about them.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "host/privilege.h"
#include "vm/dirs.h"

bool vm_name_ok(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > VM_NAME_MAX || strchr("._-", *name))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

char *vm_run_dir(const char *folder)
{
	const char *dir = getenv("VPOOL_RUN_DIR");
	const char *user = getenv("XDG_RUNTIME_DIR");

	if (dir)
		return xprintf("%s/%s", dir, folder);
	if (!may_change_host() && user)
		return xprintf("%s/vpool/%s", user, folder);
	return xprintf("/run/vpool/%s", folder);
}

char *vm_etc_dir(void)
{
	const char *etc = getenv("VPOOL_ETC_DIR");
	const char *user = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (etc)
		return xprintf("%s/vpool/vm.d", etc);
	if (!may_change_host() && user && *user == '/')
		return xprintf("%s/vpool/vm.d", user);
	if (!may_change_host() && home)
		return xprintf("%s/.config/vpool/vm.d", home);
	return xstrdup("/etc/vpool/vm.d");
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char * const *)a, *(char * const *)b);
}

char **vm_names_in(const char *path, const char *suffix, size_t *nr)
{
	size_t tail = strlen(suffix), len;
	DIR *dir = opendir(path);
	struct dirent *entry;
	char **names = NULL, *name;

	*nr = 0;
	while (dir && (entry = readdir(dir))) {
		len = strlen(entry->d_name);
		if (len <= tail || strcmp(entry->d_name + len - tail, suffix))
			continue;
		name = xprintf("%.*s", (int)(len - tail), entry->d_name);
		if (!vm_name_ok(name)) {
			free(name);
			continue;
		}
		names = xrealloc(names, (*nr + 1) * sizeof(*names));
		names[(*nr)++] = name;
	}
	if (dir)
		closedir(dir);
	if (*nr)
		qsort(names, *nr, sizeof(*names), compare_names);
	return names;
}
