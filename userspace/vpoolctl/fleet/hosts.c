// SPDX-License-Identifier: GPL-2.0-only
/*
 * The value of --hosts.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "fleet/hosts.h"

/* ssh would take a name that begins with a dash for an option. */
static const char *mistake_of(const struct hosts *hosts, const char *name)
{
	size_t i;

	if (!*name)
		return "a name is empty";
	for (i = 0; name[i]; i++)
		if (!isgraph((unsigned char)name[i]))
			return "is not a name of a host";
	if (*name == '-')
		return "is not a name of a host";
	for (i = 0; i < hosts->nr; i++)
		if (!strcmp(hosts->names[i], name))
			return "is given twice";
	return NULL;
}

int hosts_parse(const char *list, struct hosts *hosts, char *message, size_t room)
{
	char *copy = xstrdup(list), *next = copy, *name;
	const char *mistake = NULL;

	memset(hosts, 0, sizeof(*hosts));
	while (!mistake && (name = strsep(&next, ","))) {
		mistake = mistake_of(hosts, name);
		if (mistake && *name)
			snprintf(message, room, "'%s' %s", name, mistake);
		else if (mistake)
			snprintf(message, room, "%s", mistake);
		hosts->names = xrealloc(hosts->names,
					(hosts->nr + 1) * sizeof(*hosts->names));
		hosts->names[hosts->nr++] = xstrdup(name);
	}
	free(copy);
	if (!mistake)
		return 0;
	hosts_free(hosts);
	return -EINVAL;
}

void hosts_free(struct hosts *hosts)
{
	size_t i;

	for (i = 0; i < hosts->nr; i++)
		free(hosts->names[i]);
	free(hosts->names);
	memset(hosts, 0, sizeof(*hosts));
}
