// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm migrate: move a running virtual machine to another pool.
 *
 * vpoolctl starts a second QEMU on the target pool, in the other slot of the machine.
 * The first QEMU migrates to it over a unix socket. The machine belongs to the first QEMU
 * until that reports that the migration is complete. With the capability return-path,
 * this means that the second QEMU has confirmed that it has everything. If a step before
 * that fails, vpoolctl ends the second QEMU, and the first lets the machine continue. If
 * vpoolctl dies, the QEMUs finish without it, and the next vpoolctl finds out which of
 * them has the machine.
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
#include "base/interrupt.h"
#include "base/macros.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "output/units.h"
#include "vm/args.h"
#include "vm/backing.h"
#include "vm/cmd.h"
#include "vm/confine.h"
#include "vm/device.h"
#include "vm/handed.h"
#include "vm/label.h"
#include "vm/memory.h"
#include "vm/migration.h"
#include "vm/parts.h"
#include "vm/placement.h"
#include "vm/qemu.h"
#include "vm/qemu_args.h"
#include "vm/qmp.h"
#include "vm/send.h"
#include "vm/size.h"
#include "vm/scope.h"
#include "vm/template.h"
#include "vm/user.h"
#include "vm/vm.h"

enum {
	MIGRATE_TO,
	MIGRATE_TIMEOUT,
	MIGRATE_DOWNTIME,
	MIGRATE_BANDWIDTH,
	MIGRATE_COPY_DISKS,
	MIGRATE_OVERWRITE_DISKS,
	MIGRATE_ADDRESS,
	MIGRATE_PORT,
};

/* Defaults of the time limit and of the downtime limit, in milliseconds. */
#define TIMEOUT_MS 300000
#define DOWNTIME_MS 300
/* Default bandwidth in bytes per second: no limit for a local socket. */
#define BANDWIDTH (64ULL << 30)
/* Time limit for the target QEMU to load the machine, in milliseconds. */
#define LOAD_MS 60000
/* Time limit for releasing and zeroing the old memory, in milliseconds. */
#define RETURN_MS 30000

static const struct option_def migrate_options[] = {
	[MIGRATE_TO] = {
		.name = "to", .arg = "[HOST:]NAME", .complete = COMPLETE_POOL,
		.help =
			"the pool to move it to; HOST is a destination of ssh, as\n"
			"in node2 or root@node2",
	},
	[MIGRATE_TIMEOUT] = {
		.name = "timeout", .letter = 't', .arg = "SECONDS",
		.help =
			"give up after this time; the machine then stays where\n"
			"it is; default 300",
	},
	[MIGRATE_DOWNTIME] = {
		.name = "downtime", .arg = "SECONDS",
		.help =
			"maximum downtime of the machine; default 0.3",
	},
	[MIGRATE_BANDWIDTH] = {
		.name = "bandwidth", .arg = "SIZE",
		.help =
			"copy at most this much per second, to leave memory\n"
			"bandwidth to the other pools",
	},
	[MIGRATE_COPY_DISKS] = {
		.name = "copy-disks",
		.help =
			"with HOST: copy the disks, too, while the machine runs.\n"
			"Without this option, they are on shared storage",
	},
	[MIGRATE_OVERWRITE_DISKS] = {
		.name = "overwrite-disks",
		.help =
			"with --copy-disks: replace the contents of files that\n"
			"exist on HOST",
	},
	[MIGRATE_ADDRESS] = {
		.name = "address", .arg = "ADDRESS",
		.help =
			"with HOST: IP address of HOST for the data; default: the\n"
			"one of the ssh connection",
	},
	[MIGRATE_PORT] = {
		.name = "port", .arg = "PORT",
		.help =
			"with HOST: TCP port of HOST for the data, and the next one\n"
			"for disks; default: any free ones",
	},
	OPTION_DRY_RUN,
	OPTION_QUIET,
	OPTION_OUTCOME,
};

/**
 * struct move - a migration
 * @inv: invocation of the verb, for messages
 * @vm: the machine, locked
 * @from: connection to the source QEMU
 * @to: the target QEMU
 * @pool: handle of the target pool
 * @pool_name: name of the target pool
 * @old: source pool, and the memory in use there
 * @migration: the migration in the source QEMU
 */
