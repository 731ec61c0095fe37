// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command table. Help, manual and completion are made from it.
 */
#include <string.h>

#include "vpoolctl.h"

const struct command * const commands[] = {
	&cmd_host,
	&cmd_create,
	&cmd_list,
	&cmd_show,
	&cmd_resize,
	&cmd_run,
	&cmd_attach,
	&cmd_detach,
	&cmd_regions,
	&cmd_ps,
	&cmd_kill,
	&cmd_audit,
	&cmd_destroy,
	&cmd_help,
	&cmd_version,
};

const size_t nr_commands = ARRAY_SIZE(commands);

const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < nr_commands; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}
