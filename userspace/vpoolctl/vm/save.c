// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm save: save a running machine as a template.
 *
 * QEMU stops the machine when it writes the state of the devices. The memory is read after
 * that, so both are of the same moment. Until the template has its name, the machine can
 * continue: an error lets it run on as if nothing had happened.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "output/units.h"
#include "vm/args.h"
#include "vm/cmd.h"
#include "vm/device.h"
#include "vm/disks.h"
#include "vm/ended.h"
#include "vm/memory.h"
#include "vm/net.h"
#include "vm/qemu_args.h"
#include "vm/qmp.h"
#include "vm/template.h"
#include "vm/template_image.h"
#include "vm/vm.h"

/* Time limits for QEMU to end and for its memory to return, in milliseconds. */
#define QUIT_MS 10000
#define RETURN_MS 30000

enum {
	SAVE_TEMPLATE,
	SAVE_REPLACE,
	SAVE_KEEP,
	SAVE_DRY_RUN,
	SAVE_QUIET,
	SAVE_JSON,
};

static const struct option_def save_options[] = {
	[SAVE_TEMPLATE] = {
		.name = "template", .letter = 't', .arg = "TEMPLATE",
		.complete = COMPLETE_TEMPLATE,
		.help = "name of the template",
	},
	[SAVE_REPLACE] = {
		.name = "replace", .letter = 'r',
		.help = "replace an existing template of this name",
	},
	[SAVE_KEEP] = {
		.name = "keep", .letter = 'k',
		.help =
			"let the machine continue. Without this option, it ends,\n"
			"and its memory and CPUs go back to the pool",
	},
	[SAVE_DRY_RUN] = OPTION_DRY_RUN,
	[SAVE_QUIET] = OPTION_QUIET,
	[SAVE_JSON] = OPTION_OUTCOME,
};

/**
 * struct save - a machine that is being saved
 * @inv: invocation of the verb, for messages
 * @vm: the machine, locked
 * @slot: slot of its QEMU
 * @qmp: connection to its QEMU
 * @name: name of the template
 * @tpl: the template
 * @ran: the machine was running
 * @fault: why the machine cannot be saved, or NULL; owned
 * @nr_disks: number of its disks to which changes can be temporary
 * @media: files of the disks and CDs that it only reads, NULL-terminated; owned
 * @kernel: path of its kernel, or NULL; owned
 * @initrd: path of its initrd, or NULL; owned
 */
struct save {
	const struct invocation *inv;
	struct vm *vm;
	struct vm_slot *slot;
	struct qmp *qmp;
	const char *name;
	struct template tpl;
	bool ran;
	char *fault;
	size_t nr_disks;
	char **media;
	char *kernel;
	char *initrd;
};

/* What can be saved */

static int refuse(const struct save *save, const char *reason)
{
	cmd_error(save->inv, save->vm->name, TOOL_TEMPLATE_MACHINE,
		  "it cannot become a template: %s", reason);
	return -1;
}

static void set_fault(struct save *save, const char *reason)
{
	if (!save->fault)
		save->fault = xstrdup(reason);
}

static void set_word(char **member, const char *value)
{
	free(*member);
	*member = xprintf("%.*s", (int)strcspn(value, ","), value);
}

/* Note the path of a file that vpoolctl can open. */
static void set_path(const struct save *save, char **member, const char *value)
{
	free(*member);
	*member = template_is_plugged(value) ?
		  xprintf("/proc/%d/fd%s", save->slot->pid, strrchr(value, '/')) :
		  xstrdup(value);
}

/* Two machines that a network connects must not have the same MAC address. */
static void look_at_net(struct save *save, const char *value)
{
	char type[16] = "", name[16] = "";
	size_t len = strcspn(value, ",");
	int at;

	if (len == 4 && (!strncmp(value, "user", 4) || !strncmp(value, "none", 4)))
		return;
	if (save->fault)
		return;
	vm_net_parse(value, type, name, &at);
	save->fault = xprintf("%s, and two on one network%s%s%s%s cannot have the same: %s",
			      "guests keep their MAC address",
			      *type ? ", such as " : "", type, *type ? " " : "", name,
			      "use --net user, or no network");
}

