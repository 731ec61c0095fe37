// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm define, vm undefine and vm autostart: change which machines stay.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/files.h"
#include "base/macros.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "vm/cmd.h"
#include "vm/config.h"
#include "vm/definition.h"
#include "vm/dirs.h"
#include "vm/ended.h"
#include "vm/parts.h"
#include "vm/property.h"
#include "vm/vm.h"

enum {
	DEFINE_REPLACE,
	DEFINE_DRY_RUN,
	DEFINE_QUIET,
	DEFINE_JSON,
};

static const struct option_def define_options[] = {
	[DEFINE_REPLACE] = {
		.name = "replace", .letter = 'r',
		.help = "replace an existing definition of the machine",
	},
	/* -n is --vcpus. */
	[DEFINE_DRY_RUN] = { .name = "dry-run", .help = DRY_RUN_HELP },
	[DEFINE_QUIET] = OPTION_QUIET,
	[DEFINE_JSON] = OPTION_OUTCOME,
};

/* Options of the verbs that have no others. */
enum {
	CHANGE_DRY_RUN,
	CHANGE_QUIET,
	CHANGE_JSON,
};

static const struct option_def change_options[] = {
	[CHANGE_DRY_RUN] = OPTION_DRY_RUN,
	[CHANGE_QUIET] = OPTION_QUIET,
	[CHANGE_JSON] = OPTION_OUTCOME,
};

enum {
	UNDEFINE_STATE,
	UNDEFINE_DRY_RUN,
	UNDEFINE_QUIET,
	UNDEFINE_JSON,
};

static const struct option_def undefine_options[] = {
	[UNDEFINE_STATE] = {
		.name = "state", .letter = 's',
		.help = "also remove its variables of UEFI, its TPM and its seed",
	},
	[UNDEFINE_DRY_RUN] = OPTION_DRY_RUN,
	[UNDEFINE_QUIET] = OPTION_QUIET,
	[UNDEFINE_JSON] = OPTION_OUTCOME,
};

/* Definitions */

static bool has_property(const struct invocation *inv)
{
	size_t i;

	for (i = 0; i < inv->cmd->nr_properties; i++)
		if (inv->given[inv->cmd->nr_options + i])
			return true;
	return false;
}

/* Write the definition, unless this is a dry run. */
static int install(const struct invocation *inv, const char *name, const char *text)
{
	bool replace = inv->given[DEFINE_REPLACE], exists;
	int lock = -1, err = 0;
	char *path;

	/* A dry run does not create the directory. */
	if (!outcome_is_dry(inv))
		lock = definitions_lock(inv, name, true);
	if (!outcome_is_dry(inv) && lock < 0)
		return EXIT_FAILED;
	exists = definition_exists(name);
	path = definition_path(name);
	if (!outcome_is_dry(inv)) {
		err = definition_write(inv, name, text, replace);
	} else if (exists && !replace) {
		cmd_error(inv, name, TOOL_VM_DEFINED,
			  "a machine with this name is defined already, in %s; 'vpoolctl vm edit' changes it, and --replace replaces it",
			  path);
		err = -1;
	}
	if (lock >= 0)
		close(lock);
	if (!err)
		outcome_print(inv, name, "%s %s in %s",
			      outcome_is_dry(inv) ? "would define" :
			      exists ? "redefined" : "defined", name, path);
	free(path);
	return err ? EXIT_FAILED : EXIT_OK;
}

static int define_options_given(const struct invocation *inv)
{
	const char *name = inv->argv[0];
	struct vm_config config;
	struct failure failure;
	int status, i;
	char *text;

	if (inv->before > 1)
		return usage_error(inv->cmd,
				   "unexpected argument '%s': arguments for QEMU must follow --",
				   inv->argv[1]);
	if (!vm_name_ok(name))
		return usage_error(inv->cmd,
				   "'%s' is not a valid name: up to %d of a-z, 0-9, and . _ - except as the first",
				   name, VM_NAME_MAX);
	vm_config_init(&config, name);
	status = vm_config_from_options(inv, &config);
	for (i = 1; i < inv->argc; i++)
		vm_config_add_qemu(&config, inv->argv[i]);
	if (!status && config.console && !strcmp(config.console, "-"))
		status = usage_error(inv->cmd,
				     "--console: a definition needs a file, not this terminal");
	if (!status && vm_config_check(&config, &failure))
		status = usage_error(inv->cmd, "%s", failure.text);
	vm_config_free(&config);
	if (status)
		return status;
	text = definition_from_options(inv, name);
	status = install(inv, name, text);
	free(text);
	return status;
}

