// SPDX-License-Identifier: GPL-2.0-only
/*
 * The properties of a machine's scope, and the file that keeps them.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/files.h"
#include "vm/config.h"
#include "vm/scope.h"

static char *note_path(const char *dir)
{
	return xprintf("%s/scope", dir);
}

char *scope_of_config(const struct vm_config *config)
{
	char *joined = NULL, *longer;
	size_t i;

	for (i = 0; i < config->nr_scope; i++) {
		longer = xprintf("%s%s%s", joined ? joined : "", joined ? "\n" : "",
				 config->scope[i]);
		free(joined);
		joined = longer;
	}
	return joined;
}

int scope_write(const char *dir, const char *properties)
{
	char *path = note_path(dir);
	int err = properties ? replace_file(path, properties) : 0;

	free(path);
	return err;
}

char *scope_read(const char *dir)
{
	char *path = note_path(dir), *text = read_text(path);

	free(path);
	return text;
}

void scope_remove(const char *dir)
{
	char *path = note_path(dir);

	remove_replaced(path);
	free(path);
}
