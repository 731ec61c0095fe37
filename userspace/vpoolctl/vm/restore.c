// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm start --template: start a machine that continues where a saved one was.
 *
 * QEMU starts as for a migration, with memory of the pool. vpoolctl writes the memory of
 * the template into it, and then lets QEMU load the state of the devices, after which the
 * vCPUs run at once.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "output/units.h"
#include "vm/args.h"
#include "vm/backing.h"
#include "vm/config.h"
#include "vm/confine.h"
#include "vm/console.h"
#include "vm/definition.h"
#include "vm/ended.h"
#include "vm/placement.h"
#include "vm/plug.h"
#include "vm/property.h"
#include "vm/qemu.h"
#include "vm/qemu_args.h"
#include "vm/qmp.h"
#include "vm/restore.h"
#include "vm/scope.h"
#include "vm/starting.h"
#include "vm/template.h"
#include "vm/template_image.h"
#include "vm/user.h"
#include "vm/user_files.h"
#include "vm/vm.h"

/**
 * struct restore - a start from a template
 * @inv: invocation of the verb, for messages
 * @name: name of the machine
 * @from: name of the template
 * @dir: directory of the template; owned
 * @config: what the options say
 * @console: absolute path of a file for the console, or NULL; owned
 * @tpl: the template
 * @user: user that QEMU runs as
 * @confined: QEMU runs in an AppArmor profile
 * @pool: handle of the pool
 * @qemu: the new QEMU
 * @placed: its CPUs
 * @begun: time of the start, in milliseconds
 */
struct restore {
	const struct invocation *inv;
	const char *name;
	const char *from;
	char *dir;
	struct vm_config config;
	char *console;
	struct template tpl;
	struct vm_user user;
	bool confined;
	struct vpool *pool;
	struct qemu qemu;
	struct vm_placed placed;
	double begun;
};

/* Checks */

/* Properties that may be given: those of the start, and those that only must agree. */
static const enum vm_property allowed[] = {
	VM_POOL, VM_MEM, VM_VCPUS, VM_CONSOLE, VM_ACCEL, VM_MACHINE, VM_RUN_AS, VM_SCOPE,
	VM_CONFINE,
};

static bool is_allowed(size_t property)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(allowed); i++)
		if (allowed[i] == property)
			return true;
	return false;
}

static int parse_line(struct restore *restore)
{
	const struct command *cmd = restore->inv->cmd;
	const struct invocation *inv = restore->inv;
	size_t i;
	int status;

	if (inv->argc > 1)
		return usage_error(cmd,
				   "unexpected argument '%s': the template has all arguments for QEMU",
				   inv->argv[1]);
	if (!vm_name_ok(restore->name))
		return usage_error(cmd,
				   "'%s' is not a valid name: up to %d of a-z, 0-9, and . _ - except as the first",
				   restore->name, VM_NAME_MAX);
	for (i = 0; i < cmd->nr_properties; i++)
		if (inv->given[cmd->nr_options + i] && !is_allowed(i))
			return usage_error(cmd,
					   "--%s cannot be given with --template, which has it already",
					   cmd->properties[i].name);
	status = vm_config_from_options(inv, &restore->config);
	if (!status && !restore->config.pool)
		status = usage_error(cmd, "no pool: use --pool NAME");
	return status;
}

static int other(const struct restore *restore, const char *what, const char *has,
		 const char *wanted)
{
	cmd_error(restore->inv, restore->name, TOOL_TEMPLATE_OTHER,
		  "template %s has %s %s, not %s", restore->from, what, has, wanted);
	return -1;
}

static int check_word(const struct restore *restore, const char *what, const char *has,
		      const char *wanted)
{
	return wanted && strcmp(has, wanted) ? other(restore, what, has, wanted) : 0;
}

static int check_options(const struct restore *restore)
{
	const struct vm_config *config = &restore->config;
	const struct template *tpl = &restore->tpl;
	char has[SIZE_TEXT], wanted[SIZE_TEXT];

	if (config->mem && config->mem != template_memory(tpl))
		return other(restore, "a memory of",
			     format_size(template_memory(tpl), has),
			     format_size(config->mem, wanted));
	if (config->vcpus && config->vcpus != template_vcpus(tpl)) {
		snprintf(has, sizeof(has), "%u", template_vcpus(tpl));
		snprintf(wanted, sizeof(wanted), "%u", config->vcpus);
		return other(restore, "a number of vCPUs of", has, wanted);
	}
	if (check_word(restore, "the machine type", tpl->machine, config->machine))
		return -1;
	return check_word(restore, "the accelerator", tpl->accel, config->accel);
}

/* A guest that uses the CPU of the host cannot continue on another one. */
static int check_cpu(const struct restore *restore)
{
	char *cpu = template_host_cpu();
	int err = 0;

	if (!strcmp(restore->tpl.accel, "kvm") && strcmp(cpu, restore->tpl.cpu)) {
		cmd_error(restore->inv, restore->name, TOOL_TEMPLATE_OTHER,
			  "template %s was saved on a host with the CPU '%s', but this host has '%s'",
			  restore->from, restore->tpl.cpu, cpu);
		err = -1;
	}
	free(cpu);
	return err;
}

