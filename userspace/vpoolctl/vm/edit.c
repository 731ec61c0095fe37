// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm show and vm edit: print and edit the definition of a virtual machine.
 *
 * vm edit holds a lock on the file, so that a second vm edit is refused at once. Other
 * programs do not know the lock, so that vm edit compares the file with what it was before
 * it replaces it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/files.h"
#include "base/macros.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "output/table.h"
#include "vm/cmd.h"
#include "vm/definition.h"
#include "vm/ended.h"
#include "vm/vm.h"

/* Return the text of a definition, for free(3), or NULL after a message. */
static char *read_definition(const struct invocation *inv, const char *name)
{
	char *path = definition_path(name), *text = NULL;

	if (vm_name_ok(name))
		text = read_text(path);
	else
		errno = ENOENT;
	if (!text && errno == ENOENT)
		cmd_error(inv, name, TOOL_VM_NOT_DEFINED,
			  "no machine with this name is defined; 'vpoolctl vm list -a' shows those that are");
	else if (!text)
		cmd_error(inv, name, errno_code(errno), "%s: %s", path, strerror(errno));
	free(path);
	return text;
}

/* vm show */

enum {
	SHOW_JSON,
};

static const struct option_def show_options[] = {
	[SHOW_JSON] = OPTION_JSON,
};

enum {
	COL_NAME,
	COL_POOL,
	COL_AUTOSTART,
	COL_FILE,
	COL_DEFINITION,
};

static const struct column show_columns[] = {
	[COL_NAME] = { .name = "NAME", .type = CELL_TEXT },
	[COL_POOL] = { .name = "POOL", .type = CELL_TEXT },
	[COL_AUTOSTART] = { .name = "AUTOSTART", .type = CELL_NUMBER },
	[COL_FILE] = { .name = "FILE", .type = CELL_TEXT },
	[COL_DEFINITION] = { .name = "DEFINITION", .type = CELL_TEXT },
};

static void show_json(const struct definition *def, const char *path, const char *text)
{
	struct table *tb = record_new("definition", show_columns, ARRAY_SIZE(show_columns));
	struct style style = { .json = true };

	table_text(tb, COL_NAME, def->config.name);
	table_text(tb, COL_POOL, def->config.pool);
	table_number(tb, COL_AUTOSTART, def->config.autostart);
	table_text(tb, COL_FILE, path);
	table_text(tb, COL_DEFINITION, text);
	table_print(tb, &style, stdout);
	table_free(tb);
}

static int run_vm_show(const struct invocation *inv)
{
	const char *name = inv->argv[0];
	char *text = read_definition(inv, name), *path = definition_path(name);
	struct definitions defs = { 0 };
	int status = EXIT_FAILED;

	if (text && !inv->given[SHOW_JSON])
		fputs(text, stdout);
	if (text) {
		definitions_load(&defs, name);
		if (defs.notes.nr_mistakes)
			config_report(&defs.notes);
		else
			status = EXIT_OK;
	}
	if (!status && inv->given[SHOW_JSON])
		show_json(defs.vms, path, text);
	definitions_free(&defs);
	free(text);
	free(path);
	return status;
}

/* vm edit */

enum {
	EDIT_QUIET,
	EDIT_JSON,
};

static const struct option_def edit_options[] = {
	[EDIT_QUIET] = OPTION_QUIET,
	[EDIT_JSON] = OPTION_OUTCOME,
};

/* Return the editor of the user. */
static const char *editor_name(void)
{
	const char *editor = getenv("VISUAL");

	if (!editor || !*editor)
		editor = getenv("EDITOR");
	return editor && *editor ? editor : "vi";
}

/* Let the user edit a file. Return 0, or -1 after a message. */
static int run_editor(const struct invocation *inv, const char *file)
{
	const char *editor = editor_name();
	char *command = xprintf("%s \"$1\"", editor);
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		execl("/bin/sh", "sh", "-c", command, editor, file, (char *)NULL);
		_exit(EXIT_NOT_FOUND);
	}
	free(command);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!status)
		return 0;
	cmd_error(inv, inv->argv[0], TOOL_PROGRAM,
		  "the editor '%s' failed, and nothing was changed; VISUAL or EDITOR can name another one",
		  editor);
	return -1;
}