struct move {
	const struct invocation *inv;
	struct vm *vm;
	struct qmp *from;
	struct qemu to;
	struct vpool *pool;
	const char *pool_name;
	struct vm_memory old;
	struct migration migration;
};

/* The target slot */

static int check_target(struct move *move, struct vm_plan *plan)
{
	if (!vm_plan_of(move->from, plan))
		return vm_plan_fit(move->inv, move->vm->name, move->pool, plan);
	cmd_error(move->inv, move->vm->name, TOOL_QEMU_FAILED, "%s",
		  qmp_message(move->from));
	return -1;
}

/* Return the address of the migration's socket, for free(3). */
static char *address(const struct move *move)
{
	char *path = vm_slot_path(move->to.slot, "migrate");
	char *uri = xprintf("unix:%s", path);

	free(path);
	return uri;
}

static int open_cwd(pid_t pid)
{
	char *path = xprintf("/proc/%d/cwd", pid);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	free(path);
	return fd;
}

static int make_target(struct move *move, const struct vm_plan *plan)
{
	const struct vm_slot *from = move->vm->slot + move->vm->now;
	struct vm_slot *slot = move->vm->slot + !move->vm->now;
	const char *name = move->vm->name;
	struct vm_placed placed;
	struct vm_plugs plugs = { 0 };
	struct backing backing;
	struct vm_user user;
	char **args, *uri, *scope = scope_read(move->vm->dir);
	char *confine = label_wanted_read(move->vm->dir);
	struct qemu_bounds bounds = { .scope = scope, .context = vm_confine_context(confine) };
	int err, cwd;

	backing_init(&backing);
	/* A QEMU that has ended has no user, which is noticed below. */
	vm_user_of(from->pid, &user);
	args = qemu_args_of(from, slot);
	/* The arguments can have relative paths. */
	cwd = open_cwd(from->pid);
	err = -1;
	if (!vm_slot_wait(from, 0)) {
		cmd_error(move->inv, name, TOOL_VM_LOST, "its QEMU has ended");
	} else if (!args || cwd < 0) {
		cmd_error(move->inv, name, TOOL_VM_FOREIGN,
			  "its QEMU was started by another version of vpoolctl, or in a directory that cannot be read; it cannot be migrated");
	} else if (!vm_confine_choose(move->inv, name, confine, &bounds.confined) &&
		   !vm_plan_back(move->inv, name, move->pool, plan, &backing) &&
		   !vm_parts_reopen(move->inv, name, args, &plugs) &&
		   !template_plug_again(move->inv, name, from->pid, args + 1, &plugs)) {
		err = qemu_launch(move->inv, name, slot, move->pool, cwd, args,
				  &backing, &plugs, &user, &bounds, &move->to);
	}
	vm_plugs_close(&plugs);
	backing_close(&backing);
	if (cwd >= 0)
		close(cwd);
	args_free(args);
	vm_user_free(&user);
	free(scope);
	free(confine);
	if (err)
		return -1;
	err = vm_build(move->inv, name, &move->to, move->pool, move->pool_name,
		       plan, &placed);
	vpool_cpus_free(&placed.cpus);
	if (!err) {
		uri = address(move);
		err = migration_prepare(move->to.qmp, 0);
		if (!err)
			err = migration_listen(move->to.qmp, uri);
		free(uri);
		if (err)
			qemu_failed(move->inv, name, &move->to, err);
	}
	if (err)
		qemu_stop(&move->to);
	return err ? -1 : 0;
}

/* The migration */

/* The target QEMU has the machine: wait until it has loaded it and lets it run. */
static int take_over(struct move *move)
{
	int err;

	do {
		/* It is too late for an interruption. */
		forget_interrupt();
		err = migration_wait_loaded(move->to.qmp, move->to.slot, LOAD_MS);
	} while (err == -EINTR);
	return err;
}