/* Disks that are written become temporary, and those that are read must not change. */
static void look_at_drive(struct save *save, const char *value)
{
	char *file;

	if (template_is_disk(value)) {
		save->nr_disks++;
	} else if (template_is_medium(value)) {
		file = template_drive_file(value);
		args_add(&save->media, file);
		free(file);
	} else if (!strncmp(value, "if=pflash,", 10)) {
		set_fault(save, "it has variables of UEFI (--firmware uefi)");
	} else if (!strncmp(value, "if=virtio,id=seed,", 18)) {
		set_fault(save, "it has the image of its seed (--seed)");
	}
}

/* Look at an option of QEMU. */
static void look_at(void *data, const char *option, const char *value)
{
	struct save *save = data;

	if (!value)
		return;
	if (!strcmp(option, "machine") || !strcmp(option, "M"))
		set_word(&save->tpl.machine, value);
	else if (!strcmp(option, "accel"))
		set_word(&save->tpl.accel, value);
	else if (!strcmp(option, "kernel"))
		set_path(save, &save->kernel, value);
	else if (!strcmp(option, "initrd"))
		set_path(save, &save->initrd, value);
	else if (!strcmp(option, "drive"))
		look_at_drive(save, value);
	else if (!strcmp(option, "nic") || !strcmp(option, "netdev"))
		look_at_net(save, value);
	else if (!strcmp(option, "tpmdev"))
		set_fault(save, "it has a TPM (--tpm)");
	else if (!strcmp(option, "device") && !strncmp(value, "vhost-user-fs", 13))
		set_fault(save, "it shares a directory of the host (--share)");
}

/* Look at the arguments before those that describe the machine. */
static void look_at_screen(struct save *save, char **args, char **machine)
{
	for (; args + 1 < machine; args++)
		if (!strcmp(args[0], "-vnc") && strcmp(args[1], "none"))
			set_fault(save, "it has a screen (--vnc)");
}

static int look_at_args(struct save *save)
{
	char **args = qemu_args_read(save->slot), **machine = qemu_args_machine(args);
	size_t nr = 0, i;

	if (!machine) {
		args_free(args);
		return refuse(save, "its QEMU was started by another version of vpoolctl");
	}
	look_at_screen(save, args, machine);
	template_each_arg(machine, look_at, save);
	if (template_has_temporary_disk(machine))
		set_fault(save,
			  "the changes of its disks are temporary, as those of a machine from a template");
	while (machine[nr])
		nr++;
	save->tpl.args = xcalloc(nr + 1, sizeof(*save->tpl.args));
	for (i = 0; i < nr; i++)
		save->tpl.args[i] = xstrdup(machine[i]);
	args_free(args);
	return save->fault ? refuse(save, save->fault) : 0;
}

static void add_disk(struct save *save, const char *file)
{
	save->tpl.disks[save->tpl.nr_disks++].file = xstrdup(file);
}

/* Note the disks of the machine: first those that it can write to. */
static int look_at_disks(struct save *save)
{
	struct vm_disks disks = { 0 };
	size_t i, nr;
	int err;

	err = disks_read(save->qmp, &disks);
	nr = disks.nr;
	save->tpl.disks = xcalloc(nr + args_count(save->media) + 1, sizeof(*save->tpl.disks));
	for (i = 0; i < nr; i++)
		add_disk(save, disks.disk[i].file);
	for (i = 0; save->media && save->media[i]; i++)
		add_disk(save, save->media[i]);
	disks_free(&disks);
	if (err)
		return refuse(save, "QEMU does not describe its disks");
	if (nr != save->nr_disks)
		return refuse(save, "it can write to a disk that is not from --disk");
	if (nr && save->inv->given[SAVE_KEEP])
		return refuse(save,
			      "it would change its disks when it continues; leave out --keep");
	return 0;
}

static int look_at_plan(struct save *save)
{
	struct vm_devices devices;

	vm_devices_read(save->vm->dir, &devices);
	if (devices.nr)
		return refuse(save, "the state of a PCI device of the host cannot be saved");
	if (vm_plan_of(save->qmp, &save->tpl.plan)) {
		cmd_error(save->inv, save->vm->name, TOOL_QEMU_FAILED, "%s",
			  qmp_message(save->qmp));
		return -1;
	}
	if (save->tpl.plan.elastic)
		return refuse(save, "its memory can change, by --max-mem");
	if (save->tpl.plan.reclaims)
		return refuse(save, "its memory returns to the pool, by --reclaim");
	return 0;
}

