// SPDX-License-Identifier: GPL-2.0-only
/*
 * A note that another host was told to run a virtual machine.
 *
 * The source of a migration writes it before it sends that word. From then on, the source
 * must not let the machine run until it knows that the other host does not have it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/files.h"
#include "vm/handed.h"

static char *note_path(const char *dir)
{
	return xprintf("%s/handed", dir);
}

int handed_write(const char *dir, const struct handed *handed)
{
	char *path = note_path(dir);
	char *text = xprintf("%s %s %s %.0f\n", handed->host, handed->id,
			     handed->boot, handed->at_ms);
	int err = replace_file(path, text);

	free(text);
	free(path);
	return err;
}

bool handed_read(const char *dir, struct handed *handed)
{
	char *path = note_path(dir), *text = read_text(path);
	bool there = text && sscanf(text, "%255s %32s %63s %lf", handed->host,
				    handed->id, handed->boot,
				    &handed->at_ms) == 4;

	free(text);
	free(path);
	return there;
}

void handed_remove(const char *dir)
{
	char *path = note_path(dir);

	remove_replaced(path);
	free(path);
}
