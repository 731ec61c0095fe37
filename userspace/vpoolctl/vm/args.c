// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of arguments for QEMU and its helpers.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "vm/args.h"

size_t args_count(char **args)
{
	size_t nr = 0;

	while (args && args[nr])
		nr++;
	return nr;
}

void args_add(char ***args, const char *word)
{
	size_t nr = args_count(*args);

	*args = xrealloc(*args, (nr + 2) * sizeof(**args));
	(*args)[nr] = xstrdup(word);
	(*args)[nr + 1] = NULL;
}

void args_add_two(char ***args, const char *option, const char *value)
{
	args_add(args, option);
	args_add(args, value);
}

void args_add_made(char ***args, const char *option, char *value)
{
	args_add_two(args, option, value);
	free(value);
}

void args_free(char **args)
{
	size_t i;

	for (i = 0; args && args[i]; i++)
		free(args[i]);
	free(args);
}

char *args_escape(const char *text)
{
	char *escaped = xcalloc(2 * strlen(text) + 1, 1), *to = escaped;

	for (; *text; text++) {
		*to++ = *text;
		if (*text == ',')
			*to++ = ',';
	}
	return escaped;
}

char *args_absolute(const char *path)
{
	char cwd[PATH_MAX];

	if (*path == '/')
		return xstrdup(path);
	if (!getcwd(cwd, sizeof(cwd)) || *cwd != '/')
		return xprintf("./%s", path);
	return xprintf("%s/%s", cwd, path);
}
