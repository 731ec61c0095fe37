// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl version: show the version.
 */
#include <stdio.h>

#include <libvpool.h>

#include "base/command.h"
#include "base/exit.h"
#include "cmd/cmd.h"

static int run_version(const struct invocation *inv)
{
	(void)inv;
	printf("vpoolctl %s\n", vpool_version());
	return EXIT_OK;
}

const struct command cmd_version = {
	.name = "version",
	.summary = "show the version of vpoolctl",
	.description = "Show the version of vpoolctl and its library.",
	.run = run_version,
};