/* Read a file, "-" for standard input, into memory. Return its text for free(3), or NULL. */
static char *read_file(const char *path)
{
	return read_text(strcmp(path, "-") ? path : "/dev/stdin");
}

static int define_file(const struct invocation *inv)
{
	const char *path = inv->argv[0];
	struct definitions defs = { 0 };
	int status = EXIT_FAILED;
	char *text;

	if (inv->argc > 1)
		return usage_error(inv->cmd, "unexpected argument '%s': a file defines the machine",
				   inv->argv[1]);
	text = read_file(path);
	definitions_read_text(&defs, path, text, errno);
	if (defs.notes.nr_mistakes)
		config_report(&defs.notes);
	else if (defs.nr != 1)
		cmd_error(inv, path, TOOL_CONFIG,
			  "the file defines %zu machines; define each with a file of its own",
			  defs.nr);
	else
		status = install(inv, defs.vms[0].config.name, text);
	definitions_free(&defs);
	free(text);
	return status;
}

static int run_vm_define(const struct invocation *inv)
{
	return has_property(inv) ? define_options_given(inv) : define_file(inv);
}

/* Report that a machine is not defined. */
static void not_defined(const struct invocation *inv, const char *name)
{
	cmd_error(inv, name, TOOL_VM_NOT_DEFINED,
		  "no machine with this name is defined; 'vpoolctl vm list -a' shows those that are");
}

/* Remove what a machine keeps while it does not run. Return 0, or -1 after a message. */
static int remove_state(const struct invocation *inv, const char *name)
{
	char *dir = vm_state_dir(name);
	struct vm *vm = NULL;
	int err;

	err = vm_open(name, true, &vm);
	if (err)
		cmd_error(inv, name, err == -EBUSY ? TOOL_VM_BUSY : errno_code(-err),
			  "its state %s stays: %s", dir, err == -EBUSY ?
			  "another vpoolctl works on it" : strerror(-err));
	else if (vm->now >= 0)
		cmd_error(inv, name, TOOL_VM_STATE,
			  "it runs, and its state %s stays: stop it first", dir);
	if (!err && vm->now >= 0)
		err = -EBUSY;
	if (!err && !outcome_is_dry(inv)) {
		err = vm_parts_forget(name);
		if (err)
			cmd_error(inv, name, TOOL_VM_STATE, "its state %s cannot be removed: %s",
				  dir, strerror(-err));
	}
	vm_close(vm);
	free(dir);
	return err ? -1 : 0;
}

/* Remove the definition @path of a machine. Return an exit status. */
static int remove_definition(const struct invocation *inv, const char *name,
			     const char *path)
{
	int lock = definitions_lock(inv, name, false), status = EXIT_FAILED;

	if (lock >= 0 && !outcome_is_dry(inv) && unlink(path)) {
		cmd_error(inv, name, errno_code(errno), "cannot remove %s: %s", path,
			  strerror(errno));
	} else if (lock >= 0) {
		if (!outcome_is_dry(inv))
			ended_remove(name);
		outcome_print(inv, name, "%s %s",
			      outcome_is_dry(inv) ? "would undefine" : "undefined", name);
		status = EXIT_OK;
	}
	if (lock >= 0)
		close(lock);
	return status;
}

static int run_vm_undefine(const struct invocation *inv)
{
	const char *name = inv->argv[0];
	int status = EXIT_FAILED;
	char *path = definition_path(name);

	if (!definition_exists(name))
		not_defined(inv, name);
	else if (!inv->given[UNDEFINE_STATE] || !remove_state(inv, name))
		status = remove_definition(inv, name, path);
	free(path);
	return status;
}

/* Autostart */

/* Change the text of a definition. Return the new text for free(3), or NULL. */
static char *with_autostart(const char *path, const char *name, const char *old,
			    unsigned int value)
{
	char *word = value ? xprintf("%u", value) : xstrdup("false"), *text = NULL;
	struct definitions defs = { 0 }, after = { 0 };

	if (value == VM_AUTOSTART_LAST) {
		free(word);
		word = xstrdup("true");
	}
	definitions_read_text(&defs, path, old, EIO);
	if (defs.nr == 1)
		text = definition_set_autostart(defs.vms, old, word);
	if (text)
		definitions_read_text(&after, path, text, EIO);
	if (text && (after.notes.nr_mistakes || after.nr != 1 ||
		     strcmp(after.vms[0].config.name, name) ||
		     after.vms[0].config.autostart != value)) {
		free(text);
		text = NULL;
	}
	definitions_free(&after);
	definitions_free(&defs);
	free(word);
	return text;
}

