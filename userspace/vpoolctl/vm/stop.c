// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm stop: stop a virtual machine.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
#include "vm/memory.h"
#include "vm/qmp.h"
#include "vm/vm.h"

enum {
	STOP_TIMEOUT,
	STOP_FORCE,
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
	char *path = vm_slot_path(slot, "qmp");
	int err, asked = -EPERM;
	struct qmp *qmp;

	*ending = (struct ending) { .how = "shut down" };
	/* Kill a QEMU that does not answer. */
	err = qmp_open(path, 5000, &qmp);
	free(path);
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

static int run_vm_stop(const struct invocation *inv)
{
	__u32 ms = POWERDOWN_MS;
	struct vm *vm;
	int status;

	if (inv->given[STOP_TIMEOUT] &&
	    parse_seconds(inv->value[STOP_TIMEOUT], &ms))
		return usage_error(inv->cmd,
				   "--timeout: '%s' is not a time in seconds",
				   inv->value[STOP_TIMEOUT]);
	catch_interrupts();
	vm = vm_running(inv, inv->argv[0], &status);
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
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_stop,
};
