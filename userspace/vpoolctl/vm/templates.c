// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm templates and vm discard: list templates, and remove one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/macros.h"
#include "output/listing.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "output/table.h"
#include "output/units.h"
#include "vm/cmd.h"
#include "vm/dirs.h"
#include "vm/template.h"

enum {
	COL_NAME,
	COL_SIZE,
	COL_MEMORY,
	COL_VCPUS,
	COL_MACHINE,
	COL_ACCEL,
	COL_QEMU,
	COL_VM,
	COL_AGE,
	COL_DISKS,
};

static const struct column template_columns[] = {
	[COL_NAME] = { "NAME", CELL_TEXT, "the template" },
	[COL_SIZE] = { "SIZE", CELL_SIZE, "what its files use on the disk" },
	[COL_MEMORY] = { "MEMORY", CELL_SIZE, "memory of its machines" },
	[COL_VCPUS] = { "VCPUS", CELL_NUMBER, "number of vCPUs of its machines" },
	[COL_MACHINE] = { "MACHINE", CELL_TEXT, "type of machine, q35 or microvm" },
	[COL_ACCEL] = { "ACCEL", CELL_TEXT, "kvm or tcg", SHOW_NEVER },
	[COL_QEMU] = { "QEMU", CELL_TEXT, "version of QEMU that it needs" },
	[COL_VM] = { "VM", CELL_TEXT, "the virtual machine that was saved" },
	[COL_AGE] = { "AGE", CELL_SECONDS, "time since it was saved" },
	[COL_DISKS] = { "DISKS", CELL_TEXT,
			"files that its machines read, separated by commas", SHOW_NEVER },
};

static char *disks_text(const struct template *tpl)
{
	char *text = xstrdup(""), *longer;
	size_t i;

	for (i = 0; i < tpl->nr_disks; i++) {
		longer = xprintf("%s%s%s", text, i ? "," : "", tpl->disks[i].file);
		free(text);
		text = longer;
	}
	return text;
}

static void fill_template(struct table *tb, const char *name, const struct template *tpl)
{
	long long age = time(NULL) - tpl->saved;
	char *disks = disks_text(tpl);

	table_row(tb);
	table_text(tb, COL_NAME, name);
	table_number(tb, COL_SIZE, template_bytes(name));
	table_number(tb, COL_MEMORY, template_memory(tpl));
	table_number(tb, COL_VCPUS, template_vcpus(tpl));
	table_text(tb, COL_MACHINE, tpl->machine);
	table_text(tb, COL_ACCEL, tpl->accel);
	table_text(tb, COL_QEMU, tpl->qemu);
	table_text(tb, COL_VM, tpl->vm);
	table_number(tb, COL_AGE, age > 0 ? age : 0);
	if (*disks)
		table_text(tb, COL_DISKS, disks);
	free(disks);
}

static int list_templates(const struct invocation *inv, struct vpool *vp, struct table *tb)
{
	struct template tpl;
	char **names;
	size_t i, nr;

	(void)vp;
	names = template_names(&nr);
	for (i = 0; i < nr; i++) {
		/* A damaged template has a message, and does not hide the others. */
		if (!template_read(inv, names[i], names[i], &tpl)) {
			fill_template(tb, names[i], &tpl);
			template_free(&tpl);
		}
		free(names[i]);
	}
	free(names);
	return 0;
}

static int run_vm_templates(const struct invocation *inv)
{
	return run_listing(inv, "templates", list_templates);
}

const struct command cmd_vm_templates = {
	.name = "vm templates",
	.summary = "list the templates of virtual machines",
	.description =
		"List the templates of the caller, from which vm start --template\n"
		"starts virtual machines. A template that is damaged is reported.",
	.options = listing_options,
	.nr_options = NR_LISTING_SIZE_OPTIONS,
	.columns = template_columns,
	.nr_columns = ARRAY_SIZE(template_columns),
	.run = run_vm_templates,
};

/* Removing */

static const struct option_def discard_options[] = {
	OPTION_DRY_RUN,
	OPTION_QUIET,
	OPTION_OUTCOME,
};

static int run_vm_discard(const struct invocation *inv)
{
	const char *name = inv->argv[0];
	int status = EXIT_FAILED, lock, err = 0;
	char size[SIZE_TEXT];

	if (!vm_name_ok(name) || !template_exists(name)) {
		cmd_error(inv, name, TOOL_TEMPLATE_MISSING,
			  "there is no template '%s'; 'vpoolctl vm templates' lists those that exist",
			  name);
		return EXIT_FAILED;
	}
	lock = template_lock(inv, name, false);
	if (lock < 0)
		return EXIT_FAILED;
	format_size(template_bytes(name), size);
	if (!outcome_is_dry(inv))
		err = template_remove(name);
	if (err) {
		cmd_error(inv, name, errno_code(-err), "cannot remove it: %s", strerror(-err));
	} else {
		outcome_print(inv, name, "%s template %s: %s",
			      outcome_is_dry(inv) ? "would discard" : "discarded", name, size);
		status = EXIT_OK;
	}
	close(lock);
	return status;
}

const struct command cmd_vm_discard = {
	.name = "vm discard",
	.args = "TEMPLATE",
	.summary = "remove a template of virtual machines",
	.description =
		"Remove a template. Machines that were started from it continue to\n"
		"run, and can still migrate to another pool. The disks stay.",
	.options = discard_options,
	.nr_options = ARRAY_SIZE(discard_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_TEMPLATE,
	.run = run_vm_discard,
};