static int change_autostart(const struct invocation *inv, const char *name,
			    unsigned int value)
{
	char *path = definition_path(name), *old, *text = NULL;
	int lock = definitions_lock(inv, name, false), status = EXIT_FAILED;

	if (lock >= 0 && !definition_check(inv, path, name)) {
		old = read_text(path);
		if (old)
			text = with_autostart(path, name, old, value);
		free(old);
		if (!text)
			cmd_error(inv, name, TOOL_CONFIG,
				  "cannot change autostart in %s, because of its layout: use 'vpoolctl vm edit %s'",
				  path, name);
		else if (outcome_is_dry(inv) || !definition_write(inv, name, text, true))
			status = EXIT_OK;
	}
	if (!status && value)
		outcome_print(inv, name, "%s %s when the host boots, at place %u of %u",
			      outcome_is_dry(inv) ? "would start" : "will start", name,
			      value, VM_AUTOSTART_LAST);
	else if (!status)
		outcome_print(inv, name, "%s %s when the host boots",
			      outcome_is_dry(inv) ? "would not start" : "will not start",
			      name);
	free(text);
	if (lock >= 0)
		close(lock);
	free(path);
	return status;
}

static int run_vm_autostart(const struct invocation *inv)
{
	const char *name = inv->argv[0];
	struct vm_config config;
	struct failure failure;
	unsigned int value;
	int err;

	vm_config_init(&config, name);
	err = vm_properties[VM_AUTOSTART].set(&config, inv->argc > 1 ? inv->argv[1] : "true",
					      &failure);
	value = config.autostart;
	vm_config_free(&config);
	if (err)
		return usage_error(inv->cmd, "%s", failure.text);
	if (!definition_exists(name)) {
		not_defined(inv, name);
		return EXIT_FAILED;
	}
	return change_autostart(inv, name, value);
}

const struct command cmd_vm_define = {
	.name = "vm define",
	.args = "FILE|VM [-- QEMU-ARGUMENT...]",
	.summary = "define a virtual machine that stays",
	.description =
		"Define a virtual machine: from a file, - for standard input, or\n"
		"with a name and the options of vm start. 'vpoolctl vm start VM'\n"
		"starts a defined machine. Its definition is /etc/vpool/vm.d/VM.conf,\n"
		"in YAML, which vpool.conf(5) describes. For users other than root,\n"
		"the directory is vpool/vm.d in XDG_CONFIG_HOME. The definition is\n"
		"checked before it is written. Its disks, kernel and pool need not\n"
		"exist yet. A running machine does not change.",
	.options = define_options,
	.nr_options = ARRAY_SIZE(define_options),
	.properties = vm_properties,
	.nr_properties = NR_VM_DEFINE_PROPERTIES,
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_FILE,
	.run = run_vm_define,
};

const struct command cmd_vm_undefine = {
	.name = "vm undefine",
	.args = "VM",
	.summary = "remove the definition of a virtual machine",
	.description =
		"Remove the definition of a virtual machine. A machine that runs\n"
		"continues to run. Its disks and its log stay, and so does its state,\n"
		"unless it does not run and --state is given.",
	.options = undefine_options,
	.nr_options = ARRAY_SIZE(undefine_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_undefine,
};

const struct command cmd_vm_autostart = {
	.name = "vm autostart",
	.args = "VM [true|false|PLACE]",
	.summary = "let a virtual machine start at boot, or not",
	.description =
		"Set the property autostart in the definition of a virtual\n"
		"machine; the default is true. vpool-vms.service starts the machines\n"
		"with that property when the host boots, by 'vpoolctl vm start\n"
		"--autostart'. Machines with lower places, from 1 to 1000, start\n"
		"earlier; true is 1000.",
	.options = change_options,
	.nr_options = ARRAY_SIZE(change_options),
	.min_args = 1,
	.max_args = 2,
	.complete = COMPLETE_VM,
	.run = run_vm_autostart,
};