static int check_disks(const struct restore *restore)
{
	size_t i;
	int err;

	for (i = 0; i < restore->tpl.nr_disks; i++) {
		const struct template_disk *old = restore->tpl.disks + i;
		struct template_disk now = { .file = old->file };

		err = template_stat_disk(&now);
		if (!err && now.bytes == old->bytes && now.modified_ns == old->modified_ns)
			continue;
		if (err)
			cmd_error(restore->inv, restore->name, errno_code(-err),
				  "the disk %s of template %s: %s", old->file, restore->from,
				  strerror(-err));
		else
			cmd_error(restore->inv, restore->name, TOOL_TEMPLATE_DISK,
				  "the disk %s was changed after template %s was saved; its guest would see wrong data",
				  old->file, restore->from);
		return -1;
	}
	return 0;
}

/* Check what the user of QEMU must be able to open. */
static int check_user(const struct restore *restore)
{
	size_t i;

	for (i = 0; i < restore->tpl.nr_disks; i++)
		if (vm_user_check_file(restore->inv, restore->name, &restore->user, "the disk",
				       restore->tpl.disks[i].file, false))
			return -1;
	if (strcmp(restore->tpl.accel, "kvm"))
		return 0;
	if (vm_start_check_kvm(restore->inv))
		return -1;
	return vm_user_check_kvm(restore->inv, restore->name, &restore->user);
}

static int check_name(const struct restore *restore)
{
	if (!definition_exists(restore->name))
		return 0;
	cmd_error(restore->inv, restore->name, TOOL_VM_DEFINED,
		  "a machine with this name is defined, without a template; use another name");
	return -1;
}

static int check_qemu(const struct restore *restore)
{
	char *version = template_qemu_version(restore->qemu.qmp);
	int err = 0;

	if (!version || strcmp(version, restore->tpl.qemu)) {
		cmd_error(restore->inv, restore->name, TOOL_TEMPLATE_OTHER,
			  "template %s was saved by QEMU %s, but %s is QEMU %s; save the machine again",
			  restore->from, restore->tpl.qemu, qemu_program(),
			  version ? version : "of an unknown version");
		err = -1;
	}
	free(version);
	return err;
}

/* Starting */

/* Start QEMU with the files that it inherits. */
static int launch_with(struct restore *restore, struct vm *vm, char **args)
{
	int cwd = open(restore->tpl.directory, O_PATH | O_DIRECTORY | O_CLOEXEC), err;
	char *scope = scope_of_config(&restore->config);
	const struct qemu_bounds bounds = {
		.scope = scope, .confined = restore->confined,
		.context = vm_confine_context(restore->config.confine),
	};
	struct vm_plugs plugs = { 0 };
	struct backing backing;

	backing_init(&backing);
	err = vm_plan_back(restore->inv, restore->name, restore->pool, &restore->tpl.plan,
			   &backing);
	if (!err)
		err = template_plug(restore->inv, restore->name, restore->dir, args + 1, &plugs);
	if (!err)
		err = qemu_launch(restore->inv, restore->name, vm->slot, restore->pool, cwd,
				  args, &backing, &plugs, &restore->user, &bounds,
				  &restore->qemu);
	vm_plugs_close(&plugs);
	backing_close(&backing);
	free(scope);
	if (cwd >= 0)
		close(cwd);
	return err;
}

static int launch(struct restore *restore, struct vm *vm)
{
	char *uuid = read_text("/proc/sys/kernel/random/uuid"), **machine, **args;
	int err;

	if (uuid)
		uuid[strcspn(uuid, "\n")] = '\0';
	machine = template_args(&restore->tpl, uuid ? uuid : "");
	args = qemu_args_incoming(restore->name, restore->console, &restore->user, vm->slot,
				  machine);
	err = launch_with(restore, vm, args);
	args_free(args);
	args_free(machine);
	free(uuid);
	return err;
}

/* A machine that was paused when it was saved runs, too. */
static int let_run(struct restore *restore)
{
	char *status = qmp_status_within(restore->qemu.qmp, QMP_MS);
	int err = 0;

	if (status && !strcmp(status, "paused"))
		err = qmp_run(restore->qemu.qmp, QMP_MS, "cont", NULL, NULL);
	if (!status)
		err = -EPIPE;
	free(status);
	return err;
}

static int load(struct restore *restore, double *memory_ms, double *state_ms)
{
	char *memory = template_path(restore->dir, TEMPLATE_MEMORY);
	char *state = template_path(restore->dir, TEMPLATE_STATE);
	const struct template *tpl = &restore->tpl;
	struct image_node nodes[PLAN_NODES];
	struct qemu *qemu = &restore->qemu;
	struct failure failure = { 0 };
	double begin = now_ms();
	int err;

	err = image_find(qemu->qmp, tpl, nodes, &failure);
	if (!err)
		err = image_load_memory(qemu->slot->pid, nodes, tpl->plan.nr, memory,
					&tpl->memory, &failure);
	*memory_ms = now_ms() - begin;
	begin = now_ms();
	if (!err)
		err = image_load_state(qemu->qmp, qemu->slot, state, &tpl->state, &failure);
	if (!err)
		err = let_run(restore);
	*state_ms = now_ms() - begin;
	free(memory);
	free(state);
	if (err && (interrupted() || !*failure.text || !vm_slot_wait(qemu->slot, 500)))
		qemu_failed(restore->inv, restore->name, qemu, err);
	else if (err)
		failure_report(restore->inv, restore->name, &failure);
	return err;
}