static int wait_scrubbed(const char *pool, int ms)
{
	double deadline = now_ms() + ms;
	struct vpool_info *info;
	struct vpool *vp;
	bool scrubbed = false;

	if (!vpool_open(pool, &vp)) {
		while (!scrubbed && now_ms() < deadline &&
		       !vpool_query(vp, NULL, &info)) {
			scrubbed = !info->scrubbing_bytes;
			vpool_info_free(info);
			if (!scrubbed)
				usleep(10000);
		}
	}
	vpool_close(vp);
	return scrubbed ? 0 : -ETIMEDOUT;
}

/* End the source QEMU, which no longer has the machine. */
static int end_source(struct move *move)
{
	struct vm_slot *slot = move->vm->slot + move->vm->now;
	char size[SIZE_TEXT];
	__u64 missing;
	int err;

	qmp_run(move->from, 5000, "quit", NULL, NULL);
	vm_slot_wait(slot, 5000);
	vm_slot_stop(slot);
	move->vm->now = !move->vm->now;
	err = vm_wait_returned(move->old.pool, RETURN_MS, &missing);
	if (!err)
		err = wait_scrubbed(move->old.pool, RETURN_MS);
	outcome_print(move->inv, move->vm->name,
		      "migrated %s to pool %s: downtime %lld ms, total time %lld ms; %s %s pool %s",
		      move->vm->name, move->pool_name, move->migration.stood_ms,
		      move->migration.total_ms, format_size(move->old.bytes, size),
		      err ? "not yet back in" : "back and zeroed in",
		      move->old.pool);
	return EXIT_OK;
}

/* The source QEMU has ended. Tell whether it handed over the machine before. */
static bool got_away(struct move *move)
{
	char *status = qmp_status(move->to.qmp);
	bool away = status && strcmp(status, "inmigrate");

	free(status);
	return away;
}

static bool old_has_ended(const struct move *move)
{
	return !vm_slot_wait(move->vm->slot + move->vm->now, 0);
}

static int not_moved(struct move *move)
{
	if (old_has_ended(move))
		cmd_error(move->inv, move->vm->name, TOOL_VM_LOST,
			  "its QEMU ended during the migration");
	else
		cmd_error(move->inv, move->vm->name, TOOL_VM_NOT_MIGRATED,
			  "not migrated, it still runs on pool '%s': %s",
			  move->old.pool, move->migration.message);
	/* Show the log before the slot is removed. */
	if (!vm_slot_wait(move->to.slot, 0))
		qemu_show_log(move->to.slot);
	qemu_stop(&move->to);
	return EXIT_FAILED;
}

static int move_over(struct move *move)
{
	char *uri = address(move);
	int err;

	/* From here on, only the QEMUs decide which of them has the machine. */
	qemu_release(&move->to);
	move->migration.name = move->vm->name;
	move->migration.qmp = move->from;
	err = migration_run(&move->migration, uri);
	free(uri);
	/* The cleanup must not be interrupted. */
	forget_interrupt();
	if (err && old_has_ended(move))
		err = !got_away(move);
	else if (err && !migration_cancel(&move->migration))
		err = 0;
	if (err)
		return not_moved(move);
	if (take_over(move)) {
		cmd_error(move->inv, move->vm->name, TOOL_VM_LOST,
			  "it was migrated, but its new QEMU, process %d, does not run it",
			  move->to.slot->pid);
		return EXIT_FAILED;
	}
	return end_source(move);
}

static int migrate_to(struct move *move)
{
	struct vm_plan plan;
	int status = EXIT_FAILED;

	if (check_target(move, &plan))
		return EXIT_FAILED;
	if (outcome_is_dry(move->inv)) {
		outcome_print(move->inv, move->vm->name,
			      "would migrate %s from pool %s to pool %s",
			      move->vm->name, move->old.pool, move->pool_name);
		return EXIT_OK;
	}
	if (!make_target(move, &plan)) {
		status = move_over(move);
		qemu_close(&move->to);
	}
	return status;
}

