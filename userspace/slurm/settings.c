// SPDX-License-Identifier: GPL-2.0-only
/*
 * The settings of the plugin: options of srun, sbatch and salloc, and arguments of
 * plugstack.conf.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "output/units.h"
#include "settings.h"

static int set_size(__u64 *bytes, const char *value, char *message, size_t room)
{
	size_t len = strlen(value);
	__u64 size;
	int err;

	err = parse_size(value, &size, message, room);
	if (err)
		return err;
	if (size && value[len - 1] >= '0' && value[len - 1] <= '9') {
		snprintf(message, room, "'%s': a size needs a unit, as in 512M or 4G", value);
		return -EINVAL;
	}
	*bytes = size;
	return 0;
}

static int set_page_size(struct settings *settings, const char *value, char *message,
			 size_t room)
{
	__u64 size;
	int err;

	err = set_size(&size, value, message, room);
	if (err)
		return err;
	if (size & (size - 1)) {
		snprintf(message, room, "'%s' is not a power of two", value);
		return -EINVAL;
	}
	settings->page_size = size;
	return 0;
}

int settings_set(struct settings *settings, const char *name, const char *value,
		 char *message, size_t room)
{
	if (!strcmp(name, "mem"))
		return set_size(&settings->mem, value, message, room);
	if (!strcmp(name, "page_size"))
		return set_page_size(settings, value, message, room);
	if (!strcmp(name, "timeout")) {
		if (!parse_seconds(value, &settings->timeout_ms))
			return 0;
		snprintf(message, room, "'%s' is not a time in seconds", value);
		return -EINVAL;
	}
	snprintf(message, room, "'%s' is not mem, page_size or timeout", name);
	return -EINVAL;
}

int settings_parse(struct settings *settings, const char *argument, char *message,
		   size_t room)
{
	const char *value = strchr(argument, '=');
	char name[16];

	if (!value || value - argument >= (ptrdiff_t)sizeof(name)) {
		snprintf(message, room, "'%s' is not mem=SIZE, page_size=SIZE or timeout=SECONDS",
			 argument);
		return -EINVAL;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(value - argument), argument);
	return settings_set(settings, name, value + 1, message, room);
}
