// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl upgrade: replace the loaded module by another build, and create the pools
 * again.
 *
 * Everything that can be checked is checked before the first pool is destroyed. From
 * then on, a file declares the pools until they exist again, so that a crash does not
 * lose them. If the new module does not load, or does not accept the pools, the old
 * module is loaded again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "config/config.h"
#include "config/declare.h"
#include "config/plan.h"
#include "config/plan_check.h"
#include "config/plan_execute.h"
#include "host/isolate.h"
#include "host/kmod.h"
#include "host/mount_note.h"
#include "host/mounts.h"
#include "host/pools.h"
#include "host/users.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "output/units.h"
#include "vm/vm.h"

#define SAVED VPOOL_RUN "/upgrade.conf"

/* How often to look for users of the pools, in microseconds. */
#define WAIT_STEP_US 200000

enum {
	OPT_MODULE,
	OPT_FALLBACK,
	OPT_NO_FALLBACK,
	OPT_WAIT,
	OPT_DRY_RUN,
	OPT_QUIET,
	OPT_JSON,
};

static const struct option_def upgrade_options[] = {
	[OPT_MODULE] = {
		.name = "module", .letter = 'm', .arg = "FILE",
		.complete = COMPLETE_FILE,
		.help =
			"the file of the new module; default: the installed module,\n"
			"which modprobe loads",
	},
	[OPT_FALLBACK] = {
		.name = "fallback", .arg = "FILE", .complete = COMPLETE_FILE,
		.help =
			"the file of the module to load if the new one fails; default:\n"
			"the file of the loaded module, if it still exists",
	},
	[OPT_NO_FALLBACK] = {
		.name = "no-fallback",
		.help =
			"upgrade although there is no file of the loaded module: if\n"
			"the new one fails, the host has no pools",
	},
	[OPT_WAIT] = {
		.name = "wait", .letter = 'w', .arg = "SECONDS",
		.help =
			"wait for up to this time until no process and no virtual\n"
			"machine uses a pool; default: do not wait",
	},
	[OPT_DRY_RUN] = {
		.name = "dry-run", .letter = 'n',
		.help = "check everything, but change nothing",
	},
	[OPT_QUIET] = {
		.name = "quiet", .letter = 'q',
		.help = "print nothing on success",
	},
	[OPT_JSON] = OPTION_OUTCOME,
};

/**
 * struct upgrade - an upgrade in progress
 * @inv: the command
 * @vp: control handle, or NULL while no module is loaded
 * @loaded: the module that is loaded at the start
 * @new: the module to load
 * @old: the module to load if @new fails; without a file if there is none
 * @pools: declaration of the existing pools
 * @params: parameters of the loaded module
 * @nr_params: length of @params
 */
struct upgrade {
	const struct invocation *inv;
	struct vpool *vp;
	struct kmod loaded;
	struct kmod new;
	struct kmod old;
	struct config pools;
	struct kmod_param *params;
	size_t nr_params;
};

static int report(const struct upgrade *up, const struct failure *failure)
{
	return failure_report(up->inv, NULL, failure);
}

/* Users */

/* Return the name of the virtual machine of a process for free(3), or NULL. */
static char *machine_of(int pid)
{
	char **names, *found = NULL;
	struct vm *vm;
	size_t i, nr;

	names = vm_names(&nr);
	for (i = 0; i < nr; i++) {
		vm = pid ? vm_inspect(names[i]) : NULL;
		if (vm && !found && vm->now >= 0 && vm->slot[vm->now].pid == pid)
			found = xstrdup(names[i]);
		vm_close(vm);
		free(names[i]);
	}
	free(names);
	return found;
}

static void report_user(const struct upgrade *up, const struct user *user)
{
	char *machine = machine_of(user->pid);

	if (machine)
		cmd_error(up->inv, user->pool, TOOL_UPGRADE_IN_USE,
			  "%s: it is the virtual machine %s; 'vpoolctl vm stop %s' stops it",
			  user->text, machine, machine);
	else
		cmd_error(up->inv, user->pool, TOOL_UPGRADE_IN_USE, "%s", user->text);
	free(machine);
}