/* QEMU has removed the names of temporary files, which no other QEMU can open. */
static int check_temporary_disks(const struct move *move)
{
	char **args = qemu_args_read(move->vm->slot + move->vm->now);
	bool has = template_has_temporary_disk(args);

	args_free(args);
	if (!has)
		return 0;
	cmd_error(move->inv, move->vm->name, TOOL_VM_FIXED,
		  "it cannot be migrated, because the changes of its disks are in temporary files, as with a template");
	return -1;
}

/* The state of a device of the host cannot be copied. */
static int check_devices(const struct move *move)
{
	struct vm_devices devices;

	vm_devices_read(move->vm->dir, &devices);
	if (!devices.nr)
		return check_temporary_disks(move);
	cmd_error(move->inv, move->vm->name, TOOL_VM_HAS_DEVICE,
		  "it has PCI device %s of the host, with which it cannot be migrated",
		  devices.device->address);
	return -1;
}

static int migrate_vm(struct move *move)
{
	const struct vm_slot *slot = move->vm->slot + move->vm->now;
	int status = EXIT_FAILED, err;

	vm_read_memory(slot->pid, &move->old);
	if (!strcmp(move->old.pool, move->pool_name)) {
		cmd_error(move->inv, move->vm->name, TOOL_VM_SAME_POOL,
			  "it already runs on pool '%s'", move->pool_name);
		return EXIT_FAILED;
	}
	err = vpool_open(move->pool_name, &move->pool);
	if (err)
		status = handle_error(move->inv, move->vm->name, move->pool, err);
	else
		move->from = vm_connect(move->inv, move->vm);
	if (move->from)
		status = migrate_to(move);
	qmp_close(move->from);
	vpool_close(move->pool);
	return status;
}

static int parse_ms(const struct invocation *inv, int option, __u32 *ms)
{
	if (!inv->given[option] || !parse_seconds(inv->value[option], ms))
		return 0;
	return usage_error(inv->cmd, "--%s: '%s' is not a time in seconds",
			   inv->cmd->options[option].name, inv->value[option]);
}

static int parse_bandwidth(const struct invocation *inv, __u64 *bytes)
{
	const char *text = inv->value[MIGRATE_BANDWIDTH];
	char message[256];

	if (!inv->given[MIGRATE_BANDWIDTH])
		return 0;
	if (parse_size(text, bytes, message, sizeof(message)))
		return usage_error(inv->cmd, "--bandwidth: %s", message);
	if (!*bytes || *bytes > BANDWIDTH)
		return usage_error(inv->cmd,
				   "--bandwidth: '%s' is not between 1 and 64G",
				   text);
	return 0;
}

static int parse_port(const struct invocation *inv, struct send_to *to)
{
	const char *text = inv->value[MIGRATE_PORT];
	unsigned long port;

	if (!inv->given[MIGRATE_PORT])
		return 0;
	if (parse_number(text, 1, 65534, &port))
		return usage_error(inv->cmd, "--port: '%s' is not between 1 and 65534",
				   text);
	to->port = port;
	return 0;
}

/* Check the options that need another host. */
static int parse_host_options(const struct invocation *inv, struct send_to *to)
{
	int option;

	for (option = MIGRATE_COPY_DISKS; option <= MIGRATE_PORT; option++)
		if (inv->given[option] && !to->host)
			return usage_error(inv->cmd, "--%s needs --to HOST:NAME",
					   inv->cmd->options[option].name);
	to->copy_disks = inv->given[MIGRATE_COPY_DISKS];
	to->overwrite_disks = inv->given[MIGRATE_OVERWRITE_DISKS];
	to->address = inv->value[MIGRATE_ADDRESS];
	if (to->overwrite_disks && !to->copy_disks)
		return usage_error(inv->cmd, "--overwrite-disks needs --copy-disks");
	return parse_port(inv, to);
}

/*
 * Split HOST:NAME at the last colon. @text is the copy to split. ssh takes an IPv6 address
 * without brackets.
 */