static int build(struct restore *restore)
{
	double launched = now_ms(), memory_ms = 0, state_ms = 0;
	struct vm_placed *placed = &restore->placed;
	const struct template *tpl = &restore->tpl;
	struct qemu_spec spec = {
		.bytes = template_memory(tpl), .vcpus = template_vcpus(tpl),
	};
	char *text;
	int err;

	err = check_qemu(restore);
	if (!err)
		err = vm_build(restore->inv, restore->name, &restore->qemu, restore->pool,
			       restore->config.pool, &tpl->plan, placed);
	if (!err)
		err = load(restore, &memory_ms, &state_ms);
	if (err)
		return err;
	text = vm_start_resources(&spec, placed);
	outcome_print(restore->inv, restore->name,
		      "started %s from template %s on pool %s: %s; process %d",
		      restore->name, restore->from, restore->config.pool, text,
		      restore->qemu.slot->pid);
	if (!outcome_is_json(restore->inv) && !outcome_is_quiet(restore->inv))
		printf("QEMU %.1f ms, memory %.1f ms, devices %.1f ms, state %.1f ms\n",
		       launched - restore->begun, placed->memory_ms, placed->devices_ms,
		       memory_ms + state_ms);
	free(text);
	return 0;
}

static int start_in(struct restore *restore, struct vm *vm)
{
	const char *console = restore->config.console;
	int fd = -1, err;

	restore->begun = now_ms();
	if (vm_start_note_bounds(restore->inv, vm, &restore->config))
		return EXIT_FAILED;
	ended_remove(restore->name);
	vm_user_warn(restore->name, restore->config.user, &restore->user);
	vm_start_log(restore->name);
	if (launch(restore, vm))
		return EXIT_FAILED;
	if (console && !strcmp(console, "-"))
		fd = console_open(vm->slot);
	err = build(restore);
	vpool_cpus_free(&restore->placed.cpus);
	if (err) {
		qemu_stop(&restore->qemu);
		return EXIT_FAILED;
	}
	qemu_release(&restore->qemu);
	qemu_close(&restore->qemu);
	vm->now = 0;
	if (fd < 0)
		return EXIT_OK;
	/* From here on, other commands may change the machine. */
	close(vm->lock);
	vm->lock = -1;
	return console_relay(restore->inv, fd);
}

static int start_on(struct restore *restore)
{
	const struct invocation *inv = restore->inv;
	int status = EXIT_FAILED;
	struct vm *vm;

	if (vm_plan_fit(inv, restore->name, restore->pool, &restore->tpl.plan))
		return EXIT_FAILED;
	if (outcome_is_dry(inv)) {
		outcome_print(inv, restore->name, "would start %s from template %s on pool %s",
			      restore->name, restore->from, restore->config.pool);
		return EXIT_OK;
	}
	if (vm_start_console(inv, &restore->config, &restore->user, &restore->console))
		return EXIT_FAILED;
	vm = vm_start_open(inv, restore->name);
	if (vm)
		status = start_in(restore, vm);
	vm_close(vm);
	return status;
}

static int start(struct restore *restore)
{
	int status, err;

	if (check_name(restore) ||
	    template_read(restore->inv, restore->name, restore->from, &restore->tpl))
		return EXIT_FAILED;
	if (check_options(restore) || check_cpu(restore) || check_disks(restore) ||
	    vm_start_user(restore->inv, &restore->config, restore->tpl.accel, &restore->user) ||
	    check_user(restore) || vm_start_check_scope(restore->inv, &restore->config) ||
	    vm_confine_choose(restore->inv, restore->name, restore->config.confine,
			      &restore->confined))
		return EXIT_FAILED;
	/* The memory of the template can be of a QEMU that opened the device of the pool. */
	restore->tpl.plan.in_files = restore->user.name;
	err = vpool_open(restore->config.pool, &restore->pool);
	if (err)
		status = handle_error(restore->inv, restore->name, restore->pool, err);
	else
		status = start_on(restore);
	vpool_close(restore->pool);
	return status;
}

int vm_start_template(const struct invocation *inv, const char *name, const char *from)
{
	struct restore restore = {
		.inv = inv, .name = name, .from = from, .dir = template_dir(from),
	};
	int status;

	vm_config_init(&restore.config, name);
	status = parse_line(&restore);
	if (!status)
		status = start(&restore);
	template_free(&restore.tpl);
	vm_user_free(&restore.user);
	vm_config_free(&restore.config);
	free(restore.console);
	free(restore.dir);
	return status;
}
