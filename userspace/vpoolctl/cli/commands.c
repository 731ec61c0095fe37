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
	&cmd_top,
	&cmd_map,
	&cmd_metrics,
	&cmd_apply,
	&cmd_export,
	&cmd_check,
	&cmd_vm_start,
	&cmd_vm_list,
	&cmd_vm_stop,
	&cmd_vm_migrate,
	&cmd_vm_console,
	&cmd_vm_pause,
	&cmd_vm_resume,
	&cmd_help,
	&cmd_version,
};

const size_t nr_commands = ARRAY_SIZE(commands);

/* How many words a verb has: "vm start" has two. */
static int count_words(const char *name)
{
	return strchr(name, ' ') ? 2 : 1;
}

static bool is_verb(const char *name, const char *first, const char *second)
{
	size_t len = strcspn(name, " ");

	if (strncmp(name, first, len) || first[len])
		return false;
	return !name[len] || (second && !strcmp(name + len + 1, second));
}

const struct command *find_command(char **words, int *nr)
{
	size_t i;

	for (i = 0; i < nr_commands; i++) {
		if (!is_verb(commands[i]->name, words[0], words[1]))
			continue;
		*nr = count_words(commands[i]->name);
		return commands[i];
	}
	return NULL;
}

bool is_group(const char *word)
{
	size_t i, len = strlen(word);

	for (i = 0; i < nr_commands; i++)
		if (!strncmp(commands[i]->name, word, len) &&
		    commands[i]->name[len] == ' ')
			return true;
	return false;
}