static __u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* Wait until nothing uses the pools or the module, or report the users. */
static int check_users(struct upgrade *up, __u32 wait_ms)
{
	__u64 end = now_ms() + wait_ms;
	struct users users;
	bool told = false;
	size_t i;
	int err;

	for (;;) {
		err = users_find(up->vp, &users);
		if (err)
			return handle_error(up->inv, NULL, up->vp, err);
		if (!users.nr)
			return EXIT_OK;
		if (now_ms() >= end || interrupted())
			break;
		if (!told && !up->inv->given[OPT_QUIET])
			fprintf(stderr, "vpoolctl: upgrade: waiting: %s%s%s%s\n",
				users.all->pool ?: "", users.all->pool ? ": " : "",
				users.all->text, users.nr > 1 ? ", and others" : "");
		told = true;
		users_free(&users);
		usleep(WAIT_STEP_US);
	}
	for (i = 0; i < users.nr; i++)
		report_user(up, users.all + i);
	users_free(&users);
	cmd_error(up->inv, NULL, TOOL_NOTHING_CHANGED, "nothing was changed");
	return EXIT_FAILED;
}

/* Pools */

/* Declare the pools with the mounts that apply has made. Other mounts are users of a pool. */
static int read_declaration(struct vpool *vp, struct config *cfg)
{
	const struct mount_point *mp;
	struct vpool_info **pools;
	struct pool_config *pool;
	struct mounts mounts;
	size_t nr;
	int err = read_pools(vp, &pools, &nr);

	*cfg = (struct config) { 0 };
	if (err)
		return err;
	cfg->pools = xcalloc(nr, sizeof(*cfg->pools));
	mounts_read(&mounts);
	for (; cfg->nr_pools < nr; cfg->nr_pools++) {
		pool = cfg->pools + cfg->nr_pools;
		pool_config_of(pool, pools[cfg->nr_pools]);
		mp = mount_noted(&mounts, pool->name);
		if (mp)
			pool_config_mount_of(pool, mp);
	}
	mounts_free(&mounts);
	free_pools(pools, nr);
	return 0;
}

static int save_pools(struct upgrade *up)
{
	FILE *file;
	int err;

	if (mkdir(VPOOL_RUN, 0755) && errno != EEXIST) {
		cmd_error(up->inv, NULL, errno_code(errno), VPOOL_RUN ": %s",
			  strerror(errno));
		return EXIT_FAILED;
	}
	file = fopen(SAVED, "wxe");
	err = file ? 0 : errno;
	if (file) {
		config_write(&up->pools, file);
		if (fflush(file) || fsync(fileno(file))) {
			err = errno;
			unlink(SAVED);
		}
		fclose(file);
	}
	if (!err)
		return EXIT_OK;
	if (err == EEXIST)
		cmd_error(up->inv, NULL, TOOL_UPGRADE_UNFINISHED,
			  SAVED " is there: an earlier upgrade did not finish");
	else
		cmd_error(up->inv, NULL, errno_code(err), SAVED ": %s", strerror(err));
	return EXIT_FAILED;
}

/*
 * Make the pools match a declaration: completely or not at all, unless @keep_going. With
 * @keep, pools that are not declared stay.
 */
static int match(struct upgrade *up, struct config *cfg, bool keep, bool keep_going)
{
	struct plan plan;
	int status, err;

	err = plan_make(&plan, cfg, up->vp, keep);
	if (err)
		return handle_error(up->inv, NULL, up->vp, err);
	status = plan_check(&plan, up->inv, up->vp, keep_going) ? EXIT_OK : EXIT_FAILED;
	if (!status || keep_going)
		status |= plan_execute(&plan, up->inv, up->vp, keep_going);
	plan_free(&plan);
	return status;
}

static int destroy_pools(struct upgrade *up)
{
	struct config none = { 0 };

	return match(up, &none, false, false);
}

/* Check that the pools are as declared. */
static int verify(struct upgrade *up)
{
	struct plan plan;
	int err = plan_make(&plan, &up->pools, up->vp, true);
	size_t i;

	if (err)
		return handle_error(up->inv, NULL, up->vp, err);
	for (i = 0; i < plan.nr; i++)
		cmd_error(up->inv, change_name(plan.changes + i), TOOL_UPGRADE_FAILED,
			  "the pool is not as it was before the upgrade");
	err = plan.nr;
	plan_free(&plan);
	return err ? EXIT_FAILED : EXIT_OK;
}

