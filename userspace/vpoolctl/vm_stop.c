// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm stop, pause and resume.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"
#include "vm.h"

enum {
	STOP_TIMEOUT,
	STOP_FORCE,
};

/* How long a guest has to shut down, and QEMU to quit. */
#define POWERDOWN_MS 30000
#define QUIT_MS 5000
/* How long memory may take to come back when its user has gone. */
#define RETURN_MS 30000

static const struct option_def stop_options[] = {
	[STOP_TIMEOUT] = {
		.name = "timeout", .letter = 't', .arg = "SECONDS",
		.help = "how long the guest has to shut down; 30 unless given",
	},
	[STOP_FORCE] = {
		.name = "force", .letter = 'f',
		.help = "do not ask the guest",
	},
};

/* Wait in steps, so that an interrupt is seen. */
static int wait_for_end(struct vm_side *side, __u32 ms)
{
	double deadline = now_ms() + ms;
	int err;

	do
		err = vm_side_wait(side, 100);
	while (err == -ETIMEDOUT && now_ms() < deadline && !interrupted());
	return interrupted() ? -EINTR : err;
}

/* How it ended, or NULL if the user did not want to wait. */
static const char *end_it(struct vm *vm, __u32 ms, bool force)
{
	struct vm_side *side = vm->side + vm->now;
	char *path = vm_side_path(side, "qmp");
	struct qmp *qmp;
	int err;

	/* One that does not answer is killed. */
	err = qmp_open(path, 5000, &qmp);
	free(path);
	if (!err && !force) {
		err = qmp_run(qmp, 5000, "system_powerdown", NULL, NULL);
		if (!err && !wait_for_end(side, ms)) {
			qmp_close(qmp);
			return "shut down";
		}
		if (interrupted()) {
			qmp_close(qmp);
			return NULL;
		}
	}
	if (qmp)
		err = qmp_run(qmp, 5000, "quit", NULL, NULL);
	qmp_close(qmp);
	if ((!err || err == -EPIPE) && !vm_side_wait(side, QUIT_MS))
		return force ? "stopped" :
			       "did not shut down in time and was stopped";
	vm_side_kill(side);
	return "did not answer and was killed";
}

static int stop(const struct invocation *inv, struct vm *vm, __u32 ms)
{
	struct vm_side *side = vm->side + vm->now;
	struct vm_memory memory = { 0 };
	char text[SIZE_TEXT];
	__u64 missing = 0;
	const char *how;
	int err = 0;

	vm_read_memory(side->pid, &memory);
	how = end_it(vm, ms, inv->given[STOP_FORCE]);
	if (!how) {
		complain(inv, vm->name,
			 "interrupted; it has been asked to shut down");
		return EXIT_FAILED;
	}
	vm_side_kill(side);
	if (*memory.pool)
		err = vm_wait_returned(memory.pool, RETURN_MS, &missing);
	if (err == -ETIMEDOUT)
		complain(inv, vm->name,
			 "it %s, but %s of pool '%s' are still pinned by something else",
			 how, format_size(missing, text), memory.pool);
	if (err == -ETIMEDOUT)
		return EXIT_FAILED;
	printf("%s %s; %s back in pool %s\n", vm->name, how,
	       format_size(memory.bytes, text),
	       *memory.pool ? memory.pool : "-");
	return EXIT_OK;
}

static int run_vm_stop(const struct invocation *inv)
{
	__u32 ms = POWERDOWN_MS;
	struct vm *vm;
	int status;

	if (inv->given[STOP_TIMEOUT] &&
	    parse_seconds(inv->value[STOP_TIMEOUT], &ms))
		return wrong_usage(inv->cmd,
				   "--timeout: '%s' is not a time in seconds",
				   inv->value[STOP_TIMEOUT]);
	catch_interrupts();
	vm = vm_running(inv, inv->argv[0], &status);
	if (!vm)
		return status;
	status = stop(inv, vm, ms);
	vm_close(vm);
	return status;
}

const struct command cmd_vm_stop = {
	.name = "vm stop",
	.args = "VM",
	.summary = "stop a virtual machine",
	.description =
		"Ask the guest to shut down, as its power button does; if it\n"
		"does not in time, end QEMU; if that does not answer, kill it.\n"
		"All its memory and CPUs are back in the pool when the command\n"
		"returns.",
	.options = stop_options,
	.nr_options = ARRAY_SIZE(stop_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_stop,
};

/* Pause and resume */

static int tell_qemu(const struct invocation *inv, const char *command)
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
	if (qmp && qmp_run(qmp, 30000, command, NULL, NULL))
		complain(inv, vm->name, "%s", qmp_why(qmp));
	else if (qmp)
		status = EXIT_OK;
	qmp_close(qmp);
	vm_close(vm);
	return status;
}

static int run_vm_pause(const struct invocation *inv)
{
	return tell_qemu(inv, "stop");
}

static int run_vm_resume(const struct invocation *inv)
{
	return tell_qemu(inv, "cont");
}

const struct command cmd_vm_pause = {
	.name = "vm pause",
	.args = "VM",
	.summary = "pause a virtual machine",
	.description =
		"Stop the vCPUs of a virtual machine. It keeps its memory and\n"
		"CPUs.",
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_pause,
};

const struct command cmd_vm_resume = {
	.name = "vm resume",
	.args = "VM",
	.summary = "let a paused virtual machine run on",
	.description = "Let a virtual machine that was paused run on.",
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_resume,
};
