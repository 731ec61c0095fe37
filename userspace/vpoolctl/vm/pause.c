// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm pause and vm resume: stop and continue the vCPUs of a virtual machine.
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
#include "vm/qmp.h"
#include "vm/vm.h"

static const struct option_def pause_options[] = {
	OPTION_DRY_RUN,
	OPTION_QUIET,
	OPTION_OUTCOME,
};

static int run_in_qemu(const struct invocation *inv, const char *command)
{
	struct qmp *qmp;
	struct vm *vm;
	int status;

	catch_interrupts();
	vm = vm_running(inv, inv->argv[0], &status);
	if (!vm)
		return status;
	qmp = vm_connect(inv, vm);
	status = EXIT_FAILED;
	if (qmp && !outcome_is_dry(inv) &&
	    qmp_run(qmp, 30000, command, NULL, NULL))
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
	.description = "Resume a virtual machine that was paused.",
	.options = pause_options,
	.nr_options = ARRAY_SIZE(pause_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_resume,
};