/* Modules */

static int open_control(struct upgrade *up)
{
	int err = vpool_open_control(&up->vp), status;

	if (!err)
		return EXIT_OK;
	status = handle_error(up->inv, NULL, up->vp, err);
	vpool_close(up->vp);
	up->vp = NULL;
	return status;
}

static void close_control(struct upgrade *up)
{
	vpool_close(up->vp);
	up->vp = NULL;
}

/* Unloading the module would destroy a pool that another program has just created. */
static int check_no_pools(struct upgrade *up)
{
	struct vpool_list_entry *entries;
	size_t nr;
	int err = vpool_list(up->vp, &entries, &nr);

	if (err)
		return handle_error(up->inv, NULL, up->vp, err);
	if (nr)
		cmd_error(up->inv, entries->name, TOOL_UPGRADE_IN_USE,
			  "another program has created it during the upgrade");
	free(entries);
	return nr ? EXIT_FAILED : EXIT_OK;
}

static int unload(struct upgrade *up)
{
	struct failure failure;
	int status = check_no_pools(up);

	if (status)
		return status;
	close_control(up);
	if (!kmod_unload(&failure))
		return EXIT_OK;
	report(up, &failure);
	return EXIT_FAILED;
}

/* Load a module, and create the pools. */
static int load(struct upgrade *up, const struct kmod *mod, bool keep_going)
{
	struct failure failure;
	int status;

	if (kmod_load(mod, &failure)) {
		cmd_error(up->inv, NULL, failure.code, "%s: %s", mod->file,
			  failure.text);
		return EXIT_FAILED;
	}
	kmod_params_write(up->params, up->nr_params);
	status = open_control(up);
	return status ? status : match(up, &up->pools, true, keep_going);
}

/* Tell where the declaration of the pools is. */
static int tell_not_undone(const struct upgrade *up, const char *what)
{
	cmd_error(up->inv, NULL, TOOL_UPGRADE_LOST,
		  "%s; 'vpoolctl apply --keep " SAVED "' creates the pools", what);
	return EXIT_FAILED;
}

/* Load the old module again, and create its pools. */
static int go_back(struct upgrade *up)
{
	struct kmod now;
	struct failure failure;

	forget_interrupt();
	if (!up->old.file)
		return tell_not_undone(up, "there is no file of the old module");
	if (up->vp && (destroy_pools(up) || unload(up)))
		return tell_not_undone(up, "the new module stays loaded");
	/* The new module may be loaded although its device cannot be opened. */
	if (!kmod_read_loaded(&now, &failure)) {
		kmod_free(&now);
		if (kmod_unload(&failure)) {
			report(up, &failure);
			return tell_not_undone(up, "the new module stays loaded");
		}
	}
	if (load(up, &up->old, true))
		return tell_not_undone(up, "the old state could not be restored");
	unlink(SAVED);
	cmd_error(up->inv, NULL, TOOL_UNDONE,
		  "the old module is loaded again, with its pools");
	return EXIT_FAILED;
}

/* Create the pools again in the module that is still loaded. */
static int stay(struct upgrade *up)
{
	forget_interrupt();
	if (!up->vp && open_control(up))
		return tell_not_undone(up, "the pools are destroyed");
	if (match(up, &up->pools, true, true))
		return tell_not_undone(up, "not all pools could be created again");
	unlink(SAVED);
	cmd_error(up->inv, NULL, TOOL_UNDONE, "the pools have been created again");
	return EXIT_FAILED;
}

static int swap(struct upgrade *up)
{
	int status = destroy_pools(up);

	if (status && verify(up))
		return tell_not_undone(up, "the module was not replaced");
	if (status) {
		unlink(SAVED);
		return status;
	}
	if (unload(up))
		return stay(up);
	if (load(up, &up->new, false) || verify(up))
		return go_back(up);
	unlink(SAVED);
	kmod_forget(&up->old);
	return EXIT_OK;
}