static int look_at_status(struct save *save)
{
	char *status = qmp_status_within(save->qmp, QMP_MS), *text;
	bool paused = status && !strcmp(status, "paused");
	int err = 0;

	save->ran = status && !strcmp(status, "running");
	if (!save->ran && !paused) {
		text = xprintf("its state is '%s'", status ? status : "unknown");
		err = refuse(save, text);
		free(text);
	}
	free(status);
	return err;
}

static int look_at_machine(struct save *save)
{
	char *link = xprintf("/proc/%d/cwd", save->slot->pid);

	save->tpl.vm = xstrdup(save->vm->name);
	save->tpl.saved = time(NULL);
	save->tpl.cpu = template_host_cpu();
	save->tpl.directory = realpath(link, NULL);
	save->tpl.qemu = template_qemu_version(save->qmp);
	free(link);
	if (look_at_status(save) || look_at_plan(save) || look_at_args(save))
		return -1;
	return look_at_disks(save);
}

/* Writing */

static int stat_disks(struct save *save, struct failure *failure)
{
	size_t i;
	int err = 0;

	for (i = 0; i < save->tpl.nr_disks && !err; i++) {
		err = template_stat_disk(save->tpl.disks + i);
		if (err)
			failure_set(failure, err, errno_code(-err), "the disk %s: %s",
				    save->tpl.disks[i].file, strerror(-err));
	}
	return err;
}

static int copy_boot(const struct save *save, const char *dir, struct failure *failure)
{
	char *kernel = template_path(dir, TEMPLATE_KERNEL);
	char *initrd = template_path(dir, TEMPLATE_INITRD);
	int err = 0;

	if (save->kernel)
		err = image_copy_file(save->kernel, kernel, failure);
	if (!err && save->initrd)
		err = image_copy_file(save->initrd, initrd, failure);
	free(initrd);
	free(kernel);
	return err;
}

/* Write all files. The machine has stopped, unless this fails early. */
static int write_files(struct save *save, const char *dir, struct failure *failure)
{
	char *state = template_path(dir, TEMPLATE_STATE);
	char *memory = template_path(dir, TEMPLATE_MEMORY);
	struct image_node nodes[PLAN_NODES];
	int err;

	err = image_find(save->qmp, &save->tpl, nodes, failure);
	if (!err)
		err = copy_boot(save, dir, failure);
	if (!err)
		err = image_save_state(save->qmp, save->slot, state, &save->tpl.state, failure);
	if (!err)
		err = image_save_memory(save->slot->pid, nodes, save->tpl.plan.nr, memory,
					&save->tpl.memory, failure);
	if (!err)
		err = stat_disks(save, failure);
	if (!err)
		err = template_write(dir, &save->tpl);
	if (!err)
		err = template_finish(save->name, dir);
	if (err && !*failure->text)
		failure_set(failure, err, errno_code(-err), "cannot write %s: %s", dir,
			    strerror(-err));
	free(memory);
	free(state);
	return err;
}

/* Let the machine run again. */
static void go_on(const struct save *save)
{
	char *status;

	if (save->ran)
		qmp_run(save->qmp, QMP_MS, "cont", NULL, NULL);
	status = qmp_status_within(save->qmp, QMP_MS);
	if (!status || (save->ran && strcmp(status, "running")))
		cmd_error(save->inv, save->vm->name, TOOL_VM_LOST,
			  "it does not continue: %s", *qmp_message(save->qmp) ?
			  qmp_message(save->qmp) : "QEMU does not answer");
	free(status);
}

static int write_template(struct save *save)
{
	struct failure failure = { 0 };
	char *dir = template_begin(save->name);
	int err;

	if (!dir) {
		cmd_error(save->inv, save->vm->name, errno_code(errno),
			  "cannot create the directory of the template: %s",
			  strerror(errno));
		return -1;
	}
	err = write_files(save, dir, &failure);
	/* The cleanup must not be interrupted. */
	forget_interrupt();
	if (err) {
		template_abort(dir);
		cmd_error(save->inv, save->vm->name, failure.code,
			  "not saved, and it continues: %s", failure.text);
		go_on(save);
	}
	free(dir);
	return err;
}

/* The machine afterwards */

static void end_machine(struct save *save)
{
	struct ended ended = { .at = time(NULL) };

	qmp_run(save->qmp, QUIT_MS, "quit", NULL, NULL);
	vm_slot_wait(save->slot, QUIT_MS);
	vm_slot_stop(save->slot);
	snprintf(ended.reason, sizeof(ended.reason), "vm save: it is template %s",
		 save->name);
	ended_write(save->vm->name, &ended);
}

