// SPDX-License-Identifier: GPL-2.0-only
/*
 * The AppArmor profile that a slot has.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/files.h"
#include "vm/label.h"

/* The profile */

char *label_name(const char *dir)
{
	const char *number = strrchr(dir, '/'), *name = number;

	while (name > dir && name[-1] != '/')
		name--;
	return xprintf("vpool-vm.%.*s.%s", (int)(number - name), name, number + 1);
}

static char *marker_path(const char *dir)
{
	return xprintf("%s/profile", dir);
}

int label_set(const char *dir)
{
	char *marker = marker_path(dir), *name = label_name(dir);
	int err = replace_file(marker, name);

	free(name);
	free(marker);
	return err;
}

bool label_is_set(const char *dir)
{
	char *marker = marker_path(dir);
	bool is = !access(marker, F_OK);

	free(marker);
	return is;
}

void label_remove(const char *dir)
{
	char *name;

	if (!label_is_set(dir))
		return;
	name = label_name(dir);
	/* The profile may be gone already. */
	write_text(LABEL_REMOVE, name);
	free(name);
}

/* The property */

static char *wanted_path(const char *dir)
{
	return xprintf("%s/confine", dir);
}

int label_wanted_write(const char *dir, const char *wanted)
{
	char *path = wanted_path(dir);
	int err = wanted ? replace_file(path, wanted) : 0;

	free(path);
	return err;
}

char *label_wanted_read(const char *dir)
{
	char *path = wanted_path(dir), *text = read_text(path);

	free(path);
	return text;
}

void label_wanted_remove(const char *dir)
{
	char *path = wanted_path(dir);

	remove_replaced(path);
	free(path);
}