/* Find the module to load, and the one to go back to. */
static int find_modules(struct upgrade *up)
{
	const struct invocation *inv = up->inv;
	struct failure failure = { 0 };
	bool found;

	if (kmod_read_loaded(&up->loaded, &failure)) {
		report(up, &failure);
		return EXIT_NO_MODULE;
	}
	if (kmod_read_file(&up->new, inv->value[OPT_MODULE], &failure))
		return report(up, &failure);
	if (inv->given[OPT_FALLBACK]) {
		if (kmod_read_file(&up->old, inv->value[OPT_FALLBACK], &failure))
			return report(up, &failure);
		return EXIT_OK;
	}
	found = kmod_find_file(&up->loaded, &up->old);
	if (found || inv->given[OPT_NO_FALLBACK] || kmod_same(&up->loaded, &up->new))
		return EXIT_OK;
	cmd_error(inv, NULL, TOOL_UPGRADE_NO_FALLBACK,
		  "there is no file of the loaded module, vpool %s with srcversion %s, to go back to if the new one fails",
		  up->loaded.version, up->loaded.srcversion);
	return EXIT_FAILED;
}

static void print_modules(const struct upgrade *up, const char *what)
{
	size_t nr = up->pools.nr_pools;

	outcome_print(up->inv, NULL,
		      "%s vpool %s (srcversion %s) by %s (srcversion %s), and create%s %zu pool%s again",
		      what, up->loaded.version, up->loaded.srcversion,
		      up->new.version, up->new.srcversion,
		      up->inv->given[OPT_DRY_RUN] ? "" : "d", nr,
		      nr == 1 ? "" : "s");
}

static int carry_out(struct upgrade *up, __u32 wait_ms)
{
	int status, err;

	if (kmod_same(&up->loaded, &up->new)) {
		outcome_print(up->inv, NULL,
			      "vpool %s (srcversion %s) is loaded already, nothing to do",
			      up->new.version, up->new.srcversion);
		return EXIT_OK;
	}
	status = check_users(up, wait_ms);
	if (status)
		return status;
	err = read_declaration(up->vp, &up->pools);
	if (err)
		return handle_error(up->inv, NULL, up->vp, err);
	if (up->inv->given[OPT_DRY_RUN]) {
		print_modules(up, "would replace");
		return EXIT_OK;
	}
	up->params = kmod_params_read(&up->nr_params);
	status = save_pools(up);
	if (!status)
		status = swap(up);
	if (!status)
		print_modules(up, "replaced");
	return status;
}

static int run_upgrade(const struct invocation *inv)
{
	struct upgrade up = { .inv = inv };
	__u32 wait_ms = 0;
	int status;

	if (inv->given[OPT_WAIT] && parse_seconds(inv->value[OPT_WAIT], &wait_ms))
		return usage_error(inv->cmd, "--wait: '%s' is not a time in seconds",
				   inv->value[OPT_WAIT]);
	if (inv->given[OPT_FALLBACK] && inv->given[OPT_NO_FALLBACK])
		return usage_error(inv->cmd, "give either --fallback or --no-fallback");
	catch_interrupts();
	status = open_control(&up);
	if (!status)
		status = find_modules(&up);
	if (!status)
		status = carry_out(&up, wait_ms);
	close_control(&up);
	kmod_params_free(up.params, up.nr_params);
	config_free(&up.pools);
	kmod_free(&up.loaded);
	kmod_free(&up.new);
	kmod_free(&up.old);
	return status;
}

const struct command cmd_upgrade = {
	.name = "upgrade",
	.summary = "replace the loaded module by a new one, with the same pools",
	.description =
		"Destroy all pools, replace the loaded module by the\n"
		"installed one, and create the pools again: with the same\n"
		"memory on each node, CPUs, isolation, owners and modes. The\n"
		"parameters of the module keep their values. Ids and counters\n"
		"of the pools start again.\n\n"
		"The command changes nothing while a pool is in use, or while\n"
		"a livepatch changes the module. It names each process and\n"
		"virtual machine, and --wait waits for their end. If the new\n"
		"module cannot be loaded, or cannot create the pools, the\n"
		"command loads the old one and creates its pools.\n\n"
		"During the upgrade, " SAVED " declares the\n"
		"pools. After a crash, apply that file and remove it.",
	.options = upgrade_options,
	.nr_options = ARRAY_SIZE(upgrade_options),
	.run = run_upgrade,
};