static int parse_to(const struct invocation *inv, char *text, struct send_to *to)
{
	char *colon = text ? strrchr(text, ':') : NULL;
	size_t len;

	if (!text)
		return usage_error(inv->cmd, "no target pool: use --to NAME");
	to->pool = colon ? colon + 1 : text;
	if (!colon)
		return 0;
	*colon = '\0';
	len = strlen(text);
	if (*text == '[' && text[len - 1] == ']') {
		text[len - 1] = '\0';
		text++;
	}
	to->host = text;
	if (!*to->pool || !*text || *text == '-' || strpbrk(text, " \t\n") ||
	    strlen(text) >= HANDED_HOST_SIZE)
		return usage_error(inv->cmd, "--to: '%s' is not HOST:NAME",
				   inv->value[MIGRATE_TO]);
	return 0;
}

static int parse_line(const struct invocation *inv, char *text,
		      struct send_to *to, struct migration *migration)
{
	int status;

	status = parse_to(inv, text, to);
	if (!status)
		status = parse_host_options(inv, to);
	if (!status)
		status = parse_ms(inv, MIGRATE_TIMEOUT, &migration->timeout_ms);
	if (!status)
		status = parse_ms(inv, MIGRATE_DOWNTIME, &migration->downtime_ms);
	if (!status)
		status = parse_bandwidth(inv, &migration->bandwidth);
	return status;
}

/* Refuse a machine that another host was told to run. */
static int check_handed(const struct invocation *inv, const struct vm *vm)
{
	struct handed note;

	if (!handed_read(vm->dir, &note))
		return 0;
	cmd_error(inv, vm->name, TOOL_VM_UNSURE,
		  "host %s was told to run it; 'vpoolctl vm resume %s' asks it",
		  note.host, vm->name);
	return -1;
}

static int migrate(const struct invocation *inv, const struct send_to *to,
		   struct move *move)
{
	int status;

	catch_interrupts();
	move->vm = vm_running(inv, inv->argv[0], &status);
	if (!move->vm)
		return status;
	if (check_devices(move) || check_handed(inv, move->vm) ||
	    vm_parts_check_fixed(inv, move->vm->name, move->vm->slot + move->vm->now, !to->host))
		status = EXIT_FAILED;
	else if (to->host && outcome_is_dry(inv))
		outcome_print(inv, move->vm->name, "%s would move to pool %s of host %s",
			      move->vm->name, to->pool, to->host);
	else if (to->host)
		status = vm_send(inv, move->vm, to, &move->migration);
	else
		status = migrate_vm(move);
	vm_close(move->vm);
	return status;
}

static int run_vm_migrate(const struct invocation *inv)
{
	struct send_to to = { 0 };
	struct move move = {
		.inv = inv,
		.migration = {
			.timeout_ms = TIMEOUT_MS,
			.downtime_ms = DOWNTIME_MS,
			.bandwidth = BANDWIDTH,
		},
	};
	char *text = NULL;
	int status;

	if (inv->value[MIGRATE_TO])
		text = xstrdup(inv->value[MIGRATE_TO]);
	status = parse_line(inv, text, &to, &move.migration);
	move.pool_name = to.pool;
	if (!status)
		status = migrate(inv, &to, &move);
	free(text);
	return status;
}

const struct command cmd_vm_migrate = {
	.name = "vm migrate",
	.args = "VM",
	.summary = "move a running virtual machine to another pool",
	.description =
		"Move a virtual machine to another pool while it\n"
		"runs. If the migration fails, is interrupted, or exceeds the\n"
		"time limit, the machine continues on its pool. A machine with\n"
		"a disk keeps it. The command prints the downtime and the total\n"
		"time. When it returns, the old memory is free and zeroed.\n\n"
		"With HOST:NAME, move it to a pool of another host. vpoolctl runs\n"
		"'vpoolctl vm receive' there by ssh, which must not ask for a\n"
		"password. The data go over a TCP connection of their own, with\n"
		"TLS and a key that is made for this migration. The kernel and\n"
		"the initrd of the machine must have the same paths there. If\n"
		"either side hears nothing from the other for 10 seconds, the\n"
		"machine continues here, and its QEMU there ends. If only the\n"
		"answer to the last step is lost, the machine stays stopped, and\n"
		"vm resume says how to go on. So it never runs on both hosts.",
	.options = migrate_options,
	.nr_options = ARRAY_SIZE(migrate_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_migrate,
};
