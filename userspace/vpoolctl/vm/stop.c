// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm stop: stop a virtual machine.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
#include "vm/cmd.h"
#include "vm/definition.h"
#include "vm/ended.h"
#include "vm/memory.h"
#include "vm/qmp.h"
#include "vm/vm.h"

enum {
	STOP_TIMEOUT,
	STOP_FORCE,
	STOP_ALL,
	STOP_DRY_RUN,
	STOP_QUIET,
	STOP_JSON,
};

/* Time limit for a guest to shut down, and for QEMU to exit, in milliseconds. */
#define POWERDOWN_MS 30000
#define QUIT_MS 5000
/* Time limit for releasing and zeroing the memory, in milliseconds. */
#define RETURN_MS 30000

static const struct option_def stop_options[] = {
	[STOP_TIMEOUT] = {
		.name = "timeout", .letter = 't', .arg = "SECONDS",
		.help = "time limit for the guest to shut down; default 30",
	},
	[STOP_FORCE] = {
		.name = "force", .letter = 'f',
		.help = "end the machine without a shutdown of the guest",
	},
	[STOP_ALL] = {
		.name = "all", .letter = 'a',
		.help =
			"stop all machines, one after the other, in the reverse\n"
			"order of vm start --autostart",
	},
	[STOP_DRY_RUN] = OPTION_DRY_RUN,
	[STOP_QUIET] = OPTION_QUIET,
	[STOP_JSON] = OPTION_OUTCOME,
};

/**
 * struct ending - how a machine ended
 * @how: text after its name, such as "shut down"
 * @forced: true if the guest did not shut down itself
 * @code: code of the failure to report if @forced
 * @status: run state of QEMU that kept the guest from shutting down
 */
struct ending {
	const char *how;
	bool forced;
	int code;
	char status[32];
};

/*
 * Wait until the guest has shut down. QEMU then exits or, with -no-shutdown, pauses.
 * Return 0, -ETIMEDOUT, or -EINTR if the user interrupts.
 */
static int wait_for_shutdown(struct vm_slot *slot, struct qmp *qmp, __u32 ms)
{
	double deadline = now_ms() + ms;
	int err;

	do
		err = qmp_wait(qmp, 100, "SHUTDOWN");
	while (err == -ETIMEDOUT && now_ms() < deadline && !interrupted());
	if (interrupted())
		return -EINTR;
	if (!err && vm_slot_wait(slot, 2000))
		qmp_run(qmp, 5000, "quit", NULL, NULL);
	if (!err || err == -EPIPE)
		err = vm_slot_wait(slot, QUIT_MS);
	return err;
}

/* Run states in which the guest cannot shut down, and the command to leave them. */
static const struct {
	const char *status;
	const char *command;
} stills[] = {
	{ "guest-panicked", NULL },
	{ "internal-error", NULL },
	{ "io-error", NULL },
	{ "paused", "cont" },
	{ "postmigrate", NULL },
	{ "shutdown", NULL },
	{ "suspended", "system_wakeup" },
	{ "watchdog", NULL },
};

/* Resume a guest that does not run. Return 0, or -EHOSTDOWN if it cannot run. */
static int wake(struct qmp *qmp, struct ending *ending)
{
	char *status = qmp_status(qmp);
	size_t i = 0;
	int err = 0;

	while (status && i < ARRAY_SIZE(stills) &&
	       strcmp(status, stills[i].status))
		i++;
	if (status && i < ARRAY_SIZE(stills)) {
		snprintf(ending->status, sizeof(ending->status), "%s", status);
		err = stills[i].command ? qmp_run(qmp, 5000, stills[i].command,
						  NULL, NULL) : -EHOSTDOWN;
	}
	free(status);
	return err;
}

/* Ask the guest to shut down. Return 0, or a negative errno if it has not. */
static int shut_down(struct vm_slot *slot, struct qmp *qmp, __u32 ms,
		     struct ending *ending)
{
	int err = wake(qmp, ending);

