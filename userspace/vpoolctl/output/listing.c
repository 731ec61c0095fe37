// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verbs that print a single table.
 */
#include <libvpool.h>

#include "base/command.h"
#include "base/exit.h"
#include "output/listing.h"
#include "output/messages.h"
#include "output/table.h"

enum {
	LISTING_JSON,
	LISTING_NOHEADINGS,
	LISTING_RAW,
	LISTING_COLUMNS,
	LISTING_BYTES,
};

const struct option_def listing_options[] = {
	[LISTING_JSON] = OPTION_JSON,
	[LISTING_NOHEADINGS] = OPTION_NOHEADINGS,
	[LISTING_RAW] = OPTION_RAW,
	[LISTING_COLUMNS] = OPTION_COLUMNS,
	[LISTING_BYTES] = OPTION_BYTES,
};

bool listing_wants_all(const struct invocation *inv)
{
	return inv->given[LISTING_JSON] || inv->given[LISTING_COLUMNS];
}

static int fill_table(const struct invocation *inv, struct table *tb,
		      int (*fill)(const struct invocation *inv,
				  struct vpool *vp, struct table *tb))
{
	struct vpool *vp;
	int err;

	err = vpool_open_reader(&vp);
	if (!err)
		err = fill(inv, vp, tb);
	if (err)
		err = handle_error(inv, inv->argv[0], vp, err);
	vpool_close(vp);
	return err;
}

int run_listing(const struct invocation *inv, const char *name,
		int (*fill)(const struct invocation *inv, struct vpool *vp,
			    struct table *tb))
{
	const struct command *cmd = inv->cmd;
	struct table *tb = table_new(name, cmd->columns, cmd->nr_columns);
	struct style style = {
		.json = inv->given[LISTING_JSON],
		.bytes = inv->given[LISTING_BYTES],
		.noheadings = inv->given[LISTING_NOHEADINGS],
		.raw = inv->given[LISTING_RAW],
	};
	int status = EXIT_OK;
	char message[128];

	if (inv->given[LISTING_COLUMNS] &&
	    table_choose(tb, inv->value[LISTING_COLUMNS], message, sizeof(message)))
		status = usage_error(cmd, "%s", message);
	if (!status)
		status = fill_table(inv, tb, fill);
	if (!status)
		table_print(tb, &style, stdout);
	table_free(tb);
	return status;
}
