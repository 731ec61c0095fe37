// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notes about how machines ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/files.h"
#include "vm/dirs.h"
#include "vm/ended.h"

static char *note_path(const char *name)
{
	char *dir = vm_run_dir("ended"), *path = xprintf("%s/%s", dir, name);

	free(dir);
	return path;
}

void ended_write(const char *name, const struct ended *ended)
{
	char *dir = vm_run_dir("ended"), *path = note_path(name);
	char *text = xprintf("%lld %d %s\n", ended->at, ended->unexpected, ended->reason);

	if (!make_dirs(dir))
		replace_file(path, text);
	free(text);
	free(path);
	free(dir);
}

bool ended_read(const char *name, struct ended *ended)
{
	char *path = note_path(name), *text = read_text(path);
	int unexpected = 0;
	bool there;

	*ended = (struct ended) { 0 };
	there = text && sscanf(text, "%lld %d %255[^\n]", &ended->at, &unexpected,
			       ended->reason) == 3;
	ended->unexpected = unexpected;
	free(text);
	free(path);
	return there;
}

void ended_remove(const char *name)
{
	char *path = note_path(name);

	unlink(path);
	free(path);
}

char **ended_names(size_t *nr)
{
	char *dir = vm_run_dir("ended"), **names = vm_names_in(dir, "", nr);

	free(dir);
	return names;
}