	if (!err)
		err = qmp_run(qmp, 5000, "system_powerdown", NULL, NULL);
	return err ? err : wait_for_shutdown(slot, qmp, ms);
}

/* End the machine. Return 0, or -EINTR if the user interrupts. */
static int end_it(struct vm *vm, __u32 ms, bool force, struct ending *ending)
{
	struct vm_slot *slot = vm->slot + vm->now;
	int err, asked = -EPERM;
	struct qmp *qmp;

	*ending = (struct ending) { .how = "shut down" };
	/* Kill a QEMU that does not answer. */
	err = vm_slot_connect(slot, "qmp", 5000, &qmp);
	if (!err && !force)
		asked = shut_down(slot, qmp, ms, ending);
	if (!asked || asked == -EINTR) {
		qmp_close(qmp);
		return asked;
	}
	ending->forced = !force;
	ending->code = asked == -ETIMEDOUT ? TOOL_VM_TIMEOUT : TOOL_VM_FORCED;
	ending->how = force ? "stopped" :
		      asked == -EHOSTDOWN ?
		      "could not shut down and was stopped" :
		      "did not shut down in time and was stopped";
	/* The guest had already shut down. */
	if (asked == -EHOSTDOWN && !strcmp(ending->status, "shutdown"))
		*ending = (struct ending) { .how = "shut down" };
	if (!err)
		err = qmp_run(qmp, 5000, "quit", NULL, NULL);
	qmp_close(qmp);
	if ((!err || err == -EPIPE) && !vm_slot_wait(slot, QUIT_MS))
		return 0;
	vm_slot_stop(slot);
	ending->how = "did not answer and was killed";
	return 0;
}

/* Return the message, such as "shut down; 1G back in pool web", for free(3). */
static char *account(const struct ending *ending,
		     const struct vm_memory *memory)
{
	const char *status = ending->forced ? ending->status : "";
	char text[SIZE_TEXT];

	return xprintf("%s%s%s%s; %s back in pool %s", ending->how,
		       *status ? " (it was " : "", status, *status ? ")" : "",
		       format_size(memory->bytes, text),
		       *memory->pool ? memory->pool : "-");
}

/* Replace the note of QEMU's keeper, which does not know who ended QEMU. */
static void note_end(const struct vm *vm, const struct ending *ending)
{
	struct ended ended = { .at = time(NULL) };

	snprintf(ended.reason, sizeof(ended.reason), "vm stop: it %s%s",
		 strcmp(ending->how, "stopped") ? "" : "was ", ending->how);
	ended_write(vm->name, &ended);
}

static int stop(const struct invocation *inv, struct vm *vm, __u32 ms)
{
	struct vm_slot *slot = vm->slot + vm->now;
	struct vm_memory memory = { 0 };
	char size[SIZE_TEXT], *text;
	struct ending ending;
	__u64 missing = 0;
	bool failed = false;
	int err = 0;

	vm_read_memory(slot->pid, &memory);
	if (end_it(vm, ms, inv->given[STOP_FORCE], &ending)) {
		cmd_error(inv, vm->name, VPOOL_CODE_INTERRUPTED,
			  "interrupted; the guest was already requested to shut down");
		return EXIT_FAILED;
	}
	vm_slot_stop(slot);
	note_end(vm, &ending);
	if (vm_return_devices(vm))
		failed = true;
	if (*memory.pool)
		err = vm_wait_returned(memory.pool, RETURN_MS, &missing);
	if (err == -ETIMEDOUT) {
		cmd_error(inv, vm->name, VPOOL_CODE_POOL_PINNED,
			  "it %s, but %s of pool '%s' are still pinned by other users",
			  ending.how, format_size(missing, size), memory.pool);
		return EXIT_FAILED;
	}
	text = account(&ending, &memory);
	if (ending.forced)
		cmd_error(inv, vm->name, ending.code, "it %s", text);
	else
		outcome_print(inv, vm->name, "%s %s", vm->name, text);
	free(text);
	return ending.forced || failed ? EXIT_FAILED : EXIT_OK;
}