/* Create a file for the editor. Return its path for free(3), or NULL after a message. */
static char *make_draft(const struct invocation *inv, const char *name, const char *text)
{
	const char *tmp = getenv("TMPDIR");
	char *draft = xprintf("%s/vpool-%s-XXXXXX", tmp && *tmp ? tmp : "/tmp", name);
	int fd = mkstemp(draft), err = fd < 0 ? errno : 0;

	if (!err && write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		err = errno ? errno : ENOSPC;
		unlink(draft);
	}
	if (fd >= 0)
		close(fd);
	if (!err)
		return draft;
	cmd_error(inv, name, errno_code(err), "cannot write %s: %s", draft, strerror(err));
	free(draft);
	return NULL;
}

/* Lock the file against another vm edit. Return a descriptor, or -1 after a message. */
static int lock_file(const struct invocation *inv, const char *name)
{
	char *path = definition_path(name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) ? errno : 0;

	if (err == EWOULDBLOCK)
		cmd_error(inv, name, TOOL_VM_EDITED,
			  "another 'vpoolctl vm edit' edits its definition; try again when that has ended");
	else if (err)
		cmd_error(inv, name, errno_code(err), "%s: %s", path, strerror(err));
	if (err && fd >= 0)
		close(fd);
	free(path);
	return err ? -1 : fd;
}

/* Replace the definition if it is still @old. Return 0, or -1 after a message. */
static int install(const struct invocation *inv, const char *name, const char *old,
		   const char *text, const char *draft)
{
	int lock = definitions_lock(inv, name, false), err = -1;
	char *path = definition_path(name), *now;

	if (lock >= 0) {
		now = read_text(path);
		if (!now || strcmp(now, old))
			cmd_error(inv, name, TOOL_VM_EDITED,
				  "its definition has changed since you began, and was not replaced; your version is in %s: compare it with %s, then use 'vpoolctl vm define --replace FILE'",
				  draft, path);
		else
			err = definition_write(inv, name, text, true);
		free(now);
		close(lock);
	}
	free(path);
	return err;
}

/* Take over an edited file. Return the exit status; @keep is set if @draft must stay. */
static int take_draft(const struct invocation *inv, const char *name, const char *old,
		      const char *draft, bool *keep)
{
	char *text = read_text(draft);
	int status = EXIT_FAILED;

	*keep = true;
	if (!text) {
		cmd_error(inv, name, errno_code(errno), "cannot read %s: %s", draft,
			  strerror(errno));
		*keep = false;
	} else if (!strcmp(text, old)) {
		outcome_print(inv, name, "the definition of %s did not change", name);
		*keep = false;
		status = EXIT_OK;
	} else if (definition_check(inv, draft, name)) {
		cmd_error(inv, name, TOOL_CONFIG,
			  "the definition was not replaced; correct %s, then use 'vpoolctl vm define --replace %s'",
			  draft, draft);
	} else if (!install(inv, name, old, text, draft)) {
		outcome_print(inv, name,
			      "changed the definition of %s; a running machine does not change",
			      name);
		*keep = false;
		status = EXIT_OK;
	}
	free(text);
	return status;
}

static int edit(const struct invocation *inv, const char *name, const char *old)
{
	char *draft = make_draft(inv, name, old);
	int status = EXIT_FAILED;
	bool keep = false;

	if (!draft)
		return EXIT_FAILED;
	if (!run_editor(inv, draft))
		status = take_draft(inv, name, old, draft, &keep);
	if (!keep)
		unlink(draft);
	free(draft);
	return status;
}

static int run_vm_edit(const struct invocation *inv)
{
	const char *name = inv->argv[0];
	char *old;
	int lock, status = EXIT_FAILED;

	old = read_definition(inv, name);
	lock = old ? lock_file(inv, name) : -1;
	if (lock >= 0) {
		/* It may have changed before the lock. */
		free(old);
		old = read_definition(inv, name);
	}
	if (lock >= 0 && old)
		status = edit(inv, name, old);
	if (lock >= 0)
		close(lock);
	free(old);
	return status;
}

const struct command cmd_vm_show = {
	.name = "vm show",
	.args = "VM",
	.summary = "print the definition of a virtual machine",
	.description =
		"Print the file that defines a virtual machine. If the file has\n"
		"mistakes, the command reports them and fails.",
	.options = show_options,
	.nr_options = ARRAY_SIZE(show_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_show,
};

const struct command cmd_vm_edit = {
	.name = "vm edit",
	.local = true,
	.args = "VM",
	.summary = "edit the definition of a virtual machine",
	.description =
		"Edit a copy of the definition with the program of VISUAL or\n"
		"EDITOR, or vi. If the copy has no mistakes and nothing else has\n"
		"changed the definition, the copy replaces it. Otherwise the copy\n"
		"stays, and a message names it. A running machine does not change.",
	.options = edit_options,
	.nr_options = ARRAY_SIZE(edit_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_edit,
};
