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
#include "vm/backing.h"
#include "vm/cmd.h"
#include "vm/device.h"
#include "vm/memory.h"
#include "vm/placement.h"
#include "vm/qemu.h"
#include "vm/qemu_args.h"
#include "vm/qmp.h"
#include "vm/size.h"
#include "vm/vm.h"

enum {
	MIGRATE_TO,
	MIGRATE_TIMEOUT,
	MIGRATE_DOWNTIME,
	MIGRATE_BANDWIDTH,
};

/* Defaults of the time limit and of the downtime limit, in milliseconds. */
#define TIMEOUT_MS 300000
#define DOWNTIME_MS 300
/* Default bandwidth in bytes per second: no limit for a local socket. */
#define BANDWIDTH (64ULL << 30)
#define EVERY_MS 200
/* Time limit for releasing and zeroing the old memory, in milliseconds. */
#define RETURN_MS 30000

static const struct option_def migrate_options[] = {
	[MIGRATE_TO] = {
		.name = "to", .arg = "NAME", .complete = COMPLETE_POOL,
		.help = "the pool to move it to",
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
 * @timeout_ms: time limit, in milliseconds
 * @downtime_ms: downtime limit, in milliseconds
 * @bandwidth: limit of the copied bytes per second
 * @total_ms: out: duration of the migration, in milliseconds
 * @stood_ms: out: downtime of the machine, in milliseconds
 * @progress: true if a progress line is on the terminal
 */
struct move {
	const struct invocation *inv;
	struct vm *vm;
	struct qmp *from;
	struct qemu to;
	struct vpool *pool;
	const char *pool_name;
	struct vm_memory old;
	__u32 timeout_ms;
	__u32 downtime_ms;
	__u64 bandwidth;
	long long total_ms;
	long long stood_ms;
	bool progress;
};

/* The target slot */

/*
 * Memory returns to a pool in whole pages. A machine whose blocks are smaller, or whose
 * guest reports smaller parts as free, would never return any.
 */
static int check_page_size(const struct move *move, const struct vpool_info *info,
			   const struct vm_plan *plan)
{
	__u64 block = plan->in_files || !plan->block ? VM_SIZE_BLOCK : plan->block;
	char page[SIZE_TEXT], unit[SIZE_TEXT];

	if ((!plan->in_files && !plan->elastic) || info->page_size <= block)
		return 0;
	cmd_error(move->inv, move->vm->name, TOOL_VM_PAGE_SIZE,
		  "pool '%s' has pages of %s, but the machine returns memory in blocks of %s",
		  info->name, format_size(info->page_size, page),
		  format_size(block, unit));
	return -1;
}

static int check_target(struct move *move, struct vm_plan *plan)
{
	const struct invocation *inv = move->inv;
	unsigned int vcpus = 0;
	struct vpool_info *info;
	__u64 bytes;
	size_t i;
	int err;

	err = vpool_query(move->pool, NULL, &info);
	if (err) {
		handle_error(inv, move->vm->name, move->pool, err);
		return -1;
	}
	err = vm_plan_of(move->from, info, plan);
	bytes = plan->plugged;
	for (i = 0; i < plan->nr; i++) {
		bytes += plan->node[i].bytes;
		vcpus += plan->node[i].vcpus;
	}
	if (err)
		cmd_error(inv, move->vm->name, TOOL_QEMU_FAILED,
			  "%s", qmp_message(move->from));
	else
		err = vm_check_pool(inv, info, bytes, vcpus) ||
		      check_page_size(move, info, plan);
	vpool_info_free(info);
	return err ? -1 : 0;
}

static struct json_object *capabilities(void)
{
	static const char * const wanted[] = {
		"auto-converge", "events", "return-path",
	};
	struct json_object *list = json_object_new_array(), *args, *one;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		one = json_object_new_object();
		json_object_object_add(one, "capability",
				       json_object_new_string(wanted[i]));
		json_object_object_add(one, "state",
				       json_object_new_boolean(true));
		json_object_array_add(list, one);
	}
	args = json_object_new_object();
	json_object_object_add(args, "capabilities", list);
	return args;
}

static struct json_object *parameters(const struct move *move)
{
	struct json_object *args = json_object_new_object();

	json_object_object_add(args, "max-bandwidth",
			       json_object_new_int64(move->bandwidth));
	json_object_object_add(args, "downtime-limit",
			       json_object_new_int64(move->downtime_ms));
	return args;
}

static struct json_object *address(const struct move *move)
{
	struct json_object *args = json_object_new_object();
	char *path = vm_slot_path(move->to.slot, "migrate");
	char *uri = xprintf("unix:%s", path);

	json_object_object_add(args, "uri", json_object_new_string(uri));
	free(uri);
	free(path);
	return args;
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
	struct backing backing;
	int err, cwd;
	char **args;

	backing_init(&backing);
	args = qemu_args_of(from, slot);
	/* The arguments can have relative paths. */
	cwd = open_cwd(from->pid);
	err = -1;
	if (!vm_slot_wait(from, 0)) {
		cmd_error(move->inv, name, TOOL_VM_LOST, "its QEMU has ended");
	} else if (!args || cwd < 0) {
		cmd_error(move->inv, name, TOOL_VM_FOREIGN,
			  "its QEMU was started by another version of vpoolctl, or in a directory that cannot be read; it cannot be migrated");
	} else if (!vm_plan_back(move->inv, name, move->pool, plan, &backing)) {
		err = qemu_launch(move->inv, name, slot, move->pool, cwd, args,
				  &backing, &move->to);
	}
	backing_close(&backing);
	if (cwd >= 0)
		close(cwd);
	qemu_args_free(args);
	if (err)
		return -1;
	err = vm_build(move->inv, name, &move->to, move->pool, move->pool_name,
		       plan, &placed);
	vpool_cpus_free(&placed.cpus);
	if (!err) {
		err = qmp_run(move->to.qmp, 10000, "migrate-set-capabilities",
			      capabilities(), NULL);
		if (!err)
			err = qmp_run(move->to.qmp, 10000, "migrate-incoming",
				      address(move), NULL);
		if (err)
			qemu_failed(move->inv, name, &move->to, err);
	}
	if (err)
		qemu_stop(&move->to);
	return err ? -1 : 0;
}

/* The migration */

static void show_progress(struct move *move, struct json_object *info)
{
	char left[SIZE_TEXT], total[SIZE_TEXT];
	struct json_object *ram;

	if (!isatty(STDERR_FILENO) ||
	    !json_object_object_get_ex(info, "ram", &ram))
		return;
	fprintf(stderr, "\r\033[Kvpoolctl: vm migrate %s: %s of %s left, %lld s",
		move->vm->name,
		format_size(json_number(ram, "remaining"), left),
		format_size(json_number(ram, "total"), total),
		json_number(info, "total-time") / 1000);
	move->progress = true;
}

static void clear_progress(struct move *move)
{
	if (move->progress)
		fputs("\r\033[K", stderr);
	move->progress = false;
}

/* Poll the migration. Return 1 if it is complete, 0 if it continues, -1 if it failed. */
static int poll_migration(struct move *move, char *message, size_t room)
{
	struct json_object *info;
	const char *status;
	int done = 0;

	if (qmp_run(move->from, 30000, "query-migrate", NULL, &info)) {
		snprintf(message, room, "%s", qmp_message(move->from));
		return -1;
	}
	status = json_text(info, "status");
	if (!strcmp(status, "completed")) {
		move->total_ms = json_number(info, "total-time");
		move->stood_ms = json_number(info, "downtime");
		/* QEMU reports completion shortly before it reports the times. */
		done = move->total_ms > 0;
	} else if (!strcmp(status, "failed") || !strcmp(status, "cancelled")) {
		snprintf(message, room, "%s", *json_text(info, "error-desc") ?
			 json_text(info, "error-desc") : status);
		done = -1;
	} else {
		show_progress(move, info);
	}
	json_object_put(info);
	return done;
}

/* Wait for the event of the end, and poll in between. */
static int watch(struct move *move, char *message, size_t room)
{
	double deadline = now_ms() + move->timeout_ms;
	int done = 0;

	while (!done) {
		if (qmp_wait(move->from, EVERY_MS, "MIGRATION") == -EPIPE) {
			snprintf(message, room, "QEMU has ended");
			return -1;
		}
		if (interrupted()) {
			snprintf(message, room, "interrupted");
			return -1;
		}
		done = poll_migration(move, message, room);
		if (!done && now_ms() > deadline) {
			snprintf(message, room, "not done after %g s",
				 move->timeout_ms / 1000.0);
			return -1;
		}
	}
	return done;
}

/* Cancel the migration. Return false if the source QEMU has already handed it over. */
static bool call_off(struct move *move)
{
	double deadline = now_ms() + 30000;
	char message[256];
	int done = 0;

	qmp_run(move->from, 10000, "migrate_cancel", NULL, NULL);
	while (!done && now_ms() < deadline) {
		qmp_wait(move->from, EVERY_MS, "MIGRATION");
		done = poll_migration(move, message, sizeof(message));
	}
	return done <= 0;
}

static int hand_over(struct move *move, char *message, size_t room)
{
	int err;

	err = qmp_run(move->from, 10000, "migrate-set-capabilities",
		      capabilities(), NULL);
	if (!err)
		err = qmp_run(move->from, 10000, "migrate-set-parameters",
			      parameters(move), NULL);
	if (!err)
		err = qmp_run(move->from, 10000, "migrate", address(move),
			      NULL);
	if (!err)
		return watch(move, message, room) > 0 ? 0 : -1;
	snprintf(message, room, "%s", qmp_message(move->from));
	return -1;
}

/* The target QEMU has the machine: wait until it has loaded it and lets it run. */
static int take_over(struct move *move)
{
	double deadline = now_ms() + 60000;
	bool there = false;
	char *status;

	while (!there && now_ms() < deadline) {
		status = qmp_status(move->to.qmp);
		there = status && strcmp(status, "inmigrate");
		if (!status && !vm_slot_wait(move->to.slot, 0))
			deadline = 0;
		free(status);
		if (!there)
			usleep(1000);
	}
	return there ? 0 : -1;
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
		      move->vm->name, move->pool_name, move->stood_ms,
		      move->total_ms, format_size(move->old.bytes, size),
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

static int not_moved(struct move *move, const char *message)
{
	if (old_has_ended(move))
		cmd_error(move->inv, move->vm->name, TOOL_VM_LOST,
			  "its QEMU ended during the migration");
	else
		cmd_error(move->inv, move->vm->name, TOOL_VM_NOT_MIGRATED,
			  "not migrated, it still runs on pool '%s': %s",
			  move->old.pool, message);
	/* Show the log before the slot is removed. */
	if (!vm_slot_wait(move->to.slot, 0))
		qemu_show_log(move->to.slot);
	qemu_stop(&move->to);
	return EXIT_FAILED;
}

static int move_over(struct move *move)
{
	char message[256] = "";
	int err;

	/* From here on, only the QEMUs decide which of them has the machine. */
	qemu_release(&move->to);
	err = hand_over(move, message, sizeof(message));
	clear_progress(move);
	/* The cleanup must not be interrupted. */
	forget_interrupt();
	if (err && old_has_ended(move))
		err = !got_away(move);
	else if (err && !call_off(move))
		err = 0;
	if (err)
		return not_moved(move, message);
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

/* The state of a device of the host cannot be copied. */
static int check_devices(const struct move *move)
{
	struct vm_devices devices;

	vm_devices_read(move->vm->dir, &devices);
	if (!devices.nr)
		return 0;
	cmd_error(move->inv, move->vm->name, TOOL_VM_HAS_DEVICE,
		  "it has PCI device %s of the host, with which it cannot be migrated",
		  devices.device->address);
	return -1;
}

static int migrate_vm(struct move *move)
{
	const struct vm_slot *slot = move->vm->slot + move->vm->now;
	int status = EXIT_FAILED, err;

	if (check_devices(move))
		return EXIT_FAILED;
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

static int run_vm_migrate(const struct invocation *inv)
{
	struct move move = {
		.inv = inv,
		.pool_name = inv->value[MIGRATE_TO],
		.timeout_ms = TIMEOUT_MS,
		.downtime_ms = DOWNTIME_MS,
		.bandwidth = BANDWIDTH,
	};
	int status;

	if (!move.pool_name)
		return usage_error(inv->cmd, "no target pool: use --to NAME");
	status = parse_ms(inv, MIGRATE_TIMEOUT, &move.timeout_ms);
	if (!status)
		status = parse_ms(inv, MIGRATE_DOWNTIME, &move.downtime_ms);
	if (!status)
		status = parse_bandwidth(inv, &move.bandwidth);
	if (status)
		return status;
	catch_interrupts();
	move.vm = vm_running(inv, inv->argv[0], &status);
	if (!move.vm)
		return status;
	status = migrate_vm(&move);
	vm_close(move.vm);
	return status;
}

const struct command cmd_vm_migrate = {
	.name = "vm migrate",
	.args = "VM",
	.summary = "move a running virtual machine to another pool",
	.description =
		"Move a virtual machine to another pool of this host while it\n"
		"runs. If the migration fails, is interrupted, or exceeds the\n"
		"time limit, the machine continues on its pool. A machine with\n"
		"a disk keeps it. The command prints the downtime and the total\n"
		"time. When it returns, the old memory is free and zeroed.",
	.options = migrate_options,
	.nr_options = ARRAY_SIZE(migrate_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_migrate,
};
