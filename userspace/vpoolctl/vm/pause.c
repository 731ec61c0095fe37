// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm pause, vm resume and vm reset: stop, continue and reset a virtual machine.
 */
#include <stddef.h>

#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "vm/cmd.h"
#include "vm/handed.h"
#include "vm/qmp.h"
#include "vm/send.h"
#include "vm/vm.h"

static const struct option_def pause_options[] = {
	OPTION_DRY_RUN,
	OPTION_QUIET,
	OPTION_OUTCOME,
};

enum {
	RESUME_FORCE,
};

static const struct option_def resume_options[] = {
	[RESUME_FORCE] = {
		.name = "force", .letter = 'f',
		.help =
			"do not ask the other host. Use this only if the machine\n"
			"does not run there, and has not run there since",
	},
	OPTION_DRY_RUN,
	OPTION_QUIET,
	OPTION_OUTCOME,
};

/* Check that no other host has the machine. Return 0, or -1 with a message. */
static int check_taken(const struct invocation *inv, struct vm *vm)
{
	if (!inv->given[RESUME_FORCE])
		return vm_send_taken(inv, vm);
	handed_remove(vm->dir);
	return 0;
}

static int run_in_qemu(const struct invocation *inv, const char *command)
{
	struct qmp *qmp = NULL;
	struct vm *vm;
	int status;

	catch_interrupts();
	vm = vm_running(inv, inv->argv[0], &status);
	if (!vm)
		return status;
	status = EXIT_FAILED;
	/* A dry run does not ask the other host, which would settle who has the machine. */
	if (inv->cmd != &cmd_vm_resume || outcome_is_dry(inv) || !check_taken(inv, vm))
		qmp = vm_connect(inv, vm);
	if (qmp && !outcome_is_dry(inv) &&
	    qmp_run(qmp, QMP_MS, command, NULL, NULL))
		cmd_error(inv, vm->name, TOOL_QEMU_FAILED,
			  "%s", qmp_message(qmp));
	else if (qmp)
		status = EXIT_OK;
	if (!status)
		outcome_print_silent(inv, vm->name, "%s %s: %s",
				     outcome_is_dry(inv) ? "would run" : "ran",
				     inv->cmd->name, vm->name);
	qmp_close(qmp);
	vm_close(vm);
	return status;
}

static int run_vm_pause(const struct invocation *inv)
{
	return run_in_qemu(inv, "stop");
}

static int run_vm_resume(const struct invocation *inv)
{
	return run_in_qemu(inv, "cont");
}

static int run_vm_reset(const struct invocation *inv)
{
	return run_in_qemu(inv, "system_reset");
}

const struct command cmd_vm_pause = {
	.name = "vm pause",
	.args = "VM",
	.summary = "pause a virtual machine",
	.description =
		"Stop the vCPUs of a virtual machine. It keeps its memory and\n"
		"CPUs.",
	.options = pause_options,
	.nr_options = ARRAY_SIZE(pause_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_pause,
};

const struct command cmd_vm_resume = {
	.name = "vm resume",
	.args = "VM",
	.summary = "resume a paused virtual machine",
	.description =
		"Resume a virtual machine that was paused.\n\n"
		"If the machine was migrated to another host, and the answer of\n"
		"that host was lost, the machine is stopped here in the state\n"
		"postmigrate. The command then asks the other host. If that does\n"
		"not have the machine, it continues here. The command refuses to\n"
		"resume a machine that may run elsewhere.",
	.options = resume_options,
	.nr_options = ARRAY_SIZE(resume_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_resume,
};

const struct command cmd_vm_reset = {
	.name = "vm reset",
	.args = "VM",
	.summary = "reset a virtual machine",
	.description =
		"Reset a virtual machine, as its reset button would. The guest\n"
		"does not shut down, and boots again with the same memory and\n"
		"CPUs.",
	.options = pause_options,
	.nr_options = ARRAY_SIZE(pause_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_reset,
};