static int finish(struct save *save, double begun)
{
	struct vm_memory memory = { 0 };
	char size[SIZE_TEXT], all[SIZE_TEXT], *after;
	__u64 missing;
	int err = 0;

	vm_read_memory(save->slot->pid, &memory);
	if (save->inv->given[SAVE_KEEP]) {
		go_on(save);
		after = xstrdup("it continues");
	} else {
		end_machine(save);
		if (*memory.pool)
			err = vm_wait_returned(memory.pool, RETURN_MS, &missing);
		after = xprintf("%s %s pool %s", format_size(memory.bytes, all),
				err ? "not yet back in" : "back in", memory.pool);
	}
	outcome_print(save->inv, save->vm->name, "saved %s as template %s: %s in %.1f s; %s",
		      save->vm->name, save->name,
		      format_size(template_bytes(save->name), size),
		      (now_ms() - begun) / 1000, after);
	free(after);
	return EXIT_OK;
}

static int save_machine(struct save *save)
{
	double begun = now_ms();
	int status = EXIT_FAILED, lock;

	if (look_at_machine(save))
		return EXIT_FAILED;
	if (outcome_is_dry(save->inv)) {
		outcome_print(save->inv, save->vm->name, "would save %s as template %s",
			      save->vm->name, save->name);
		return EXIT_OK;
	}
	lock = template_lock(save->inv, save->vm->name, true);
	if (lock < 0)
		return EXIT_FAILED;
	/* Another vpoolctl may have saved it in the meantime. */
	if (template_exists(save->name) && !save->inv->given[SAVE_REPLACE])
		cmd_error(save->inv, save->vm->name, TOOL_TEMPLATE_EXISTS,
			  "template '%s' exists", save->name);
	else if (!write_template(save))
		status = finish(save, begun);
	close(lock);
	return status;
}

static int save_vm(const struct invocation *inv)
{
	struct save save = { .inv = inv, .name = inv->value[SAVE_TEMPLATE] };
	int status;

	save.vm = vm_running(inv, inv->argv[0], &status);
	if (!save.vm)
		return status;
	save.slot = save.vm->slot + save.vm->now;
	save.qmp = vm_connect(inv, save.vm);
	status = save.qmp ? save_machine(&save) : EXIT_FAILED;
	qmp_close(save.qmp);
	vm_close(save.vm);
	template_free(&save.tpl);
	args_free(save.media);
	free(save.kernel);
	free(save.initrd);
	free(save.fault);
	return status;
}

static int run_vm_save(const struct invocation *inv)
{
	const char *name = inv->value[SAVE_TEMPLATE];

	if (!name)
		return usage_error(inv->cmd, "no template: use --template TEMPLATE");
	if (!vm_name_ok(name))
		return usage_error(inv->cmd,
				   "--template: '%s' is not a valid name: up to %d of a-z, 0-9, and . _ - except as the first",
				   name, VM_NAME_MAX);
	catch_interrupts();
	if (template_exists(name) && !inv->given[SAVE_REPLACE]) {
		cmd_error(inv, inv->argv[0], TOOL_TEMPLATE_EXISTS,
			  "template '%s' exists", name);
		return EXIT_FAILED;
	}
	return save_vm(inv);
}

const struct command cmd_vm_save = {
	.name = "vm save",
	.args = "VM",
	.summary = "save a virtual machine as a template",
	.description =
		"Save a running virtual machine as a template: its memory, the\n"
		"state of its devices, and copies of its kernel and initrd, in\n"
		"/var/lib/vpool/templates. For users other than root, the directory\n"
		"is vpool/templates in XDG_DATA_HOME. 'vpoolctl vm start NAME\n"
		"--template TEMPLATE' starts a machine that continues where this one\n"
		"was.\n\n"
		"The machine ends, unless --keep is given. Its disks stay where they\n"
		"are. They must not change, because the machines from the template\n"
		"read them. What those machines write goes to temporary files. So\n"
		"--keep is refused if the machine can write to a disk.\n\n"
		"A machine with --device, --firmware uefi, --tpm, --share, --seed,\n"
		"--vnc, --max-mem or --reclaim cannot be saved. Nor can one on a\n"
		"network that it shares with others, because its guest keeps its MAC\n"
		"address.",
	.options = save_options,
	.nr_options = ARRAY_SIZE(save_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_save,
};
