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

/*
 * Return @below in the directory that @variable names or else in @folder of the home
 * directory, for free(3). Return NULL for root, and for a user without a home directory.
 */
static char *user_dir(const char *variable, const char *folder, const char *below)
{
	const char *dir = getenv(variable), *home = getenv("HOME");

	if (may_change_host())
		return NULL;
	if (dir && *dir == '/')
		return xprintf("%s/%s", dir, below);
	return home ? xprintf("%s/%s/%s", home, folder, below) : NULL;
}

char *vm_etc_dir(void)
{
	const char *etc = getenv("VPOOL_ETC_DIR");
	char *dir;

	if (etc)
		return xprintf("%s/vpool/vm.d", etc);
	dir = user_dir("XDG_CONFIG_HOME", ".config", "vpool/vm.d");
	return dir ? dir : xstrdup("/etc/vpool/vm.d");
}

/*
 * Return the value of a variable, or else the directory of a user other than root, or else
 * that of the system, for free(3).
 */
static char *dir_of(const char *variable, const char *xdg, const char *home,
		    const char *tail, const char *system)
{
	const char *given = getenv(variable);
	char *dir = given ? xstrdup(given) : user_dir(xdg, home, tail);

	return dir ? dir : xstrdup(system);
}

char *vm_log_dir(void)
{
	return dir_of("VPOOL_LOG_DIR", "XDG_STATE_HOME", ".local/state", "vpool/log",
		      "/var/log/vpool");
}

char *vm_state_dir(const char *name)
{
	char *dir = dir_of("VPOOL_STATE_DIR", "XDG_STATE_HOME", ".local/state", "vpool/vm",
			   "/var/lib/vpool/vm");
	char *path = xprintf("%s/%s", dir, name);

	free(dir);
	return path;
}

char *vm_template_dir(void)
{
	return dir_of("VPOOL_TEMPLATE_DIR", "XDG_DATA_HOME", ".local/share",
		      "vpool/templates", "/var/lib/vpool/templates");
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