static int stop_one(const struct invocation *inv, const char *name, __u32 ms)
{
	struct vm *vm;
	int status;

	vm = vm_running(inv, name, &status);
	if (!vm)
		return status;
	if (inv->given[STOP_DRY_RUN])
		outcome_print(inv, vm->name, "would stop %s, process %d", vm->name,
			      vm->slot[vm->now].pid);
	else
		status = stop(inv, vm, ms);
	vm_close(vm);
	return status;
}

/* All machines */

/**
 * struct running - a machine to stop
 * @name: its name; owned
 * @place: its place among the machines that start at boot, or after them
 */
struct running {
	char *name;
	unsigned int place;
};

static int compare_places(const void *a, const void *b)
{
	const struct running *x = a, *y = b;

	if (x->place != y->place)
		return x->place > y->place ? -1 : 1;
	return strcmp(y->name, x->name);
}

static unsigned int place_of(const char *name)
{
	unsigned int place = VM_AUTOSTART_LAST + 1;
	struct definitions defs = { 0 };

	if (definition_exists(name))
		definitions_load(&defs, name);
	/* A mistake in the file must not keep the machine from being stopped. */
	if (defs.nr && defs.vms[0].config.autostart)
		place = defs.vms[0].config.autostart;
	definitions_free(&defs);
	return place;
}

static int stop_all(const struct invocation *inv, __u32 ms)
{
	struct running *running;
	int status = EXIT_OK;
	char **names;
	size_t i, nr;
	struct vm *vm;

	names = vm_names(&nr);
	running = xcalloc(nr + 1, sizeof(*running));
	for (i = 0; i < nr; i++)
		running[i] = (struct running) { names[i], place_of(names[i]) };
	qsort(running, nr, sizeof(*running), compare_places);
	for (i = 0; i < nr; i++) {
		/* Only a leftover of a crash may be there, which this removes. */
		bool gone = vm_open(running[i].name, false, &vm) == -ENOENT;

		vm_close(vm);
		if (!gone && !interrupted() && stop_one(inv, running[i].name, ms))
			status = EXIT_FAILED;
		free(running[i].name);
	}
	free(running);
	free(names);
	return status;
}

static int run_vm_stop(const struct invocation *inv)
{
	__u32 ms = POWERDOWN_MS;

	if (inv->given[STOP_TIMEOUT] &&
	    parse_seconds(inv->value[STOP_TIMEOUT], &ms))
		return usage_error(inv->cmd,
				   "--timeout: '%s' is not a time in seconds",
				   inv->value[STOP_TIMEOUT]);
	if (inv->given[STOP_ALL] && inv->argc)
		return usage_error(inv->cmd, "--all takes no machine");
	if (!inv->given[STOP_ALL] && !inv->argc)
		return usage_error(inv->cmd, "too few arguments: expected %s", inv->cmd->args);
	catch_interrupts();
	return inv->given[STOP_ALL] ? stop_all(inv, ms) : stop_one(inv, inv->argv[0], ms);
}

const struct command cmd_vm_stop = {
	.name = "vm stop",
	.args = "VM",
	.summary = "stop a virtual machine",
	.description =
		"Ask the guest to shut down, as its power button would. A\n"
		"paused guest is resumed first. If the guest does not shut\n"
		"down in time, end QEMU, and kill QEMU if it does not answer.\n"
		"In that case, the exit status is 1, unless --force is given.\n"
		"When the command returns, all memory and CPUs are back in the\n"
		"pool, and PCI devices of the host are back with their drivers.",
	.options = stop_options,
	.nr_options = ARRAY_SIZE(stop_options),
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_stop,
};
